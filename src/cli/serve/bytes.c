/* SPDX-License-Identifier: MIT */
/*
 * bytes.c - /bytes/N: N bytes of a sequence that is always the same, or a part of them.
 */
#include "cli/serve/serve.h"

#include <inttypes.h>
#include <stdlib.h>

#define PIECE 65536
#define BYTES_MAX ((int64_t)1 << 50)
#define WORD 8 /* bytes that are made at once */

/* The bytes at[0..len) of an endless sequence that begins at byte `from`, a multiple of WORD. */
static void make_bytes(char *at, size_t len, uint64_t from)
{
    for (size_t i = 0; i < len; i += WORD) {
        uint64_t word = serve_mix((from + i) / WORD);
        for (size_t j = i; j < len && j < i + WORD; j++, word >>= 8)
            at[j] = (char)(word & 0xff);
    }
}

/* Those before the first that is wanted are made with it, and not sent. */
static int send_bytes(bide_exchange *x, char *piece, const struct serve_content *c)
{
    int64_t skip = c->first % WORD;

    for (int64_t at = c->first - skip; at <= c->last; at += PIECE, skip = 0) {
        size_t len = c->last - at + 1 < PIECE ? (size_t)(c->last - at + 1) : PIECE;
        make_bytes(piece, len, (uint64_t)at);
        BIDE_TRY(bide_respond_chunk(x, piece + skip, len - (size_t)skip));
    }
    return bide_respond_end(x);
}

int serve_bytes(struct serve *s, bide_exchange *x, const char *rest)
{
    struct serve_content c = {.type = "application/octet-stream", .modified = -1};
    bool has_body;

    (void)s;
    if (!serve_read_number(rest, BYTES_MAX, &c.size))
        return serve_refuse(x, 400, "/bytes/N: how many");
    if (c.size >= PIECE) /* small ones are for trying how fast requests are: their heads stay short */
        snprintf(c.tag, sizeof c.tag, "\"bytes-%" PRId64 "\"", c.size);
    BIDE_TRY(serve_begin(x, &c, &has_body));
    if (!has_body)
        return 0;
    char *piece = malloc(PIECE);
    if (!piece)
        return bide_fail(BIDE_ENOMEM, "/bytes: out of memory");
    int code = send_bytes(x, piece, &c);
    free(piece);
    return code;
}
