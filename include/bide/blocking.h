/* SPDX-License-Identifier: MIT */
/*
 * blocking.h - HTTP sessions for threads without a loop: a call returns when its response is whole.
 *
 * Behind it are a loop and a session in a thread of their own.  Any number of threads may use one at once: their requests run
 * side by side, share its connections, which are kept from one call to the next, and its cookies.
 */
#ifndef BIDE_BLOCKING_H
#define BIDE_BLOCKING_H

#include <bide/request.h>
#include <bide/session.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct bide_blocking bide_blocking;

/*
 * Make one, and start its thread.  The options are those of bide_session_new, of which .tls is not for another thread: use
 * .tls_options.  Functions among them (.dial, .resolve, .around, .trace), and those of requests, are called in its
 * thread.
 *
 * Threads:   any; no loop is needed.  bide_release and bide_retain: one at a time, and bide_release when no call runs; it
 *            waits for the thread
 * Suspends:  never: it blocks
 * Returns:   the session, or NULL
 * Errors:    as bide_session_new; -EAGAIN when no thread could be made
 * Owns:      the result is owned
 * Example:   bide_auto bide_blocking *b = bide_blocking_new(.base_url = "https://api.example/v1/");
 */
#define bide_blocking_new(...) BIDE__CALL(bide_blocking_new_with(BIDE__ARGS(bide_session_args, __VA_ARGS__)))
BIDE_API BIDE_MUST_USE bide_blocking *bide_blocking_new_with(const bide_session_args *args);

/*
 * Send a request and wait for its whole response.
 *
 * Inside a task it blocks the whole thread: every other task stands still, and a line says so (bide_loop_set_exception_handler).
 *
 * Threads:   any, many at once; no loop is needed.  The response belongs to the caller's
 * Suspends:  never: it blocks, for no longer than the limits of the request
 * Returns:   the response with its body already read, or NULL
 * Errors:    as bide_get; BIDE_ETOOBIG and what else a body may end with; BIDE_EDEADLOCK in a function that its own thread calls;
 *            BIDE_ECLOSED in a child of fork()
 * Owns:      the result is owned; it stands alone, and may be released after the session
 * Example:   bide_auto bide_response *r = bide_blocking_get(b, "users/7", .timeout_ms = 5000);
 */
#define bide_blocking_get(blocking, ...) BIDE__BLOCKING((blocking), "GET", __VA_ARGS__)
#define bide_blocking_post(blocking, ...) BIDE__BLOCKING((blocking), "POST", __VA_ARGS__)
#define bide_blocking_put(blocking, ...) BIDE__BLOCKING((blocking), "PUT", __VA_ARGS__)
#define bide_blocking_patch(blocking, ...) BIDE__BLOCKING((blocking), "PATCH", __VA_ARGS__)
#define bide_blocking_delete(blocking, ...) BIDE__BLOCKING((blocking), "DELETE", __VA_ARGS__)
#define bide_blocking_head(blocking, ...) BIDE__BLOCKING((blocking), "HEAD", __VA_ARGS__)
/* Any method: bide_blocking_request(b, "PURGE", url).  The same contract; the result is owned. */
#define bide_blocking_request(blocking, method_, ...) BIDE__BLOCKING((blocking), (method_), __VA_ARGS__)
#define BIDE__BLOCKING(blocking, method_, ...) \
    BIDE__CALL(bide_blocking_request_with(blocking, method_, BIDE__ARGS(bide_request_args, .url = __VA_ARGS__)))
BIDE_API BIDE_MUST_USE bide_response *bide_blocking_request_with(bide_blocking *b, const char *method, const bide_request_args *args);

#ifdef __cplusplus
}
#endif
#endif
