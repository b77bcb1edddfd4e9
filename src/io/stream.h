/* SPDX-License-Identifier: MIT */
/* stream.h - what the files of a stream share: filter_socket.c, stream.c, stream_read.c, stream_write.c alone. */
#ifndef BIDE_IO_STREAM_H
#define BIDE_IO_STREAM_H

#include "io/io.h"

#define STREAM_READ_SIZE 16384
#define STREAM_WRITE_SIZE 16384
/* An empty buffer of a quiet connection is not kept, if it is larger. */
#define STREAM_KEPT_BUFFER 1024

extern const struct filter_ops bide__socket_filter_ops; /* of struct socket_filter */

/* One reader and one writer at a time, in the loop's thread: BIDE_ESTATE.  Between the two, the stream cannot go away. */
int bide__stream_begin(bide_stream *s, bool *busy, const char *function, const char *doing);
void bide__stream_end(bide_stream *s, bool *busy);
/* Put on record what became of the socket; op_failed: of the top filter, which may have done so already. */
int bide__stream_fail(const bide_stream *s, int code, const char *doing);
int bide__stream_op_failed(const bide_stream *s, int code, const char *doing);
/* Send what bide_write has collected.  A reader does it too, and leaves it to a writer that comes meanwhile. */
int bide__stream_flush(bide_stream *s, bool as_reader);
void bide__stream_shrink(struct buf *b);

#endif
