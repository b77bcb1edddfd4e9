/* SPDX-License-Identifier: MIT */
/*
 * unique.c - a proof that the names of a template are different.
 *
 * A name is a row of fields.  Reading it from the left, the end of a field is known if all its values have the same
 * length, or if the text behind it begins with a byte that none of its values has.  From the right likewise.  If at most
 * one field is left over between the two, it is what remains.  The values of the fields so found are functions of the
 * name; if they determine the URL, two URLs cannot have one name.
 *
 *     {1}-{2}.json      both found: digits end at the dash and at the point
 *     {1}{2}.json       1, 11 and 11, 1 are the same name: not proven, unless one of them has a fixed width
 */
#include "cli/pattern/unique.h"

#include <ctype.h>
#include <string.h>

#define NUMBER GLOB_MAX /* which of a field: {i} or {n} */
#define NONE   (-1)     /* a part of the URL: it may be anything */

struct field {
    const char *text; /* NULL: a variable */
    size_t len;
    int which;        /* the glob, NUMBER, NONE */
    bool is_fixed;    /* all values have this length */
    size_t width;
    bool has[256];    /* bytes that its values may have */
};

/* ---- what values look like ---- */

static void allow(struct field *f, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        f->has[(unsigned char)text[i]] = true;
}

/* One more length that its values have. */
static void measure(struct field *f, size_t width, bool is_first)
{
    f->is_fixed = is_first || (f->is_fixed && f->width == width);
    f->width = width;
}

static size_t digits_of(uint64_t n)
{
    size_t digits = 1;

    for (; n >= 10; n /= 10)
        digits++;
    return digits;
}

static void add_numbers(struct field *f, const struct glob_part *g, int width, bool is_first)
{
    uint64_t last = g->first + (uint64_t)g->step * (g->count - 1);
    size_t pad = (size_t)(width > g->width ? width : g->width), a = digits_of(g->first), b = digits_of(last);

    allow(f, "0123456789", 10);
    measure(f, a > pad ? a : pad, is_first);
    measure(f, b > pad ? b : pad, false);
}

static void add_set(struct field *f, const struct glob_part *g, bool is_first)
{
    for (uint64_t i = 0; i < g->count; i++) {
        uint32_t begin = i ? g->ends[i - 1] : 0;
        allow(f, g->text + begin, g->ends[i] - begin);
        measure(f, g->ends[i] - begin, is_first && i == 0);
    }
}

static void add_letters(struct field *f, bool is_first)
{
    allow(f, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", 52);
    measure(f, 1, is_first);
}

static void add_glob(struct field *f, const struct glob_part *g, int width, bool is_first)
{
    if (g->kind == GLOB_NUMBERS)
        add_numbers(f, g, width, is_first);
    else if (g->kind == GLOB_LETTERS)
        add_letters(f, is_first);
    else
        add_set(f, g, is_first);
}

static void add_number(struct field *f, int width, const struct unique_sources *s)
{
    size_t longest = digits_of(s->count); /* {n} of the last */

    f->which = NUMBER;
    allow(f, "0123456789", 10);
    f->is_fixed = !s->has_list && (size_t)width >= longest;
    f->width = (size_t)width;
}

static void fill(struct field *f, const struct template *t, size_t i, const struct unique_sources *s)
{
    const struct template_part *p = &t->parts[i];

    *f = (struct field){.which = NONE};
    if (p->kind == TEMPLATE_TEXT) {
        f->text = p->text;
        f->len = p->len;
    } else if (p->kind == TEMPLATE_GLOB && p->column == 0) {
        f->which = s->bindings[0].glob[i];
        for (size_t k = 0; k < s->n; k++)
            add_glob(f, s->globs[k].vars[s->bindings[k].glob[i]], p->width, k == 0);
    } else if (p->kind == TEMPLATE_I || p->kind == TEMPLATE_N) {
        add_number(f, p->width, s);
    } else {
        memset(f->has, true, sizeof f->has);
    }
}

/* ---- reading back ---- */

/* Is the end of f known when its begin is?  next: what follows; NULL: nothing does. */
static bool ends_before(const struct field *f, const struct field *next)
{
    if (f->text || f->is_fixed || !next)
        return true;
    return next->text && next->len > 0 && !f->has[(unsigned char)next->text[0]];
}

static bool begins_after(const struct field *f, const struct field *before)
{
    if (f->text || f->is_fixed || !before)
        return true;
    return before->text && before->len > 0 && !f->has[(unsigned char)before->text[before->len - 1]];
}

/* Which variables can be read back, as bits. */
static uint32_t readable(const struct field *f, size_t n)
{
    uint32_t found = 0;
    size_t left = 0, right = 0;

    while (left < n && ends_before(&f[left], left + 1 < n ? &f[left + 1] : NULL))
        left++;
    while (right < n && begins_after(&f[n - 1 - right], right + 1 < n ? &f[n - 2 - right] : NULL))
        right++;
    if (left + right + 1 >= n)
        left = n; /* one field is left over: it is the rest */
    for (size_t i = 0; i < n; i++)
        if ((i < left || i >= n - right) && f[i].which != NONE)
            found |= 1u << f[i].which;
    return found;
}

/* ---- what tells URLs apart ---- */

static int compare_texts(const void *a, const void *b)
{
    const bide_bytes *x = a, *y = b;
    size_t len = x->len < y->len ? x->len : y->len;
    int order = len > 0 ? memcmp(x->data, y->data, len) : 0;

    return order ? order : (x->len > y->len) - (x->len < y->len);
}

/* A set may have the same text twice. */
static bool has_different_values(const struct glob_part *g)
{
    if (g->kind != GLOB_SET)
        return true;
    bide_bytes *values = calloc(g->count, sizeof *values);
    bool differ = values != NULL;

    for (uint64_t i = 0; differ && i < g->count; i++) {
        uint32_t begin = i ? g->ends[i - 1] : 0;
        values[i] = (bide_bytes){g->text + begin, g->ends[i] - begin};
    }
    if (differ)
        qsort(values, g->count, sizeof *values, compare_texts);
    for (uint64_t i = 1; differ && i < g->count; i++)
        differ = compare_texts(&values[i - 1], &values[i]) != 0;
    free(values);
    return differ;
}

static bool all_globs(uint32_t found, const struct glob *g)
{
    for (size_t i = 0; i < g->nvars; i++)
        if (g->vars[i]->count > 1 && (!(found & 1u << i) || !has_different_values(g->vars[i])))
            return false;
    return true;
}

bool unique_is_proven(const struct template *t, const struct unique_sources *s)
{
    if (s->count <= 1 && !s->has_list)
        return true;
    struct field *fields = calloc(t->nparts, sizeof *fields);
    if (!fields)
        return false;

    for (size_t i = 0; i < t->nparts; i++)
        fill(&fields[i], t, i, s);
    uint32_t found = readable(fields, t->nparts);
    free(fields);
    if (found & 1u << NUMBER)
        return true;
    return s->n == 1 && !s->has_list && all_globs(found, &s->globs[0]);
}

/* ---- URLs ---- */

/* Nothing of it is a fragment, a dot segment or escaped; the first one has the host. */
static bool is_plain_text(const struct field *f, bool is_first)
{
    const char *slashes = is_first && f->len > 8 ? memmem(f->text, f->len, "://", 3) : NULL;
    const char *end = f->text + f->len;

    for (const char *c = f->text; c < end; c++)
        if (*c <= ' ' || *c >= 0x7f || strchr("#%\\", *c) || (*c == '.' && c > f->text && c[-1] == '/'))
            return false;
    return !is_first || (slashes && memchr(slashes + 3, '/', (size_t)(end - slashes - 3)));
}

static bool is_plain_set(const struct field *f)
{
    for (int c = 0; c < 256; c++)
        if (f->has[c] && c != '-' && c != '_' && !(c < 128 && isalnum(c)))
            return false;
    return true;
}

static bool has_empty_value(const struct glob_part *p)
{
    for (uint64_t i = 0; p->kind == GLOB_SET && i < p->count; i++)
        if (p->ends[i] == (i ? p->ends[i - 1] : 0))
            return true;
    return false;
}

bool unique_urls_are_proven(const struct glob *g)
{
    struct field *fields = calloc(g->nparts, sizeof *fields);
    bool is_plain = fields && g->nparts > 0 && g->parts[0].kind == GLOB_TEXT;
    int var = 0;

    for (size_t i = 0; is_plain && i < g->nparts; i++) {
        const struct glob_part *p = &g->parts[i];
        fields[i] = (struct field){.which = NONE};
        if (p->kind == GLOB_TEXT) {
            fields[i].text = p->text;
            fields[i].len = p->len;
            is_plain = is_plain_text(&fields[i], i == 0);
        } else {
            fields[i].which = var++;
            add_glob(&fields[i], p, 0, true);
            is_plain = is_plain_set(&fields[i]) && !has_empty_value(p);
        }
    }
    bool proven = is_plain && all_globs(readable(fields, g->nparts), g);
    free(fields);
    return proven;
}
