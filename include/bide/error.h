/* SPDX-License-Identifier: MIT */
/*
 * error.h - what went wrong, told once and in full.
 *
 * A function that can fail returns an int or ssize_t (negative: an error code) or a pointer (NULL: error).  A code is
 * a negated errno value or one of the BIDE_E... codes below.  Beside the code each task has one error record: what was
 * tried and why it failed, and the functions that the error passed through.  The first error stays until it is read
 * (bide_error_text) or cleared, so cleanup never hides it.
 */
#ifndef BIDE_ERROR_H
#define BIDE_ERROR_H

#include <errno.h>
#include <stdio.h>

#include <bide/object.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BIDE_ECANCELED (-ECANCELED)
#define BIDE_ETIMEDOUT (-ETIMEDOUT)
#define BIDE_ENOMEM    (-ENOMEM)

/* X(name, distance from -10000, text) */
#define BIDE_ERRORS(X)                                                      \
    X(BIDE_ESTATE, 1, "not possible in this state")                         \
    X(BIDE_ENOLOOP, 2, "no event loop is running in this thread")           \
    X(BIDE_ERUNNING, 3, "an event loop is already running in this thread")  \
    X(BIDE_ECLOSED, 4, "it has been closed")                                \
    X(BIDE_EEOF, 5, "the stream ended early")                               \
    X(BIDE_ELIMIT, 6, "a limit was reached")                                \
    X(BIDE_EURL, 7, "not a valid URL")                                      \
    X(BIDE_ENAME, 8, "no such host name")                                   \
    X(BIDE_EDNS, 9, "the name server failed")                               \
    X(BIDE_ETLS, 10, "TLS failed")                                          \
    X(BIDE_ECERT, 11, "the certificate is not acceptable")                  \
    X(BIDE_EHTTP, 12, "not valid HTTP")                                     \
    X(BIDE_ETRUNCATED, 13, "the body ended early")                          \
    X(BIDE_ETOOBIG, 14, "the body is larger than allowed")                  \
    X(BIDE_EDISCONNECTED, 15, "the server closed the connection without an answer") \
    X(BIDE_EREDIRECT, 16, "too many redirects")                             \
    X(BIDE_ESTATUS, 17, "the status is not a success")                      \
    X(BIDE_EJSON, 18, "not valid JSON")                                     \
    X(BIDE_ESTOPPED, 19, "the event loop was stopped first")                \
    X(BIDE_EDEADLOCK, 20, "nothing is left that could wake this task")      \
    X(BIDE_EWORKER, 40, "the worker died")                                  \
    X(BIDE_EBYSTANDER, 41, "the worker died of another job")                \
    X(BIDE_EFUNCTION, 42, "the worker does not know the function")          \
    X(BIDE_EPOOL, 43, "the pool has failed")

enum bide_error {
#define BIDE__ENUM(name, n, text) name = -(10000 + n),
    BIDE_ERRORS(BIDE__ENUM)
#undef BIDE__ENUM
};

/*
 * Describe a code in a few words.
 *
 * Returns:   a constant text for any code, also an unknown one
 * Example:   fprintf(stderr, "%s\n", bide_strerror(-ECONNREFUSED));
 */
BIDE_API const char *bide_strerror(int code);

/*
 * Record an error: what was tried, then why it failed.
 *
 * If an error that nobody has read is on record already, that one stays.
 *
 * Returns:   code, so that it can be returned at once
 * Example:   return bide_fail(-EINVAL, "page %d: must be 1 or more", page);
 */
BIDE_API int bide_fail(int code, const char *format, ...) BIDE_PRINTF(2, 3);

/*
 * Read the current error of this task (outside tasks: of this thread).
 *
 * bide_error_text lets the next error take its place; bide_error_code only looks.  So an error that was looked at alone
 * is still the one on record when the next call fails: who goes on after it clears it, and who tells them apart by their
 * codes rather takes what the call returned.
 *
 * Returns:   the code, 0 if there is none; the text, "" if there is none
 * Owns:      the text is borrowed until the next error of this task
 */
BIDE_API int bide_error_code(void);
BIDE_API const char *bide_error_text(void);

/*
 * Print the current error with the functions it passed through, innermost first.
 *
 * Example:   if (bide_run(bide_coro(app)) < 0) bide_error_print(stderr);
 */
BIDE_API void bide_error_print(FILE *to);

/* Forget the current error: it was dealt with. */
BIDE_API void bide_error_clear(void);

BIDE_API int bide__raise(int code, const char *function, const char *file, int line);

/* The code of the current error, to be returned by a function that got NULL; adds this place to the error's trace. */
#define bide_raise() bide__raise(0, __func__, __FILE__, __LINE__)

/* Return from this function if the expression is an error; adds this place to the trace: BIDE_TRY(bide_sleep_ms(9)); */
#define BIDE_TRY(expression)                                                    \
    do {                                                                        \
        int bide__code = (int)(expression);                                     \
        if (bide__code < 0)                                                     \
            return bide__raise(bide__code, __func__, __FILE__, __LINE__);       \
    } while (0)

#ifdef __cplusplus
}
#endif
#endif
