/* SPDX-License-Identifier: MIT */
/*
 * listener.h - more that a listener can do: a limit on connections, a graceful end, accepting as one choice of several.
 */
#ifndef BIDE_LISTENER_H
#define BIDE_LISTENER_H

#include <bide/awaitable.h>
#include <bide/stream.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What bide_serve_limited takes; zero means the default. */
typedef struct bide_serve_args {
    size_t size; /* of this struct; set by the macro */
    struct bide_use_named_options *guard_;
    int max_connections; /* at once; more wait in the kernel's queue (.backlog of bide_listen).  Default: no limit */
    int64_t grace_ms;    /* at the end, handlers may go on for this time before they are cancelled; default: none; BIDE_FOREVER */
} bide_serve_args;

/*
 * bide_serve with limits.  It ends when it is cancelled, and when the listener is closed (bide_listener_close).  A second cancellation
 * ends the grace.
 *
 * Suspends:  until it ends; a cancellation point.  Then handlers have .grace_ms, are cancelled and awaited
 * Returns:   an error, always: it ends in no other way
 * Errors:    BIDE_ECANCELED; BIDE_ECLOSED; what bide_accept gives; -EINVAL
 * Owns:      as bide_serve
 * Example:   return bide_serve_limited(listener, echo, NULL, .max_connections = 1000, .grace_ms = 5000);
 */
#define bide_serve_limited(listener, handler, arg, ...) \
    BIDE__CALL(bide_serve_limited_with((listener), (handler), (arg), BIDE__ARGS(bide_serve_args, __VA_ARGS__)))
BIDE_API BIDE_MUST_USE int bide_serve_limited_with(bide_listener *l, bide_connection_handler *handler, void *arg,
                                                   const bide_serve_args *args);

/*
 * Stop listening: new connections are refused, a Unix socket's path is removed (if it is ours still), and tasks that accept get
 * BIDE_ECLOSED.  Connections that were accepted go on.  Closing it again does nothing.
 *
 * Returns:   0
 * Errors:    BIDE_ESTATE in another thread; -EINVAL for NULL
 * Example:   BIDE_TRY(bide_listener_close(listener)); code = bide_await(server);
 */
BIDE_API BIDE_MUST_USE int bide_listener_close(bide_listener *l);

/*
 * The next connection, to be awaited or chosen (bide_select); if it is not chosen, the connection stays in the queue.  Its result is 0
 * with the stream in *out, which is owned then; without a free descriptor it is -EMFILE, and does not wait.
 *
 * Owns:      l and out are borrowed until then
 */
BIDE_API bide_awaitable bide_accept_awaitable(bide_listener *l, bide_stream **out);

#ifdef __cplusplus
}
#endif
#endif
