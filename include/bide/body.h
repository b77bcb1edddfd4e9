/* SPDX-License-Identifier: MIT */
/*
 * body.h - bodies of responses: whole (bide_body, bide_text), piece by piece (bide_read_chunk), or as a stream.
 *
 * json.h has bide_json, save.h what goes into a file.
 */
#ifndef BIDE_BODY_H
#define BIDE_BODY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <bide/error.h>
#include <bide/object.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct bide_response bide_response;
typedef struct bide_stream bide_stream;

/* Body bytes received so far, as they came over the wire (chunk framing left out; not decoded). */
BIDE_API uint64_t bide_response_body_bytes(const bide_response *r);

/*
 * Is the body in a coding (gzip, deflate, br, zstd) that its readers take off?  The fields of the head stay as they came:
 * then Content-Length and ETag are those of the coded body.  False for a coding that is not known, a 206, and who asked
 * for .no_decompress or set Accept-Encoding: those read the body as it comes.
 */
BIDE_API bool bide_response_is_decoded(const bide_response *r);

/*
 * The whole body, decoded.  Read once, kept by the response.
 *
 * Suspends:  until all of it has come; a cancellation point
 * Returns:   the bytes, with a NUL behind them; data is NULL on error
 * Errors:    BIDE_ETRUNCATED, BIDE_ETOOBIG (max_body_bytes, max_ratio), BIDE_EHTTP, BIDE_ETIMEDOUT, BIDE_ECANCELED, BIDE_ENOMEM,
 *            BIDE_ESTATE after bide_read_chunk
 * Owns:      borrowed from the response
 * Example:   *out = bide_body(r).len;
 */
BIDE_API bide_bytes bide_body(bide_response *r);

/*
 * What has come of a body that bide_body could not get whole: it failed, was too large, or was given up.  Decoded, as far as
 * that went.  Of one that is whole, all of it; before it was asked for, nothing.
 *
 * Owns:      borrowed from the response
 * Example:   if (!bide_text(r)) fwrite(bide_body_so_far(r).data, 1, bide_body_so_far(r).len, stderr);
 */
BIDE_API bide_bytes bide_body_so_far(const bide_response *r);

/*
 * The whole body as a string in UTF-8: converted from the charset that its byte order mark says, or its Content-Type; what is
 * wrong in it becomes U+FFFD.  bide_text_raw: its bytes as they are.
 *
 * Suspends:  as bide_body
 * Returns:   the text; NULL on error
 * Errors:    those of bide_body; -ENOTSUP: this machine has no table for the charset
 * Owns:      borrowed from the response
 * Example:   puts(bide_text(r));
 */
BIDE_API const char *bide_text(bide_response *r);
BIDE_API const char *bide_text_raw(bide_response *r);

/*
 * The next piece of the body, decoded, for bodies that need not fit in memory.
 *
 * Suspends:  until some has come; a cancellation point
 * Returns:   its length, 0 at the end
 * Errors:    as bide_body
 * Owns:      *data is borrowed until the next call on this response
 * Example:   while ((n = bide_read_chunk(r, &data)) > 0) fwrite(data, 1, (size_t)n, file);
 */
BIDE_API BIDE_MUST_USE ssize_t bide_read_chunk(bide_response *r, const char **data);

/*
 * The body as a stream, decoded, to be read by bide_read, bide_read_exactly and bide_read_until: by line, or by count.
 *
 * Reading it has the limits of the request; an error of the body, also BIDE_ECANCELED and BIDE_ETIMEDOUT, is its end.
 *
 * Returns:   the stream, or NULL
 * Errors:    BIDE_ESTATE after bide_read_chunk; BIDE_ENOMEM
 * Owns:      the result is owned; it keeps the response
 * Example:   while ((n = bide_read_until(lines, "\n", &line)) > 0) puts(line);
 */
BIDE_API bide_stream *bide_body_stream(bide_response *r);

#ifdef __cplusplus
}
#endif
#endif
