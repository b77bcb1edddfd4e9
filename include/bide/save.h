/* SPDX-License-Identifier: MIT */
/*
 * save.h - the body of a response into a file: whole or not at all, and without passing through memory where that can be.
 *
 * Bytes of a plain connection go from the socket to the file inside of the kernel; others in large pieces.  Either way no
 * other task is held up by a slow disk.
 */
#ifndef BIDE_SAVE_H
#define BIDE_SAVE_H

#include <stdbool.h>
#include <stdint.h>

#include <bide/error.h>
#include <bide/file.h>
#include <bide/object.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct bide_response bide_response;

/* Called now and then with the bytes that the file has; a negative code, with an error on record, ends it. */
typedef int bide_save_progress_fn(uint64_t bytes, void *arg);

/* What bide_save takes; zero means the default. */
typedef struct bide_save_args {
    size_t size; /* of this struct; set by the macro */
    const char *path;
    bide_file *file;    /* of bide_save_to */
    struct bide_use_named_options *guard_;
    int64_t max_bytes;  /* more are BIDE_ETOOBIG; default: as many as come, but 16 GiB of a body that is decoded;
                           BIDE_UNLIMITED */
    bide_save_progress_fn *progress; /* default: none */
    void *progress_arg;
    bool *at_file;      /* out: it was the file that failed, not what came; default: not said */
} bide_save_args;

/*
 * Save the body of a response as a file, which appears under its name when it is whole, in place of an older one.
 *
 * A path that ends with "/" is a directory: then the file is called as Content-Disposition says, else as the last part of
 * the URL, made safe: no folders, no control characters, no dot in front.  Such a file never replaces another.
 *
 * Of a request with .resume = PATH, bide_save to the same path goes on where an earlier one has ended: what has come is kept
 * in PATH.part, with its strong ETag in PATH.part.tag, and the server is asked for the rest of just that (Range, If-Range; no
 * coding).  What has changed, or has no such tag, begins anew.
 *
 *     bide_auto bide_response *r = bide_get(s, url, .resume = "disk.img");
 *     BIDE_TRY(bide_save(r, "disk.img"));
 *
 * Suspends:  until the file is there; a cancellation point
 * Returns:   how many bytes it has; bide_response_saved_path says what it is called
 * Errors:    those of bide_read_chunk; -ENOSPC and the like: the text has URL, file, and how far it got; -EEXIST for a
 *            name that a server chose; BIDE_ETOOBIG; BIDE_ESTATE after bide_read_chunk.  Nothing is left then, but with
 *            .resume; there a status that has no body for the file is BIDE_ESTATUS, and a part that was not asked for BIDE_EHTTP
 * Example:   BIDE_TRY(bide_save(r, "disk.img"));
 */
#define bide_save(response, ...) BIDE__CALL(bide_save_with((response), BIDE__ARGS(bide_save_args, .path = __VA_ARGS__)))
BIDE_API BIDE_MUST_USE int64_t bide_save_with(bide_response *r, const bide_save_args *args);

/*
 * The same into a file that is open, where it stands; what was written before an error stays.
 *
 * Owns:      the file is borrowed; it is not closed
 * Example:   BIDE_TRY(bide_save_to(r, file, .max_bytes = 1 << 20));
 */
#define bide_save_to(response, ...) \
    BIDE__CALL(bide_save_with((response), BIDE__ARGS(bide_save_args, .file = __VA_ARGS__)))

/* The path under which bide_save has saved it; NULL: it has not.  Borrowed from the response. */
BIDE_API const char *bide_response_saved_path(const bide_response *r);

#ifdef __cplusplus
}
#endif
#endif
