/* SPDX-License-Identifier: MIT */
/*
 * descriptor.h - waiting for any descriptor: another library's socket, inotify, a device, a pipe.
 *
 * Nothing is read or written here, and no flag of the descriptor is changed: a wait says that a call would not block.  Like
 * poll(): an error and a hang-up count as all that was asked for, and the next call says which it is.  What cannot be polled, a
 * regular file, is ready at once.
 */
#ifndef BIDE_DESCRIPTOR_H
#define BIDE_DESCRIPTOR_H

#include <stdbool.h>

#include <bide/loop.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What to wait for, one or several; also what came. */
#define BIDE_READABLE 1u
#define BIDE_WRITABLE 2u
#define BIDE_PRIORITY 4u /* urgent data, a change in sysfs, cgroup.events: POLLPRI */

/*
 * Wait until a descriptor is ready.  Several tasks may wait for one; all that it is ready for are woken.
 *
 * Close it only when nobody waits any more, or call bide_fd_forget: the kernel does not report it to those who wait.  Debug mode looks,
 * each time before the loop sleeps, and reports one that was closed; its waits end with BIDE_ECLOSED.
 *
 * Suspends:  until it is ready; a cancellation point.  A task that always finds it ready lets others run now and then
 * Returns:   what it is ready for, of what was asked
 * Errors:    -EBADF; BIDE_ECLOSED: it was closed meanwhile (bide_fd_forget), or its number is another file's by now;
 *            BIDE_ESTATE: it is that of a bide stream, or the like; -EPERM: it never has what was asked for; -EINVAL;
 *            BIDE_ENOLOOP outside a task; BIDE_ENOMEM; BIDE_ETIMEDOUT; BIDE_ECANCELED
 * Owns:      the descriptor is borrowed for the call
 * Example:   BIDE_TRY(bide_fd_wait(PQsocket(db), BIDE_READABLE));
 */
BIDE_API BIDE_MUST_USE int bide_fd_wait(int fd, unsigned events);
/* The same, to be awaited: bide_select(NULL, bide_fd_awaitable(fd, BIDE_READABLE), bide_sleep_awaitable(100)). */
BIDE_API bide_awaitable bide_fd_awaitable(int fd, unsigned events);

/*
 * Report that a descriptor is closed, or is about to be; it does not close it.  Tasks of this loop that wait for it get BIDE_ECLOSED,
 * and functions that the loop was to call for it (bide_loop_add_reader) are removed.  Call it right before close(), or right after it.
 *
 * Returns:   how many waits and functions that ended
 * Errors:    BIDE_ENOLOOP
 * Example:   BIDE_TRY(bide_fd_forget(fd)); close(fd);
 */
BIDE_API BIDE_MUST_USE int bide_fd_forget(int fd);

/*
 * Have the loop call a function each time that a descriptor is readable, or writable.  Each has one for either, a new one takes the
 * place of the old.  It is called once a turn for as long as that lasts; it must not wait.
 *
 * Returns:   0
 * Errors:    -EBADF; -EPERM for what cannot be polled, a regular file; BIDE_ESTATE: it is that of a bide stream, or the like, or in
 *            another thread; -EINVAL for NULL; BIDE_ECLOSED; BIDE_ENOMEM
 * Owns:      arg is borrowed until the function is removed or replaced; so is the descriptor
 * Example:   BIDE_TRY(bide_loop_add_reader(loop, inotify, on_change, watcher));
 */
BIDE_API BIDE_MUST_USE int bide_loop_add_reader(bide_loop *loop, int fd, bide_callback *fn, void *arg);
BIDE_API BIDE_MUST_USE int bide_loop_add_writer(bide_loop *loop, int fd, bide_callback *fn, void *arg);

/*
 * The same with an argument that is the function's own: arg_free (NULL: nothing is done) is called exactly once, when the function is
 * removed or replaced (if it does that itself, when it has returned), when the descriptor is forgotten, when the loop is closed, or
 * here if this fails.  It must not use the loop; what it puts on record is forgotten.
 *
 * Returns:   0
 * Errors:    as bide_loop_add_reader
 * Owns:      arg is taken, also on failure; the descriptor is borrowed
 * Example:   BIDE_TRY(bide_loop_add_reader_taking(loop, inotify, call_closure, closure, free));
 */
BIDE_API BIDE_MUST_USE int bide_loop_add_reader_taking(bide_loop *loop, int fd, bide_callback *fn, void *arg,
                                                       void (*arg_free)(void *arg));
BIDE_API BIDE_MUST_USE int bide_loop_add_writer_taking(bide_loop *loop, int fd, bide_callback *fn, void *arg,
                                                       void (*arg_free)(void *arg));

/*
 * Remove the function that add_reader or add_writer has set.
 *
 * Returns:   true if there was one
 */
BIDE_API bool bide_loop_remove_reader(bide_loop *loop, int fd);
BIDE_API bool bide_loop_remove_writer(bide_loop *loop, int fd);

/* ---- descriptors as streams ---- */

typedef struct bide_stream bide_stream;

/* What bide_stream_from_fd takes; zero means the default. */
typedef struct bide_from_fd_args {
    size_t size; /* of this struct; set by the macro */
    int fd;
    struct bide_use_named_options *guard_;
    bool shared;       /* other processes use it, too (a terminal, a pipe that was inherited): O_NONBLOCK, which would be theirs as
                          well, is not set */
    bool keep_open;    /* releasing the stream does not close it */
    size_t max_buffer; /* bytes that bide_read_until may collect; default 64 KiB */
} bide_from_fd_args;

/*
 * A stream over a descriptor: a pipe, a terminal, a connected socket, a device.
 *
 * O_NONBLOCK is set on it, unless .shared says that others have the same open file.  Then it is opened once more (/proc/self/fd),
 * or, where that is not allowed, read and written with RWF_NOWAIT, or, on a terminal and before Linux 6.4, just when poll() says
 * so: there a call may block if another process is faster.  A regular file is read and written at once, as the disk goes.
 * The end of the last program on the other side of a terminal (EIO) is the end of the stream.
 *
 * bide_stream_shutdown closes a descriptor that is open for writing alone, and is the shutdown() of a socket.
 *
 * Returns:   the stream, or NULL
 * Errors:    -EBADF; BIDE_ESTATE: this loop watches it already, for another stream; BIDE_ENOLOOP; BIDE_ENOMEM
 * Owns:      the result is owned; on success it owns fd, unless .keep_open; on failure fd is the caller's still
 * Example:   bide_auto bide_stream *s = bide_stream_from_fd(pipe_end);
 */
#define bide_stream_from_fd(...) BIDE__CALL(bide_stream_from_fd_with(BIDE__ARGS(bide_from_fd_args, .fd = __VA_ARGS__)))
BIDE_API BIDE_MUST_USE bide_stream *bide_stream_from_fd_with(const bide_from_fd_args *args);

/*
 * Standard input and output as streams, .shared and .keep_open.  Each loop has one of either, with one buffer: a second call gives the
 * same one.  What was written and not drained is sent when the loop is closed, as much as can be written without waiting.
 *
 * Returns:   the stream, or NULL
 * Errors:    as bide_stream_from_fd
 * Owns:      the result is a share
 * Example:   bide_auto bide_stream *in = bide_stdin();
 *            while ((n = bide_read_until(in, "\n", &line)) > 0) ...      (then bide_read: a last line without "\n")
 */
BIDE_API BIDE_MUST_USE bide_stream *bide_stdin(void);
BIDE_API BIDE_MUST_USE bide_stream *bide_stdout(void);

#ifdef __cplusplus
}
#endif
#endif
