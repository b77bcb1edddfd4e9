/* SPDX-License-Identifier: MIT */
/* fields.h - the fields of a message, whatever protocol it came by: slices of one text. */
#ifndef BIDE_HTTP_FIELDS_H
#define BIDE_HTTP_FIELDS_H

#include "http/field/headers.h"

struct field {
    uint32_t name, value; /* offsets from the text; the value is trimmed and unfolded */
    uint32_t value_len;
    uint16_t name_len;
    uint16_t id; /* enum header_id */
};

struct fields {
    const char *text;
    const struct field *all;
    uint32_t n;
    uint64_t seen; /* HEADER_BIT(id) of every known field that is there */
};

static inline const char *bide__field_name(const struct fields *fs, const struct field *f)
{
    return fs->text + f->name;
}

static inline const char *bide__field_value(const struct fields *fs, const struct field *f)
{
    return fs->text + f->value;
}

static inline bool bide__fields_have(const struct fields *fs, enum header_id id)
{
    return fs->seen & HEADER_BIT(id);
}

/* The first field with this id; NULL if there is none. */
static inline const struct field *bide__fields_find(const struct fields *fs, enum header_id id)
{
    for (uint32_t i = 0; bide__fields_have(fs, id) && i < fs->n; i++)
        if (fs->all[i].id == id)
            return &fs->all[i];
    return NULL;
}

#endif
