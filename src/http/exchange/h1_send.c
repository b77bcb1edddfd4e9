/* SPDX-License-Identifier: MIT */
/*
 * h1_send.c - sending bytes of a request, and an answer that comes before all of it was sent.
 *
 * A server may answer before it has read all of a large body (RFC 9110 7.5).  A refusal, or an answer behind which it
 * will close, makes the rest of the body useless: it is not sent, and the connection is not used again.  Interim
 * answers and early successes are kept for later.
 */
#include "http/exchange/h1.h"

#define EARLY_MAX 131072   /* bytes of an answer that are taken before the request is sent */

enum early { NO_ANSWER, CONTINUE, EARLY_ANSWER, REFUSAL };

/* Has the head of an answer come while the request is being sent (a 1xx does not count), and does it make the rest of the
   body useless (REFUSAL)?  A server that answers 2xx may still be reading.  A malformed head is a refusal, too.  CONTINUE: no
   answer yet, but a 100. */
static enum early early_answer(const struct h1_exchange *x)
{
    enum early interim = NO_ANSWER;
    size_t len = bide__buf_len(&x->conn->in);
    char *at = bide__buf_head(&x->conn->in), *end = len > 0 ? at + len : at;

    while (at < end) {
        struct h1_parser parser = {.limits = x->context->limits};
        struct h1_head head = {.fields = x->context->fields, .fields_cap = parser.limits.fields};
        ssize_t n = bide__h1_parse_response(&parser, at, (size_t)(end - at), &head);
        if (n == 0)
            return interim;
        if (n < 0 || head.status >= 300 || head.status == 101)
            return REFUSAL;
        if (head.status >= 200)
            return bide__h1_frame_response(&head, 0) < 0 || !head.keep_alive ? REFUSAL : EARLY_ANSWER;
        interim = head.status == 100 ? CONTINUE : interim;
        at += n;
    }
    return interim;
}

int bide__h1_poll_early_response(struct h1_exchange *x)
{
    struct conn *c = x->conn;

    while (bide__stream_may_recv(x->conn->stream)) {
        if (bide__buf_len(&c->in) >= EARLY_MAX)
            return 0; /* the rest of the answer has to wait until we are done */
        char *tail = bide__conn_reserve(c, CONN_BUFFER_SIZE / 2);
        if (!tail)
            return bide_error_code();
        ssize_t n = bide__stream_try_recv(x->conn->stream, tail, c->in.cap - c->in.end);
        if (n == -EAGAIN)
            return 0;
        if (n <= 0)
            return 1;
        bide__h1_received(x, (size_t)n);
        bide__buf_commit(&x->conn->in, (size_t)n);
        if (early_answer(x) == REFUSAL)
            return 1;
    }
    return 0;
}

/* The socket is full.  0: go on; 1: the body need not be sent. */
static int wait_to_send(struct h1_exchange *x)
{
    struct flow flow = bide__deadline_flow(x->exchange.deadline, x->exchange.deadline->limits.write_ms, SIZE_MAX);
    int code = bide__h1_poll_early_response(x);
    if (code != 0)
        return code;

    /* An answer beyond EARLY_MAX is not read now, so that it is readable does not wake us. */
    code = bide__stream_wait_either(x->conn->stream, &flow);
    x->exchange.progress->queued = flow.queued;
    if (code != BIDE_ETIMEDOUT || flow.end == FLOW_GOES_ON)
        return code;
    return early_answer(x) <= CONTINUE ? code : 1; /* it has answered, and reads no more: that is what it says */
}

/* RFC 9110 10.1.1: a final answer makes the body useless, whatever it is; one that says nothing gets the body. */
int bide__h1_wait_for_continue(struct h1_exchange *x, int64_t ms)
{
    const bide_loop *loop = x->conn->host->connector->loop;
    struct flow flow = bide__deadline_flow(x->exchange.deadline, x->exchange.deadline->limits.write_ms, 0);
    int64_t until_ns = ms > (INT64_MAX - loop->now_ns) / NS_PER_MS ? INT64_MAX : loop->now_ns + ms * NS_PER_MS;
    enum early answer = NO_ANSWER;
    int code = 0;

    flow.deadline_ns = flow.deadline_ns < until_ns ? flow.deadline_ns : until_ns;
    flow.silence_ms = BIDE_FOREVER;
    bide__h1_emit_continue(x, BIDE_TRACE_CONTINUE_START, 0, ms);
    while (code == 0 && answer == NO_ANSWER && bide__buf_len(&x->conn->in) < EARLY_MAX) {
        code = bide__stream_wait(x->conn->stream, FLOW_IN, &flow);
        if (code == 0)
            code = bide__h1_poll_early_response(x);
        answer = early_answer(x);
    }
    x->upload_stopped = code > 0 || answer > CONTINUE;
    bide__h1_emit_continue(x, BIDE_TRACE_CONTINUE_END, answer == CONTINUE ? 100 : 0, 0);
    bool is_silent = code == BIDE_ETIMEDOUT && flow.end == FLOW_LATE && bide__deadline_remaining_ms(x->exchange.deadline, 1) > 0;
    return code < 0 && !is_silent ? code : 0;
}

/* A server that takes everything at once must keep neither the other tasks nor the request's own time limit waiting. */
static int yield_if_over_budget(struct h1_exchange *x)
{
    struct flow flow = bide__deadline_flow(x->exchange.deadline, 0, 0);
    int code = bide__stream_yield_if_over_budget(x->conn->stream);

    return code < 0 ? code : bide__flow_check_deadline(x->conn->host->connector->loop, &flow);
}

static bool is_broken_pipe(ssize_t code)
{
    return code == -EPIPE || code == -ECONNRESET || code == BIDE_ECLOSED;
}

/* A server that refuses an upload answers and closes: there may be an answer to read, whatever became of our bytes. */
static int sending_failed(struct h1_exchange *x, int code)
{
    if (is_broken_pipe(code)) {
        x->upload_stopped = true;
        return 0;
    }
    return bide_fail(code, "sending the request: %s", bide_strerror(code));
}

/* A try has said no.  0: try again, unless upload_stopped; or an error on record. */
static int after_refusal(struct h1_exchange *x, int code)
{
    if (code != -EAGAIN)
        return sending_failed(x, code);
    code = wait_to_send(x);
    x->upload_stopped = code > 0;
    return code < 0 ? code : 0;
}

static __attribute__((noinline)) int emit_sent(struct h1_exchange *x, size_t n)
{
    const struct progress *p = x->exchange.progress;
    struct watch *w = x->exchange.watch;

    if (w->tracer)
        bide__h1_emit_sent(x, n);
    if (p->sent <= x->head_len)
        return 0;
    w->now.sent = p->sent - x->head_len;
    return bide__watch_call(w);
}

static int note_sent(struct h1_exchange *x, size_t n)
{
    x->exchange.progress->sent += n;
    return likely(!x->exchange.watch) ? 0 : emit_sent(x, n);
}

/* ---- in turns, if there is a rate ---- */

/* How much may be sent now.  One that was taken, and not used because the socket is full, is still there.  0, or as
   bide__pace_take. */
static inline int take_turn(struct h1_exchange *x, size_t *most)
{
    return likely(!x->exchange.paces) ? 0 : bide__pace_take(x->exchange.paces, PACE_OUT, x->exchange.deadline, most);
}

static inline void end_turn(struct h1_exchange *x, size_t sent)
{
    if (unlikely(x->exchange.paces))
        bide__pace_end(x->exchange.paces, PACE_OUT, sent);
}

/* No more than `most` of them. */
static __attribute__((noinline)) ssize_t try_send_most(bide_stream *s, struct iovec *iov, int n, size_t most)
{
    int last = 0;

    while (last < n - 1 && iov[last].iov_len < most)
        most -= iov[last++].iov_len;
    size_t whole = iov[last].iov_len;
    iov[last].iov_len = whole < most ? whole : most;
    ssize_t sent = bide__stream_try_send(s, iov, last + 1);
    iov[last].iov_len = whole;
    return sent;
}

static inline ssize_t try_send(struct h1_exchange *x, struct iovec *iov, int n, size_t most)
{
    bide_stream *s = x->conn->stream;

    return likely(most == SIZE_MAX) ? bide__stream_try_send(s, iov, n) : try_send_most(s, iov, n, most);
}

/* ---- pieces, and files ---- */

int bide__h1_send_pieces(struct h1_exchange *x, struct iovec *iov, int n)
{
    int code = 0;

    while (n > 0 && code == 0 && !x->upload_stopped) {
        size_t most = SIZE_MAX;
        code = take_turn(x, &most);
        if (code < 0)
            break;
        ssize_t sent = try_send(x, iov, n, most);
        if (sent < 0) {
            code = after_refusal(x, (int)sent);
            continue;
        }
        end_turn(x, (size_t)sent);
        code = note_sent(x, (size_t)sent);
        n = bide__iov_skip(&iov, n, (size_t)sent);
        if (n > 0 && code == 0)
            code = yield_if_over_budget(x);
    }
    end_turn(x, 0);
    return code;
}

static ssize_t try_send_file(struct h1_exchange *x, const struct file_part *part, size_t done, size_t most)
{
    ssize_t sent = bide__stream_try_send_file(x->conn->stream, part->fd, part->offset + (off_t)done, most);

    return sent == 0 ? -EOPNOTSUPP : sent;
}

ssize_t bide__h1_send_file(struct h1_exchange *x, const struct file_part *part)
{
    size_t done = 0;
    ssize_t sent = 0;
    int code = 0;

    while (done < part->len && code == 0 && sent != -EOPNOTSUPP && !x->upload_stopped) {
        size_t most = part->len - done;
        code = take_turn(x, &most);
        if (code < 0)
            break;
        sent = try_send_file(x, part, done, most);
        if (sent < 0) {
            code = sent == -EOPNOTSUPP ? 0 : after_refusal(x, (int)sent);
            continue;
        }
        end_turn(x, (size_t)sent);
        code = note_sent(x, (size_t)sent);
        done += (size_t)sent;
        if (code == 0)
            code = yield_if_over_budget(x);
    }
    end_turn(x, 0);
    return code < 0 ? code : done == 0 && sent == -EOPNOTSUPP ? sent : (ssize_t)done;
}
