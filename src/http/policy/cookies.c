/* SPDX-License-Identifier: MIT */
/*
 * cookies.c - what servers set is kept in a jar and sent back, on every hop (R65); and the cookies of one request.
 *
 * It stands behind the redirect in the row: an answer's cookies are in the jar before the next hop is chosen for.  A field Cookie
 * of the user's is the user's: as long as it is sent, nothing is added to it.  The cookies of a request go where its fields go,
 * to the origin that was asked (D2), and take the place of those with the same name in the jar.
 */
#include <time.h>

#include "http/policy/policy.h"

#define REFUSED ";\", control characters and blanks around it cannot be in it"

/* ---- of one request ---- */

static bool may_stand(const char *text, const char *not_in_it)
{
    size_t len = strlen(text);

    return strcspn(text, not_in_it) == len && bide__header_value_ok(text, len);
}

static int check_own(const bide_pair *own, size_t *bytes)
{
    char shown[80];

    for (const bide_pair *p = own; p->name; p++) {
        bide__shown(shown, p->name, strlen(p->name));
        if (!p->value)
            return bide_fail(-EINVAL, "cookie %s: its value is NULL", shown);
        if (!may_stand(p->name, ";="))
            return bide_fail(-EINVAL, "cookie %s: not a name: \"=\", \"" REFUSED, shown);
        if (!may_stand(p->value, ";"))
            return bide_fail(-EINVAL, "cookie %s: not a value: \"" REFUSED, shown);
        *bytes += strlen(p->name) + strlen(p->value) + 3;
    }
    return *bytes > USER_FIELDS_MAX ? bide_fail(BIDE_ELIMIT, "the cookies are longer than %d bytes", USER_FIELDS_MAX) : 0;
}

static bool is_named(const bide_pair *own, const char *cookie, size_t len)
{
    const char *equals = memchr(cookie, '=', len);
    size_t name = equals ? (size_t)(equals - cookie) : 0; /* one without a name is its value alone */

    for (const bide_pair *p = own; p->name; p++)
        if (strlen(p->name) == name && memcmp(p->name, cookie, name) == 0)
            return true;
    return false;
}

static char *put(char *at, bool is_first, const char *name, const char *between, const char *value, size_t len)
{
    at = stpcpy(at, is_first ? "" : "; ");
    at = stpcpy(stpcpy(at, name), between);
    return mempcpy(at, value, len);
}

/* Those of the jar, one after the other, but for what has the name of an own one. */
static char *put_others(char *at, const char *jar, size_t len, const bide_pair *own)
{
    const char *start = at, *end = jar + len;

    while (jar < end) {
        const char *semicolon = memchr(jar, ';', (size_t)(end - jar));
        size_t n = (size_t)((semicolon ? semicolon : end) - jar);
        if (!is_named(own, jar, n))
            at = put(at, at == start, "", "", jar, n);
        jar += n + 2; /* "; " */
    }
    return at;
}

static int join(struct cookies *p, struct request *q, const char *jar, size_t len)
{
    size_t bytes = 0;
    int code = check_own(p->own, &bytes);
    char *text = code < 0 ? NULL : bide__arena_alloc(q->arena, bytes + len + 1);
    if (!text)
        return bide_error_code();

    char *at = put_others(text, jar, len, p->own);
    for (const bide_pair *own = p->own; own->name; own++)
        at = put(at, at == text, own->name, own->name[0] ? "=" : "", own->value, strlen(own->value));
    *at = '\0';
    p->field.value = text;
    return 0;
}

/* ---- of the jar ---- */

static bool is_unsafe(const struct request_head *head)
{
    static const char *const safe[] = {"GET", "HEAD", "OPTIONS", "TRACE"};

    for (size_t i = 0; i < array_len(safe); i++)
        if (strcmp(head->method, safe[i]) == 0)
            return false;
    return true;
}

static ssize_t choose(const struct cookies *p, const struct request *q, const char **value)
{
    struct jar_request what = {
        .url = &q->head.url, .now = time(NULL), .is_led = q->is_led, .is_unsafe = is_unsafe(&q->head)};

    *value = "";
    return p->jar ? bide__jar_header(*p->jar, &what, value) : 0;
}

static bool user_has_own_field(const struct request_head *head)
{
    return (head->user.seen | head->defaults->seen) & ~head->drop & HEADER_BIT(HEADER_COOKIE);
}

/* Apart, so that a request without cookies costs a few instructions. */
static __attribute__((noinline)) int add(struct cookies *p, struct request *q)
{
    bool has_own = p->own && !q->has_left;
    const char *value;
    if (user_has_own_field(&q->head))
        return has_own ? bide_fail(-EINVAL, "cookies, and a header Cookie") : 0;

    ssize_t len = choose(p, q, &value);
    if (len < 0 || (len == 0 && !has_own))
        return (int)len;
    int code = 0;
    if (has_own)
        code = join(p, q, value, (size_t)len);
    else if (!(p->field.value = bide__arena_strndup(q->arena, value, (size_t)len))) /* the jar lends it for a moment */
        code = BIDE_ENOMEM;
    if (code < 0 || !p->field.value[0])
        return code;
    p->field.name = "Cookie";
    p->field.next = q->head.added;
    q->head.added = &p->field;
    return 0;
}

static int before(struct policy *policy, struct request *q)
{
    struct cookies *p = container_of(policy, struct cookies, policy);
    bool has_some = p->jar && *p->jar && (*p->jar)->n > 0;

    return likely(!has_some && !p->own) ? 0 : add(p, q);
}

static __attribute__((noinline)) int store(const struct cookies *p, const struct request *q, const struct answer *answer)
{
    if (!*p->jar && !(*p->jar = bide_cookie_jar_new()))
        return BIDE_ENOMEM;
    return bide__jar_store(*p->jar, &q->head.url, &answer->fields, time(NULL));
}

static int after(struct policy *policy, struct request *q, const struct outcome *o)
{
    const struct cookies *p = container_of(policy, struct cookies, policy);
    bool sets_some = o->code == 0 && bide__fields_have(&o->answer->fields, HEADER_SET_COOKIE);

    return likely(!sets_some || !p->jar) ? POLICY_ACCEPT : store(p, q, o->answer);
}

const struct policy_ops bide__cookies_ops = {.name = "cookies", .before = before, .after = after};
