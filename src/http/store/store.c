/* SPDX-License-Identifier: MIT */
/*
 * store.c - a store's file: read whole, written whole or not at all, and nobody's but its owner's (D19).
 *
 * What is written is a text that was complete before the task waits for the disk, so a store may change meanwhile.
 */
#include "http/store/store.h"

#include <stdlib.h>
#include <time.h>

#include <bide/file.h>

#include "io/file/file_op.h"

int bide__store_read(const char *path, size_t max, store_take_fn *take, void *into)
{
    size_t len;
    char *text = bide_file_read_all(path, max, &len);
    if (!text)
        return bide_error_code();

    int code = take(into, text, len, time(NULL));
    free(text);
    if (code < 0)
        bide__error_prefix("%s: ", path);
    return code;
}

int bide__store_write(const char *path, struct buf *text)
{
    int code = bide__file_write_secret(path, bide__buf_head(text), bide__buf_len(text));

    bide__buf_free(text);
    return code;
}
