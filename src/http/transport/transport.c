/* SPDX-License-Identifier: MIT */
/* transport.c - transports as objects, whatever kind they are of. */
#include "http/transport/transport.h"

static void transport_destroy(void *object)
{
    bide_transport *t = object;

    t->ops->close(t);
    bide__object_free(t);
}

static void transport_describe(const void *object, char *buf, size_t cap)
{
    const bide_transport *t = object;

    snprintf(buf, cap, "%s, asked %llu times", t->ops->name, (unsigned long long)t->asked);
}

static const struct object_type transport_type = {
    .name = "transport", .destroy = transport_destroy, .describe = transport_describe};

void *bide__transport_new(size_t size, const struct transport_ops *ops)
{
    bide_transport *t = bide__object_zalloc(size);
    if (!t) {
        bide__fail_nomem("a transport");
        return NULL;
    }
    bide__object_init(t, &transport_type);
    t->ops = ops;
    return t;
}

uint64_t bide_transport_request_count(const bide_transport *t)
{
    return bide__is_null(t, __func__, "the transport") ? 0 : t->asked;
}

const bide_mock_request *bide_transport_request_at(const bide_transport *t, size_t i)
{
    if (bide__is_null(t, __func__, "the transport"))
        return NULL;
    return t->ops->request_at ? t->ops->request_at(t, i) : NULL;
}

int bide_transport_check(const bide_transport *t)
{
    if (bide__is_null(t, __func__, "the transport"))
        return -EINVAL;
    return t->ops->check(t);
}
