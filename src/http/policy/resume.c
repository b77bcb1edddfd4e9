/* SPDX-License-Identifier: MIT */
/*
 * resume.c - asking for the rest of a body of which a part is here (RFC 9110 14): Range, with If-Range so that a server whose
 * file has changed sends all of it.
 *
 * 416 says either that nothing is missing, or that what is here is no beginning of what is there: then it is asked for anew.
 */
#include "http/policy/policy.h"

static bool take_number(const char **at, uint64_t *out)
{
    const char *text = *at;
    uint64_t n = 0;

    for (; *text >= '0' && *text <= '9'; text++)
        if (__builtin_mul_overflow(n, 10u, &n) || __builtin_add_overflow(n, (uint64_t)(*text - '0'), &n))
            return false;
    bool is_one = text > *at;
    *at = text;
    *out = n;
    return is_one;
}

static bool take(const char **at, char c)
{
    return **at == c && ++*at;
}

/* The bytes from 5 to 9 of 10 are "bytes 5-9/10"; a star stands for what is not known, or for none. */
bool bide__content_range(const struct fields *fields, struct content_range *out)
{
    const struct field *f = bide__fields_find(fields, HEADER_CONTENT_RANGE);
    const char *at = f ? bide__field_value(fields, f) : "";

    *out = (struct content_range){.total = BODY_LENGTH_UNKNOWN};
    if (strncasecmp(at, "bytes ", 6) != 0)
        return false;
    at += 6;
    out->is_none = take(&at, '*');
    if (!out->is_none && !(take_number(&at, &out->first) && take(&at, '-') && take_number(&at, &out->last)))
        return false;
    if (!take(&at, '/') || !(take_number(&at, &out->total) || (!out->is_none && take(&at, '*'))) || *at)
        return false;
    if (at[-1] == '*')
        out->total = BODY_LENGTH_UNKNOWN;
    return out->is_none || (out->first <= out->last && out->last < out->total);
}

static int before(struct policy *policy, struct request *q)
{
    struct resume *p = container_of(policy, struct resume, policy);

    if (p->have == 0)
        return 0;
    p->if_range.next = q->head.added;
    p->range.next = &p->if_range;
    q->head.added = &p->range;
    return 0;
}

static int after(struct policy *policy, struct request *q, const struct outcome *o)
{
    struct resume *p = container_of(policy, struct resume, policy);
    struct content_range range;
    (void)q;

    if (o->code < 0 || o->answer->status != 416 || p->have == 0)
        return POLICY_ACCEPT;
    if (bide__content_range(&o->answer->fields, &range) && range.is_none && range.total == p->have)
        return POLICY_ACCEPT;
    p->have = 0;
    return POLICY_AGAIN;
}

const struct policy_ops bide__resume_ops = {.name = "resume", .before = before, .after = after};
