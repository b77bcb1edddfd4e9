/* SPDX-License-Identifier: MIT */
/*
 * exchange.c - one request out, one head back (HTTP/1.1 on one connection).
 *
 * The usual case is one system call each way: head and body go out together; the answer is received into memory that
 * all connections share, is parsed there, and what of it is wanted is copied once, into the response.  Only an answer
 * that comes in pieces gets a buffer of its own, and then the rest of it is received there.
 *
 * Everything that waits does so for as long as bide__response_patience_ms says.
 */
#include "http/http.h"

#define EARLY_MAX 131072 /* bytes of an answer that are taken before the request is sent */

/* ---- sending ---- */

/* Until the socket can take or give something. */
static int wait_for_either_side(struct fd *fd)
{
    bide_task *t = bide__task_here();
    struct wait w = {.end_early = bide__wait_end_now, .task = t};
    struct clause in, out;
    int code = bide__pending_interrupt(t);
    if (code < 0)
        return code;

    bide__clause_init(&in, &t->ready);
    bide__clause_init(&out, &t->ready);
    bide__list_append(&fd->readers, &in.node);
    bide__list_append(&fd->writers, &out.node);
    bide__park(t, &w);
    bide__list_remove(&in.node);
    bide__list_remove(&out.node);
    return bide__wait_outcome(&w);
}

/* What has come while we were sending: is it the whole head of an answer that makes the rest of our body useless?  A
   server that answers 2xx may still be reading; 1xx are no answers yet.  A head that is malformed ends it, too. */
static bool is_refusal(struct asked *a, const struct conn *c)
{
    char *at = bide__buf_head(&c->in), *end = at + bide__buf_len(&c->in);

    while (at < end) {
        struct h1_parser parser = H1_PARSER_INIT;
        struct h1_head head = {.fields = a->session->fields, .fields_cap = H1_FIELDS_MAX};
        ssize_t n = bide__h1_parse_response(&parser, at, (size_t)(end - at), &head);
        if (n == 0)
            return false;
        if (n < 0 || head.status >= 300 || head.status == 101)
            return true;
        if (head.status >= 200)
            return bide__h1_frame_response(&head, 0) < 0 || !head.keep_alive;
        at += n;
    }
    return false;
}

/* Bytes of the answer have come. */
static void note_received(bide_response *r, size_t n)
{
    if (r->received == 0)
        r->first_byte_ns = r->session->loop->now_ns;
    r->received += n;
}

/* R15: the server may answer while it does not take our body.  1: it has, or has closed, and wants no more of it. */
static int hear(struct asked *a, struct conn *c)
{
    bide_response *r = a->response;
    struct filter *top = c->stream->top;

    while (c->stream->fd.readable || top->ops->has_pending(top)) {
        if (bide__buf_len(&c->in) >= EARLY_MAX)
            return 0; /* the rest of the answer has to wait until we are done */
        char *tail = bide__conn_reserve(c, CONN_BUFFER_SIZE / 2);
        if (!tail)
            return bide_error_code();
        ssize_t n = top->ops->recv(top, tail, c->in.cap - c->in.end);
        if (n == -EAGAIN)
            return 0;
        if (n <= 0)
            return 1;
        note_received(r, (size_t)n);
        bide__buf_commit(&c->in, (size_t)n);
        c->stream->bytes_in += (uint64_t)n;
        if (is_refusal(a, c))
            return 1;
    }
    return 0;
}

/* The socket is full.  0: go on; 1: the body need not be sent. */
static int wait_to_send(struct asked *a, struct conn *c)
{
    bide_response *r = a->response;
    int code = hear(a, c);
    if (code != 0)
        return code;

    code = BIDE_ETIMEDOUT;
    r->phase = PHASE_SEND;
    bide_timeout(bide__response_patience_ms(r, r->limits.read_ms))
        code = wait_for_either_side(&c->stream->fd);
    return code;
}

static bool is_broken_pipe(ssize_t code)
{
    return code == -EPIPE || code == -ECONNRESET || code == BIDE_ECLOSED;
}

/* A server that refuses an upload answers and closes: there may be an answer to read, whatever became of our bytes. */
static int sending_failed(struct asked *a, struct conn *c, int code)
{
    if (is_broken_pipe(code)) {
        c->stream->fd.readable = true;
        a->upload_stopped = true;
        return 0;
    }
    return bide_fail(code, "sending the request: %s", bide_strerror(code));
}

static int send_request(struct asked *a, struct conn *c)
{
    struct filter *top = c->stream->top;
    struct iovec pieces[2] = {{a->head, a->head_len}, {(void *)(uintptr_t)a->body.data, a->body.len}};
    struct iovec *iov = pieces;
    int n = a->body.len > 0 ? 2 : 1;

    a->sent = 0;
    a->upload_stopped = false;
    while (n > 0) {
        ssize_t sent = top->ops->send(top, iov, n);
        if (sent >= 0) {
            a->sent += (size_t)sent;
            c->stream->bytes_out += (uint64_t)sent;
            n = bide__iov_skip(&iov, n, (size_t)sent);
        } else if (sent != -EAGAIN) {
            return sending_failed(a, c, (int)sent);
        } else {
            int code = wait_to_send(a, c);
            a->upload_stopped = code > 0;
            if (code != 0)
                return code < 0 ? code : 0;
        }
    }
    return 0;
}

/* ---- receiving the head ---- */

/* What has come and is not used yet: in the session's scratch memory, or in the connection's own. */
struct view {
    char *at;
    size_t len;
    bool in_scratch;
};

/* Move it to where it can stay; then there may be more behind it. */
static int view_keep(struct view *v, struct conn *c)
{
    if (v->in_scratch && v->len > 0) {
        char *tail = bide__conn_reserve(c, v->len);
        if (!tail)
            return bide_error_code();
        memcpy(tail, v->at, v->len);
        bide__buf_commit(&c->in, v->len);
        v->at = tail;
    }
    v->in_scratch = v->in_scratch && v->len == 0;
    return 0;
}

static void view_skip(struct view *v, struct conn *c, size_t n)
{
    v->at += n;
    v->len -= n;
    if (!v->in_scratch)
        bide__buf_consume(&c->in, n);
}

/* An answer does not come at once: waiting first saves a layer of TLS the try.  (It has shaken hands, so it has nothing
   to write of its own but what `wants_write` tells.) */
static bool nothing_to_read(const bide_stream *s)
{
    return bide__fd_is_open(&s->fd) && !s->fd.readable && !s->top->wants_write && !s->top->ops->has_pending(s->top);
}

ssize_t bide__conn_receive(bide_response *r, struct conn *c, enum phase phase, void *out, size_t cap)
{
    ssize_t n = BIDE_ETIMEDOUT;

    r->phase = phase;
    bide_timeout(bide__response_patience_ms(r, r->limits.read_ms)) {
        n = nothing_to_read(c->stream) ? bide__fd_wait_readable(&c->stream->fd) : 0;
        if (n == 0)
            n = bide__stream_recv(c->stream, out, cap);
    }
    if (n > 0)
        note_received(r, (size_t)n);
    if (n == BIDE_EEOF && bide__tls_was_cut(c->stream)) { /* what that means is for the caller to say */
        if (!r->told_before)
            bide_error_clear();
        n = 0;
    }
    return n;
}

/* More bytes behind those in view: how many; 0 at the end. */
static ssize_t view_receive(struct view *v, struct asked *a, struct conn *c)
{
    if (v->len == 0 && bide__buf_len(&c->in) == 0) {
        ssize_t n = bide__conn_receive(a->response, c, PHASE_HEAD, a->session->scratch, SCRATCH_SIZE);
        *v = (struct view){a->session->scratch, n > 0 ? (size_t)n : 0, true};
        return n;
    }
    char *tail = bide__conn_reserve(c, CONN_BUFFER_SIZE / 2);
    if (!tail)
        return bide_error_code();
    ssize_t n = bide__conn_receive(a->response, c, PHASE_HEAD, tail, c->in.cap - c->in.end);
    if (n > 0)
        bide__buf_commit(&c->in, (size_t)n);
    *v = (struct view){bide__buf_head(&c->in), bide__buf_len(&c->in), false};
    return n;
}

static int ended_early(const struct asked *a, const struct conn *c)
{
    if (a->response->received > 0)
        return bide_fail(BIDE_EDISCONNECTED, "the server closed the connection in the middle of the head");
    return bide_fail(BIDE_EDISCONNECTED, "the server closed the connection without an answer%s",
                     c->served > 1 ? " (it had served before)" : "");
}

static int bad_head(const struct asked *a, int error)
{
    if (error == H1_EHEADSIZE)
        return bide_fail(BIDE_EHTTP, "the head of the answer is larger than %zu bytes", a->session->args.max_head_bytes);
    return bide_fail(BIDE_EHTTP, "malformed answer: %s", bide__h1_strerror(error));
}

/* One whole head at v->at: its length. */
static ssize_t next_head(struct view *v, struct asked *a, struct conn *c, struct h1_head *head)
{
    uint32_t max = (uint32_t)a->session->args.max_head_bytes;
    struct h1_parser parser = {
        .limits = {max, max < H1_LINE_MAX ? max : H1_LINE_MAX, max < H1_FIELD_MAX ? max : H1_FIELD_MAX, H1_FIELDS_MAX}};

    *head = (struct h1_head){.fields = a->session->fields, .fields_cap = H1_FIELDS_MAX};
    for (;;) {
        ssize_t n = v->len > 0 ? bide__h1_parse_response(&parser, v->at, v->len, head) : 0;
        if (n != 0)
            return n < 0 ? bad_head(a, (int)n) : n;
        int code = view_keep(v, c);
        if (code < 0)
            return code;
        n = view_receive(v, a, c);
        if (n <= 0)
            return n < 0 ? n : ended_early(a, c);
    }
}

/* R25, R26: answers before the answer are skipped; none of them may change the protocol. */
static ssize_t final_head(struct view *v, struct asked *a, struct conn *c, struct h1_head *head)
{
    size_t interim_bytes = 0;

    for (int interim = 0;; interim++) {
        ssize_t n = next_head(v, a, c, head);
        if (n < 0)
            return n;
        if (head->status == 101)
            return bide_fail(BIDE_EHTTP, "malformed answer: it switches protocols, which was not asked for");
        if (head->status >= 200)
            return n;
        interim_bytes += (size_t)n;
        if (interim >= INTERIM_MAX || interim_bytes > a->session->args.max_head_bytes)
            return bide_fail(BIDE_EHTTP, "too many interim answers (1xx)");
        view_skip(v, c, (size_t)n);
    }
}

/* ---- from shared memory into the response ---- */

static void terminate(char *base, uint32_t at)
{
    base[at] = '\0';
}

/* A body that came with its head: how long it is on the wire and without its framing. */
struct whole_body {
    size_t wire, len;
};

/* Chunks up to the last one?  What is wrong with them is for body.c to find. */
static bool chunks_are_here(char *at, size_t len, struct whole_body *b)
{
    struct h1_chunked chunked = H1_CHUNKED_INIT;
    const char *data;
    size_t data_len;
    if (len == 0 || at[len - 1] != '\n')
        return false;

    while (!chunked.done) {
        ssize_t n = bide__h1_chunked_step(&chunked, at + b->wire, len - b->wire, &data, &data_len);
        if (n <= 0)
            return false;
        b->wire += (size_t)n;
        b->len += data_len;
    }
    return true;
}

/* Is the body complete in the bytes behind the head, and not longer than may be kept? */
static bool body_is_here(const bide_response *r, const struct h1_head *head, char *at, size_t len, struct whole_body *b)
{
    *b = (struct whole_body){0, 0};
    switch (head->body) {
    case H1_BODY_NONE:
        return true;
    case H1_BODY_LENGTH:
        if (head->content_length > len || head->content_length > r->limits.max_body)
            return false;
        b->wire = b->len = (size_t)head->content_length;
        return true;
    case H1_BODY_CHUNKED:
        return len <= SCRATCH_SIZE && chunks_are_here(at, len, b) && b->len <= r->limits.max_body;
    default:
        return false;
    }
}

/* The data of a body that is here, joined. */
static void copy_body(char *to, const struct h1_head *head, char *from, const struct whole_body *b)
{
    struct h1_chunked chunked = H1_CHUNKED_INIT;
    const char *data;
    size_t used = 0, len;

    if (head->body != H1_BODY_CHUNKED) {
        memcpy(to, from, b->len);
        return;
    }
    while (used < b->wire) {
        used += (size_t)bide__h1_chunked_step(&chunked, from + used, b->wire - used, &data, &len);
        to = mempcpy(to, data, len);
    }
}

/* Copy the head, and the body if it is here; every string gets its NUL, where a colon or the end of a line was. */
static int keep_head(struct asked *a, const struct view *v, const struct h1_head *head, size_t head_len,
                     const struct whole_body *body)
{
    bide_response *r = a->response;
    char *base = bide__arena_alloc(&r->arena, head_len + body->len + 1);
    struct h1_field *fields = bide__arena_alloc(&r->arena, head->nfields * sizeof *fields);
    if (!base || !fields)
        return BIDE_ENOMEM;

    memcpy(base, v->at, head_len);
    memcpy(fields, head->fields, head->nfields * sizeof *fields);
    r->head = *head;
    r->head.base = base;
    r->head.fields = fields;
    terminate(base, head->reason.off + head->reason.len);
    for (uint32_t i = 0; i < head->nfields; i++) {
        terminate(base, fields[i].name + fields[i].name_len);
        terminate(base, fields[i].value + fields[i].value_len);
    }
    copy_body(base + head_len, head, v->at + head_len, body);
    base[head_len + body->len] = '\0';
    r->whole = (bide_bytes){base + head_len, body->len};
    return 0;
}

static int take_answer(struct asked *a, struct conn *c, struct view *v, struct h1_head *head, size_t head_len)
{
    bide_response *r = a->response;
    struct whole_body body;
    int code = bide__h1_frame_response(head, r->is_head ? H1_FOR_HEAD : 0);
    if (code < 0)
        return bad_head(a, code);

    bool here = body_is_here(r, head, v->at + head_len, v->len - head_len, &body);
    if (!here)
        body = (struct whole_body){0, 0};
    if (keep_head(a, v, head, head_len, &body) < 0)
        return BIDE_ENOMEM;
    view_skip(v, c, head_len + body.wire);
    code = view_keep(v, c);
    if (code < 0)
        return code;

    r->may_reuse = head->keep_alive && !a->upload_stopped && !a->close;
    r->head_ns = a->session->loop->now_ns;
    r->body_over = here;
    r->body_bytes = body.len;
    r->left = head->content_length;
    if (!here)
        r->whole.data = NULL;
    return 0;
}

int bide__exchange(struct asked *a, struct conn *c)
{
    bide_response *r = a->response;
    struct h1_head head;

    r->received = 0;
    c->served++;
    a->session->stats.requests++;
    a->session->stats.reused += c->served > 1;
    int code = send_request(a, c);
    if (code < 0)
        return code;
    struct view v = {bide__buf_head(&c->in), bide__buf_len(&c->in), false};
    ssize_t n = final_head(&v, a, c, &head);
    return n < 0 ? (int)n : take_answer(a, c, &v, &head, (size_t)n);
}
