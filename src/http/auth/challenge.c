/* SPDX-License-Identifier: MIT */
/*
 * challenge.c - reading challenges.  Nothing is copied; a quoted string may hold commas, and what looks like another challenge.
 *
 * Laxer than the grammar in one place: a value without quotes goes on to the next comma, for `realm=My Site` is common.
 */
#include "http/auth/challenge.h"
#include "http/field/headers.h"
#include "http/field/scan.h"

struct reader {
    const char *at, *end;
};

static void skip_blanks(struct reader *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\t'))
        r->at++;
}

static void skip_commas(struct reader *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\t' || *r->at == ','))
        r->at++;
}

static struct slice take_token(struct reader *r)
{
    const char *start = r->at;

    r->at = scan_token(start, r->end);
    return (struct slice){start, (size_t)(r->at - start)};
}

static bool is_68(char c)
{
    return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || (c && strchr("-._~+/", c));
}

/* RFC 9110 11.2: alone between the scheme and a comma. */
static bool take_token68(struct reader *r, struct slice *out)
{
    struct reader p = *r;

    while (p.at < p.end && is_68(*p.at))
        p.at++;
    bool any = p.at > r->at;
    while (p.at < p.end && *p.at == '=')
        p.at++;
    *out = (struct slice){r->at, (size_t)(p.at - r->at)};
    skip_blanks(&p);
    if (!any || (p.at < p.end && *p.at != ','))
        return false;
    r->at = p.at;
    return true;
}

static bool take_quoted(struct reader *r, struct slice *out)
{
    const char *start = ++r->at;

    while (r->at < r->end && *r->at != '"')
        r->at += *r->at == '\\' && r->end - r->at > 1 ? 2 : 1;
    *out = (struct slice){start, (size_t)(r->at - start)};
    return r->at++ < r->end;
}

static bool take_plain(struct reader *r, struct slice *out)
{
    const char *start = r->at, *last;

    while (r->at < r->end && *r->at != ',' && *r->at != '"')
        r->at++;
    for (last = r->at; last > start && (last[-1] == ' ' || last[-1] == '\t');)
        last--;
    *out = (struct slice){start, (size_t)(last - start)};
    return r->at == r->end || *r->at == ',';
}

/* NAME = VALUE at r, or nothing of it is taken.  1, 0, BIDE_EHTTP. */
static int take_param(struct reader *r, struct challenge_param *out)
{
    struct reader p = *r;

    out->name = take_token(&p);
    skip_blanks(&p);
    if (out->name.len == 0 || p.at == p.end || *p.at != '=')
        return 0;
    p.at++;
    skip_blanks(&p);
    out->is_quoted = p.at < p.end && *p.at == '"';
    bool ok = out->is_quoted ? take_quoted(&p, &out->value) : take_plain(&p, &out->value);
    skip_blanks(&p);
    if (!ok || (p.at < p.end && *p.at != ','))
        return bide_fail(BIDE_EHTTP, "a challenge that cannot be read");
    *r = p;
    return 1;
}

static bool same_name(struct slice a, struct slice b)
{
    return a.len == b.len && strncasecmp(a.text, b.text, a.len) == 0;
}

static int add_param(struct challenge *c, struct challenge_param p)
{
    if (c->n == CHALLENGE_PARAMS_MAX)
        return bide_fail(BIDE_EHTTP, "a challenge with more than %d parameters", CHALLENGE_PARAMS_MAX);
    for (size_t i = 0; i < c->n; i++)
        if (same_name(c->params[i].name, p.name))
            return bide_fail(BIDE_EHTTP, "a challenge that has a parameter twice");
    c->params[c->n++] = p;
    return 0;
}

static int take_params(struct reader *r, struct challenge *c)
{
    struct challenge_param p;
    int found;

    for (;;) {
        struct reader before = *r;
        skip_commas(r);
        found = take_param(r, &p);
        if (found <= 0) {
            *r = before;
            return found;
        }
        if (add_param(c, p) < 0)
            return BIDE_EHTTP;
    }
}

int bide__challenge_next(const char *value, size_t len, size_t *at, struct challenge *out)
{
    struct reader r = {value + *at, value + len};

    if (len > CHALLENGE_FIELD_MAX)
        return bide_fail(BIDE_EHTTP, "a challenge of more than %d bytes", CHALLENGE_FIELD_MAX);
    skip_commas(&r);
    if (r.at == r.end)
        return 0;
    *out = (struct challenge){.scheme = take_token(&r)};
    bool is_alone = r.at == r.end || *r.at == ',', is_followed = !is_alone && (*r.at == ' ' || *r.at == '\t');
    if (out->scheme.len == 0 || (!is_alone && !is_followed))
        return bide_fail(BIDE_EHTTP, "a challenge that cannot be read");
    skip_blanks(&r);
    if (!take_token68(&r, &out->token68)) {
        out->token68 = (struct slice){NULL, 0};
        if (take_params(&r, out) < 0)
            return BIDE_EHTTP;
    }
    if (r.at < r.end && *r.at != ',')
        return bide_fail(BIDE_EHTTP, "a challenge that cannot be read");
    *at = (size_t)(r.at - value);
    return 1;
}

bool bide__challenge_is(const struct challenge *c, const char *scheme)
{
    return bide__header_equals(c->scheme.text, c->scheme.len, scheme);
}

const struct challenge_param *bide__challenge_param(const struct challenge *c, const char *name)
{
    for (size_t i = 0; i < c->n; i++)
        if (bide__header_equals(c->params[i].name.text, c->params[i].name.len, name))
            return &c->params[i];
    return NULL;
}

ssize_t bide__challenge_value(const struct challenge_param *p, char *out, size_t cap)
{
    size_t n = 0;

    for (size_t i = 0; i < p->value.len; i++) {
        if (p->is_quoted && p->value.text[i] == '\\' && i + 1 < p->value.len)
            i++;
        if (n + 1 >= cap)
            return -1;
        out[n++] = p->value.text[i];
    }
    if (cap == 0)
        return -1;
    out[n] = '\0';
    return (ssize_t)n;
}
