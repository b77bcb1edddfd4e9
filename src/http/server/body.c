/* SPDX-License-Identifier: MIT */
/*
 * body.c - the body of a request: read when the handler asks for it, skipped when it does not.
 *
 * Its first bytes may have come with the head and lie behind it in connection.in.  Nothing may be appended there (C1),
 * so a body of known length goes on in the shared memory, and a chunked one, whose framing may be cut anywhere, moves
 * to request.rest.  At the end of the request what is left there is the beginning of the next one.
 */
#include "http/server/server.h"

#define SKIP_MAX 65536 /* bytes of an unread body that are read away to keep the connection */

void bide__request_begin_body(bide_request_in *q)
{
    const struct field *expect = bide__h1_find(&q->head, HEADER_EXPECT);

    q->chunked = (struct h1_chunked)H1_CHUNKED_INIT;
    q->body_left = q->head.content_length;
    q->body_over = q->head.body == H1_BODY_NONE || (q->head.body == H1_BODY_LENGTH && q->body_left == 0);
    q->expects_continue = expect && !q->body_over && q->head.minor >= 1;
    q->body_error = 0;
    q->body_deadline_ns = 0;
    q->body_held = 0;
    bide__buf_init(&q->body, q->connection->server->args.max_body_bytes + 1); /* its NUL */
    bide__buf_init(&q->rest, 2 * SERVER_SCRATCH + H1_TRAILER_MAX);
}

static int send_continue(bide_request_in *q, struct flow *flow)
{
    static const char line[] = "HTTP/1.1 100 Continue\r\n\r\n";
    struct iovec iov = {(void *)(uintptr_t)line, sizeof line - 1};

    q->expects_continue = false;
    return bide__stream_send_all(q->connection->stream, &iov, 1, flow);
}

static int timed_out(const bide_request_in *q, const struct flow *flow)
{
    const bide_server_args *args = &q->connection->server->args;

    if (flow->end == FLOW_LATE)
        return bide_fail(BIDE_ETIMEDOUT, "the request's body did not come within %lld ms", (long long)args->body_timeout_ms);
    if (flow->end == FLOW_SILENT)
        return bide_fail(BIDE_ETIMEDOUT, "nothing of the request's body came within %lld ms",
                         (long long)args->idle_timeout_ms);
    return BIDE_ETIMEDOUT; /* one of the handler's own */
}

/* One receive into the shared memory.  The time for the whole body begins with the first of them. */
static ssize_t receive_body(bide_request_in *q, size_t cap)
{
    struct connection *c = q->connection;
    if (q->body_deadline_ns == 0)
        q->body_deadline_ns = bide__server_deadline_ns(c->server, c->server->args.body_timeout_ms);

    struct flow flow = bide__connection_flow(c, q->body_deadline_ns);
    ssize_t n = q->expects_continue ? send_continue(q, &flow) : 0;
    if (n == 0)
        n = bide__stream_recv(c->stream, c->server->scratch, cap < SERVER_SCRATCH ? cap : SERVER_SCRATCH, &flow);
    if (n == BIDE_ETIMEDOUT)
        return timed_out(q, &flow);
    if (n == 0)
        return bide_fail(BIDE_ETRUNCATED, "the client closed the connection inside the body");
    return n;
}

static ssize_t next_of_length(bide_request_in *q, const char **data)
{
    struct buf *in = &q->connection->in;
    size_t here = bide__buf_len(in);

    if (here > 0) {
        here = here < q->body_left ? here : (size_t)q->body_left;
        *data = bide__buf_head(in);
        in->start += here; /* not consume: at the end of the buffer it would go back to the head's place */
        q->body_left -= here;
        return (ssize_t)here;
    }
    ssize_t n = receive_body(q, q->body_left < SERVER_SCRATCH ? (size_t)q->body_left : SERVER_SCRATCH);
    if (n > 0)
        q->body_left -= (uint64_t)n;
    *data = q->connection->server->scratch;
    return n;
}

/* All that came behind the head moves to q->rest, where it may grow. */
static int move_to_rest(bide_request_in *q)
{
    struct buf *in = &q->connection->in;

    if (q->rest.data)
        return 0;
    q->rest.max = bide__buf_len(in) > q->rest.max ? bide__buf_len(in) + SERVER_SCRATCH : q->rest.max;
    return bide__buf_append(&q->rest, bide__buf_head(in), bide__buf_len(in));
}

static int receive_chunked(bide_request_in *q)
{
    size_t room = q->rest.max - bide__buf_len(&q->rest);
    ssize_t n = receive_body(q, room < SERVER_SCRATCH ? room : SERVER_SCRATCH);

    return n < 0 ? (int)n : bide__buf_append(&q->rest, q->connection->server->scratch, (size_t)n);
}

static ssize_t next_of_chunks(bide_request_in *q, const char **data)
{
    int code = move_to_rest(q);

    while (code == 0) {
        size_t len = bide__buf_len(&q->rest), data_len = 0;
        ssize_t n = 0;
        if (len > 0)
            n = bide__h1_chunked_step(&q->chunked, bide__buf_head(&q->rest), len, data, &data_len);
        if (n < 0)
            return bide_fail(BIDE_EHTTP, "the request's body: %s", bide__h1_strerror((int)n));
        bide__buf_consume(&q->rest, (size_t)n);
        if (data_len > 0 || q->chunked.done)
            return (ssize_t)data_len;
        if (n == 0)
            code = receive_chunked(q);
    }
    return code;
}

ssize_t bide__request_body_next(bide_request_in *q, const char **data)
{
    ssize_t n = 0;

    if (q->body_error < 0)
        return q->body_error;
    if (!q->body_over)
        n = q->head.body == H1_BODY_LENGTH ? next_of_length(q, data) : next_of_chunks(q, data);
    if (n < 0) {
        q->body_error = (int)n;
        q->keep_alive = false;
    } else {
        q->body_over = q->head.body == H1_BODY_CHUNKED ? q->chunked.done : q->body_left == 0;
        q->expects_continue &= !q->body_over; /* it did not wait for a word */
    }
    return n;
}

void bide__request_end_body(bide_request_in *q)
{
    q->connection->server->bodies_held -= q->body_held;
    q->body_held = 0;
    bide__buf_free(&q->body);
}

/* Room for n more bytes: counted as the memory that it takes, against what all bodies of the server may have. */
static int hold(bide_request_in *q, size_t n)
{
    bide_server *s = q->connection->server;
    if (!bide__buf_reserve(&q->body, n))
        return bide_error_code();

    s->bodies_held += q->body.cap - q->body_held;
    q->body_held = q->body.cap;
    if (s->bodies_held <= s->args.max_bodies_bytes)
        return 0;
    bide__request_end_body(q);
    return bide_fail(BIDE_ELIMIT, "the bodies of all running requests need more than %zu bytes", s->args.max_bodies_bytes);
}

static int collect_more(bide_request_in *q)
{
    const char *data = NULL;
    size_t max = q->connection->server->args.max_body_bytes;
    ssize_t n = bide__request_body_next(q, &data);

    if (n > 0 && bide__buf_len(&q->body) + (size_t)n > max)
        return bide_fail(BIDE_ETOOBIG, "the request's body has more than %zu bytes", max);
    if (n <= 0)
        return (int)n;
    int code = hold(q, (size_t)n + 1); /* its NUL */
    return code < 0 ? code : bide__buf_append(&q->body, data, (size_t)n);
}

static int collect(bide_request_in *q)
{
    int code = 0;

    while (code == 0 && !q->body_over)
        code = collect_more(q);
    if (code == 0)
        code = bide__buf_append(&q->body, "", 1);
    if (code < 0) {
        q->body_error = code;
        q->keep_alive = false;
    }
    return code;
}

bide_bytes bide_request_body(bide_request_in *q)
{
    if (bide__is_null(q, __func__, "the request"))
        return (bide_bytes){NULL, 0};
    bool collected = q->body_over && q->body.data;

    if (q->head.body == H1_BODY_NONE)
        return (bide_bytes){"", 0};
    if (bide__loop_check(q->connection->server->loop, __func__) < 0)
        return (bide_bytes){NULL, 0};
    if (q->body_error < 0)
        bide_fail(q->body_error, "the request's body could not be read");
    else if (!collected)
        collect(q);
    if (q->body_error < 0)
        return (bide_bytes){NULL, 0};
    return (bide_bytes){bide__buf_head(&q->body), bide__buf_len(&q->body) - 1};
}

bool bide__request_skip_body(bide_request_in *q)
{
    size_t skipped = 0;
    const char *data;

    if (q->expects_continue || q->body_left > SKIP_MAX)
        return false;
    while (!q->body_over && skipped <= SKIP_MAX) {
        ssize_t n = bide__request_body_next(q, &data);
        if (n < 0)
            return false;
        skipped += (size_t)n;
    }
    return q->body_over;
}
