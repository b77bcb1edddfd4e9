/* SPDX-License-Identifier: MIT */
/*
 * h1_send.c - sending a request, and an answer that comes before all of it was sent.
 *
 * A server may answer before it has read all of a large body (RFC 9110 7.5).  A refusal, or an answer behind which it
 * will close, makes the rest of the body useless: it is not sent, and the connection is not used again.  Interim
 * answers and early successes are kept for later.
 */
#include "http/client/client.h"

#define EARLY_MAX 131072   /* bytes of an answer that are taken before the request is sent */
#define SENT_AT_ONCE 16384 /* bytes of a request that cannot stay in the kernel for long */

enum early { NO_ANSWER, EARLY_ANSWER, REFUSAL };

/* Has the head of an answer come while the request is being sent (a 1xx does not count), and does it make the rest of the
   body useless (REFUSAL)?  A server that answers 2xx may still be reading.  A malformed head is a refusal, too. */
static enum early early_answer(struct request *q, const struct conn *c)
{
    size_t len = bide__buf_len(&c->in);
    char *at = bide__buf_head(&c->in), *end = len > 0 ? at + len : at;

    while (at < end) {
        struct h1_parser parser = {.limits = q->session->head_limits};
        struct h1_head head = {.fields = q->session->fields, .fields_cap = parser.limits.fields};
        ssize_t n = bide__h1_parse_response(&parser, at, (size_t)(end - at), &head);
        if (n == 0)
            return NO_ANSWER;
        if (n < 0 || head.status >= 300 || head.status == 101)
            return REFUSAL;
        if (head.status >= 200)
            return bide__h1_frame_response(&head, 0) < 0 || !head.keep_alive ? REFUSAL : EARLY_ANSWER;
        at += n;
    }
    return NO_ANSWER;
}

/* The server may answer while it does not take our body.  1: it has, or has closed, and wants no more of it. */
static int poll_early_response(struct request *q, struct conn *c)
{
    bide_response *r = q->response;

    while (bide__stream_may_recv(c->stream)) {
        if (bide__buf_len(&c->in) >= EARLY_MAX)
            return 0; /* the rest of the answer has to wait until we are done */
        char *tail = bide__conn_reserve(c, CONN_BUFFER_SIZE / 2);
        if (!tail)
            return bide_error_code();
        ssize_t n = bide__stream_try_recv(c->stream, tail, c->in.cap - c->in.end);
        if (n == -EAGAIN)
            return 0;
        if (n <= 0)
            return 1;
        bide__conn_received(r, (size_t)n);
        bide__buf_commit(&c->in, (size_t)n);
        if (early_answer(q, c) == REFUSAL)
            return 1;
    }
    return 0;
}

/* The socket is full.  0: go on; 1: the body need not be sent. */
static int wait_to_send(struct request *q, struct conn *c)
{
    bide_response *r = q->response;
    struct flow flow = bide__deadline_flow(&r->deadline, SIZE_MAX);
    int code = poll_early_response(q, c);
    if (code != 0)
        return code;

    /* An answer beyond EARLY_MAX is not read now, so that it is readable does not wake us. */
    code = bide__stream_wait_either(c->stream, &flow);
    r->queued = flow.queued;
    if (code != BIDE_ETIMEDOUT || flow.end == FLOW_GOES_ON)
        return code;
    return early_answer(q, c) == NO_ANSWER ? code : 1; /* it has answered, and reads no more: that is what it says */
}

/* A server that takes everything at once must keep neither the other tasks nor the request's own time limit waiting. */
static int yield_if_over_budget(struct request *q, struct conn *c)
{
    struct flow flow = bide__deadline_flow(&q->response->deadline, 0);
    int code = bide__stream_yield_if_over_budget(c->stream);

    return code < 0 ? code : bide__flow_check_deadline(q->session->loop, &flow);
}

static bool is_broken_pipe(ssize_t code)
{
    return code == -EPIPE || code == -ECONNRESET || code == BIDE_ECLOSED;
}

/* A server that refuses an upload answers and closes: there may be an answer to read, whatever became of our bytes. */
static int sending_failed(struct request *q, int code)
{
    if (is_broken_pipe(code)) {
        q->upload_stopped = true;
        return 0;
    }
    return bide_fail(code, "sending the request: %s", bide_strerror(code));
}

static void begin_sending(struct request *q)
{
    bide_response *r = q->response;

    q->sent = r->request_sent = 0;
    q->upload_stopped = false;
    r->deadline.phase = BIDE_PHASE_SEND;
    r->request_len = q->head_len + q->body.len;
    r->queued = r->request_len > SENT_AT_ONCE ? SIZE_MAX : 0;
}

int bide__request_send(struct request *q, struct conn *c)
{
    struct iovec pieces[2] = {{q->head, q->head_len}, {(void *)(uintptr_t)q->body.data, q->body.len}};
    struct iovec *iov = pieces;
    int n = q->body.len > 0 ? 2 : 1, code;

    begin_sending(q);
    while (n > 0) {
        ssize_t sent = bide__stream_try_send(c->stream, iov, n);
        if (sent >= 0) {
            q->response->request_sent = q->sent += (size_t)sent;
            n = bide__iov_skip(&iov, n, (size_t)sent);
            if (n > 0 && (code = yield_if_over_budget(q, c)) < 0)
                return code;
        } else if (sent != -EAGAIN) {
            return sending_failed(q, (int)sent);
        } else {
            code = wait_to_send(q, c);
            q->upload_stopped = code > 0;
            if (code != 0)
                return code < 0 ? code : 0;
        }
    }
    return 0;
}
