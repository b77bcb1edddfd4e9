/* SPDX-License-Identifier: MIT */
/*
 * body.c - the body of a request: read when the handler asks for it, skipped when it does not.
 *
 * Its first bytes may have come with the head and lie behind it in connection.in.  Nothing may be appended there (C1),
 * so a body of known length goes on in the shared memory, and a chunked one, whose framing may be cut anywhere, moves
 * to exchange.rest.  At the end of the request what is left there is the beginning of the next one.
 */
#include "http/server/server.h"

#define SKIP_MAX 65536 /* bytes of an unread body that are read away to keep the connection */

void bide__server_body_begin(bide_exchange *x)
{
    const struct field *expect = bide__h1_find(&x->head, HEADER_EXPECT);

    x->chunked = (struct h1_chunked)H1_CHUNKED_INIT;
    x->body_left = x->head.content_length;
    x->body_over = x->head.body == H1_BODY_NONE || (x->head.body == H1_BODY_LENGTH && x->body_left == 0);
    x->expects_continue = expect && !x->body_over && x->head.minor >= 1;
    x->body_error = 0;
    x->body_deadline_ns = 0;
    x->body_held = 0;
    bide__buf_init(&x->body, x->connection->server->args.max_body_bytes + 1); /* its NUL */
    bide__buf_init(&x->rest, 2 * SERVER_SCRATCH + H1_TRAILER_MAX);
}

static int send_continue(bide_exchange *x, struct flow *flow)
{
    static const char line[] = "HTTP/1.1 100 Continue\r\n\r\n";
    struct iovec iov = {(void *)(uintptr_t)line, sizeof line - 1};

    x->expects_continue = false;
    return bide__stream_send_all(x->connection->stream, &iov, 1, flow);
}

static int timed_out(const bide_exchange *x, const struct flow *flow)
{
    const bide_server_args *args = &x->connection->server->args;

    if (flow->end == FLOW_LATE)
        return bide_fail(BIDE_ETIMEDOUT, "the request's body did not come within %lld ms", (long long)args->body_timeout_ms);
    if (flow->end == FLOW_SILENT)
        return bide_fail(BIDE_ETIMEDOUT, "nothing of the request's body came within %lld ms",
                         (long long)args->idle_timeout_ms);
    return BIDE_ETIMEDOUT; /* one of the handler's own */
}

/* One receive into the shared memory.  The time for the whole body begins with the first of them. */
static ssize_t receive_body(bide_exchange *x, size_t cap)
{
    struct connection *c = x->connection;
    if (x->body_deadline_ns == 0)
        x->body_deadline_ns = bide__server_deadline_ns(c->server, c->server->args.body_timeout_ms);

    struct flow flow = bide__connection_flow(c, x->body_deadline_ns);
    ssize_t n = x->expects_continue ? send_continue(x, &flow) : 0;
    if (n == 0)
        n = bide__stream_recv(c->stream, c->server->scratch, cap < SERVER_SCRATCH ? cap : SERVER_SCRATCH, &flow);
    if (n == BIDE_ETIMEDOUT)
        return timed_out(x, &flow);
    if (n == 0)
        return bide_fail(BIDE_ETRUNCATED, "the client closed the connection inside the body");
    return n;
}

static ssize_t next_of_length(bide_exchange *x, const char **data)
{
    struct buf *in = &x->connection->in;
    size_t here = bide__buf_len(in);

    if (here > 0) {
        here = here < x->body_left ? here : (size_t)x->body_left;
        *data = bide__buf_head(in);
        in->start += here; /* not consume: at the end of the buffer it would go back to the head's place */
        x->body_left -= here;
        return (ssize_t)here;
    }
    ssize_t n = receive_body(x, x->body_left < SERVER_SCRATCH ? (size_t)x->body_left : SERVER_SCRATCH);
    if (n > 0)
        x->body_left -= (uint64_t)n;
    *data = x->connection->server->scratch;
    return n;
}

/* All that came behind the head moves to x->rest, where it may grow. */
static int move_to_rest(bide_exchange *x)
{
    struct buf *in = &x->connection->in;

    if (x->rest.data)
        return 0;
    x->rest.max = bide__buf_len(in) > x->rest.max ? bide__buf_len(in) + SERVER_SCRATCH : x->rest.max;
    return bide__buf_append(&x->rest, bide__buf_head(in), bide__buf_len(in));
}

static int receive_chunked(bide_exchange *x)
{
    size_t room = x->rest.max - bide__buf_len(&x->rest);
    ssize_t n = receive_body(x, room < SERVER_SCRATCH ? room : SERVER_SCRATCH);

    return n < 0 ? (int)n : bide__buf_append(&x->rest, x->connection->server->scratch, (size_t)n);
}

static ssize_t next_of_chunks(bide_exchange *x, const char **data)
{
    int code = move_to_rest(x);

    while (code == 0) {
        size_t len = bide__buf_len(&x->rest), data_len = 0;
        ssize_t n = 0;
        if (len > 0)
            n = bide__h1_chunked_step(&x->chunked, bide__buf_head(&x->rest), len, data, &data_len);
        if (n < 0)
            return bide_fail(BIDE_EHTTP, "the request's body: %s", bide__h1_strerror((int)n));
        bide__buf_consume(&x->rest, (size_t)n);
        if (data_len > 0 || x->chunked.done)
            return (ssize_t)data_len;
        if (n == 0)
            code = receive_chunked(x);
    }
    return code;
}

/* The next piece of the body: its length, 0 at the end.  *data lasts until the next suspension. */
static ssize_t next_piece(bide_exchange *x, const char **data)
{
    ssize_t n = 0;

    if (x->body_error < 0)
        return x->body_error;
    if (!x->body_over)
        n = x->head.body == H1_BODY_LENGTH ? next_of_length(x, data) : next_of_chunks(x, data);
    if (n < 0) {
        x->body_error = (int)n;
        x->keep_alive = false;
    } else {
        x->body_over = x->head.body == H1_BODY_CHUNKED ? x->chunked.done : x->body_left == 0;
        x->expects_continue &= !x->body_over; /* it did not wait for a word */
    }
    return n;
}

void bide__server_body_end(bide_exchange *x)
{
    if (x->body_held > 0)
        atomic_fetch_sub_explicit(&x->connection->server->shared->bodies_held, x->body_held, memory_order_relaxed);
    x->body_held = 0;
    bide__buf_free(&x->body);
}

/* Room for n more bytes: counted as the memory that it takes, against what all bodies of the server may have. */
static int hold(bide_exchange *x, size_t n)
{
    bide_server *s = x->connection->server;
    if (!bide__buf_reserve(&x->body, n))
        return bide_error_code();

    size_t more = x->body.cap - x->body_held;
    size_t held = more + atomic_fetch_add_explicit(&s->shared->bodies_held, more, memory_order_relaxed);
    x->body_held = x->body.cap;
    if (held <= s->args.max_bodies_bytes)
        return 0;
    bide__server_body_end(x);
    return bide_fail(BIDE_ELIMIT, "the bodies of all running requests need more than %zu bytes", s->args.max_bodies_bytes);
}

static int collect_more(bide_exchange *x)
{
    const char *data = NULL;
    size_t max = x->connection->server->args.max_body_bytes;
    ssize_t n = next_piece(x, &data);

    if (n > 0 && bide__buf_len(&x->body) + (size_t)n > max)
        return bide_fail(BIDE_ETOOBIG, "the request's body has more than %zu bytes", max);
    if (n <= 0)
        return (int)n;
    int code = hold(x, (size_t)n + 1); /* its NUL */
    return code < 0 ? code : bide__buf_append(&x->body, data, (size_t)n);
}

static int collect(bide_exchange *x)
{
    int code = 0;

    while (code == 0 && !x->body_over)
        code = collect_more(x);
    if (code == 0)
        code = bide__buf_append(&x->body, "", 1);
    if (code < 0) {
        x->body_error = code;
        x->keep_alive = false;
    }
    return code;
}

bide_bytes bide_exchange_body(bide_exchange *x)
{
    if (bide__is_null(x, __func__, "the exchange"))
        return (bide_bytes){NULL, 0};
    bool collected = x->body_over && x->body.data;

    if (x->head.body == H1_BODY_NONE)
        return (bide_bytes){"", 0};
    const bide_loop *loop = x->connection->server->loop;
    if ((collected ? bide__loop_check(loop, __func__) : bide__check_waiter(loop, __func__)) < 0)
        return (bide_bytes){NULL, 0};
    if (x->body_error < 0)
        bide_fail(x->body_error, "the request's body could not be read");
    else if (!collected)
        collect(x);
    if (x->body_error < 0)
        return (bide_bytes){NULL, 0};
    return (bide_bytes){bide__buf_head(&x->body), bide__buf_len(&x->body) - 1};
}

bool bide__server_body_skip(bide_exchange *x)
{
    size_t skipped = 0;
    const char *data;

    if (x->expects_continue || x->body_left > SKIP_MAX)
        return false;
    while (!x->body_over && skipped <= SKIP_MAX) {
        ssize_t n = next_piece(x, &data);
        if (n < 0)
            return false;
        skipped += (size_t)n;
    }
    return x->body_over;
}
