/* SPDX-License-Identifier: MIT */
/*
 * url_idna.c - international host names to ASCII: UTS 46, not transitional, as browsers do it.
 *
 * libidn2 does it, and then asks IDNA 2008, which has no emoji, no symbols, and no dashes in the third and fourth place or at
 * the ends of a label; DNS serves such names, and browsers and curl reach them.  So a name that libidn2 does not like
 * for one of these reasons is taken label by label: those in ASCII stay as they are, and the others are mapped in
 * pieces that libidn2 does not object to, joined and encoded here.
 *
 * Its transitional mode maps without asking IDNA 2008.  It differs in four characters: the sharp s and the final sigma
 * are kept as they are, between the pieces; the joiners are only good in certain scripts, which the first try knows.
 */
#include <idn2.h>
#include <string.h>

#include "http/url/url.h"

#define NAME_MAX_BYTES 1024 /* of a name as it is written; none that resolves comes near */
#define NAME_MAX       255  /* of its ASCII form */

/* ---- UTF-8 ---- */

struct text {
    const char *at, *end;
};

static bool begins(const struct text *t, const char *with)
{
    size_t n = strlen(with);

    return (size_t)(t->end - t->at) >= n && memcmp(t->at, with, n) == 0;
}

static bool skip_any(struct text *t, const char *const *list)
{
    for (; *list; list++)
        if (begins(t, *list)) {
            t->at += strlen(*list);
            return true;
        }
    return false;
}

static bool is_ascii(const struct text *t)
{
    for (const char *p = t->at; p < t->end; p++)
        if ((unsigned char)*p >= 0x80)
            return false;
    return true;
}

/* ---- mapping ---- */

static int convert(const char *text, int flags, uint8_t **ascii)
{
    *ascii = NULL;
    int r = idn2_lookup_u8((const uint8_t *)text, ascii, IDN2_NFC_INPUT | flags);
    return r == IDN2_OK ? 0 : r == IDN2_MALLOC ? URL_ENOMEM : r;
}

/* Does IDNA 2008 alone object, or to a label in ASCII? */
static bool is_served(int error)
{
    switch (error) {
    case IDN2_2HYPHEN:
    case IDN2_HYPHEN_STARTEND:
    case IDN2_DISALLOWED:
    case IDN2_CONTEXTO:
    case IDN2_CONTEXTO_NO_RULE:
    case IDN2_PUNYCODE_BAD_INPUT:
    case IDN2_INVALID_ALABEL:
    case IDN2_UALABEL_MISMATCH:
    case IDN2_ALABEL_ROUNDTRIP_FAILED:
        return true;
    default:
        return false;
    }
}

static bool append(struct url_label *l, struct text t)
{
    for (; t.at < t.end; t.at++)
        if (!bide__label_insert(l, l->n, (unsigned char)(*t.at >= 'A' && *t.at <= 'Z' ? *t.at + 32 : *t.at)))
            return false;
    return true;
}

/* Map what has no dash and none of the characters that transitional mode would lose. */
static int append_mapped(struct url_label *l, struct text t)
{
    char copy[NAME_MAX_BYTES];
    uint8_t *ascii;
    if (is_ascii(&t))
        return append(l, t) ? 0 : URL_EIDNA;

    *(char *)mempcpy(copy, t.at, (size_t)(t.end - t.at)) = '\0';
    int r = convert(copy, IDN2_TRANSITIONAL, &ascii);
    if (r < 0)
        return r == URL_ENOMEM ? r : URL_EIDNA;
    t = (struct text){(char *)ascii, (char *)ascii + strlen((char *)ascii)};
    bool encoded = begins(&t, "xn--"), ok = !strchr(t.at, '.');
    t.at += encoded ? 4 : 0;
    ok = ok && (encoded ? bide__label_decode(l, t.at, (size_t)(t.end - t.at)) : append(l, t));
    idn2_free(ascii);
    return ok ? 0 : URL_EIDNA;
}

#define SHARP_S     "\xc3\x9f"
#define FINAL_SIGMA "\xcf\x82"
#define ZWNJ        "\xe2\x80\x8c"
#define ZWJ         "\xe2\x80\x8d"

/* Piece by piece, between what stays as it is. */
static int map_label(struct url_label *l, struct text t)
{
    struct text piece = {t.at, t.at};

    for (; t.at <= t.end; piece.end = ++t.at) {
        uint32_t kept = t.at == t.end            ? UINT32_MAX
                        : *t.at == '-'           ? '-'
                        : begins(&t, SHARP_S)    ? 0xdf
                        : begins(&t, FINAL_SIGMA) ? 0x3c2
                                                 : 0;
        if (begins(&t, ZWNJ) || begins(&t, ZWJ))
            return URL_EIDNA;
        if (kept == 0)
            continue;
        int r = append_mapped(l, piece);
        if (r < 0)
            return r;
        if (kept != UINT32_MAX && !bide__label_insert(l, l->n, kept))
            return URL_EIDNA;
        t.at += kept == 0xdf || kept == 0x3c2;
        piece.at = t.at + 1;
    }
    return 0;
}

static bool is_encoded(const struct url_label *l)
{
    return l->n >= 4 && l->chars[0] == 'x' && l->chars[1] == 'n' && l->chars[2] == '-' && l->chars[3] == '-';
}

static int put_label(struct url_out *out, struct text t)
{
    char copy[NAME_MAX_BYTES];
    uint8_t *ascii;
    struct url_label l = {.n = 0};
    if (is_ascii(&t)) {
        bide__url_put(out, t.at, (size_t)(t.end - t.at));
        return 0;
    }
    *(char *)mempcpy(copy, t.at, (size_t)(t.end - t.at)) = '\0';
    int r = convert(copy, IDN2_NONTRANSITIONAL, &ascii);
    if (r == 0) {
        bide__url_put(out, (char *)ascii, strlen((char *)ascii));
        idn2_free(ascii);
        return 0;
    }
    if (!is_served(r))
        return r == URL_ENOMEM ? r : URL_EIDNA;
    r = map_label(&l, t);
    if (r == 0 && is_encoded(&l)) /* it is not, and must not look so */
        r = URL_EIDNA;
    if (r < 0)
        return r;
    size_t start = out->len;
    if (bide__label_next(&l, 128) == UINT32_MAX)
        bide__label_put_ascii(out, &l);
    else
        bide__label_put_encoded(out, &l);
    return out->len - start <= URL_LABEL_MAX ? 0 : URL_EIDNA;
}

/* The dots of UTS 46 2.3 end a label. */
static int put_labels(struct url_out *out, struct text t)
{
    size_t start = out->len;
    static const char *const dots[] = {".", "\xe3\x80\x82", "\xef\xbc\x8e", "\xef\xbd\xa1", NULL};
    struct text label = {t.at, t.at};

    while (t.at < t.end) {
        label.end = t.at;
        if (!skip_any(&t, dots)) {
            t.at++;
            continue;
        }
        int r = put_label(out, label);
        if (r < 0)
            return r;
        bide__url_put(out, ".", 1);
        label.at = t.at;
        if (out->len - start > NAME_MAX)
            return URL_EIDNA;
    }
    label.end = t.end;
    int r = put_label(out, label);
    return r == 0 && out->len - start > NAME_MAX ? URL_EIDNA : r;
}

/* The capital sharp s is that since Unicode 15.1; older tables make two s of it. */
static size_t copy_name(char *to, const char *host, size_t len)
{
    struct text t = {host, host + len};
    char *at = to;

    while (t.at < t.end)
        if (skip_any(&t, (const char *const[]){"\xe1\xba\x9e", NULL}))
            at = mempcpy(at, SHARP_S, 2);
        else
            *at++ = *t.at++;
    *at = '\0';
    return (size_t)(at - to);
}

int bide__url_put_international(struct url_out *out, const char *host, size_t len)
{
    char copy[NAME_MAX_BYTES];
    uint8_t *ascii;

    if (len >= sizeof copy || memchr(host, '\0', len))
        return URL_EHOST;
    if (memchr(host, '%', len))
        return URL_EPERCENT;
    len = copy_name(copy, host, len);
    int r = convert(copy, IDN2_NONTRANSITIONAL, &ascii);
    if (r == 0) {
        bide__url_put(out, (char *)ascii, strlen((char *)ascii));
        idn2_free(ascii);
        return 0;
    }
    if (is_served(r))
        return put_labels(out, (struct text){copy, copy + len});
    return r == URL_ENOMEM ? r : URL_EIDNA;
}
