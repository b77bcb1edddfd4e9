/* SPDX-License-Identifier: MIT */
/*
 * text.h - text of strangers, made fit to be shown.
 *
 * What servers, lists and file systems say ends up in messages and logs, and those on terminals.  A terminal obeys control
 * characters: C0 and DEL, C1 (in UTF-8, or as single bytes 80 to 9f) and the sequences that begin with them.  Marks that
 * turn the direction of writing around, or that are not seen, make a text look like another one.  Pure functions: they
 * keep nothing, allocate nothing, and may be called anywhere.
 */
#ifndef BIDE_TEXT_H
#define BIDE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <bide/object.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Read one character of UTF-8 (RFC 3629): no surrogates, no overlong forms, nothing above U+10FFFF.
 *
 * Threads:   any; no loop is needed
 * Returns:   of how many bytes it is, 1 to 4; 0: none begins here; -1: it is cut off, more bytes could make it one (also
 *            for len = 0).  *character is set in the first case alone
 * Example:   n = bide_utf8_decode("\xc3\xa9", 2, &c)     2, and c is U+00E9
 */
BIDE_API BIDE_MUST_USE int bide_utf8_decode(const char *text, size_t len, uint32_t *character);

/*
 * May the character stand in a line that people read?  Not controls (a line end and a tab are some), line and paragraph
 * separators, marks of direction, and what is not seen (a zero-width joiner, a byte order mark, a tag).
 *
 * Threads:   any; no loop is needed
 * Example:   bide_is_printable(0x202e)     false: right to left from here on
 */
BIDE_API BIDE_MUST_USE bool bide_is_printable(uint32_t character);

/*
 * Copy a text, and write each byte of what is no UTF-8 or not printable as \xNN.  As much as fits, in whole characters,
 * and a NUL; a backslash stays as it is, so this is for people, not to be read back.
 *
 * Threads:   any; no loop is needed
 * Returns:   how many bytes of text that was: fewer than len, and the rest did not fit.  With room for 17 bytes, at least
 *            one of a text that is not empty
 * Example:   bide_printable(out, sizeof out, "a\x1b[31m", 6)     6, and out is a\x1b[31m in ten characters
 */
BIDE_API size_t bide_printable(char *out, size_t size, const char *text, size_t len);

#ifdef __cplusplus
}
#endif
#endif
