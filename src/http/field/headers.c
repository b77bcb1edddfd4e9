/* SPDX-License-Identifier: MIT */
/*
 * headers.c - known field names, and the little grammar that field values share.
 */
#include "http/field/headers.h"

#include <string.h>

#include "http/field/scan.h"

static const struct {
    const char *text;
    size_t len;
} names[HEADER_COUNT] = {[HEADER_OTHER] = {"", 0},
#define NAME(id, name, slot) [id] = {name, sizeof name - 1},
                         BIDE_HEADERS(NAME)
#undef NAME
};

/* The perfect hash: slot -> id. */
static const uint8_t slots[256] = {
#define SLOT(id, name, slot) [slot] = id,
    BIDE_HEADERS(SLOT)
#undef SLOT
};

_Static_assert(HEADER_COUNT <= 64, "a head's `seen` has 64 bits");

/* First, last and middle letter and the length are different for every name we know; the multiplier
 * spreads them. */
static unsigned slot_of(const char *name, size_t len)
{
    uint32_t key = ((uint32_t)name[0] & 0xff) | ((uint32_t)name[len - 1] & 0xff) << 8 |
                   ((uint32_t)name[len / 2] & 0xff) << 16 | (uint32_t)len << 24;
    return ((key | 0x202020) * 0x30180041u) >> 24;
}

static uint64_t load_folded(const char *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof word);
    return word | 0x2020202020202020;
}

/* Names are tokens, so setting bit 0x20 folds letters and cannot make two different characters
 * equal. */
static bool same_name(const char *a, const char *b, size_t len)
{
    size_t i = 0;

    if (len < 8) {
        while (i < len && (a[i] | 0x20) == (b[i] | 0x20))
            i++;
        return i == len;
    }
    for (; i + 8 <= len; i += 8)
        if (load_folded(a + i) != load_folded(b + i))
            return false;
    return load_folded(a + len - 8) ==
           load_folded(b + len - 8); /* the rest, and some of it again */
}

never_indirect enum header_id bide__header_id(const char *name, size_t len)
{
    if (len == 0)
        return HEADER_OTHER;
    unsigned id = slots[slot_of(name, len)];
    return len == names[id].len && same_name(name, names[id].text, len) ? (enum header_id)id
                                                                        : HEADER_OTHER;
}

const char *bide__header_name(enum header_id id)
{
    return names[id].text;
}

never_indirect bool bide__header_name_ok(const char *name, size_t len)
{
    return len > 0 && scan_token(name, name + len) == name + len;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

bool bide__header_value_ok(const char *value, size_t len)
{
    if (len > 0 && (is_blank(value[0]) || is_blank(value[len - 1])))
        return false;
    return scan_value(value, value + len) == value + len;
}

bool bide__header_equals(const char *text, size_t len, const char *lower)
{
    size_t i = 0;

    for (; i < len && lower[i]; i++) {
        char c = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] + 32) : text[i];
        if (c != lower[i])
            return false;
    }
    return i == len && !lower[i];
}

never_indirect bool bide__header_next_element(const char *value, size_t len, size_t *at, const char **element,
                               size_t *element_len)
{
    if (*at > len)
        return false;
    const char *start = value + *at, *end = value + len;
    const char *comma = memchr(start, ',', (size_t)(end - start));

    if (comma)
        end = comma;
    *at = (size_t)(end - value) + 1;
    while (start < end && is_blank(*start))
        start++;
    while (end > start && is_blank(end[-1]))
        end--;
    *element = start;
    *element_len = (size_t)(end - start);
    return true;
}

bool bide__header_has_token(const char *value, size_t len, const char *token)
{
    const char *element;
    size_t element_len, at = 0;

    while (bide__header_next_element(value, len, &at, &element, &element_len))
        if (bide__header_equals(element, element_len, token))
            return true;
    return false;
}
