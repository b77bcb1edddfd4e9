/* SPDX-License-Identifier: MIT */
/* stream_ahead.c - reading that looks first: peek, several separators, and "something has come" as an operation. */
#include <bide/transfer.h>

#include "core/turn/operation.h"
#include "io/stream/stream.h"

#define SEPARATORS_MAX 16

/* ---- peek ---- */

static ssize_t peek(bide_stream *s, size_t n, const char **data)
{
    if (n > s->in.max)
        return bide_fail(BIDE_ELIMIT, "bide_peek: %zu bytes of %s, whose buffer has room for %zu", n, bide__stream_peer_text(s), s->in.max);
    while (bide__buf_len(&s->in) < n) {
        ssize_t got = bide__stream_fill(s);
        if (got < 0)
            return got;
        if (got == 0)
            break;
    }
    *data = bide__buf_len(&s->in) > 0 ? bide__buf_head(&s->in) : "";
    return (ssize_t)bide__buf_len(&s->in);
}

ssize_t bide_peek(bide_stream *s, size_t n, const char **data)
{
    if (bide__is_null(s, __func__, "the stream") || bide__is_null(data, __func__, "the place for what is there"))
        return -EINVAL;
    int code = bide__stream_begin(s, &s->reading, __func__, "reading from");

    return code < 0 ? code : bide__stream_end_read(s, peek(s, n, data));
}

/* ---- several separators ---- */

struct separators {
    const char *const *all;
    size_t len[SEPARATORS_MAX], longest;
    int n;
};

static int take_separators(struct separators *set, const char *const *all)
{
    set->all = all;
    for (; all[set->n]; set->n++) {
        if (set->n == SEPARATORS_MAX)
            return bide_fail(-EINVAL, "bide_read_until_any: more than %d separators", SEPARATORS_MAX);
        size_t len = strlen(all[set->n]);
        if (len == 0)
            return bide_fail(-EINVAL, "bide_read_until_any: separator %d is empty", set->n);
        set->len[set->n] = len;
        set->longest = len > set->longest ? len : set->longest;
    }
    return set->n > 0 ? 0 : bide_fail(-EINVAL, "bide_read_until_any: there is no separator");
}

/* Where the first that ends has its end; 0: none.  Of those with the same end, the longest. */
static size_t find_end(const struct separators *set, const char *head, size_t len, size_t scanned, int *which)
{
    size_t end = 0;

    for (int i = 0; i < set->n; i++) {
        const char *at = memmem(head + scanned, len - scanned, set->all[i], set->len[i]);
        size_t its = at ? (size_t)(at - head) + set->len[i] : 0;
        if (at && (end == 0 || its < end || (its == end && set->len[i] > set->len[*which]))) {
            end = its;
            *which = i;
        }
    }
    return end;
}

static ssize_t read_until_any(bide_stream *s, const struct separators *set, const char **line, int *which)
{
    size_t scanned = 0;

    for (;;) {
        size_t len = bide__buf_len(&s->in), end = len > 0 ? find_end(set, bide__buf_head(&s->in), len, scanned, which) : 0;
        if (end > 0)
            return bide__stream_take_line(s, end, line);
        scanned = len >= set->longest ? len - set->longest + 1 : 0;
        if (len == s->in.max)
            return bide_fail(BIDE_ELIMIT, "reading from %s: no separator within %zu bytes", bide__stream_peer_text(s), len);
        ssize_t got = bide__stream_fill(s);
        if (got < 0)
            return got;
        if (got == 0)
            return bide_fail(BIDE_EEOF, "reading from %s: the stream ended before a separator", bide__stream_peer_text(s));
    }
}

ssize_t bide_read_until_any(bide_stream *s, const char *const *separators, const char **line, int *which)
{
    struct separators set = {.n = 0};
    int unused = 0;
    if (bide__is_null(s, __func__, "the stream") || bide__is_null(separators, __func__, "the list of separators") ||
        bide__is_null(line, __func__, "the place for the line"))
        return -EINVAL;
    int code = take_separators(&set, separators);
    if (code == 0)
        code = bide__stream_begin(s, &s->reading, __func__, "reading from");
    return code < 0 ? code : bide__stream_end_read(s, read_until_any(s, &set, line, which ? which : &unused));
}

/* ---- something has come ---- */

static int readable_check(const bide_operation *op)
{
    const bide_stream *s = op->object;
    if (!s)
        return bide_fail(-EINVAL, "bide_stream_readable_awaitable: the stream is NULL");
    return bide__check_operable(s->loop, "bide_stream_readable_awaitable");
}

/* Layers say what they have only when they are tried, so a try goes into the buffer.  A count, or -EAGAIN, or an error on record. */
static ssize_t try_fill(bide_stream *s)
{
    if (bide__buf_len(&s->out) > 0 && !s->writing)
        bide__stream_try_flush(s);
    if (bide__buf_len(&s->in) > 0)
        return (ssize_t)bide__buf_len(&s->in);
    if (!bide__stream_may_recv(s))
        return -EAGAIN;

    char *tail = bide__buf_reserve(&s->in, s->in.max < STREAM_READ_SIZE ? s->in.max : STREAM_READ_SIZE);
    if (!tail)
        return BIDE_ENOMEM;
    ssize_t n = bide__stream_try_recv(s, tail, s->in.cap - s->in.end);
    if (n > 0)
        bide__buf_commit(&s->in, (size_t)n);
    else
        bide__stream_shrink(&s->in);
    return n >= 0 || n == -EAGAIN ? n : bide__stream_op_failed(s, (int)n, "reading from");
}

static void readable_leave(const bide_operation *op, struct op_waiter *w)
{
    bide_stream *s = op->object;

    bide__list_remove(&w->clause.node);
    bide__stream_end(s, &s->reading);
}

static int readable_attempt(const bide_operation *op, struct op_waiter *w)
{
    bide_stream *s = op->object;
    ssize_t n = s->reading && !w ? bide_fail(BIDE_ESTATE, "reading from %s: another task does that already", bide__stream_peer_text(s)) : try_fill(s);

    if (w)
        readable_leave(op, w);
    return n == -EAGAIN ? OPERATION_WAITS : (int)n;
}

static void readable_enlist(const bide_operation *op, struct op_waiter *w)
{
    bide_stream *s = op->object;

    s->reading = true;
    bide_retain(s);
    bide__stream_watch(s, &w->clause);
}

static const struct bide_operation_ops readable_ops = {"bide_stream_readable_awaitable", readable_check, readable_attempt, readable_enlist,
                                                       readable_leave, .fd_at = offsetof(bide_stream, socket.fd.fd)};

bide_awaitable bide_stream_readable_awaitable(bide_stream *s)
{
    return (bide_awaitable){.kind = BIDE_AW_OPERATION, .as.operation = {.ops = &readable_ops, .object = s}};
}
