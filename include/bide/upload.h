/* SPDX-License-Identifier: MIT */
/*
 * upload.h - bodies to send that are not in memory: files, and pieces that a function of the program's gives.
 *
 * They are read while they are sent, a piece at a time, and no faster than the server takes them.
 */
#ifndef BIDE_UPLOAD_H
#define BIDE_UPLOAD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <bide/object.h>

#ifdef __cplusplus
#include <initializer_list>
extern "C" {
#endif

/*
 * Gives the next piece of a body; called in the task whose request it is, when the piece before was taken.
 *
 * data:      *data is set to the piece, which stays until the next call, or until the request has returned
 * Suspends:  as it likes; the limit of all (timeout_ms) goes on, and a cancellation arrives in it
 * Returns:   how many bytes; 0: that was all; or a negative code, with an error on record: the request fails with it
 * Example:   *data = row->text; return (ssize_t)row->len;
 */
typedef ssize_t bide_piece_fn(const char **data, void *arg);

/*
 * Goes back to the beginning, when the body has to be sent once more: after a redirect (307, 308), or on a new connection.
 *
 * Returns:   0; or a negative code, with an error on record: the request fails with it
 */
typedef int bide_rewind_fn(void *arg);

/* Where a body comes from; zero means the default.  Made by the macros below. */
typedef struct bide_body_source {
    size_t size; /* of this struct; set by the macro */
    bool from_fd; /* set by the macro: fd, not next */
    int fd;
    struct bide_use_named_options *fd_guard_;
    bide_piece_fn *next;
    void *arg;
    struct bide_use_named_options *guard_;
    bide_rewind_fn *rewind; /* of next; default: it can be sent once only */
    int64_t offset;         /* of a file: where the body begins in it; default 0 */
    int64_t length;         /* default: of a file up to its end; else not known, and the body goes out in chunks */
} bide_body_source;

/*
 * A body in pieces that a function gives.  Of a body with a .length it is an error to give fewer bytes, or more; one without
 * is sent in chunks, which a server of HTTP/1.0 does not understand.
 *
 * Owns:      arg is borrowed until the request has returned
 * Example:   .body = bide_body_from(next_row, &cursor, .rewind = first_row)
 */
#define bide_body_from(next_, ...) BIDE__ARGS(bide_body_source, .next = (next_), .arg = __VA_ARGS__)

/*
 * A body out of a file that is open already: a part of a file; or all that comes out of a pipe, in chunks.  What stands at
 * .offset is read without moving the file's own position.  A pipe becomes non-blocking meanwhile.
 *
 * Owns:      the descriptor is borrowed until the request has returned
 * Example:   .body = bide_body_from_fd(fd, .offset = 4096, .length = 8192)
 */
#define bide_body_from_fd(...) BIDE__ARGS(bide_body_source, .from_fd = true, .fd = __VA_ARGS__)

/*
 * A part of a form (multipart/form-data, RFC 7578): a text, bytes, a file or pieces; the first of them that is there counts.  Quotes
 * and line ends in names are encoded as browsers do it; other control characters are refused.
 */
typedef struct bide_part {
    const char *name;             /* a list ends with a NULL one */
    const char *value;            /* text, to its NUL */
    bide_bytes data;
    const char *path;             /* a file, or a pipe; opened when the request begins, and again when its turn comes */
    const bide_body_source *body; /* bide_body_from, bide_body_from_fd */
    const char *type;             /* Content-Type; default: none for a text; else by the ending of the file name, or octet-stream */
    const char *file_name;        /* default: the last part of path */
    const bide_pair *headers;     /* more fields of this part */
} bide_part;

/* A list of parts in place: .multipart = BIDE_PARTS({"title", "a cat"}, {"file", .path = "cat.jpg"}) */
#ifdef __cplusplus
#define BIDE_PARTS(...) (std::initializer_list<bide_part>{__VA_ARGS__, {}}.begin())
#else
#define BIDE_PARTS(...) ((const bide_part[]){__VA_ARGS__, {.name = NULL}})
#endif

/* How far a request has got; handed over by address, it may grow. */
typedef struct bide_progress {
    uint64_t sent;          /* bytes of the body that were handed to the kernel, with the frames of chunks */
    uint64_t send_total;    /* 0: there is none, or its length is not known */
    uint64_t received;      /* bytes of the body of the response, as it came or, if it was in a coding, decoded */
    uint64_t receive_total; /* 0: not known */
} bide_progress;

/*
 * Called when bytes of a body have moved, up or down, in the task that sends or reads; it must not wait.  Before a redirect is
 * followed or a request is sent again, the numbers begin anew.
 *
 * p:         borrowed for the call
 * Returns:   0: go on; or a negative code: the request fails with it, or the body that is read
 * Example:   return show_gauge(arg, p->sent, p->send_total);
 */
typedef int bide_progress_fn(const bide_progress *p, void *arg);

#ifdef __cplusplus
}
#endif
#endif
