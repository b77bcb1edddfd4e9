/* SPDX-License-Identifier: MIT */
/*
 * version.h - which bide these headers belong to, which one the library is, and whether the two agree.  The build reads the
 * number from here.
 *
 * A program runs with the library that it was built for, and with every later one of the same first number: options carry the
 * size of their struct, so a member that the program did not know yet is 0, its default.  With an earlier library it runs,
 * too, as long as it uses nothing that came later: an option that the library does not know is an error, BIDE_EVERSION.
 */
#ifndef BIDE_VERSION_H
#define BIDE_VERSION_H

#include <bide/object.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BIDE_VERSION "0.1.0"

/* For comparisons: #if BIDE_VERSION_NUMBER >= 0x000200 (major, minor, patch: one byte each) */
#define BIDE_VERSION_NUMBER 0x000100

/*
 * The library's own BIDE_VERSION and BIDE_VERSION_NUMBER: those of the one that the program runs with.
 *
 * Threads:   any; no loop is needed
 */
BIDE_API const char *bide_version(void);
BIDE_API unsigned bide_version_number(void);

/*
 * What is built into the library: words with a space between them, sorted.
 *
 *     assertions  invariants are checked           io_uring       files, where the kernel has it
 *     http1       client and server                redis          pools over several machines
 *     idn         international host names         sanitized      built with a sanitizer
 *     switch-asm, switch-ucontext                  tls            TLS 1.2 and 1.3
 *
 * Threads:   any; no loop is needed
 * Returns:   a constant text
 * Example:   printf("bide %s: %s\n", bide_version(), bide_features());
 */
BIDE_API const char *bide_features(void);

/*
 * Is the library as new as the headers that this program was built with?
 *
 * A program need not ask: what an older library lacks fails when it is used, with an error that says so, or when the program
 * starts, because a function is missing.  Who asks knows at once.
 *
 * Threads:   any; no loop is needed
 * Returns:   0
 * Errors:    BIDE_EVERSION: it is older, or of another first number; the text has both versions
 * Example:   if (bide_version_check() < 0) bide_error_print(stderr);
 */
#define bide_version_check() bide_version_check_with(BIDE_VERSION_NUMBER)
BIDE_API BIDE_MUST_USE int bide_version_check_with(unsigned number);

#ifdef __cplusplus
}
#endif
#endif
