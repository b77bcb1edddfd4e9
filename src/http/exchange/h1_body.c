/* SPDX-License-Identifier: MIT */
/*
 * h1_body.c - the body of a response, piece by piece or whole, and what becomes of the connection afterwards.
 *
 * A short body came with the head and is in the response already.  Of others, pieces are lent out of the connection's
 * buffer without copying; a body of known length that is wanted whole is received where it will stay.
 *
 * The connection is kept only if all of the body was taken, just that, and both sides want it (RFC 9112 9.3).  An answer
 * that ends before it should is an error, never a short body (RFC 9112 8).
 */
#include "http/exchange/h1.h"

/* ---- taking apart ---- */

/* The line is shown, as that of a head is. */
static __attribute__((noinline)) int bad_chunk(struct h1_exchange *x, int error)
{
    char line[80];

    return bide_fail(BIDE_EHTTP, "malformed body: %s: \"%s\"", bide__h1_strerror(error),
                     bide__escaped(line, x->chunked.text, x->chunked.text_len));
}

/*
 * Transfer-Encoding says chunked twice.  Servers that say so have done it once; a reader who believes them undoes it
 * twice, and fails at a body that is not chunks itself.  Feeds that reader.
 */
static void read_inner(struct h1_exchange *x, char *data, size_t len)
{
    while (len > 0 && x->inner && !x->inner->done) {
        const char *piece;
        size_t piece_len;
        ssize_t n = bide__h1_chunked_step(x->inner, data, len, &piece, &piece_len);
        if (n < 0)
            x->inner = NULL;
        else if (n == 0) /* trailers: that is close enough to the end */
            x->inner->done = true;
        data += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
}

static int check_inner(const struct h1_exchange *x)
{
    if (!x->inner || !x->inner->done)
        return 0;
    return bide_fail(BIDE_EHTTP, "malformed body: it is chunked twice");
}

/* The next piece of what has come, in c->in: its length; 0: more must come, or it is over. */
static ssize_t take_piece(struct h1_exchange *x, const char **data)
{
    struct buf *in = &x->conn->in;
    size_t len = bide__buf_len(in);
    *data = bide__buf_head(in);

    switch (x->kind) {
    case H1_BODY_LENGTH:
        len = len < x->left ? len : (size_t)x->left;
        x->left -= len;
        x->is_over = x->left == 0;
        break;
    case H1_BODY_CHUNKED:
        while (bide__buf_len(in) > 0 && !x->is_over) {
            ssize_t n = bide__h1_chunked_step(&x->chunked, bide__buf_head(in), bide__buf_len(in), data, &len);
            if (n < 0)
                return bad_chunk(x, (int)n);
            x->is_over = x->chunked.done;
            if (unlikely(x->is_over))
                bide__h1_keep_trailers(x, bide__buf_head(in) + n - x->chunked.trailer_len, x->chunked.trailer_len);
            if (n > 0 && len > 0) {
                x->lent = (size_t)n;
                read_inner(x, (char *)(uintptr_t)*data, len);
                return (ssize_t)len;
            }
            if (n == 0)
                break;
            bide__buf_consume(in, (size_t)n);
        }
        return x->is_over ? check_inner(x) : 0;
    case H1_BODY_CLOSE:
        break;
    case H1_BODY_NONE:
        len = 0;
        x->is_over = true;
    }
    x->lent = len;
    return (ssize_t)len;
}

/* The peer has closed: is that the end that it announced?  RFC 9112 9.8: over TLS only if it said so there, too. */
static int ended(struct h1_exchange *x)
{
    bool is_cut = bide__stream_was_cut(x->conn->stream);

    if (x->kind == H1_BODY_CLOSE && (!is_cut || x->context->ignore_unexpected_eof)) {
        x->is_over = true;
        return 0;
    }
    if (x->kind == H1_BODY_LENGTH)
        return bide_fail(BIDE_ETRUNCATED, "the body ended after %llu of %llu bytes", (unsigned long long)x->body_bytes,
                         (unsigned long long)x->body_bytes + x->left);
    return bide_fail(BIDE_ETRUNCATED, "the body ended early, after %llu bytes%s%s", (unsigned long long)x->body_bytes,
                     is_cut ? ": the connection was cut off (no close_notify)" : "",
                     is_cut && x->kind == H1_BODY_CLOSE ? "; ignore-unexpected-eof accepts that" : "");
}

/* More into c->in.  0: there is, or the body is over. */
static int receive_more(struct h1_exchange *x)
{
    struct conn *c = x->conn;
    bool is_large = c->in.cap > CONN_BUFFER_SIZE || x->body_bytes > BODY_READ_SIZE;
    size_t want = is_large ? BODY_READ_SIZE : CONN_BUFFER_SIZE / 2;
    char *tail = bide__conn_reserve(c, want);
    if (!tail)
        return bide_error_code();

    ssize_t n = bide__h1_receive(x, BIDE_PHASE_BODY, tail, c->in.cap - c->in.end);
    if (n > 0)
        bide__buf_commit(&c->in, (size_t)n);
    return n > 0 ? 0 : n < 0 ? (int)n : ended(x);
}

static void take_back(struct h1_exchange *x)
{
    if (x->lent > 0) {
        bide__buf_consume(&x->conn->in, x->lent);
        bide__buf_taken_back(&x->conn->in);
    }
    x->lent = 0;
}

ssize_t bide__h1_next(struct exchange *exchange, const char **data)
{
    struct h1_exchange *x = h1_of(exchange);
    if (x->rest_len > 0) {
        ssize_t n = (ssize_t)x->rest_len;
        *data = x->rest;
        x->rest_len = 0;
        return n;
    }

    take_back(x);
    while (!x->is_over) {
        ssize_t n = bide__buf_len(&x->conn->in) > 0 ? take_piece(x, data) : 0;
        if (n == 0 && !x->is_over)
            n = receive_more(x);
        if (n < 0)
            return bide__h1_fail(x, (int)n);
        if (n > 0) {
            x->body_bytes += (uint64_t)n;
            return n;
        }
    }
    bide__h1_finish(x);
    return 0;
}

/* ---- into the caller's memory ---- */

/* Of a body with a length.  One byte more than it needs is asked for: so a read that ends the body leaves nothing unread
   without asking once more, and a byte too many is seen. */
static ssize_t receive_counted(struct h1_exchange *x, void *out, size_t cap)
{
    ssize_t n = bide__h1_receive(x, BIDE_PHASE_BODY, out, x->left < cap ? (size_t)x->left + 1 : cap);
    if (n <= 0)
        return n < 0 ? n : ended(x);

    bool too_much = (uint64_t)n > x->left;
    n -= too_much;
    x->may_reuse &= !too_much;
    x->left -= (uint64_t)n;
    x->is_over = x->left == 0;
    x->body_bytes += (uint64_t)n;
    return n;
}

ssize_t bide__h1_read(struct exchange *exchange, void *out, size_t cap)
{
    struct h1_exchange *x = h1_of(exchange);
    const char *piece = NULL;
    ssize_t n;

    if (x->rest_len == 0 && x->kind == H1_BODY_LENGTH && !x->is_over) {
        take_back(x);
        if (bide__buf_len(&x->conn->in) == 0) {
            n = receive_counted(x, out, cap);
            return n < 0 ? bide__h1_fail(x, (int)n) : n;
        }
    }
    n = bide__h1_next(exchange, &piece);
    if (n <= 0)
        return n;
    size_t taken = (size_t)n < cap ? (size_t)n : cap;
    memcpy(out, piece, taken);
    x->rest = piece + taken;
    x->rest_len = (size_t)n - taken;
    return (ssize_t)taken;
}

/* ---- into a pipe ---- */

/* Never a byte more than the body has: it could not be put back. */
static ssize_t splice_some(struct h1_exchange *x, int pipe, size_t cap)
{
    bool is_counted = x->kind == H1_BODY_LENGTH;
    ssize_t n = bide__h1_receive_to_pipe(x, pipe, is_counted && x->left < cap ? (size_t)x->left : cap);
    if (n <= 0)
        return n < 0 ? n : ended(x);

    x->left -= is_counted ? (uint64_t)n : 0;
    x->is_over = is_counted && x->left == 0;
    x->body_bytes += (uint64_t)n;
    return n;
}

ssize_t bide__h1_splice(struct exchange *exchange, int pipe, size_t cap)
{
    struct h1_exchange *x = h1_of(exchange);
    bool is_plain = x->kind == H1_BODY_LENGTH || x->kind == H1_BODY_CLOSE;
    if (!is_plain || !bide__stream_may_splice(x->conn->stream))
        return -EOPNOTSUPP;
    if (x->rest_len > 0)
        return -EAGAIN;
    take_back(x);
    if (bide__buf_len(&x->conn->in) > 0)
        return -EAGAIN;

    ssize_t n = x->is_over ? 0 : splice_some(x, pipe, cap);
    if (n == 0)
        bide__h1_finish(x);
    return n < 0 ? bide__h1_fail(x, (int)n) : n;
}

/* ---- not wanted ---- */

/* More into c->in, if it can be had without waiting. */
static bool receive_now(struct h1_exchange *x)
{
    struct conn *c = x->conn;
    char *tail = bide__conn_reserve(c, CONN_BUFFER_SIZE / 2);
    ssize_t n = tail ? bide__stream_try_recv(c->stream, tail, c->in.cap - c->in.end) : -1;

    if (n <= 0)
        return false;
    bide__buf_commit(&c->in, (size_t)n);
    return true;
}

unchecked_frame void bide__h1_drop(struct exchange *exchange, size_t most)
{
    struct h1_exchange *x = h1_of(exchange);
    uint64_t before = x->body_bytes;
    const char *piece;

    take_back(x);
    bool worth = x->may_reuse && most > 0 && !bide__loop_is_inherited(x->conn->host->connector->loop) &&
                 (x->kind != H1_BODY_LENGTH || x->left <= most);
    while (worth && !x->is_over) {
        ssize_t n = bide__buf_len(&x->conn->in) > 0 ? take_piece(x, &piece) : 0;
        take_back(x);
        x->body_bytes += n > 0 ? (uint64_t)n : 0;
        worth = n > 0 || (n == 0 && (x->is_over || receive_now(x)));
        worth &= x->body_bytes - before <= most;
    }
    x->may_reuse &= x->is_over;
    bide__h1_finish(x);
}

/* ---- another protocol goes on ---- */

bide_stream *bide__h1_steal(struct exchange *exchange)
{
    return bide__connector_steal(h1_of(exchange)->conn);
}
