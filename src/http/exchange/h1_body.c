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
#include <stdlib.h>

#include "http/client/client.h"

/* ---- the end ---- */

/* "timeout=5, max=100": how long the server keeps it; INT64_MAX: it does not say. */
static int64_t keep_alive_hint_ms(const struct fields *fields)
{
    const struct field *f = bide__fields_find(fields, HEADER_KEEP_ALIVE);
    const char *element;
    size_t len, at = 0;

    while (f && bide__header_next_element(bide__field_value(fields, f), f->value_len, &at, &element, &len)) {
        if (len < 9 || !bide__header_equals(element, 8, "timeout="))
            continue;
        long seconds = strtol(element + 8, NULL, 10);
        return seconds < 0 ? 0 : seconds > 86400 ? INT64_MAX : (int64_t)seconds * 1000;
    }
    return INT64_MAX;
}

unchecked_frame void bide__body_finish(bide_response *r)
{
    struct conn *c = r->conn;

    r->body_over = true;
    if (!c)
        return;
    r->body_ns = r->session->loop->now_ns;
    r->conn = NULL;
    r->h1.lent = 0;
    if (r->may_reuse && !r->h1.chunked.odd)
        bide__connector_give(c, bide__fields_have(&r->fields, HEADER_KEEP_ALIVE) ? keep_alive_hint_ms(&r->fields) : INT64_MAX);
    else
        bide__connector_close(c);
}

static int fail(bide_response *r, int code)
{
    if (r->conn)
        bide__connector_close(r->conn);
    r->conn = NULL;
    r->h1.lent = 0;
    r->deadline.phase = BIDE_PHASE_BODY; /* also of one that came with the head */
    r->body_error = code;
    return bide__response_fail(r, code);
}

void bide__body_begin(bide_response *r)
{
    r->h1.lent = 0;
    if (r->body_over)
        bide__body_finish(r);
    else
        r->h1.chunked = (struct h1_chunked)H1_CHUNKED_ANSWER;
}

/* ---- taking apart ---- */

/* The line is shown, as that of a head is. */
static __attribute__((noinline)) int bad_chunk(bide_response *r, int error)
{
    char line[80];

    return bide_fail(BIDE_EHTTP, "malformed body: %s: \"%s\"", bide__h1_strerror(error),
                     bide__escaped(line, r->h1.chunked.text, r->h1.chunked.text_len));
}

/*
 * Transfer-Encoding says chunked twice.  Servers that say so have done it once; a reader who believes them undoes it
 * twice, and fails at a body that is not chunks itself.  Feeds that reader.
 */
static void read_inner(bide_response *r, char *data, size_t len)
{
    while (len > 0 && r->h1.inner && !r->h1.inner->done) {
        const char *piece;
        size_t piece_len;
        ssize_t n = bide__h1_chunked_step(r->h1.inner, data, len, &piece, &piece_len);
        if (n < 0)
            r->h1.inner = NULL;
        else if (n == 0) /* trailers: that is close enough to the end */
            r->h1.inner->done = true;
        data += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
}

static int check_inner(const bide_response *r)
{
    if (!r->h1.inner || !r->h1.inner->done)
        return 0;
    return bide_fail(BIDE_EHTTP, "malformed body: it is chunked twice");
}

/* The next piece of what has come, in c->in: its length; 0: more must come, or it is over. */
static ssize_t take_piece(bide_response *r, const char **data)
{
    struct buf *in = &r->conn->in;
    size_t len = bide__buf_len(in);
    *data = bide__buf_head(in);

    switch (r->h1.kind) {
    case H1_BODY_LENGTH:
        len = len < r->h1.left ? len : (size_t)r->h1.left;
        r->h1.left -= len;
        r->body_over = r->h1.left == 0;
        break;
    case H1_BODY_CHUNKED:
        while (bide__buf_len(in) > 0 && !r->body_over) {
            ssize_t n = bide__h1_chunked_step(&r->h1.chunked, bide__buf_head(in), bide__buf_len(in), data, &len);
            if (n < 0)
                return bad_chunk(r, (int)n);
            r->body_over = r->h1.chunked.done;
            if (n > 0 && len > 0) {
                r->h1.lent = (size_t)n;
                read_inner(r, (char *)(uintptr_t)*data, len);
                return (ssize_t)len;
            }
            if (n == 0)
                break;
            bide__buf_consume(in, (size_t)n);
        }
        return r->body_over ? check_inner(r) : 0;
    case H1_BODY_CLOSE:
        break;
    case H1_BODY_NONE:
        len = 0;
        r->body_over = true;
    }
    r->h1.lent = len;
    return (ssize_t)len;
}

/* The peer has closed: is that the end that it announced?  RFC 9112 9.8: over TLS only if it said so there, too. */
static int ended(bide_response *r)
{
    bool is_cut = bide__stream_was_cut(r->conn->stream);

    if (r->h1.kind == H1_BODY_CLOSE && (!is_cut || r->session->args.ignore_unexpected_eof)) {
        r->body_over = true;
        return 0;
    }
    if (r->h1.kind == H1_BODY_LENGTH)
        return bide_fail(BIDE_ETRUNCATED, "the body ended after %llu of %llu bytes", (unsigned long long)r->body_bytes,
                         (unsigned long long)r->body_bytes + r->h1.left);
    return bide_fail(BIDE_ETRUNCATED, "the body ended early, after %llu bytes%s%s", (unsigned long long)r->body_bytes,
                     is_cut ? ": the connection was cut off (no close_notify)" : "",
                     is_cut && r->h1.kind == H1_BODY_CLOSE ? "; ignore-unexpected-eof accepts that" : "");
}

/* More into c->in.  0: there is, or the body is over. */
static int receive_more(bide_response *r)
{
    struct conn *c = r->conn;
    bool is_large = c->in.cap > CONN_BUFFER_SIZE || r->body_bytes > BODY_READ_SIZE;
    size_t want = is_large ? BODY_READ_SIZE : CONN_BUFFER_SIZE / 2;
    char *tail = bide__conn_reserve(c, want);
    if (!tail)
        return bide_error_code();

    ssize_t n = bide__conn_receive(r, c, BIDE_PHASE_BODY, tail, c->in.cap - c->in.end);
    if (n > 0)
        bide__buf_commit(&c->in, (size_t)n);
    return n > 0 ? 0 : n < 0 ? (int)n : ended(r);
}

static void take_back(bide_response *r)
{
    if (r->h1.lent > 0) {
        bide__buf_consume(&r->conn->in, r->h1.lent);
        bide__buf_taken_back(&r->conn->in);
    }
    r->h1.lent = 0;
}

/* It failed before. */
static int fail_again(bide_response *r)
{
    bide_fail(r->body_error, "the body could not be read: %s", bide_strerror(r->body_error));
    return bide__response_fail(r, r->body_error);
}

ssize_t bide__body_next(bide_response *r, const char **data)
{
    if (r->body_error)
        return fail_again(r);
    if (r->conn)
        take_back(r);
    while (!r->body_over) {
        ssize_t n = bide__buf_len(&r->conn->in) > 0 ? take_piece(r, data) : 0;
        if (n == 0 && !r->body_over)
            n = receive_more(r);
        if (n < 0)
            return fail(r, (int)n);
        if (n > 0) {
            r->body_bytes += (uint64_t)n;
            return n;
        }
    }
    bide__body_finish(r);
    return 0;
}

/* ---- whole ---- */

static int too_big(bide_response *r)
{
    return bide_fail(BIDE_ETOOBIG, "the body is larger than allowed (%zu bytes)", r->max_body);
}

/* What came already, then straight into the body's memory.  One byte more than it needs is asked for: so a read that
   ends the body leaves nothing unread without asking once more, and a byte too many is seen. */
static int read_counted(bide_response *r)
{
    const char *piece;
    char *to = bide__buf_reserve(&r->body, (size_t)r->h1.left + 1);
    if (!to)
        return bide_error_code();

    ssize_t n = bide__buf_len(&r->conn->in) > 0 ? take_piece(r, &piece) : 0;
    if (n > 0)
        memcpy(to, piece, (size_t)n);
    take_back(r);
    r->body_bytes += (uint64_t)n;
    for (to += n; r->h1.left > 0; to += n) {
        n = bide__conn_receive(r, r->conn, BIDE_PHASE_BODY, to, (size_t)r->h1.left + 1);
        if (n <= 0)
            return n < 0 ? (int)n : ended(r);
        bool too_much = (uint64_t)n > r->h1.left;
        n -= too_much;
        r->may_reuse &= !too_much;
        r->h1.left -= (uint64_t)n;
        r->body_bytes += (uint64_t)n;
    }
    bide__buf_commit(&r->body, (size_t)r->body_bytes);
    r->body_over = true;
    return 0;
}

static int read_pieces(bide_response *r)
{
    const char *piece = NULL;
    ssize_t n;

    while ((n = bide__body_next(r, &piece)) > 0) {
        if (r->body_bytes > r->max_body)
            return fail(r, too_big(r));
        if (bide__buf_append(&r->body, piece, (size_t)n) < 0)
            return fail(r, bide_error_code());
    }
    return (int)n;
}

int bide__body_read_all(bide_response *r)
{
    int code;
    if (r->body_error)
        return fail_again(r);

    bide__buf_init(&r->body, r->max_body < SIZE_MAX - 16 ? r->max_body + 16 : SIZE_MAX);
    if (!r->body_over && r->h1.kind == H1_BODY_LENGTH) {
        code = r->h1.left > r->max_body ? too_big(r) : read_counted(r);
        if (code < 0)
            return fail(r, code);
        bide__body_finish(r);
    } else {
        code = read_pieces(r);
        if (code < 0)
            return code;
    }
    char *nul = bide__buf_reserve(&r->body, 1);
    if (!nul)
        return fail(r, bide_error_code());
    *nul = '\0';
    r->whole = (bide_bytes){bide__buf_head(&r->body), bide__buf_len(&r->body)};
    return 0;
}

/* ---- not wanted ---- */

/* More into c->in, if it can be had without waiting. */
static bool receive_now(bide_response *r)
{
    struct conn *c = r->conn;
    char *tail = bide__conn_reserve(c, CONN_BUFFER_SIZE / 2);
    ssize_t n = tail ? bide__stream_try_recv(c->stream, tail, c->in.cap - c->in.end) : -1;

    if (n <= 0)
        return false;
    bide__buf_commit(&c->in, (size_t)n);
    return true;
}

unchecked_frame void bide__body_drop(bide_response *r)
{
    uint64_t before = r->body_bytes;
    const char *piece;
    if (!r->conn)
        return;

    take_back(r);
    bool worth = r->may_reuse && !bide__loop_is_inherited(r->session->loop) &&
                 (r->h1.kind != H1_BODY_LENGTH || r->h1.left <= DRAIN_MAX);
    while (worth && !r->body_over) {
        ssize_t n = bide__buf_len(&r->conn->in) > 0 ? take_piece(r, &piece) : 0;
        take_back(r);
        r->body_bytes += n > 0 ? (uint64_t)n : 0;
        worth = n > 0 || (n == 0 && (r->body_over || receive_now(r)));
        worth &= r->body_bytes - before <= DRAIN_MAX;
    }
    r->may_reuse &= r->body_over;
    bide__body_finish(r);
}
