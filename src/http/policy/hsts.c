/* SPDX-License-Identifier: MIT */
/*
 * hsts.c - http becomes https for hosts that said so; who says so is kept (RFC 6797; R122).
 *
 * The URL of a redirect is upgraded before it is compared with the one that led there (redirect.c): http://a/ that is asked as
 * https://a/ has not left https://a/.  Only an answer over TLS with a certificate that was verified is believed.
 */
#include <time.h>

#include "http/policy/policy.h"

int bide__hsts_apply(bide_hsts *h, struct arena *arena, struct url *url)
{
    if (!bide__hsts_wants(h, url, time(NULL)))
        return 0;
    char *storage = bide__arena_alloc(arena, url->len + 3u);
    if (!storage)
        return BIDE_ENOMEM;

    memcpy(storage, url->href, url->len + 1u);
    url->href = storage;
    bide__hsts_upgrade(url, storage, url->len + 3u);
    return 0;
}

static int before(struct policy *policy, struct request *q)
{
    const struct hsts *p = container_of(policy, struct hsts, policy);

    return bide__hsts_apply(p->store, q->arena, &q->head.url);
}

static int after(struct policy *policy, struct request *q, const struct outcome *o)
{
    const struct hsts *p = container_of(policy, struct hsts, policy);

    return o->code < 0 || !p->is_verified ? POLICY_ACCEPT : bide__hsts_store(p->store, &q->head.url, &o->answer->fields, time(NULL));
}

const struct policy_ops bide__hsts_ops = {.name = "HSTS", .before = before, .after = after};
