/* SPDX-License-Identifier: MIT */
/*
 * conn.c - one connection: request after request, until somebody has enough.
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

#include "http/server/server.h"

#define LINGER_SILENCE_MS 1000
#define LINGER_MS 30000
#define LINGER_BYTES (1 << 20)
#define SILENT_AFTER_MS 2000
#define REQUESTS_PER_TURN 32 /* of one connection that never has to wait */
#define SENT_AT_ONCE 16384   /* bytes of an answer that cannot stay in the kernel for long */
#define NS_PER_MS 1000000

int64_t bide__server_deadline_ns(const bide_server *s, int64_t ms)
{
    return bide__ns_after(bide_loop_time_ms(s->loop) * NS_PER_MS, ms);
}

/* A client that still takes the answer before is not silent. */
struct flow bide__connection_flow(const struct connection *c, int64_t deadline_ns)
{
    bool much_sent = c->stream->bytes_out - c->sent_before > SENT_AT_ONCE;

    return (struct flow){.silence_ms = c->server->args.idle_timeout_ms,
                         .deadline_ns = deadline_ns,
                         .queued = much_sent ? SIZE_MAX : 0};
}

/* More bytes behind those in c->in: how many; 0 at the end. */
static ssize_t receive(struct connection *c, struct flow *flow)
{
    char *scratch = c->server->scratch;
    ssize_t n = bide__stream_recv(c->stream, scratch, SERVER_SCRATCH, flow);

    if (n > 0 && bide__buf_append(&c->in, scratch, (size_t)n) < 0)
        return bide_error_code();
    return n;
}

/* The first bytes of a request.  0 also if none came for a while: then it is_silent; not while the client takes an answer. */
static ssize_t receive_first(struct connection *c)
{
    struct flow flow = bide__connection_flow(c, INT64_MAX);
    int64_t silence_ms = flow.silence_ms;
    if (silence_ms <= SILENT_AFTER_MS)
        return receive(c, &flow);

    flow.silence_ms = SILENT_AFTER_MS;
    ssize_t n = receive(c, &flow);
    if (n != BIDE_ETIMEDOUT || flow.end != FLOW_SILENT)
        return n;
    silence_ms -= silence_ms != BIDE_FOREVER ? SILENT_AFTER_MS : 0;
    if (flow.queued == 0) {
        c->is_silent = true;
        c->silence_left_ms = silence_ms;
        return 0;
    }
    flow.silence_ms = silence_ms;
    return receive(c, &flow);
}

static ssize_t receive_more(struct connection *c, int64_t deadline_ns)
{
    struct flow flow = bide__connection_flow(c, deadline_ns);

    return receive(c, &flow);
}

/* A whole head at the front of c->in: its length; 0: the client has gone, or is_silent; enum h1_error or an error code. */
static ssize_t receive_head(struct connection *c, struct h1_head *head)
{
    uint32_t max = (uint32_t)c->server->args.max_head_bytes;
    struct h1_parser parser = {.limits = {max, max < H1_LINE_MAX ? max : H1_LINE_MAX, max, H1_FIELDS_MAX}};
    int64_t deadline_ns = INT64_MAX;

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
        if (len > 0 && deadline_ns == INT64_MAX)
            deadline_ns = bide__server_deadline_ns(c->server, c->server->args.head_timeout_ms);
        ssize_t got = c->idle ? receive_first(c) : receive_more(c, deadline_ns);
        c->idle = c->is_silent;
        if (got <= 0)
            return got;
    }
}

static bool is_h1_error(ssize_t code)
{
    return code > H1__FIRST && code < H1__END;
}

/* The client may still be sending, or reading what we sent: closing now would destroy our answer on its way (RFC 9112
   9.6).  So what comes is thrown away, until neither side moves a byte any more. */
static void linger(struct connection *c)
{
    struct flow flow = {.silence_ms = LINGER_SILENCE_MS,
                        .deadline_ns = bide__server_deadline_ns(c->server, LINGER_MS),
                        .queued = SIZE_MAX};
    size_t total = 0;
    ssize_t n;
    if (bide_stream_shutdown(c->stream) < 0)
        return;

    do {
        n = bide__stream_recv(c->stream, c->server->scratch, SERVER_SCRATCH, &flow);
        total += n > 0 ? (size_t)n : 0;
    } while (n > 0 && (total < LINGER_BYTES || bide__stream_queued(c->stream) > 0));
}

static int refuse(struct connection *c, int status, const char *text)
{
    int code = bide__respond_refusal(c, status, text);

    if (code >= 0)
        linger(c);
    return code;
}

/* What framing and the head itself decide before any handler: 0, or the status to refuse it with. */
static int validate_request(const struct connection *c, struct h1_head *head, const char **why)
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
    const struct field *expect = bide__h1_find(head, HEADER_EXPECT);
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

static int status_of_failure(const bide_exchange *x, int code)
{
    if (code >= 0 || code != x->body_error)
        return 500;
    if (code == BIDE_ETOOBIG || code == BIDE_ETIMEDOUT)
        return code == BIDE_ETOOBIG ? 413 : 408;
    if (code == BIDE_ELIMIT) /* of all requests together: not the fault of this one */
        return 503;
    return code == BIDE_EHTTP || code == BIDE_ETRUNCATED ? 400 : 500;
}

static const char *what_is_missing(const bide_exchange *x)
{
    if (x->state == BROKEN)
        return "its answer was cut off";
    return x->state == BEGUN ? "the handler did not end its answer" : "the handler did not answer";
}

/* It failed, or did not finish its answer.  The story goes to the loop's exception handler, not to the client. */
static void finish_failed(bide_exchange *x, int code)
{
    struct connection *c = x->connection;
    char text[64];

    x->keep_alive = false;
    if (code == BIDE_ECANCELED && bide_cancelling(c->task) > 0)
        return;
    if (x->body_error == 0 || code != x->body_error)
        bide__loop_report(c->server->loop, "%s %s: %s", bide_exchange_method(x), bide_exchange_path(x),
                          code < 0 ? bide_error_text() : what_is_missing(x));
    if (x->state != UNANSWERED)
        return;
    bide__buf_free(&x->own_fields);
    x->has_length = false;
    int status = status_of_failure(x, code);
    snprintf(text, sizeof text, "%s\n", bide__status_reason(status));
    BIDE_IGNORE(bide_respond(x, status, "text/plain", text, strlen(text))); /* the connection ends in any case */
}

/* Run the handler; afterwards the connection may be used again if x->keep_alive. */
static void handle(bide_exchange *x)
{
    bide_server *s = x->connection->server;
    int code = unlikely(s->args.cancel_on_disconnect) ? bide__gone_watch(x, true) : 0;
    if (code == 0)
        code = bide__on_record(s->args.handler(x, s->args.arg), "the handler");

    if (code < 0 || x->state != ANSWERED)
        finish_failed(x, code);
    if (x->keep_alive && !x->body_over)
        x->keep_alive = bide__server_body_skip(x);
}

/* In a timeline of the process. */
static __attribute__((noinline)) uint64_t note_begin(const bide_exchange *x)
{
    return bide__track_span(x->connection->server->loop->track, SPAN_EXCHANGE, bide_exchange_method(x), bide_exchange_path(x));
}

static __attribute__((noinline)) void note_end(const bide_exchange *x, uint64_t span)
{
    struct track *k = x->connection->server->loop->track;

    if (k)
        bide__track_note(k, TL_END, SPAN_EXCHANGE, span, x->status);
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

    int status = validate_request(c, &head, &why);
    if (status != 0)
        return refuse(c, status, why);
    bide_exchange *x = &c->exchange;
    x->connection = c;
    c->sent_before = c->stream->bytes_out;
    bide__buf_consume(&c->in, (size_t)n);
    int code = bide__server_exchange_begin(x, &head);
    uint64_t span = unlikely(c->server->loop->track != NULL) && code == 0 ? note_begin(x) : 0;
    if (code == 0) {
        struct doing doing = {.what = bide_exchange_method(x), .of = x->path};
        bide__doing_begin(&doing);
        handle(x);
        bide__doing_end(&doing);
    }
    if (unlikely(span != 0))
        note_end(x, span);
    bool again = code == 0 && x->keep_alive, unread = !x->body_over;
    bide__server_exchange_end(x);
    if (c->server->group)
        bide__connection_count_bytes(c); /* other threads may ask for them */
    if (!again && code == 0 && (unread || bide__buf_len(&c->in) > 0))
        linger(c);
    return code < 0 ? code : again;
}

/* For a request without TLS: sent without TLS, too, so that the client can read it. */
static const char plain_refusal[] = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n"
                                    "400 Bad Request: this port speaks TLS; ask with https://\n";

/* TLS before the first request: as a head, it must be there in time. */
static bool shake_hands(struct connection *c)
{
    struct flow flow = bide__connection_flow(c, bide__server_deadline_ns(c->server, c->server->args.head_timeout_ms));

    c->idle = true; /* so that a server that stops or lacks descriptors may end it */
    int code = bide__stream_handshake(c->stream, &flow);
    c->idle = false;
    if (code < 0)
        bide__tls_answer_plain_http(c->stream, plain_refusal, sizeof plain_refusal - 1);
    return code == 0 && !c->server->stopping;
}

int bide__connection_run(struct connection *c)
{
    int code;
    unsigned turns = 0;
    if (c->server->is_tls && !shake_hands(c))
        return 0;

    do {
        code = serve_request(c);
        if (++turns % REQUESTS_PER_TURN == 0 && code > 0 && bide_sleep_ms(0) < 0)
            code = 0;
    } while (code > 0);
    return 0; /* what goes wrong with a connection is of no interest to anybody else */
}
