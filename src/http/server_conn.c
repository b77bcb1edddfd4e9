/* SPDX-License-Identifier: MIT */
/*
 * server_conn.c - one connection: request after request, until somebody has enough.
 *
 * Straight-line code: receive a head, run the handler, skip what it left of the body, repeat.  Pipelined requests wait
 * in the buffer and are answered in order.  Bytes are received into memory that all connections share and copied to
 * this connection's own, because a receive call does not suspend between filling it and returning.
 *
 * Invariants:
 *   C1  while a handler runs nothing is appended to connection.in: the request's strings lie there.
 *   C2  what follows the head of the running request begins at in.start.
 */
#include <stdio.h>

#include "http/server.h"

#define LINGER_MS 1000
#define LINGER_BYTES (1 << 20)
#define REQUESTS_PER_TURN 32 /* of one connection that never has to wait */

/* How long the next bytes of a head may take, which must be there by deadline_ms (loop clock; 0: none of it is). */
static int64_t patience_ms(const struct connection *c, int64_t deadline_ms)
{
    int64_t idle = c->server->args.idle_timeout_ms, left = deadline_ms - bide_loop_time_ms(c->server->loop);

    if (deadline_ms == 0 || idle < left)
        return idle;
    return left > 0 ? left : 0;
}

/* More bytes behind those in c->in: how many; 0 at the end. */
static ssize_t receive(struct connection *c, int64_t deadline_ms)
{
    char *scratch = c->server->scratch;
    ssize_t n = BIDE_ETIMEDOUT;

    bide_timeout(patience_ms(c, deadline_ms)) {
        n = bide__stream_recv(c->stream, scratch, SERVER_SCRATCH);
    }
    if (n > 0 && bide__buf_append(&c->in, scratch, (size_t)n) < 0)
        return bide_error_code();
    return n;
}

/* A whole head at the front of c->in: its length; 0: the client has gone; enum h1_error or an error code. */
static ssize_t receive_head(struct connection *c, struct h1_head *head)
{
    uint32_t max = (uint32_t)c->server->args.max_head_bytes;
    struct h1_parser parser = {.limits = {max, max < H1_LINE_MAX ? max : H1_LINE_MAX, max, H1_FIELDS_MAX}};
    int64_t limit = c->server->args.head_timeout_ms, deadline_ms = 0;

    for (;;) {
        size_t len = bide__buf_len(&c->in);
        if (len > 0) {
            *head = (struct h1_head){.fields = c->server->fields, .fields_cap = H1_FIELDS_MAX};
            ssize_t n = bide__h1_parse_request(&parser, bide__buf_head(&c->in), len, head);
            if (n != 0)
                return n;
        }
        c->idle = len == 0;
        if (c->idle) {
            bide__list_remove(&c->node);
            bide__list_append(&c->server->connections, &c->node);
        }
        if (c->idle && c->server->stopping)
            return 0;
        if (len > 0 && deadline_ms == 0 && limit != BIDE_FOREVER)
            deadline_ms = bide_loop_time_ms(c->server->loop) + limit;
        ssize_t got = receive(c, deadline_ms);
        c->idle = false;
        if (got <= 0)
            return got;
    }
}

static bool is_h1_error(ssize_t code)
{
    return code > H1__FIRST && code < H1__END;
}

/* The client may still be sending; closing now would destroy our answer on its way (RFC 9112 9.6). */
static void linger(struct connection *c)
{
    size_t total = 0;

    if (bide_stream_shutdown(c->stream) < 0)
        return;
    bide_timeout(LINGER_MS) {
        ssize_t n;
        do {
            n = bide__stream_recv(c->stream, c->server->scratch, SERVER_SCRATCH);
            total += n > 0 ? (size_t)n : 0;
        } while (n > 0 && total < LINGER_BYTES);
    }
}

static int refuse(struct connection *c, int status, const char *text)
{
    int code = bide__respond_refusal(c, status, text);

    if (code >= 0)
        linger(c);
    return code;
}

/* What framing and the head itself decide before any handler: 0, or the status to refuse it with. */
static int judge(const struct connection *c, struct h1_head *head, const char **why)
{
    int code = bide__h1_frame_request(head);
    if (code < 0) {
        *why = bide__h1_strerror(code);
        return bide__h1_error_status(code);
    }
    if (head->content_length > c->server->args.max_body_bytes) {
        *why = "the body is larger than allowed";
        return 413;
    }
    const struct h1_field *expect = bide__h1_find(head, HEADER_EXPECT);
    if (expect && !bide__header_equals(bide__h1_value(head, expect), expect->value_len, "100-continue")) {
        *why = "unknown expectation";
        return 417;
    }
    if (head->method.len == 7 && memcmp(head->base + head->method.off, "CONNECT", 7) == 0) {
        *why = "this server is no proxy";
        return 501;
    }
    return 0;
}

/* ---- the handler and what it made of the request ---- */

static int status_of_failure(const bide_request_in *q, int code)
{
    if (code >= 0 || code != q->body_error)
        return 500;
    if (code == BIDE_ETOOBIG || code == BIDE_ETIMEDOUT)
        return code == BIDE_ETOOBIG ? 413 : 408;
    return code == BIDE_EHTTP || code == BIDE_ETRUNCATED ? 400 : 500;
}

static const char *what_is_missing(const bide_request_in *q)
{
    if (q->state == BROKEN)
        return "its answer was cut off";
    return q->state == BEGUN ? "the handler did not end its answer" : "the handler did not answer";
}

/* It failed, or did not finish its answer.  The story goes to the loop's exception handler, not to the client. */
static void finish_failed(bide_request_in *q, int code)
{
    struct connection *c = q->connection;
    char text[64];

    q->keep_alive = false;
    if (code == BIDE_ECANCELED && bide_cancelling(c->task) > 0)
        return;
    if (q->body_error == 0 || code != q->body_error)
        bide__loop_report(c->server->loop, "%s %s: %s", bide_request_method(q), bide_request_path(q),
                          code < 0 ? bide_error_text() : what_is_missing(q));
    if (q->state != UNANSWERED)
        return;
    bide__buf_free(&q->own_fields);
    q->has_length = false;
    int status = status_of_failure(q, code);
    snprintf(text, sizeof text, "%s\n", bide__status_reason(status));
    BIDE_IGNORE(bide_respond(q, status, "text/plain", text, strlen(text))); /* the connection ends in any case */
}

/* Run the handler; afterwards the connection may be used again if q->keep_alive. */
static void handle(bide_request_in *q)
{
    bide_server *s = q->connection->server;
    int code = bide__on_record(s->args.handler(q, s->args.arg), "the handler");

    if (code < 0 || q->state != ANSWERED)
        finish_failed(q, code);
    if (q->keep_alive && !q->body_over)
        q->keep_alive = bide__request_skip_body(q);
}

/* One request: 1 if another may follow; 0 if not, or an error. */
static int serve_request(struct connection *c)
{
    struct h1_head head;
    const char *why = NULL;
    ssize_t n = receive_head(c, &head);
    if (is_h1_error(n))
        return refuse(c, bide__h1_error_status((int)n), bide__h1_strerror((int)n));
    if (n == BIDE_ETIMEDOUT && bide__buf_len(&c->in) > 0)
        return refuse(c, 408, "the request did not come in time");
    if (n <= 0)
        return (int)n;

    int status = judge(c, &head, &why);
    if (status != 0)
        return refuse(c, status, why);
    bide_request_in *q = &c->request;
    q->connection = c;
    bide__buf_consume(&c->in, (size_t)n);
    int code = bide__request_begin(q, &head);
    if (code == 0)
        handle(q);
    bool again = code == 0 && q->keep_alive, unread = !q->body_over;
    bide__request_end(q);
    if (!again && code == 0 && (unread || bide__buf_len(&c->in) > 0))
        linger(c);
    return code < 0 ? code : again;
}

int bide__connection_run(struct connection *c)
{
    int code;
    unsigned turns = 0;

    do {
        code = serve_request(c);
        if (++turns % REQUESTS_PER_TURN == 0 && code > 0 && bide_sleep_ms(0) < 0)
            code = 0;
    } while (code > 0);
    return 0; /* what goes wrong with a connection is of no interest to anybody else */
}
