/* SPDX-License-Identifier: MIT */
/* bytes.c - bytes in memory as the source of a body: one piece, as often as it is wanted. */
#include "http/source/source.h"

static ssize_t bytes_next(struct body_source *source, const char **data)
{
    struct bytes_source *b = container_of(source, struct bytes_source, source);
    if (b->is_given)
        return 0;

    b->is_given = true;
    *data = b->bytes.data;
    return (ssize_t)b->bytes.len;
}

static int bytes_rewind(struct body_source *source)
{
    container_of(source, struct bytes_source, source)->is_given = false;
    return 0;
}

static const struct body_source_ops bytes_ops = {.next = bytes_next, .rewind = bytes_rewind};

void bide__bytes_source_init(struct bytes_source *b, bide_bytes bytes)
{
    *b = (struct bytes_source){.source = {.ops = &bytes_ops, .length = bytes.len, .is_here = true}, .bytes = bytes};
}

bide_bytes bide__body_bytes(const struct body_source *source)
{
    if (!source || source->ops != &bytes_ops)
        return (bide_bytes){NULL, 0};
    return ((const struct bytes_source *)(const void *)source)->bytes;
}
