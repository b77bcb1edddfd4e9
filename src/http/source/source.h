/* SPDX-License-Identifier: MIT */
/* source.h - the simplest source of a body: bytes in memory. */
#ifndef BIDE_HTTP_SOURCE_H
#define BIDE_HTTP_SOURCE_H

#include "http/exchange/ops.h"

struct bytes_source {
    struct body_source source;
    bide_bytes bytes; /* borrowed */
    bool is_given;
};

void bide__bytes_source_init(struct bytes_source *b, bide_bytes bytes);

#endif
