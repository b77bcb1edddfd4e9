/* SPDX-License-Identifier: MIT */
/*
 * redirect.c - following a redirect: the next URL and method, and the fields that are not sent there (RFC 9110 15.4).
 *
 * What the user set is for the origin that was asked: nobody can know which field is a secret.  Once a hop leaves it (by
 * scheme, host or port), only fields that say nothing about the user go along, also when a later hop comes
 * back.  With location_trusted the others do, too, but never from https to http.
 */
#include "http/policy/policy.h"

#define MAY_TRAVEL                                                                               \
    (HEADER_BIT(HEADER_ACCEPT) | HEADER_BIT(HEADER_ACCEPT_ENCODING) | HEADER_BIT(HEADER_ACCEPT_LANGUAGE) |   \
     HEADER_BIT(HEADER_USER_AGENT) | HEADER_BIT(HEADER_RANGE) | HEADER_BIT(HEADER_IF_MATCH) |                \
     HEADER_BIT(HEADER_IF_MODIFIED_SINCE) | HEADER_BIT(HEADER_IF_NONE_MATCH) | HEADER_BIT(HEADER_IF_RANGE) | \
     HEADER_BIT(HEADER_IF_UNMODIFIED_SINCE))
/* Of this connection alone: close, keep-alive. */
#define OF_THE_HOP HEADER_BIT(HEADER_CONNECTION)
/* They are sent wherever the body is sent. */
#define DESCRIBES_BODY                                                                           \
    (HEADER_BIT(HEADER_CONTENT_ENCODING) | HEADER_BIT(HEADER_CONTENT_LANGUAGE) | HEADER_BIT(HEADER_CONTENT_TYPE))
/* RFC 9110 15.4: fields about a body are not sent when the new method has none. */
#define ABOUT_BODY                                                                               \
    (HEADER_BIT(HEADER_CONTENT_ENCODING) | HEADER_BIT(HEADER_CONTENT_LANGUAGE) |                  \
     HEADER_BIT(HEADER_CONTENT_LOCATION) | HEADER_BIT(HEADER_CONTENT_TYPE) | HEADER_BIT(HEADER_EXPECT) | \
     HEADER_BIT(HEADER_LAST_MODIFIED))

static bool method_is(const struct request *q, const char *method)
{
    return strcmp(q->head.method, method) == 0;
}

static bool is_redirect(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* The Location, if there is one; several that differ are an error. */
static int find_location(const struct fields *fields, const char **location)
{
    const struct field *first = bide__fields_find(fields, HEADER_LOCATION);

    *location = first ? bide__field_value(fields, first) : "";
    for (uint32_t i = 0; i < fields->n; i++) {
        const struct field *f = &fields->all[i];
        if (f->id == HEADER_LOCATION && strcmp(bide__field_value(fields, f), *location) != 0)
            return bide_fail(BIDE_EREDIRECT, "redirected to several places at once");
    }
    return 0;
}

static int refuse(const char *location, const char *why)
{
    char quoted[80];

    return bide_fail(BIDE_EREDIRECT, "redirected to %s: %s", bide__url_quote(quoted, location, strlen(location)), why);
}

/* The new URL; it keeps the old one's fragment if it has none (RFC 9110 10.2.2). */
static int resolve(struct request *q, const char *location, struct url *next)
{
    size_t len = strlen(location), cap = bide__url_bound(len, &q->head.url) + q->head.url.fragment.len + 1;
    char *storage = bide__arena_alloc(q->arena, cap);
    if (!storage)
        return BIDE_ENOMEM;

    int code = bide__url_resolve(next, &q->head.url, location, len, storage, cap);
    if (code == URL_ENOMEM)
        return bide__fail_nomem("a redirect");
    if (code < 0)
        return refuse(location, bide__url_strerror(code));
    if (next->scheme != URL_HTTP && next->scheme != URL_HTTPS)
        return refuse(location, "neither http nor https");
    bide__strip_user_info(next, storage); /* who we are is not for a server to say */
    if (next->zone_len > 0 && !bide__url_same_host(&q->head.url, next))
        return refuse(location, "which link an address is on is not for a server to say");
    bide__url_inherit_zone(next, &q->head.url, storage, cap);
    if (!next->has_fragment && q->head.url.has_fragment && next->len + q->head.url.fragment.len + 1 < cap) {
        next->fragment = (struct url_part){next->len + 1, q->head.url.fragment.len};
        storage[next->len] = '#';
        memcpy(storage + next->len + 1, bide__url_part(&q->head.url, q->head.url.fragment), q->head.url.fragment.len + 1);
        next->len += q->head.url.fragment.len + 1;
        next->has_fragment = true;
    }
    return 0;
}

static void leave_origin(const struct redirect *p, struct request *q, bool to_plain)
{
    q->head.drop |= HEADER_BIT(HEADER_HOST);
    if (p->location_trusted && !to_plain)
        return;
    q->head.drop |= ~(MAY_TRAVEL | OF_THE_HOP | (q->head.body ? DESCRIBES_BODY : 0));
    q->has_left = true;
}

/* RFC 6265bis 5.2: from here on others choose the URL. */
static void note_site(struct request *q, const struct url *next)
{
    q->is_led = q->is_led || !bide__cookie_same_site(psl_builtin(), &q->head.url, next);
}

/* RFC 9110 15.4: 303 makes any method but HEAD a GET; 301 and 302 a POST, as browsers do. */
static void change_method(struct request *q, int status)
{
    bool becomes_get = status == 303 ? !method_is(q, "HEAD") && !method_is(q, "GET")
                                     : (status == 301 || status == 302) && method_is(q, "POST");
    if (!becomes_get)
        return;
    q->head.method = "GET";
    q->head.method_len = 3;
    q->head.body = NULL;
    q->head.drop |= ABOUT_BODY;
}

/* ---- circles ---- */

/* In the arena of the request, as all that it points to. */
struct redirected {
    struct redirected *before;
    bide_bytes head; /* as it was sent, with its cookies: the state in which it was asked */
    bool is_secure;
    const char *to;
};

static bool is_same(const struct redirected *a, const struct redirected *b)
{
    return a->is_secure == b->is_secure && a->head.len == b->head.len && memcmp(a->head.data, b->head.data, a->head.len) == 0 &&
           strcmp(a->to, b->to) == 0;
}

/* The same request was answered with the same before: it would go on forever. */
static int note_redirect(struct redirect *p, struct request *q, bide_bytes head, const char *to)
{
    struct redirected *r = bide__arena_alloc(q->arena, sizeof *r);
    if (!r)
        return BIDE_ENOMEM;

    *r = (struct redirected){p->before, head, bide__url_is_secure(&q->head.url), to};
    for (const struct redirected *b = p->before; b; b = b->before)
        if (is_same(r, b))
            return refuse(to, "in a circle: the same was asked before, and answered the same");
    p->before = r;
    return 0;
}

/* The user says no, and should have said why. */
static int ask_user(const struct redirect *p, const struct request *q, const struct url *next)
{
    int code = p->on_redirect ? p->on_redirect(q->response, next->href, p->on_redirect_arg) : 0;

    if (code < 0 && bide_error_code() != code)
        bide_fail(code, "redirected to %s: on_redirect returned %d", next->href, code);
    return code < 0 ? code : 0;
}

/* Apart, so that an answer that is no redirect costs a few instructions. */
static __attribute__((noinline)) int follow(struct redirect *p, struct request *q, const struct outcome *o)
{
    const struct answer *answer = o->answer;
    struct url next;
    const char *location;
    int code = find_location(&answer->fields, &location);
    if (code < 0 || !location[0])
        return code;
    if (q->hops >= p->max)
        return bide_fail(BIDE_EREDIRECT, "more than %d redirects", p->max);
    code = note_redirect(p, q, o->progress->head, location);
    if (code == 0)
        code = resolve(q, location, &next);
    if (code == 0 && p->hsts)
        code = bide__hsts_apply(p->hsts, q->arena, &next);
    if (code == 0)
        code = ask_user(p, q, &next);
    if (code < 0)
        return code;

    change_method(q, answer->status);
    bool to_plain = bide__url_is_secure(&q->head.url) && !bide__url_is_secure(&next);
    if (to_plain && q->head.body)
        return refuse(location, "it would send the body without TLS");
    if (!bide__body_source_may_be_sent(q->head.body)) /* and never an empty one */
        return refuse(location, "the body cannot be sent a second time");
    if (!bide__url_same_origin(&q->head.url, &next)) {
        note_site(q, &next);
        leave_origin(p, q, to_plain);
    }
    q->head.url = next;
    q->head.for_server = false;
    q->hops++;
    return POLICY_AGAIN;
}

static int after(struct policy *policy, struct request *q, const struct outcome *o)
{
    struct redirect *p = container_of(policy, struct redirect, policy);
    bool is_one = o->code == 0 && is_redirect(o->answer->status) && p->max >= 0;

    return is_one ? follow(p, q, o) : POLICY_ACCEPT;
}

const struct policy_ops bide__redirect_ops = {.name = "redirect", .why = BIDE_AGAIN_REDIRECT, .after = after};
