/* SPDX-License-Identifier: MIT */
/* json_text.c - a document of jansson's as the bytes of a body. */
#include <jansson.h>

#include "http/source/source.h"
#include "http/value/json_depth.h"

int bide__json_text(struct arena *arena, const void *value, bide_bytes *out)
{
    if (bide__json_is_too_deep(value))
        return bide_fail(-EINVAL, "json_value: lists in lists, more than %d of them", JSON_DEPTH_MAX);
    size_t flags = JSON_COMPACT | JSON_ENCODE_ANY, len = json_dumpb(value, NULL, 0, flags);
    if (len == 0)
        return bide_fail(-EINVAL, "json_value: it cannot be written as JSON");
    char *text = bide__arena_alloc(arena, len);
    if (!text)
        return BIDE_ENOMEM;

    json_dumpb(value, text, len, flags);
    *out = (bide_bytes){text, len};
    return 0;
}
