/* SPDX-License-Identifier: MIT */
/*
 * glob.c - reading a URL pattern, and the k-th URL of it.
 *
 * A pattern becomes parts: plain text, a range, a set.  k is a number written in the mixed base of the globs' sizes,
 * the last one being the lowest digit.
 */
#include "cli/pattern/glob.h"

#include <string.h>

#include "cli/cli.h"

#define TOO_LARGE "this number is too large: numbers of a range have up to 18 digits"
#define LITERALLY "; \\%c or --no-glob takes it as it is"

struct reader {
    struct glob *g;
    const char *text, *at;
    char *out;       /* where the next byte of g->texts goes */
    uint32_t *ends;  /* and of g->ends */
    struct text *why;
};

/* ---- what is wrong ---- */

static int wrong(struct reader *r, const char *where, const char *what, char bracket)
{
    text_format(r->why, "column %zu: %s", (size_t)(where - r->text) + 1, what);
    if (bracket)
        text_format(r->why, LITERALLY, bracket);
    return EXIT_USAGE;
}

/* ---- pieces of a pattern ---- */

static bool is_special(char c)
{
    return c == '[' || c == ']' || c == '{' || c == '}' || c == ',' || c == '\\';
}

/* One character, perhaps escaped, goes to out. */
static void copy_char(struct reader *r)
{
    if (r->at[0] == '\\' && is_special(r->at[1]))
        r->at++;
    *r->out++ = *r->at++;
}

/* "[::1]", "[fe80::1%25eth0]": hexadecimal digits, points and two colons or more, which no range has, and a zone. */
static size_t ipv6_length(const char *text)
{
    size_t len = 1 + strspn(text + 1, "0123456789abcdefABCDEF:.");
    int colons = 0;

    for (size_t i = 1; i < len; i++)
        colons += text[i] == ':';
    if (text[len] == '%')
        len += strcspn(text + len, "][{}/ ");
    return text[len] == ']' && colons >= 2 ? len + 1 : 0;
}

static int name_is_bad(struct reader *r, const char *name, size_t len)
{
    static const char *const taken[] = {"i",    "n",    "host",  "path", "name",   "stem",
                                        "ext",  "query", "date", "status", "sha256"};

    if (len == 0 || len >= GLOB_NAME_MAX || strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_") == 0)
        return wrong(r, name, "a glob's name is up to 23 letters, digits and _, and begins with a letter", 0);
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
        if (strlen(taken[i]) == len && memcmp(taken[i], name, len) == 0)
            return wrong(r, name, "this name has a meaning of its own in file names", 0);
    for (size_t i = 0; i < r->g->nvars; i++)
        if (strlen(r->g->vars[i]->name) == len && memcmp(r->g->vars[i]->name, name, len) == 0)
            return wrong(r, name, "two globs have this name", 0);
    return 0;
}

/* "<page>" behind the bracket, if there is one. */
static int read_name(struct reader *r, struct glob_part *p)
{
    if (*r->at != '<')
        return 0;
    const char *name = ++r->at;
    size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789");
    if (name[len] != '>')
        return wrong(r, name, "a glob's name is up to 23 letters, digits and _, and ends with >", 0);
    int code = name_is_bad(r, name, len);
    if (code)
        return code;
    memcpy(p->name, name, len);
    r->at = name + len + 1;
    return 0;
}

/* Up to 18 digits, which any int64 holds. */
static bool read_number(const char **at, uint64_t *n, size_t *digits)
{
    *digits = strspn(*at, "0123456789");
    if (*digits == 0 || *digits > 18)
        return false;
    *n = 0;
    for (size_t i = 0; i < *digits; i++)
        *n = *n * 10 + (uint64_t)((*at)[i] - '0');
    *at += *digits;
    return true;
}

/* A range, or a step, with more digits than read_number takes. */
static bool is_too_large(const char *at)
{
    size_t a = strspn(at, "0123456789"), b = at[a] == '-' ? strspn(at + a + 1, "0123456789") : 0;

    return a > 18 || b > 18;
}

static bool same_case(char a, char b)
{
    return (a >= 'a' && a <= 'z' && b >= 'a' && b <= 'z') || (a >= 'A' && a <= 'Z' && b >= 'A' && b <= 'Z');
}

/* The two ends of a range. */
static bool read_ends(struct reader *r, struct glob_part *p, uint64_t *last)
{
    const char *at = r->at;
    size_t a, b;

    if (at[0] && at[1] == '-' && at[2] && same_case(at[0], at[2])) {
        p->kind = GLOB_LETTERS;
        p->first = (unsigned char)at[0];
        *last = (unsigned char)at[2];
        r->at = at + 3;
        return true;
    }
    p->kind = GLOB_NUMBERS;
    const char *from = at;
    if (!read_number(&at, &p->first, &a) || *at++ != '-')
        return false;
    const char *to = at;
    if (!read_number(&at, last, &b))
        return false;
    p->width = (from[0] == '0' && a > 1) || (to[0] == '0' && b > 1) ? (int)(a > b ? a : b) : 0;
    r->at = at;
    return true;
}

static int read_range(struct reader *r, struct glob_part *p)
{
    const char *start = r->at++;
    uint64_t last, step = 1;
    size_t digits;
    int code = read_name(r, p);
    if (code)
        return code;

    if (is_too_large(r->at))
        return wrong(r, r->at, TOO_LARGE, 0);
    if (!read_ends(r, p, &last))
        return wrong(r, start, "a range is written [1-100], [001-100] or [a-z]", '[');
    if (*r->at == ':') {
        if (is_too_large(++r->at))
            return wrong(r, r->at, TOO_LARGE, 0);
        if (!read_number(&r->at, &step, &digits) || step == 0)
            return wrong(r, r->at, "the step of a range is a number above 0, as in [1-100:10]", 0);
    }
    if (*r->at++ != ']')
        return wrong(r, start, "a range is written [1-100], [001-100] or [a-z], and ends with ]", '[');
    bool falls = last < p->first;
    p->step = falls ? -(int64_t)step : (int64_t)step;
    p->count = (falls ? p->first - last : last - p->first) / step + 1;
    return 0;
}

static int read_set(struct reader *r, struct glob_part *p)
{
    const char *start = r->at++;
    int code = read_name(r, p);
    if (code)
        return code;

    p->kind = GLOB_SET;
    p->text = r->out;
    p->ends = r->ends;
    if (*r->at == '}')
        return wrong(r, start, "a set is empty; it is written {red,green}", '{');
    while (*r->at && *r->at != '}') {
        if (*r->at == '{' || *r->at == '[')
            return wrong(r, r->at, "a glob inside of a set", *r->at);
        if (*r->at != ',') {
            copy_char(r);
            continue;
        }
        r->at++;
        *r->ends++ = (uint32_t)(r->out - p->text);
        p->count++;
    }
    if (*r->at++ != '}')
        return wrong(r, start, "a set is written {red,green}, and ends with }", '{');
    *r->ends++ = (uint32_t)(r->out - p->text);
    p->count++;
    return 0;
}

static void read_text(struct reader *r, struct glob_part *p, bool literal)
{
    p->kind = GLOB_TEXT;
    p->count = 1;
    p->text = r->out;
    while (*r->at && (literal || !strchr("[]{}", *r->at))) {
        if (literal)
            *r->out++ = *r->at++;
        else
            copy_char(r);
    }
    for (size_t ipv6 = *r->at == '[' ? ipv6_length(r->at) : 0; ipv6 > 0; ipv6--)
        *r->out++ = *r->at++;
    p->len = (uint32_t)(r->out - p->text);
}

static int read_part(struct reader *r, struct glob_part *p, bool literal)
{
    char c = literal ? 'x' : *r->at;

    if (c == '[' && ipv6_length(r->at) == 0)
        return read_range(r, p);
    if (c == '{')
        return read_set(r, p);
    if (c == ']' || c == '}')
        return wrong(r, r->at, c == ']' ? "a ] without its [" : "a } without its {", c);
    read_text(r, p, literal);
    return 0;
}

static int read_parts(struct reader *r, bool literal)
{
    struct glob *g = r->g;

    while (*r->at) {
        const char *start = r->at;
        struct glob_part *p = &g->parts[g->nparts++];
        int code = read_part(r, p, literal);
        if (code)
            return code;
        if (p->kind == GLOB_TEXT)
            continue;
        if (g->nvars == GLOB_MAX)
            return wrong(r, start, "more than 16 globs in one URL", 0);
        g->vars[g->nvars++] = p;
        if (__builtin_mul_overflow(g->count, p->count, &g->count) || g->count > INT64_MAX)
            return wrong(r, start, "these are more URLs than there are numbers for", 0);
    }
    return 0;
}

/* No pattern has more parts than this: each bracket begins one, and text may follow it. */
static size_t count_parts(const char *text)
{
    size_t n = 2;

    for (const char *c = text; *c; c++)
        n += *c == '[' || *c == '{' ? 2 : 0;
    return n;
}

int glob_parse(struct glob *g, const char *text, bool literal, struct text *why)
{
    size_t len = strlen(text);

    *g = (struct glob){.count = 1};
    if (len >= UINT32_MAX / 2) {
        text_add_string(why, "it is too long");
        return EXIT_USAGE;
    }
    g->parts = calloc(count_parts(text), sizeof *g->parts);
    g->texts = malloc(len + 1);
    g->ends = calloc(len + 1, sizeof *g->ends);
    if (!g->parts || !g->texts || !g->ends) {
        text_add_string(why, "out of memory");
        return EXIT_LOCAL;
    }
    struct reader r = {.g = g, .text = text, .at = text, .out = g->texts, .ends = g->ends, .why = why};
    return read_parts(&r, literal);
}

void glob_free(struct glob *g)
{
    free(g->parts);
    free(g->texts);
    free(g->ends);
    *g = (struct glob){0};
}

/* ---- the k-th ---- */

void glob_pick(const struct glob *g, uint64_t k, uint64_t which[GLOB_MAX])
{
    for (size_t i = g->nvars; i-- > 0; k /= g->vars[i]->count)
        which[i] = k % g->vars[i]->count;
}

void glob_add_value(const struct glob_part *p, uint64_t which, struct text *to)
{
    uint64_t value = p->first + (uint64_t)p->step * which;

    if (p->kind == GLOB_NUMBERS)
        text_add_number(to, value, p->width);
    else if (p->kind == GLOB_LETTERS)
        text_add_char(to, (char)value);
    else
        text_add(to, p->text + (which ? p->ends[which - 1] : 0), p->ends[which] - (which ? p->ends[which - 1] : 0));
}

void glob_add_url(const struct glob *g, const uint64_t which[GLOB_MAX], struct text *to)
{
    size_t var = 0;

    for (size_t i = 0; i < g->nparts; i++)
        if (g->parts[i].kind == GLOB_TEXT)
            text_add(to, g->parts[i].text, g->parts[i].len);
        else
            glob_add_value(&g->parts[i], which[var++], to);
}

void glob_add_nth(const struct glob *g, uint64_t k, struct text *to)
{
    uint64_t which[GLOB_MAX] = {0};

    glob_pick(g, k, which);
    glob_add_url(g, which, to);
}
