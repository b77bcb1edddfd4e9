/* SPDX-License-Identifier: MIT */
/*
 * har.h - HAR 1.2 files: what a session has asked and was answered, recorded, and played back without a network.
 *
 * Browsers and proxies write and read the same format.
 */
#ifndef BIDE_HAR_H
#define BIDE_HAR_H

#include <bide/transport.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What bide_transport_record takes; zero means the default. */
typedef struct bide_record_args {
    size_t size; /* of this struct; set by the macro */
    const char *path; /* copied */
    struct bide_use_named_options *guard_;
    bool with_secrets;      /* default: what identifies the user in Authorization, Proxy-Authorization, Cookie and Set-Cookie
                               becomes ***.  URLs and bodies stay as they are */
    size_t max_body_bytes;  /* of a longer body the beginning alone is recorded; default 1 MiB */
    int64_t max_file_bytes; /* exchanges that would make the file longer are left out; default 1 GiB */
} bide_record_args;

/*
 * Make a transport that records: a session with it uses the network, and each exchange, redirects and retries too, becomes an entry
 * of the file once its body has come to an end or is not wanted any more.  Bodies are recorded decoded.
 *
 * The file is there when bide_transport_end says so; until then it is being written beside its name, readable by its owner alone,
 * a piece at a time and by the loop's own thread.  A recorder that is released before leaves nothing.
 *
 * Returns:   the transport, or NULL
 * Errors:    -EINVAL, also for a path that leads to a device or a pipe; -EISDIR; -ENOENT, -EACCES and the like: the file cannot
 *            be made; BIDE_ENOMEM
 * Owns:      the result is owned; sessions keep shares of it
 * Example:   bide_auto bide_transport *t = bide_transport_record("session.har");
 *            bide_auto bide_session *s = bide_session_new(.transport = t);
 */
#define bide_transport_record(...) BIDE__CALL(bide_transport_record_with(BIDE__ARGS(bide_record_args, .path = __VA_ARGS__)))
BIDE_API BIDE_MUST_USE bide_transport *bide_transport_record_with(const bide_record_args *args);

/*
 * End a recording: the file gets its name.  Exchanges that are not over are not in it, nor are those that come later.
 *
 * bide_transport_check says BIDE_ETOOBIG if exchanges were left out, and so does a comment in the file.
 *
 * Returns:   how many exchanges are in it
 * Errors:    what writing met (-ENOSPC): then there is no file, nor is one of that name replaced; BIDE_ESTATE: it has ended
 *            already; -EINVAL: not a recorder
 * Example:   BIDE_TRY(bide_transport_end(t));
 */
BIDE_API BIDE_MUST_USE int bide_transport_end(bide_transport *t);

/* What bide_transport_replay takes; zero means the default. */
typedef struct bide_replay_args {
    size_t size; /* of this struct; set by the macro */
    const char *path;
    struct bide_use_named_options *guard_;
    bool repeat;           /* what was recorded last for a request is its answer from then on; default: each entry is played once */
    size_t max_file_bytes; /* default 64 MiB */
} bide_replay_args;

/*
 * Make a transport that plays a HAR file back, one of a browser's too.
 *
 * An entry answers a request of the same method and URL, without fragments; of several the one with the same body, else the first
 * that was not played yet.  What was cut off when it was recorded is cut off again (BIDE_ETRUNCATED), what failed fails.  Bodies are
 * decoded in such files, so their Content-Encoding, Content-Length and Transfer-Encoding are not played.  bide_transport_check
 * says BIDE_ESTATE while an entry was not played.
 *
 * Suspends:  until the file is read, inside a task; a cancellation point before it begins, not after
 * Returns:   the transport, or NULL
 * Errors:    those of bide_file_read_all (-ENOENT, BIDE_ELIMIT); BIDE_EJSON: it is no HAR, and the text says where; BIDE_ENOMEM; -EINVAL.
 *            A request that no entry answers fails with -ENOENT, and the text names the nearest
 * Owns:      the result is owned; sessions keep shares of it
 * Example:   bide_auto bide_transport *t = bide_transport_replay("session.har", .repeat = true);
 */
#define bide_transport_replay(...) BIDE__CALL(bide_transport_replay_with(BIDE__ARGS(bide_replay_args, .path = __VA_ARGS__)))
BIDE_API BIDE_MUST_USE bide_transport *bide_transport_replay_with(const bide_replay_args *args);

#ifdef __cplusplus
}
#endif
#endif
