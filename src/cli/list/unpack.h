/* SPDX-License-Identifier: MIT */
/*
 * unpack.h - what a list's bytes stand for: gzip, zstd, UTF-16, known by their first bytes.
 *
 * Bytes of other kinds that are no list (bzip2, xz, zip, ...) are refused by name.  However much comes out, it comes in
 * pieces: a bomb takes time, but no memory.
 */
#ifndef BIDE_CLI_LIST_UNPACK_H
#define BIDE_CLI_LIST_UNPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define UNPACK_MAGIC 8 /* so many bytes are enough to know */

struct lines;
struct unpack;

/*
 * What is it?  first: its first bytes, UNPACK_MAGIC or all that there are; they are used up.
 *
 * Returns:   0; *out NULL: lines as they are; else the result is owned
 * Errors:    -EBADMSG: a kind that is not read; BIDE_ENOMEM
 */
int unpack_open(struct unpack **out, const char *name, const char *first, size_t len);
/* NULL is nothing. */
void unpack_free(struct unpack *u);

/*
 * The next bytes, out of more of l's.
 *
 * Returns:   how many; 0: the end
 * Errors:    of lines_read_stored; -EBADMSG: they are damaged or end too early
 */
ssize_t unpack_read(struct unpack *u, struct lines *l, char *to, size_t room);

/* Is it UTF-16? */
bool unpack_is_wide(const struct unpack *u);

/* ---- utf16.c ---- */

/*
 * UTF-16 into UTF-8, `out` with room for 3 bytes of each 2.  What is half of a pair, without its other half, becomes a
 * NUL, which no line may have.
 *
 * Returns:   how many bytes were written; *used: of how many; the rest is no whole character yet
 */
size_t utf16_decode(const unsigned char *in, size_t len, bool is_big_endian, char *out, size_t *used);

#endif
