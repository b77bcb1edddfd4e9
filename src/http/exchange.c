/* SPDX-License-Identifier: MIT */
/*
 * exchange.c - one request out, one head back (HTTP/1.1 on one connection).
 *
 * The usual case is one system call each way: head and body go out together; the answer is received into memory that
 * all connections share, is parsed there, and what of it is wanted is copied once, into the response.  Only an answer
 * that comes in pieces gets a buffer of its own, and then the rest of it is received there.  A short body that came
 * with its head is copied with it; then the connection is free before bide_get returns.
 *
 * Everything that waits has the limits of the request: silence (which the body of a request that is still on its way
 * through the kernel breaks, too) and the end of it all.
 */
#include "http/http.h"

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

/* Bytes of the answer have come. */
void bide__conn_received(bide_response *r, size_t n)
{
    if (r->received == 0)
        r->first_byte_ns = r->session->loop->now_ns;
    r->received += n;
}

/* An answer does not come at once: waiting first saves a layer of TLS the try.  (It has shaken hands, so it has nothing
   to write of its own but what `wants_write` tells.) */
static bool nothing_to_read(const bide_stream *s)
{
    return bide__fd_is_open(&s->fd) && !s->fd.readable && !s->top->wants_write && !s->top->ops->has_pending(s->top);
}

ssize_t bide__conn_receive(bide_response *r, struct conn *c, enum bide_error_phase phase, void *out, size_t cap)
{
    struct flow flow = {.silence_ms = r->limits.read_ms, .deadline_ns = r->deadline_ns, .queued = r->queued};

    r->phase = phase;
    ssize_t n = nothing_to_read(c->stream) ? bide__fd_wait_flow(&c->stream->fd, FLOW_IN, &flow) : 0;
    if (n == 0)
        n = bide__stream_recv(c->stream, out, cap, &flow);
    r->queued = flow.queued;
    if (n > 0)
        bide__conn_received(r, (size_t)n);
    if (n == BIDE_EEOF && bide__tls_was_cut(c->stream)) /* what that means is for the caller to say */
        n = 0;
    return n;
}

/* More bytes behind those in view: how many; 0 at the end. */
static ssize_t view_receive(struct view *v, struct asked *a, struct conn *c)
{
    if (v->len == 0 && bide__buf_len(&c->in) == 0) {
        ssize_t n = bide__conn_receive(a->response, c, BIDE_PHASE_HEAD, a->session->scratch, SCRATCH_SIZE);
        *v = (struct view){a->session->scratch, n > 0 ? (size_t)n : 0, true};
        return n;
    }
    char *tail = bide__conn_reserve(c, CONN_BUFFER_SIZE / 2);
    if (!tail)
        return bide_error_code();
    ssize_t n = bide__conn_receive(a->response, c, BIDE_PHASE_HEAD, tail, c->in.cap - c->in.end);
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
        return bide_fail(BIDE_EHTTP, "the head of the answer is larger than %zu bytes",
                         a->session->args.max_head_bytes);
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
    int code = bide__request_send(a, c);
    if (code < 0)
        return code;
    struct view v = {bide__buf_head(&c->in), bide__buf_len(&c->in), false};
    ssize_t n = final_head(&v, a, c, &head);
    return n < 0 ? (int)n : take_answer(a, c, &v, &head, (size_t)n);
}
