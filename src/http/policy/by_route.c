/* SPDX-License-Identifier: MIT */
/*
 * by_route.c - the route of each try: chosen anew for each hop of redirects, with what its proxy wants to know (R67).
 *
 * A tunnel is asked for its credentials when it is opened (tunnel/).  A proxy that takes requests as they are gets them with
 * each, as a field of that try alone (R74); its 407 is answered once more for each nonce.
 */
#include "http/policy/policy.h"

#define ASKED_MAX 3
#define CHALLENGES_MAX 8

static struct by_route *of(struct policy *policy)
{
    return container_of(policy, struct by_route, policy);
}

static int choose(const struct by_route *p, struct request *q)
{
    const char *text = p->text ? p->text : bide__route_choose(p->choice, &q->head.url);
    if (!text || !*text)
        return 0;
    bide_tls *tls = bide__route_needs_tls(text) ? p->tls(p->tls_arg) : NULL;

    if (!tls && bide__route_needs_tls(text))
        return bide_error_code();
    q->route = bide__route_get(p->routes, text, tls);
    return q->route ? 0 : bide_error_code();
}

/* The target of a forwarded request, as it stands in its first line. */
static const char *target_of(const struct request *q)
{
    const struct url *u = &q->head.url;
    size_t len = u->has_fragment ? u->fragment.off - 1 : u->len;

    return bide__arena_strndup(q->arena, u->href, len);
}

static int add_credentials(struct by_route *p, struct request *q, struct hop *hop)
{
    const char *target = target_of(q);
    char *value = bide__arena_alloc(q->arena, bide__hop_credentials_room(hop));
    if (!target || !value)
        return BIDE_ENOMEM;
    ssize_t n = bide__hop_credentials(hop, q->head.method, target, value);
    if (n < 0)
        return (int)n;

    p->field = (struct added_field){.name = "Proxy-Authorization", .value = value, .next = q->head.added};
    q->head.added = &p->field;
    return 0;
}

static struct hop *last_hop(const struct request *q)
{
    return &q->route->hops[q->route->nhops - 1];
}

static int before(struct policy *policy, struct request *q)
{
    struct by_route *p = of(policy);

    bide__route_release(q->route);
    q->route = NULL;
    q->head.is_absolute = false;
    BIDE_TRY(choose(p, q));
    if (!q->route || q->route->unix_socket)
        return 0;
    if (q->head.user.seen & ~q->head.drop & HEADER_BIT(HEADER_PROXY_AUTHORIZATION))
        return bide_fail(-EINVAL, "a header Proxy-Authorization may reach the server: user and password belong into the proxy's URL");
    if (q->head.may_switch || !bide__route_forwards(q->route, &q->head.url))
        return 0;
    q->head.is_absolute = true;
    return last_hop(q)->proxy.has_user ? add_credentials(p, q, last_hop(q)) : 0;
}

static size_t challenges_of(const struct fields *fields, struct slice out[CHALLENGES_MAX])
{
    size_t n = 0;

    for (uint32_t i = 0; i < fields->n && n < CHALLENGES_MAX; i++)
        if (fields->all[i].id == HEADER_PROXY_AUTHENTICATE)
            out[n++] = (struct slice){bide__field_value(fields, &fields->all[i]), fields->all[i].value_len};
    return n;
}

static int after(struct policy *policy, struct request *q, const struct outcome *o)
{
    struct by_route *p = of(policy);
    struct slice challenges[CHALLENGES_MAX];
    bool is_asked = o->code == 0 && q->head.is_absolute && o->answer->status == 407;

    if (!is_asked || p->asked == ASKED_MAX || !bide__body_source_may_be_sent(q->head.body))
        return POLICY_ACCEPT;
    int code = bide__hop_challenged(last_hop(q), challenges, challenges_of(&o->answer->fields, challenges));
    p->asked += code > 0;
    return code > 0 ? POLICY_AGAIN : code;
}

const struct policy_ops bide__by_route_ops = {.name = "proxy", .why = BIDE_AGAIN_AUTH, .before = before, .after = after};
