/* SPDX-License-Identifier: MIT */
/* params.c - the parameters of a field's value; see params.h. */
#include "http/value/params.h"

#include <string.h>

#include "http/field/headers.h"
#include "http/field/scan.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static void skip_blanks(struct params *r)
{
    while (r->at < r->end && is_blank(*r->at))
        r->at++;
}

static bool ends_here(const struct params *r)
{
    return r->at == r->end || *r->at == ';' || (r->in_list && *r->at == ',');
}

/* Is all behind this quote blank, up to the end of the parameter? */
static bool closes(const struct params *r, const char *quote)
{
    struct params behind = {quote + 1, r->end, r->in_list};

    skip_blanks(&behind);
    return ends_here(&behind);
}

#define LOOK_AHEAD 1024 /* bytes: else a field of quotes would be looked through again for each of them */

/* A quote that closes nothing is a part of the value, if one that does comes later. */
static bool has_closing(const struct params *r, const char *from)
{
    const char *end = r->end - from < LOOK_AHEAD ? r->end : from + LOOK_AHEAD;

    for (const char *p = from; p < end; p++)
        if (*p == '"' && closes(r, p))
            return true;
    return false;
}

static void take_quoted(struct params *r, struct param *out)
{
    const char *p = ++r->at;

    out->is_quoted = true;
    out->value = p;
    for (; p < r->end; p++) {
        if (*p == '\\' && !out->is_naive && p + 1 < r->end)
            p++;
        else if (*p == '"' && (closes(r, p) || !has_closing(r, p + 1)))
            break;
        else if (*p == '"')
            out->is_naive = out->is_odd = true;
    }
    out->value_len = (size_t)(p - out->value);
    out->is_odd |= p == r->end;
    r->at = p < r->end ? p + 1 : p;
    skip_blanks(r);
    out->is_odd |= !ends_here(r);
    while (!ends_here(r))
        r->at++;
}

static void take_plain(struct params *r, const char **text, size_t *len, char also_ends)
{
    *text = r->at;
    while (!ends_here(r) && *r->at != also_ends)
        r->at++;
    *len = (size_t)(r->at - *text);
    while (*len > 0 && is_blank((*text)[*len - 1]))
        --*len;
}

bool bide__params_next(struct params *r, struct param *out)
{
    while (r->at < r->end && (is_blank(*r->at) || *r->at == ';'))
        r->at++;
    if (ends_here(r))
        return false;

    *out = (struct param){.value = r->end};
    take_plain(r, &out->name, &out->name_len, '=');
    out->is_odd = !bide__header_name_ok(out->name, out->name_len);
    if (ends_here(r))
        return true;
    r->at++;
    skip_blanks(r);
    out->has_value = true;
    if (r->at < r->end && *r->at == '"')
        take_quoted(r, out);
    else
        take_plain(r, &out->value, &out->value_len, ';');
    return true;
}

size_t bide__param_value(const struct param *p, char *out, size_t cap)
{
    size_t n = 0;

    for (size_t i = 0; i < p->value_len; i++) {
        if (p->is_quoted && !p->is_naive && p->value[i] == '\\' && i + 1 < p->value_len)
            i++;
        if (n < cap)
            out[n] = p->value[i];
        n++;
    }
    return n;
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One byte of an ext-value: as it is, or %XX; -1: neither. */
static int take_byte(const char **at, const char *end)
{
    const char *p = *at;
    int high = *p == '%' && end - p > 2 ? hex_digit(p[1]) : -1, low = high < 0 ? -1 : hex_digit(p[2]);

    *at = p + (*p == '%' ? 3 : 1);
    if (*p == '%')
        return low < 0 ? -1 : high * 16 + low;
    return (unsigned char)*p < 0x80 && char_is(*p, CHAR_TARGET) ? *p : -1;
}

/* Its charset, 1 or 2 bytes for one beyond ASCII; 0: another.  *at behind the language. */
static int take_charset(const char **at, const char *end)
{
    const char *first = memchr(*at, '\'', (size_t)(end - *at));
    const char *second = first ? memchr(first + 1, '\'', (size_t)(end - first - 1)) : NULL;
    if (!second)
        return 0;

    size_t len = (size_t)(first - *at);
    bool is_utf8 = bide__header_equals(*at, len, "utf-8"), is_latin1 = bide__header_equals(*at, len, "iso-8859-1");
    *at = second + 1;
    return is_utf8 ? 1 : is_latin1 ? 2 : 0;
}

long bide__param_extended(const struct param *p, char *out, size_t cap)
{
    const char *at = p->value, *end = p->value + p->value_len;
    int bytes_each = p->is_quoted ? 0 : take_charset(&at, end);
    size_t n = 0;

    while (bytes_each && at < end) {
        int c = take_byte(&at, end);
        if (c < 0 || n + 2 > cap)
            return -1;
        if (c >= 0x80 && bytes_each == 2) {
            out[n++] = (char)(0xc0 | c >> 6);
            c = 0x80 | (c & 0x3f);
        }
        out[n++] = (char)c;
    }
    return bytes_each ? (long)n : -1;
}
