/* SPDX-License-Identifier: MIT */
/*
 * stream_read.c - reading: bide_read and its variants.
 *
 * What has come is given first.  A read that has to wait sends what was written and not drained: the peer may be waiting for it.
 * If that fails, what the peer has said before is still read, to its end; the next write says that it failed.  Bytes go straight
 * into the caller's memory where that is large enough; else through the buffer `in`, which is there only when there is
 * something to put into it.
 */
#include "io/stream/stream.h"

void bide__stream_shrink(struct buf *b)
{
    if (bide__buf_len(b) == 0 && b->cap > STREAM_KEPT_BUFFER)
        bide__buf_free(b);
}

/* What a peer that has sent until now does not take must not keep us from reading on: it may wait for just that. */
static __attribute__((noinline)) int send_and_wait(bide_stream *s)
{
    struct flow no_limits = {.silence_ms = BIDE_FOREVER, .deadline_ns = INT64_MAX};
    int code = bide__stream_flush_as_reader(s);
    if (code < 0)
        return code;
    if (bide__buf_len(&s->out) > 0 && !s->writing)
        return bide__stream_wait_either(s, &no_limits);
    return bide__stream_wait(s, FLOW_IN, NULL);
}

int bide__stream_wait_for_more(bide_stream *s)
{
    return bide__buf_len(&s->out) > 0 ? send_and_wait(s) : bide__stream_wait(s, FLOW_IN, NULL);
}

/* Until something may have come. */
int bide__stream_before_reading(bide_stream *s)
{
    int code = 0;

    if (!bide__stream_may_recv(s)) {
        bide__stream_shrink(&s->in);
        code = bide__stream_wait_for_more(s);
    }
    return code;
}

/* More into the buffer: how many bytes; 0 at the end. */
ssize_t bide__stream_fill(bide_stream *s)
{
    size_t room = s->in.max - bide__buf_len(&s->in);
    int code = bide__stream_before_reading(s);
    if (code < 0)
        return code;

    char *tail = bide__buf_reserve(&s->in, room < STREAM_READ_SIZE ? room : STREAM_READ_SIZE);
    if (!tail)
        return bide_error_code();
    ssize_t n = bide__stream_recv(s, tail, s->in.cap - s->in.end, NULL);
    if (n > 0)
        bide__buf_commit(&s->in, (size_t)n);
    return n;
}

static size_t take(bide_stream *s, void *out, size_t cap)
{
    size_t n = bide__buf_len(&s->in) < cap ? bide__buf_len(&s->in) : cap;

    memcpy(out, bide__buf_head(&s->in), n);
    bide__buf_consume(&s->in, n);
    return n;
}

ssize_t bide__stream_end_read(bide_stream *s, ssize_t n)
{
    bide__stream_shrink(&s->in);
    bide__stream_end(s, &s->reading);
    return n;
}

void bide__stream_unread(bide_stream *s, struct buf *bytes)
{
    size_t max = s->in.max > bytes->cap ? s->in.max : bytes->cap;

    bide__buf_free(&s->in);
    s->in = *bytes;
    s->in.max = max;
    bide__buf_init(bytes, bytes->max);
}

/* ---- some ---- */

static ssize_t read_some(bide_stream *s, void *out, size_t cap)
{
    if (bide__buf_len(&s->in) > 0)
        return (ssize_t)take(s, out, cap);
    if (cap >= STREAM_READ_SIZE / 4) {
        int code = bide__stream_before_reading(s);
        return code < 0 ? code : bide__stream_recv(s, out, cap, NULL);
    }
    ssize_t n = bide__stream_fill(s);
    return n > 0 ? (ssize_t)take(s, out, cap) : n;
}

ssize_t bide_read(bide_stream *s, void *out, size_t cap)
{
    if (bide__is_null(s, __func__, "the stream"))
        return -EINVAL;
    if (bide__is_null(out, __func__, "the memory to read into"))
        return -EINVAL;
    int code = cap > 0 ? bide__stream_begin(s, &s->reading, __func__, "reading from")
                       : bide_fail(-EINVAL, "bide_read: no room for a byte");
    return code < 0 ? code : bide__stream_end_read(s, read_some(s, out, cap));
}

/* ---- exactly ---- */

static ssize_t ended_early(const bide_stream *s, size_t done, size_t n)
{
    return bide_fail(BIDE_EEOF, "reading from %s: the stream ended after %zu of %zu bytes", bide__stream_peer_text(s), done, n);
}

/* All but the last buffer's worth goes straight through; that is collected, so that an early end of a record that fits
   into the buffer loses nothing, nor does a cancellation. */
static ssize_t read_exactly(bide_stream *s, char *out, size_t n)
{
    size_t done = 0;

    while (n - done > s->in.max) {
        ssize_t got = read_some(s, out + done, n - done - s->in.max);
        if (got <= 0)
            return got < 0 ? got : ended_early(s, done, n);
        done += (size_t)got;
    }
    while (bide__buf_len(&s->in) < n - done) {
        ssize_t got = bide__stream_fill(s);
        if (got <= 0)
            return got < 0 ? got : ended_early(s, done + bide__buf_len(&s->in), n);
    }
    take(s, out + done, n - done);
    return (ssize_t)n;
}

ssize_t bide_read_exactly(bide_stream *s, void *out, size_t n)
{
    if (bide__is_null(s, __func__, "the stream"))
        return -EINVAL;
    if (n > 0 && bide__is_null(out, __func__, "the memory to read into"))
        return -EINVAL;
    int code = n == 0 ? 0 : bide__stream_begin(s, &s->reading, __func__, "reading from");
    if (code < 0 || n == 0)
        return code;
    return bide__stream_end_read(s, read_exactly(s, out, n));
}

/* ---- until ---- */

/* The line is copied out, for its NUL. */
ssize_t bide__stream_take_line(bide_stream *s, size_t n, const char **line)
{
    char *copy = bide__realloc(s->line, n + 1);
    if (!copy)
        return bide__fail_nomem("bide_read_until");

    take(s, copy, n);
    copy[n] = '\0';
    *line = s->line = copy;
    return (ssize_t)n;
}

static ssize_t read_until(bide_stream *s, const char *separator, const char **line)
{
    size_t sep = strlen(separator), scanned = 0;

    for (;;) {
        size_t len = bide__buf_len(&s->in);
        char *head = bide__buf_head(&s->in);
        char *at = len >= sep ? memmem(head + scanned, len - scanned, separator, sep) : NULL;
        if (at)
            return bide__stream_take_line(s, (size_t)(at - head) + sep, line);
        scanned = len >= sep ? len - sep + 1 : 0;
        if (len == s->in.max)
            return bide_fail(BIDE_ELIMIT, "reading from %s: no separator within %zu bytes", bide__stream_peer_text(s), len);
        ssize_t got = bide__stream_fill(s);
        if (got < 0)
            return got;
        if (got == 0)
            return bide_fail(BIDE_EEOF, "reading from %s: the stream ended before the separator", bide__stream_peer_text(s));
    }
}

ssize_t bide_read_until(bide_stream *s, const char *separator, const char **line)
{
    if (bide__is_null(s, __func__, "the stream"))
        return -EINVAL;
    if (bide__is_null(separator, __func__, "the separator"))
        return -EINVAL;
    if (bide__is_null(line, __func__, "the place for the line"))
        return -EINVAL;
    int code = separator[0] ? bide__stream_begin(s, &s->reading, __func__, "reading from")
                            : bide_fail(-EINVAL, "bide_read_until: the separator is empty");
    return code < 0 ? code : bide__stream_end_read(s, read_until(s, separator, line));
}
