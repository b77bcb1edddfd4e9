/* SPDX-License-Identifier: MIT */
/*
 * error.h - error codes, and the record of the newest failure.
 *
 * A function that can fail returns an int or ssize_t (negative: an error code) or a pointer (NULL: error).  A code is
 * a negated errno value or one of the BIDE_E... codes below.  Beside the code each task has one error record (outside
 * tasks each thread has one): what was tried and why it failed, and the functions that the error passed through.
 *
 * The record is that of the newest failure:
 *   1  A call that fails replaces the record, whatever was there, whether it was read or not.  So the code that a call
 *      returned, or its NULL, and bide_error_code() and bide_error_text() right behind it belong together.
 *   2  A call that succeeds leaves the record as it was, also if it met failures on its way and dealt with them.
 *   3  Cleanup leaves the record as it was: bide_release (and so bide_auto), done callbacks, and everything else that
 *      returns nothing.  A close that returns an int and fails is a call that fails.
 * After a failure that was dealt with there is nothing to do; bide_error_clear() is for those who want the record empty.
 */
#ifndef BIDE_ERROR_H
#define BIDE_ERROR_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <bide/object.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BIDE_ECANCELED (-ECANCELED)
#define BIDE_ETIMEDOUT (-ETIMEDOUT)
#define BIDE_ENOMEM    (-ENOMEM)

/*
 * X(name, distance from -10000, text).  Each room has a range, so that a code says where it comes from, and a new one stands at
 * the end of its own and moves none: programs that were built before, and hosts of one queue, keep understanding each other.
 *     1 to 99     base and core       100 to 199  io       200 to 299  http       300 to 399  pool
 */
#define BIDE_ERRORS_CORE(X)                                                 \
    X(BIDE_ESTATE, 1, "not possible in this state")                         \
    X(BIDE_ENOLOOP, 2, "no event loop is running in this thread")           \
    X(BIDE_ERUNNING, 3, "an event loop is already running in this thread")  \
    X(BIDE_ECLOSED, 4, "it has been closed")                                \
    X(BIDE_ELIMIT, 5, "a limit was reached")                                \
    X(BIDE_ESTOPPED, 6, "the event loop was stopped first")                 \
    X(BIDE_EDEADLOCK, 7, "nothing is left that could wake this task")       \
    X(BIDE_EVERSION, 8, "the library is not the one that the program was built for") \
    X(BIDE_EBROKEN, 9, "the barrier is broken")                            \
    X(BIDE_ELAGGED, 10, "items were missed")
#define BIDE_ERRORS_IO(X)                                                   \
    X(BIDE_EEOF, 100, "the stream ended early")                             \
    X(BIDE_ENAME, 101, "no such host name")                                 \
    X(BIDE_EDNS, 102, "the name server failed")                             \
    X(BIDE_ETLS, 103, "TLS failed")                                         \
    X(BIDE_ECERT, 104, "the certificate is not acceptable")                 \
    X(BIDE_EPRIVATE, 105, "not an address of the public internet")          \
    X(BIDE_EEXIT, 106, "the program did not end well")
#define BIDE_ERRORS_HTTP(X)                                                 \
    X(BIDE_EURL, 200, "not a valid URL")                                    \
    X(BIDE_EHTTP, 201, "not valid HTTP")                                    \
    X(BIDE_ETRUNCATED, 202, "the body ended early")                         \
    X(BIDE_ETOOBIG, 203, "the body is larger than allowed")                 \
    X(BIDE_EDISCONNECTED, 204, "the server closed the connection without an answer") \
    X(BIDE_EREDIRECT, 205, "too many redirects")                            \
    X(BIDE_ESTATUS, 206, "the status is not a success")                     \
    X(BIDE_EJSON, 207, "not valid JSON")                                    \
    X(BIDE_EPROXY, 208, "the proxy refused")
#define BIDE_ERRORS_POOL(X)                                                 \
    X(BIDE_EWORKER, 300, "the worker died")                                 \
    X(BIDE_EWORKERLOST, 301, "the worker was lost to another job")          \
    X(BIDE_EFUNCTION, 302, "the worker does not know the function")         \
    X(BIDE_EPOOL, 303, "the pool has failed")
#define BIDE_ERRORS(X) BIDE_ERRORS_CORE(X) BIDE_ERRORS_IO(X) BIDE_ERRORS_HTTP(X) BIDE_ERRORS_POOL(X)

enum bide_error {
#define BIDE__ENUM(name, n, text) name = -(10000 + n),
    BIDE_ERRORS(BIDE__ENUM)
#undef BIDE__ENUM
};

/*
 * Describe a code in a few words.
 *
 * Threads:   any; no loop is needed
 * Returns:   a constant text for any code, also an unknown one
 * Example:   fprintf(stderr, "%s\n", bide_strerror(-ECONNREFUSED));
 */
BIDE_API const char *bide_strerror(int code);

/*
 * Record an error: what was tried, then why it failed.  It replaces the one on record; its trace begins here.
 *
 * A macro, for the place of the call.  bide_fail_at is the function: for bindings, and for helpers that report the
 * place of their caller.  Without a place (function is NULL) the trace begins empty.
 *
 * Threads:   any; each task, and outside of tasks each thread, has a record of its own
 * Returns:   code, so that it can be returned at once
 * Errors:    -EINVAL, and a text that says so, for a code that is not negative
 * Example:   return bide_fail(-EINVAL, "page %d: must be 1 or more", page);
 */
#define bide_fail(...) bide__negative(bide_fail_at(__func__, __FILE__, __LINE__, __VA_ARGS__))
BIDE_API int bide_fail_at(const char *function, const char *file, int line, int code, const char *format, ...)
    BIDE_PRINTF(5, 6);

/*
 * Read the current error of this task (outside tasks: of this thread).  Reading changes nothing.
 *
 * Threads:   any; each task, and outside of tasks each thread, has a record of its own
 * Returns:   the code, 0 if there is none; the text, "" if there is none
 * Owns:      the text is borrowed until the next error of this task
 */
BIDE_API int bide_error_code(void);
BIDE_API const char *bide_error_text(void);

/* A place that an error passed through. */
typedef struct bide_error_place {
    const char *function, *file;
    int line;
} bide_error_place;

/* What a request was doing when it failed. */
enum bide_error_phase {
    BIDE_PHASE_NONE,    /* it is not about a request, or none had begun */
    BIDE_PHASE_QUEUE,   /* waiting for a free connection */
    BIDE_PHASE_CONNECT, /* looking the name up, connecting */
    BIDE_PHASE_SEND,    /* sending the request */
    BIDE_PHASE_HEAD,    /* waiting for the answer's head, and reading it */
    BIDE_PHASE_BODY,    /* reading the answer's body */
    BIDE_PHASE_TLS      /* the handshake of TLS, behind BIDE_PHASE_CONNECT */
};

/* All that is known of an error. */
typedef struct bide_error_info {
    int code;                     /* what bide_error_code() gives; 0: no error, and all the rest is 0 */
    int system;                   /* the errno below it (ECONNRESET inside BIDE_ETLS); 0: none is known */
    enum bide_error_phase phase;
    int http_status;              /* the status of the answer, once its head was read; 0: none */
    const char *url;              /* of the request, after redirects the last; at most 255 bytes of it; NULL: none */
    bool reused;                  /* the request went out on a connection that had served before */
    bool retry_safe;              /* nothing of it can have been acted on, or asking twice does no harm (RFC 9110 9.2.2) */
    bool interrupted;             /* this task was cancelled, or its bide_timeout block ran out: not what it awaited */
    const char *text;             /* what bide_error_text() gives */
    const bide_error_place *trace; /* where it was made and passed through, innermost first */
    size_t trace_len;
    uint64_t bytes_sent, bytes_received; /* of the request's last try, given to the kernel; of its answer */
} bide_error_info;

/*
 * Read the whole record of the current error.  info may be NULL: then only the code is asked for.
 *
 * Threads:   any; each task, and outside of tasks each thread, has a record of its own
 * Returns:   its code; 0 if there is none, and *info is all zeros
 * Owns:      what *info points to is borrowed until the next error of this task
 * Example:   bide_error_info e;
 *            if (bide_error_get(&e) < 0 && e.retry_safe) again(e.url);
 */
BIDE_API int bide_error_get_into(bide_error_info *info, size_t size);
static inline int bide_error_get(bide_error_info *info)
{
    return bide_error_get_into(info, sizeof *info);
}

/*
 * After a BIDE_ECANCELED: was it this task that was cancelled, and not what it awaited?
 *
 * Threads:   any; each task, and outside of tasks each thread, has a record of its own
 * Returns:   true if the current error is a cancellation of the running task itself
 * Example:   if (r == BIDE_ECANCELED && !bide_was_cancelled()) r = 0;  // somebody cancelled the download: go on without
 */
BIDE_API bool bide_was_cancelled(void);

/*
 * Print the current error with the functions it passed through, innermost first.
 *
 * Threads:   any; each task, and outside of tasks each thread, has a record of its own
 * Example:   if (bide_run(bide_coro(app)) < 0) bide_error_print(stderr);
 */
BIDE_API void bide_error_print(FILE *to);

/*
 * Forget the current error.
 *
 * Threads:   any; each task, and outside of tasks each thread, has a record of its own
 */
BIDE_API void bide_error_clear(void);

/*
 * The function under bide_raise and BIDE_TRY, for bindings: add a place to the trace of the error with this code; 0: of the
 * current one.
 *
 * Threads:   any; each task, and outside of tasks each thread, has a record of its own
 * Returns:   the code of the error on record
 * Errors:    BIDE_ESTATE if there is none to be passed on
 */
BIDE_API int bide_raise_at(int code, const char *function, const char *file, int line);

/* For the compiler: the code is negative here.  Without it gcc warns of uninitialized variables behind BIDE_TRY. */
static inline __attribute__((always_inline)) int bide__negative(int code)
{
    if (code >= 0)
        __builtin_unreachable();
    return code;
}

/* The code of the current error, to be returned by a function that got NULL; adds this place to the error's trace. */
#define bide_raise() bide__negative(bide_raise_at(0, __func__, __FILE__, __LINE__))

#ifdef __cplusplus
#define BIDE__AUTO_TYPE auto
#else
#define BIDE__AUTO_TYPE __auto_type
#endif

/*
 * Return from this function if the expression is an error; adds this place to the trace.  Else: its value.
 *
 *     BIDE_TRY(bide_sleep_ms(9));                                 an int or ssize_t, in a function that returns int
 *     int tea = BIDE_TRY(brew());
 *     bide_session *s = BIDE_TRY_PTR(bide_session_new());         a pointer, in a function that returns int
 *     BIDE_TRY_NULL(bide_sleep_ms(9));                            an int or ssize_t, in a function that returns a pointer
 *     bide_session *s = BIDE_TRY_PTR_NULL(bide_session_new());    a pointer, in a function that returns a pointer
 */
#define BIDE_TRY(expression) BIDE__TRY(expression, return (int)bide__code)
#define BIDE_TRY_NULL(expression) BIDE__TRY(expression, return NULL)
#define BIDE_TRY_PTR(expression) BIDE__TRY_PTR(expression, return bide_raise())
#define BIDE_TRY_PTR_NULL(expression) BIDE__TRY_PTR(expression, bide_raise(); return NULL)

#define BIDE__TRY(expression, leave)                                         \
    __extension__({                                                          \
        BIDE__AUTO_TYPE bide__code = (expression);                           \
        if (bide__code < 0) {                                                \
            bide_raise_at((int)bide__code, __func__, __FILE__, __LINE__);      \
            leave;                                                           \
        }                                                                    \
        bide__code;                                                          \
    })
#define BIDE__TRY_PTR(expression, leave)                                     \
    __extension__({                                                          \
        BIDE__AUTO_TYPE bide__pointer = (expression);                        \
        if (!bide__pointer) {                                                \
            leave;                                                           \
        }                                                                    \
        bide__pointer;                                                       \
    })

#ifdef __cplusplus
}
#endif
#endif
