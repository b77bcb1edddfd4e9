/* SPDX-License-Identifier: MIT */
/*
 * h1_receive.c - one request out, one head back (HTTP/1.1 on one connection).
 *
 * The usual case is one system call each way: head and body go out together; the answer is received into memory that
 * all connections share, is parsed there, and what of it is wanted is copied once, into the response.  Only an answer
 * that comes in pieces gets a buffer of its own, and then the rest of it is received there.  A short body that came
 * with its head is copied with it; then the connection is free before bide_get returns.
 *
 * Everything that waits has the limits of the request: silence (which the body of a request that is still on its way
 * through the kernel breaks, too) and the end of it all.
 */
#include "http/client/client.h"

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

unchecked_frame ssize_t bide__conn_receive(bide_response *r, struct conn *c, enum bide_error_phase phase, void *out, size_t cap)
{
    struct flow flow = bide__deadline_flow(&r->deadline, r->queued);

    r->deadline.phase = phase;
    ssize_t n = bide__stream_may_recv(c->stream) ? 0 : bide__stream_wait(c->stream, FLOW_IN, &flow);
    if (n == 0)
        n = bide__stream_recv(c->stream, out, cap, &flow);
    r->queued = flow.queued;
    if (n > 0)
        bide__conn_received(r, (size_t)n);
    if (n == BIDE_EEOF && bide__stream_was_cut(c->stream)) /* what that means is for the caller to say */
        n = 0;
    return n;
}

/* More bytes behind those in view: how many; 0 at the end. */
static ssize_t view_receive(struct view *v, struct request *q, struct conn *c)
{
    if (v->len == 0 && bide__buf_len(&c->in) == 0) {
        ssize_t n = bide__conn_receive(q->response, c, BIDE_PHASE_HEAD, q->session->scratch, SCRATCH_SIZE);
        *v = (struct view){q->session->scratch, n > 0 ? (size_t)n : 0, true};
        return n;
    }
    char *tail = bide__conn_reserve(c, CONN_BUFFER_SIZE / 2);
    if (!tail)
        return bide_error_code();
    ssize_t n = bide__conn_receive(q->response, c, BIDE_PHASE_HEAD, tail, c->in.cap - c->in.end);
    if (n > 0)
        bide__buf_commit(&c->in, (size_t)n);
    *v = (struct view){bide__buf_head(&c->in), bide__buf_len(&c->in), false};
    return n;
}

static int ended_early(const struct request *q, const struct conn *c)
{
    if (!q->no_answer)
        return bide_fail(BIDE_EDISCONNECTED, "the server closed the connection in the middle of the head");
    return bide_fail(BIDE_EDISCONNECTED, "the server closed the connection without an answer%s",
                     c->served > 1 ? " (it had served before)" : "");
}

/* What speaks, if it is not HTTP/1? */
static const char *other_protocol(const char *at, size_t len)
{
    static const char settings[] = "\0\0\0\0\0"; /* flags and stream of the frame that comes first in HTTP/2 */

    if (len >= 1 && at[0] == 0x15 && (len == 1 || at[1] == 3)) /* it may come in pieces */
        return "a TLS alert: the server speaks TLS, ask for https";
    if (len >= 9 && at[0] == 0 && at[3] == 4 && memcmp(at + 4, settings, 5) == 0)
        return "the server speaks HTTP/2";
    return NULL;
}

/* The line is shown: it is what the owner of the server needs. */
static __attribute__((noinline)) int bad_head(const struct request *q, const struct h1_head *head, int error)
{
    char line[80];
    const char *at = head->base + head->odd.off, *other = NULL;

    if (error == H1_EHEADSIZE)
        return bide_fail(BIDE_EHTTP, "the head of the answer is larger than %zu bytes",
                         q->session->args.max_head_bytes);
    if (error == H1_EVERSION)
        other = other_protocol(at, head->odd.len);
    if (other)
        return bide_fail(BIDE_EHTTP, "malformed answer: %s", other);
    return bide_fail(BIDE_EHTTP, "malformed answer: %s%s: \"%s\"", bide__h1_strerror(error),
                     bide__h1_error_status(error) == 431 ? " (a larger max_head_bytes allows more)" : "",
                     bide__escaped(line, at, head->odd.len));
}

/* Nothing but empty lines, of which `blank` bytes were looked at before? */
static bool is_blank(const struct view *v, size_t *blank)
{
    while (*blank < v->len && (v->at[*blank] == '\r' || v->at[*blank] == '\n'))
        ++*blank;
    return *blank == v->len;
}

/* Is what is there, of which n was said, nothing that a status line begins with? */
static bool is_no_answer(const struct view *v, ssize_t n, const struct h1_head *head, size_t *blank)
{
    return is_blank(v, blank) || n == H1_EVERSION || (n == H1_EBARECR && head->odd.off < *blank);
}

/* One whole head at v->at: its length. */
static ssize_t next_head(struct view *v, struct request *q, struct conn *c, struct h1_head *head)
{
    struct h1_parser parser = {.limits = q->session->head_limits};
    size_t blank = 0;

    head->fields = q->session->fields; /* the parser fills in the rest */
    head->fields_cap = parser.limits.fields;
    for (;;) {
        ssize_t n = v->len > 0 ? bide__h1_parse_response(&parser, v->at, v->len, head) : 0;
        q->no_answer &= n <= 0 && is_no_answer(v, n, head, &blank);
        if (n != 0)
            return n < 0 ? bad_head(q, head, (int)n) : n;
        int code = view_keep(v, c);
        if (code < 0)
            return code;
        n = view_receive(v, q, c);
        if (n <= 0)
            return n < 0 ? n : ended_early(q, c);
    }
}

/* RFC 9110 15.2: interim answers (1xx) are skipped; 101 changes the protocol, and nobody asked for that. */
static ssize_t final_head(struct view *v, struct request *q, struct conn *c, struct h1_head *head)
{
    size_t max = q->session->args.max_head_bytes, bytes = 0;

    for (;;) {
        ssize_t n = next_head(v, q, c, head);
        if (n < 0)
            return n;
        if (head->status == 101)
            return bide_fail(BIDE_EHTTP, "malformed answer: it switches protocols, which was not asked for");
        if (head->status >= 200)
            return n;
        bytes += (size_t)n;
        if (bytes > INTERIM_BYTES_MAX && bytes > max)
            return bide_fail(BIDE_EHTTP, "more than %zu bytes of interim answers (1xx)",
                             max > INTERIM_BYTES_MAX ? max : INTERIM_BYTES_MAX);
        q->odd_interim |= bide__h1_frame_response(head, 0) < 0 || !head->keep_alive;
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
    bool odd; /* its chunks were not quite as they should be */
};

/* Chunks up to the last one?  What is wrong with them is for h1_body.c to find. */
static bool chunks_are_here(char *at, size_t len, struct whole_body *b)
{
    struct h1_chunked chunked = H1_CHUNKED_ANSWER;
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
    b->odd = chunked.odd;
    return true;
}

/* Is the body complete in the bytes behind the head, and not longer than may be kept? */
static bool body_is_here(const bide_response *r, const struct h1_head *head, char *at, size_t len, struct whole_body *b)
{
    *b = (struct whole_body){0, 0, false};
    switch (head->body) {
    case H1_BODY_NONE:
        return true;
    case H1_BODY_LENGTH:
        if (head->content_length > len || head->content_length > r->max_body)
            return false;
        b->wire = b->len = (size_t)head->content_length;
        return true;
    case H1_BODY_CHUNKED:
        return len <= SCRATCH_SIZE && !head->chunked_twice && chunks_are_here(at, len, b) &&
               b->len <= r->max_body;
    default:
        return false;
    }
}

/* The data of a body that is here, joined. */
static void copy_body(char *to, const struct h1_head *head, char *from, const struct whole_body *b)
{
    struct h1_chunked chunked = H1_CHUNKED_ANSWER;
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

/* The line that should not be there, for bide_response_oddity. */
static __attribute__((noinline)) int keep_oddity(bide_response *r, const char *base, struct h1_slice odd)
{
    char line[80];

    bide__escaped(line, base + odd.off, odd.len);
    r->oddity = bide__arena_strndup(&r->arena, line, strlen(line));
    return r->oddity ? 0 : BIDE_ENOMEM;
}

/* Copy the head, and the body if it is here; every string gets its NUL, where a colon or the end of a line was. */
static int keep_head(struct request *q, const struct view *v, const struct h1_head *head, size_t head_len,
                     const struct whole_body *body)
{
    bide_response *r = q->response;
    char *base = bide__arena_alloc(&r->arena, head_len + body->len + 1);
    struct field *fields = bide__arena_alloc(&r->arena, head->nfields * sizeof *fields);
    if (!base || !fields || (head->odd.len > 0 && keep_oddity(r, v->at, head->odd) < 0))
        return BIDE_ENOMEM;

    memcpy(base, v->at, head_len);
    memcpy(fields, head->fields, head->nfields * sizeof *fields);
    r->status = head->status;
    r->minor = head->minor;
    r->reason = base + head->reason.off;
    r->fields = (struct fields){base, fields, head->nfields, head->seen};
    r->h1.kind = head->body;
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

static int take_answer(struct request *q, struct conn *c, struct view *v, struct h1_head *head, size_t head_len)
{
    bide_response *r = q->response;
    struct whole_body body;
    int code = bide__h1_frame_response(head, r->is_head ? H1_FOR_HEAD : 0);
    if (code < 0)
        return bad_head(q, head, code);

    bool here = body_is_here(r, head, v->at + head_len, v->len - head_len, &body);
    if (!here)
        body = (struct whole_body){0, 0, false};
    if (keep_head(q, v, head, head_len, &body) < 0)
        return BIDE_ENOMEM;
    view_skip(v, c, head_len + body.wire);
    code = view_keep(v, c);
    if (code < 0)
        return code;

    r->h1.inner = head->chunked_twice ? bide__arena_alloc(&r->arena, sizeof *r->h1.inner) : NULL;
    if (head->chunked_twice && !r->h1.inner)
        return BIDE_ENOMEM;
    if (r->h1.inner)
        *r->h1.inner = (struct h1_chunked)H1_CHUNKED_INIT;
    r->may_reuse = head->keep_alive && !q->upload_stopped && !q->close && !q->odd_interim && !body.odd;
    r->head_ns = q->session->loop->now_ns;
    r->body_over = here;
    r->body_bytes = body.len;
    r->h1.left = head->content_length;
    if (!here)
        r->whole.data = NULL;
    return 0;
}

int bide__exchange(struct request *q, struct conn *c)
{
    bide_response *r = q->response;
    struct h1_head head;

    r->received = 0;
    q->no_answer = true;
    q->odd_interim = false;
    c->served++;
    q->session->requests++;
    q->session->reused += c->served > 1;
    int code = bide__request_send(q, c);
    if (code < 0)
        return code;
    struct view v = {bide__buf_head(&c->in), bide__buf_len(&c->in), false};
    ssize_t n = final_head(&v, q, c, &head);
    return n < 0 ? (int)n : take_answer(q, c, &v, &head, (size_t)n);
}
