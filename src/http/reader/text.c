/* SPDX-License-Identifier: MIT */
/* text.c - a body as text: UTF-8, whatever charset it came in (R122), or as it came. */
#include "http/client/client.h"
#include "http/field/charset.h"

/* Its charset is that which its byte order mark says, then its Content-Type. */
static struct charset charset_of(const bide_response *r)
{
    const struct field *type = bide__fields_find(&r->answer.fields, HEADER_CONTENT_TYPE);

    return bide__charset_of(type ? bide__field_value(&r->answer.fields, type) : "", type ? type->value_len : 0, r->whole.data,
                            r->whole.len);
}

static const char *to_utf8(bide_response *r)
{
    struct charset charset = charset_of(r);
    size_t len;

    if (bide__charset_is_utf8(&charset, r->whole.data, r->whole.len))
        return r->whole.data;
    r->converted = bide__charset_to_utf8(&charset, r->whole.data, r->whole.len, &len);
    if (!r->converted)
        bide__response_fail(r, bide_error_code());
    return r->converted;
}

const char *bide_text(bide_response *r)
{
    if (bide__response_missing(r, __func__) || !bide_body(r).data)
        return NULL;
    if (!r->text)
        r->text = to_utf8(r);
    return r->text;
}

const char *bide_text_raw(bide_response *r)
{
    return bide__response_missing(r, __func__) ? NULL : bide_body(r).data;
}
