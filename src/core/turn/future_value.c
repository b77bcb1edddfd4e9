/* SPDX-License-Identifier: MIT */
/*
 * future_value.c - a future that may carry more than an int: a pointer with its end, or a copy of bytes.
 *
 * It owns what it carries: that ends with the future, or at once if the future could not be settled with it.
 */
#include "core/turn/future.h"

/* One of bide_future_new: it may carry more than an int. */
struct carrier {
    bide_future future;
    void *value;
    void (*destroy)(void *value); /* NULL: nothing to do */
    size_t len;
    bool has_bytes;
};

static void future_destroy(void *object)
{
    struct carrier *c = object;

    if (c->destroy)
        c->destroy(c->value);
    bide__future_fini(&c->future);
    bide__object_free(c);
}

static void future_release(void *object)
{
    const bide_future *f = object;

    if (!bide__release_is_refused(f->loop, "bide_release of a future"))
        bide__object_unref(object);
}

static const struct object_type future_type = {.name = "future", .destroy = future_destroy, .release = future_release};

bide_future *bide__future_new(bide_loop *loop)
{
    struct carrier *c = bide__object_zalloc(sizeof *c);
    if (!c) {
        bide__fail_nomem("bide_future_new");
        return NULL;
    }
    bide__future_init(&c->future, &future_type, loop);
    return &c->future;
}

/* NULL: it carries an int alone. */
static struct carrier *as_carrier(const bide_future *f)
{
    return f && bide__object_is(&f->object, &future_type) ? container_of(f, struct carrier, future) : NULL;
}

static int set_value(bide_future *f, void *value, void (*destroy)(void *value), const char *function)
{
    struct carrier *c = as_carrier(f);
    int code = bide__future_check_settable(f, function);
    if (code == 0 && !c)
        code = bide_fail(BIDE_ESTATE, "%s: only a future of bide_future_new carries more than an int", function);
    if (code < 0) {
        if (destroy)
            destroy(value);
        return code;
    }
    c->value = value;
    c->destroy = destroy;
    bide__future_settle(f, DONE, 0);
    return 0;
}

int bide_future_set_pointer(bide_future *f, void *pointer, void (*destroy)(void *pointer))
{
    return set_value(f, pointer, destroy, __func__);
}

static void free_bytes(void *bytes)
{
    bide__free(bytes);
}

int bide_future_set_bytes(bide_future *f, const void *data, size_t len)
{
    if (!data && len > 0)
        return bide_fail(-EINVAL, "%s: the data is NULL", __func__);
    char *copy = len < SIZE_MAX ? bide__malloc(len + 1) : NULL;
    if (!copy)
        return bide__fail_nomem(__func__);
    if (len > 0)
        memcpy(copy, data, len);
    copy[len] = 0;
    int code = set_value(f, copy, free_bytes, __func__);
    if (code == 0) {
        as_carrier(f)->len = len;
        as_carrier(f)->has_bytes = true;
    }
    return code;
}

void *bide_future_pointer(const bide_future *f)
{
    const struct carrier *c = bide__future_check(f, __func__) == 0 ? as_carrier(f) : NULL;

    return c && !c->has_bytes ? c->value : NULL;
}

bide_bytes bide_future_bytes(const bide_future *f)
{
    const struct carrier *c = bide__future_check(f, __func__) == 0 ? as_carrier(f) : NULL;

    return c && c->has_bytes ? (bide_bytes){c->value, c->len} : (bide_bytes){NULL, 0};
}
