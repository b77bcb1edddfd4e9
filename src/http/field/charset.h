/* SPDX-License-Identifier: MIT */
/*
 * charset.h - the charset of a text that came, and the text as UTF-8 (R122).
 *
 * A byte order mark decides, then the charset parameter of Content-Type by the labels of the WHATWG Encoding standard, then UTF-8.
 * What a page says of itself in <meta> is for who reads HTML.
 */
#ifndef BIDE_HTTP_CHARSET_H
#define BIDE_HTTP_CHARSET_H

#include "base/base.h"

enum charset_kind { CHARSET_UTF_8, CHARSET_WINDOWS_1252, CHARSET_UTF_16LE, CHARSET_UTF_16BE, CHARSET_ICONV };

struct charset {
    uint8_t kind;      /* enum charset_kind */
    uint8_t mark;      /* bytes of the byte order mark, to be left out */
    const char *iconv; /* its name there */
};

/* Which charset a body has.  A label that is not known is as none: UTF-8. */
struct charset bide__charset_of(const char *content_type, size_t type_len, const char *body, size_t len);

/* Is it UTF-8 without a mark and without errors already?  Then there is nothing to convert. */
bool bide__charset_is_utf8(const struct charset *c, const char *body, size_t len);

/*
 * The body as UTF-8, NUL behind it; U+FFFD for what is none.  Owned: bide__free.  NULL: BIDE_ENOMEM, or -ENOTSUP: libc has not
 * installed its table for that charset.
 */
char *bide__charset_to_utf8(const struct charset *c, const char *body, size_t len, size_t *out_len);

#endif
