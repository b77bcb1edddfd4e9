/* SPDX-License-Identifier: MIT */
/*
 * stream_write.c - writing: bide_write and its variants.
 *
 * Small writes are collected in the buffer `out`; one that does not fit any more goes out together with what is there,
 * in one system call.
 *
 * Invariant:
 *   W1  `out` holds just what was taken from the caller and not given to the kernel.  When a write fails after a part
 *       of its own bytes has gone, there is no way to say to the peer where it stopped: the stream is broken for writing.
 *       A layer above the socket may have gone on with them when it says "later": a TLS record, once made, is what it
 *       sends next, whatever it is given then.  (Where only `out` goes, the next try gives it the same bytes again.)
 *   W2  between looking at `out` and taking from it nothing suspends, so a reader may flush while a writer waits.
 */
#include <bide/transfer.h>

#include "io/stream/stream.h"

/* One send of what was collected and then `len` bytes of data.  0 and *done grows; or an error. */
static int send_once(bide_stream *s, const char *data, size_t len, size_t *done)
{
    size_t collected = bide__buf_len(&s->out);
    struct iovec pieces[] = {{bide__buf_head(&s->out), collected}, {(char *)(uintptr_t)data, len}};
    int first = collected == 0, n = (len > 0 ? 2 : 1) - first;
    ssize_t sent = bide__stream_try_send(s, pieces + first, n);
    if (sent == -EAGAIN)
        return bide__stream_wait(s, FLOW_OUT, NULL);
    if (sent < 0)
        return bide__stream_op_failed(s, (int)sent, "writing to");

    size_t of_collected = (size_t)sent < collected ? (size_t)sent : collected;
    bide__buf_consume(&s->out, of_collected);
    *done += (size_t)sent - of_collected;
    return 0;
}

int bide__stream_flush(bide_stream *s)
{
    size_t none = 0;
    int code;

    while ((code = bide__stream_yield_if_over_budget(s)) == 0 && bide__buf_len(&s->out) > 0) {
        code = send_once(s, NULL, 0, &none);
        if (code < 0)
            return code;
    }
    if (code == 0)
        bide__stream_shrink(&s->out);
    return code;
}

void bide__stream_break_off(bide_stream *s)
{
    s->broken = true;
    bide__buf_free(&s->out);
}

/* ---- of a reader: what fails is the writing, not the reading ---- */

bool bide__stream_try_flush(bide_stream *s)
{
    struct iovec out = {bide__buf_head(&s->out), bide__buf_len(&s->out)};
    ssize_t sent = bide__stream_try_send(s, &out, 1);

    if (sent >= 0) {
        bide__buf_consume(&s->out, (size_t)sent);
    } else if (sent != -EAGAIN) {
        s->lost = (int)sent;
        bide__stream_break_off(s);
    }
    return sent != -EAGAIN;
}

int bide__stream_flush_as_reader(bide_stream *s)
{
    int code;

    while ((code = bide__stream_yield_if_over_budget(s)) == 0 && bide__buf_len(&s->out) > 0 && !s->writing)
        if (!bide__stream_try_flush(s))
            return 0;
    if (code == 0)
        bide__stream_shrink(&s->out);
    return code;
}

/* ---- of a writer ---- */

/* What is below the low mark stays here. */
static int keep_rest(bide_stream *s, const char *data, size_t len, size_t done)
{
    int code = bide__buf_append(&s->out, data, len);

    if (code < 0 && done > 0)
        bide__stream_break_off(s);
    return code;
}

static int send_now(bide_stream *s, const char *data, size_t len)
{
    size_t done = 0;

    while (done < len && bide__buf_len(&s->out) + len - done > s->write_low) {
        int code = bide__stream_yield_if_over_budget(s);
        if (code == 0)
            code = send_once(s, data + done, len - done, &done);
        if (code < 0) {
            if (done > 0 || s->top->below)
                bide__stream_break_off(s);
            return code;
        }
    }
    if (done < len)
        return keep_rest(s, data + done, len - done, done);
    bide__stream_shrink(&s->out);
    return 0;
}

static int write_op(bide_stream *s, const void *data, size_t len)
{
    if (len == 0) /* data may be NULL then */
        return 0;
    if (unlikely(s->is_shut))
        return bide__stream_check_writing(s);
    if (bide__buf_len(&s->out) + len <= s->out.max)
        return bide__buf_append(&s->out, data, len);
    return send_now(s, data, len);
}

static int drain_op(bide_stream *s, const void *data, size_t len)
{
    (void)data;
    (void)len;
    return bide__stream_flush(s);
}

static int shutdown_op(bide_stream *s, const void *data, size_t len)
{
    int code = drain_op(s, data, len);
    if (code < 0)
        return code;
    while ((code = s->top->ops->shutdown(s->top)) == -EAGAIN) {
        int waited = bide__stream_wait(s, FLOW_OUT, NULL);
        if (waited < 0)
            return waited;
    }
    if (code < 0)
        return bide__stream_op_failed(s, code, "ending the writing to");
    s->is_shut = true;
    return 0;
}

static __attribute__((noinline, cold)) int refuse_writing(const bide_stream *s)
{
    if (s->aborted)
        return bide__stream_fail(s, BIDE_ECLOSED, "writing to");
    if (s->lost)
        return bide_fail(s->lost, "writing to %s: what was written before could not be sent: %s", bide__stream_peer_text(s),
                         bide_strerror(s->lost));
    return bide_fail(BIDE_ESTATE, "writing to %s: an earlier write was not completed", bide__stream_peer_text(s));
}

/* One that has lost what was collected is broken. */
static inline int check_whole(const bide_stream *s)
{
    return likely(!s->aborted && !s->broken) ? 0 : refuse_writing(s);
}

int bide__stream_check_writing(const bide_stream *s)
{
    if (s->is_shut)
        return bide_fail(BIDE_ESTATE, "writing to %s: its writing was ended before (bide_stream_shutdown)", bide__stream_peer_text(s));
    return check_whole(s);
}

typedef int write_operation(bide_stream *s, const void *data, size_t len);

static int as_writer(bide_stream *s, const char *function, write_operation *op, const void *data, size_t len)
{
    int code = bide__stream_begin(s, &s->writing, function, "writing to");
    if (code < 0)
        return code;

    if ((code = check_whole(s)) == 0)
        code = op(s, data, len);
    bide__stream_end(s, &s->writing);
    return code;
}

int bide_write(bide_stream *s, const void *data, size_t len)
{
    if (bide__is_null(s, __func__, "the stream"))
        return -EINVAL;
    if (len > 0 && bide__is_null(data, __func__, "what to write"))
        return -EINVAL;
    return as_writer(s, __func__, write_op, data, len);
}

int bide_drain(bide_stream *s)
{
    if (bide__is_null(s, __func__, "the stream"))
        return -EINVAL;
    return as_writer(s, __func__, drain_op, NULL, 0);
}

int bide_stream_shutdown(bide_stream *s)
{
    if (bide__is_null(s, __func__, "the stream"))
        return -EINVAL;
    return as_writer(s, __func__, shutdown_op, NULL, 0);
}

/* ---- how much is collected ---- */

int bide_stream_set_write_limits(bide_stream *s, size_t high, size_t low)
{
    if (bide__is_null(s, __func__, "the stream"))
        return -EINVAL;
    int code = bide__loop_check(s->loop, __func__);
    if (code < 0)
        return code;
    if (high == 0 || low > high)
        return bide_fail(-EINVAL, "bide_stream_set_write_limits: %zu and %zu are no limits", high, low);
    if (s->writing || bide__buf_len(&s->out) > high)
        return bide_fail(BIDE_ESTATE, "bide_stream_set_write_limits: %s",
                         s->writing ? "a task writes" : "more than that is collected already");
    s->out.max = high;
    s->write_low = low;
    return 0;
}

size_t bide_stream_buffered(const bide_stream *s)
{
    return s ? bide__buf_len(&s->out) : 0;
}
