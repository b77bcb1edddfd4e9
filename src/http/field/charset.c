/* SPDX-License-Identifier: MIT */
/*
 * charset.c - text as UTF-8.  UTF-8, UTF-16 and the windows-1252 family are converted here, the rest by iconv of libc.
 *
 * The family is nearly all that is not UTF-8, and the standard's Latin-1 is windows-1252, which libc's is not; 27 numbers are less than a
 * module that must be loaded.  iconv gets only names from this table, never a server's: its modules have been attacked.
 */
#include <iconv.h>

#include "http/field/charset.h"
#include "http/field/headers.h"

#define REPLACEMENT 0xfffd

static const struct {
    const char *label; /* lower case */
    uint8_t kind;
    const char *iconv;
} labels[] = {
#define UTF_8(label)  {label, CHARSET_UTF_8, NULL}
#define LATIN(label)  {label, CHARSET_WINDOWS_1252, NULL}
#define LIBC(label, name) {label, CHARSET_ICONV, name}
    UTF_8("utf-8"), UTF_8("utf8"), UTF_8("unicode-1-1-utf-8"), UTF_8("unicode11utf8"), UTF_8("x-unicode20utf8"),
    LATIN("windows-1252"), LATIN("iso-8859-1"), LATIN("us-ascii"), LATIN("latin1"), LATIN("ascii"), LATIN("cp1252"), LATIN("x-cp1252"),
    LATIN("iso8859-1"), LATIN("iso88591"), LATIN("iso_8859-1"), LATIN("iso_8859-1:1987"), LATIN("iso-ir-100"), LATIN("l1"),
    LATIN("ibm819"), LATIN("cp819"), LATIN("csisolatin1"), LATIN("ansi_x3.4-1968"),
    {"utf-16", CHARSET_UTF_16LE, NULL}, {"utf-16le", CHARSET_UTF_16LE, NULL}, {"ucs-2", CHARSET_UTF_16LE, NULL},
    {"unicode", CHARSET_UTF_16LE, NULL}, {"utf-16be", CHARSET_UTF_16BE, NULL}, {"unicodefffe", CHARSET_UTF_16BE, NULL},
    LIBC("shift_jis", "CP932"), LIBC("shift-jis", "CP932"), LIBC("sjis", "CP932"), LIBC("x-sjis", "CP932"), LIBC("windows-31j", "CP932"),
    LIBC("euc-jp", "EUC-JP-MS"), LIBC("x-euc-jp", "EUC-JP-MS"), LIBC("iso-2022-jp", "ISO-2022-JP"),
    LIBC("gb18030", "GB18030"), LIBC("gbk", "GB18030"), LIBC("gb2312", "GB18030"), LIBC("gb_2312", "GB18030"), LIBC("x-gbk", "GB18030"),
    LIBC("big5", "BIG5-HKSCS"), LIBC("big5-hkscs", "BIG5-HKSCS"), LIBC("x-x-big5", "BIG5-HKSCS"),
    LIBC("euc-kr", "UHC"), LIBC("ks_c_5601-1987", "UHC"), LIBC("korean", "UHC"), LIBC("windows-949", "UHC"),
    LIBC("iso-8859-2", "ISO-8859-2"), LIBC("latin2", "ISO-8859-2"), LIBC("iso-8859-3", "ISO-8859-3"), LIBC("iso-8859-4", "ISO-8859-4"),
    LIBC("iso-8859-5", "ISO-8859-5"), LIBC("cyrillic", "ISO-8859-5"), LIBC("iso-8859-6", "ISO-8859-6"), LIBC("iso-8859-7", "ISO-8859-7"),
    LIBC("greek", "ISO-8859-7"), LIBC("iso-8859-8", "ISO-8859-8"), LIBC("iso-8859-8-i", "ISO-8859-8"), LIBC("hebrew", "ISO-8859-8"),
    LIBC("iso-8859-10", "ISO-8859-10"), LIBC("iso-8859-13", "ISO-8859-13"), LIBC("iso-8859-14", "ISO-8859-14"),
    LIBC("iso-8859-15", "ISO-8859-15"), LIBC("latin-9", "ISO-8859-15"), LIBC("iso-8859-16", "ISO-8859-16"),
    LIBC("koi8-r", "KOI8-R"), LIBC("koi8", "KOI8-R"), LIBC("koi8-u", "KOI8-U"), LIBC("ibm866", "IBM866"), LIBC("cp866", "IBM866"),
    LIBC("macintosh", "MACINTOSH"), LIBC("windows-1250", "CP1250"), LIBC("windows-1251", "CP1251"), LIBC("cp1251", "CP1251"),
    LIBC("windows-1253", "CP1253"), LIBC("windows-1254", "CP1254"), LIBC("iso-8859-9", "CP1254"), LIBC("latin5", "CP1254"),
    LIBC("windows-1255", "CP1255"), LIBC("windows-1256", "CP1256"), LIBC("windows-1257", "CP1257"), LIBC("windows-1258", "CP1258"),
    LIBC("windows-874", "CP874"), LIBC("iso-8859-11", "CP874"), LIBC("tis-620", "CP874"),
};

/* ---- which ---- */

/* The value of charset=, without quotes. */
static bool find_parameter(const char *type, size_t len, const char **value, size_t *value_len)
{
    static const char name[] = "charset=";
    const size_t n = sizeof name - 1;
    const char *at = type, *end = type + len;

    while ((at = memchr(at, ';', (size_t)(end - at)))) {
        for (at++; at < end && (*at == ' ' || *at == '\t'); at++)
            ;
        if ((size_t)(end - at) <= n || strncasecmp(at, name, n) != 0)
            continue;
        at += n;
        at += *at == '"' || *at == '\'';
        *value = at;
        while (at < end && !strchr("; \t\"'", *at))
            at++;
        *value_len = (size_t)(at - *value);
        return true;
    }
    return false;
}

static struct charset of_mark(const char *body, size_t len)
{
    if (len >= 3 && memcmp(body, "\xef\xbb\xbf", 3) == 0)
        return (struct charset){CHARSET_UTF_8, 3, NULL};
    if (len >= 2 && memcmp(body, "\xff\xfe", 2) == 0)
        return (struct charset){CHARSET_UTF_16LE, 2, NULL};
    if (len >= 2 && memcmp(body, "\xfe\xff", 2) == 0)
        return (struct charset){CHARSET_UTF_16BE, 2, NULL};
    return (struct charset){CHARSET_UTF_8, 0, NULL};
}

struct charset bide__charset_of(const char *content_type, size_t type_len, const char *body, size_t len)
{
    struct charset c = of_mark(body, len);
    const char *label;
    size_t label_len;

    if (c.mark || !content_type || !find_parameter(content_type, type_len, &label, &label_len))
        return c;
    for (size_t i = 0; i < array_len(labels); i++)
        if (bide__header_equals(label, label_len, labels[i].label))
            return (struct charset){labels[i].kind, 0, labels[i].iconv};
    return c;
}

/* ---- characters ---- */

/* One character of UTF-8, or U+FFFD for the longest part that could have begun one (Unicode 3.9, table 3-7); at < end. */
static uint32_t take_utf8(const unsigned char **at, const unsigned char *end)
{
    unsigned char first = *(*at)++;
    unsigned more = first < 0x80 ? 0 : first < 0xc2 ? 9 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : first < 0xf5 ? 3 : 9;
    unsigned char low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80, high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    uint32_t c = more == 0 ? first : first & (0x3fu >> more);

    if (more == 9)
        return REPLACEMENT;
    for (; more > 0; more--, low = 0x80, high = 0xbf) {
        if (*at == end || **at < low || **at > high)
            return REPLACEMENT;
        c = c << 6 | (*(*at)++ & 0x3f);
    }
    return c;
}

static uint32_t take_1252(const unsigned char **at)
{
    static const uint16_t from_80[32] = {
        0x20ac, 0x81,   0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0x8d,   0x017d, 0x8f,
        0x90,   0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0x9d,   0x017e, 0x0178};
    unsigned char c = *(*at)++;

    return c >= 0x80 && c < 0xa0 ? from_80[c - 0x80] : c;
}

static uint32_t unit_at(const unsigned char *p, bool big)
{
    return big ? (uint32_t)p[0] << 8 | p[1] : (uint32_t)p[1] << 8 | p[0];
}

/* A pair of surrogates is one; a lone one, or half a unit, is none. */
static uint32_t take_utf16(const unsigned char **at, const unsigned char *end, bool big)
{
    if (end - *at < 2) {
        *at = end;
        return REPLACEMENT;
    }
    uint32_t c = unit_at(*at, big), low;
    *at += 2;
    if (c < 0xd800 || c > 0xdfff)
        return c;
    low = c < 0xdc00 && end - *at >= 2 ? unit_at(*at, big) : 0;
    if (low < 0xdc00 || low > 0xdfff)
        return REPLACEMENT;
    *at += 2;
    return 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
}

static size_t put_utf8(char *out, uint32_t c)
{
    static const unsigned char lead[] = {0, 0xc0, 0xe0, 0xf0};

    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    size_t more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    for (size_t i = more; i > 0; i--, c >>= 6)
        out[i] = (char)(0x80 | (c & 0x3f));
    out[0] = (char)(lead[more] | c);
    return more + 1;
}

bool bide__charset_is_utf8(const struct charset *c, const char *body, size_t len)
{
    const unsigned char *at = (const unsigned char *)body, *end = at + len;

    if (c->kind != CHARSET_UTF_8 || c->mark)
        return false;
    while (at < end) {
        const unsigned char *before = at;
        if (take_utf8(&at, end) == REPLACEMENT && !(at - before == 3 && memcmp(before, "\xef\xbf\xbd", 3) == 0))
            return false;
    }
    return true;
}

/* ---- all of it ---- */

static size_t convert_here(const struct charset *c, const unsigned char *at, const unsigned char *end, char *out)
{
    size_t n = 0;

    while (at < end)
        n += put_utf8(out + n, c->kind == CHARSET_UTF_8          ? take_utf8(&at, end)
                               : c->kind == CHARSET_WINDOWS_1252 ? take_1252(&at)
                                                                 : take_utf16(&at, end, c->kind == CHARSET_UTF_16BE));
    return n;
}

/* A byte is 6 at the most: two characters of 3 bytes (big5-hkscs).  What is none becomes U+FFFD, byte by byte. */
static size_t convert_by_libc(iconv_t cd, const char *body, size_t len, char *out, size_t cap)
{
    char *in = (char *)(uintptr_t)body, *to = out;
    size_t left = cap;

    while (iconv(cd, &in, &len, &to, &left) == (size_t)-1 && len > 0 && left >= 3) {
        size_t n = put_utf8(to, REPLACEMENT);
        to += n, left -= n;
        in++, len--;
    }
    iconv(cd, NULL, NULL, &to, &left);
    return cap - left;
}

char *bide__charset_to_utf8(const struct charset *c, const char *body, size_t len, size_t *out_len)
{
    size_t most = c->kind == CHARSET_ICONV ? 6 : 3;
    iconv_t cd = NULL;

    body += c->mark, len -= c->mark;
    if (len > (SIZE_MAX - 8) / most || (c->kind == CHARSET_ICONV && (cd = iconv_open("UTF-8", c->iconv)) == (iconv_t)-1)) {
        bide_fail(-ENOTSUP, "libc cannot convert from %s", c->iconv ? c->iconv : "so long a text");
        return NULL;
    }
    char *out = bide__malloc(len * most + 8);
    if (out) {
        const unsigned char *bytes = (const unsigned char *)body;
        *out_len = cd ? convert_by_libc(cd, body, len, out, len * most + 7) : convert_here(c, bytes, bytes + len, out);
        out[*out_len] = '\0';
    } else {
        bide__fail_nomem("converting a text");
    }
    if (cd)
        iconv_close(cd);
    return out;
}
