/* SPDX-License-Identifier: MIT */
/* json_depth.c - how deep lists and objects stand in one another. */
#include "http/value/json_depth.h"

#include <jansson.h>
#include <stdint.h>

bool bide__json_text_is_too_deep(const char *text, size_t len)
{
    bool in_text = false;
    int depth = 0;
    if (len <= JSON_DEPTH_MAX) /* nearly always: it cannot be */
        return false;

    for (size_t i = 0; i < len; i++) {
        if (in_text && text[i] == '\\')
            i++;
        else if (text[i] == '"')
            in_text = !in_text;
        else if (!in_text && (text[i] == '{' || text[i] == '['))
            depth++;
        else if (!in_text && (text[i] == '}' || text[i] == ']'))
            depth--;
        if (depth > JSON_DEPTH_MAX)
            return true;
    }
    return false;
}

static bool is_deeper_than(const json_t *value, int levels)
{
    const char *key;
    json_t *member;
    size_t i;
    if (!json_is_array(value) && !json_is_object(value))
        return false;
    if (levels == 0)
        return true;

    json_array_foreach(value, i, member)
        if (is_deeper_than(member, levels - 1))
            return true;
    json_object_foreach((json_t *)(uintptr_t)value, key, member)
        if (is_deeper_than(member, levels - 1))
            return true;
    return false;
}

bool bide__json_is_too_deep(const json_t *value)
{
    return is_deeper_than(value, JSON_DEPTH_MAX);
}
