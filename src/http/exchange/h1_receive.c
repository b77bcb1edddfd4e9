/* SPDX-License-Identifier: MIT */
/*
 * h1_receive.c - the head of an answer, and the body that came with it.
 *
 * The usual case is one system call each way: head and body go out together; the answer is received into memory that
 * all connections share, is parsed there, and what of it is wanted is copied once, into the response.  Only an answer
 * that comes in pieces gets a buffer of its own, and then the rest of it is received there.  A short body that came
 * with its head is copied with it; then the connection is free before bide_get returns.
 */
#include <stdlib.h>

#include "http/exchange/h1.h"

/* ---- receiving the head ---- */

/* What has come and is not used yet: in the session's scratch memory, or in the connection's own. */
struct view {
    struct h1_exchange *x;
    char *at;
    size_t len;
    bool in_scratch;
    size_t head_len; /* of the head that was parsed, at `at`: */
    struct h1_head head;
};

/* Move it to where it can stay; then there may be more behind it. */
static int view_keep(struct view *v)
{
    struct conn *c = v->x->conn;

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

static void view_skip(struct view *v, size_t n)
{
    v->at += n;
    v->len -= n;
    if (!v->in_scratch)
        bide__buf_consume(&v->x->conn->in, n);
}

static void view_set(struct view *v, char *at, size_t len, bool in_scratch)
{
    v->at = at;
    v->len = len;
    v->in_scratch = in_scratch;
}

/* More bytes behind those in view: how many; 0 at the end. */
static ssize_t view_receive(struct view *v)
{
    struct h1_exchange *x = v->x;
    struct conn *c = x->conn;

    if (v->len == 0 && bide__buf_len(&c->in) == 0) {
        char *scratch = x->context->scratch;
        ssize_t n = bide__h1_receive(x, BIDE_PHASE_HEAD, scratch, SCRATCH_SIZE);
        view_set(v, scratch, n > 0 ? (size_t)n : 0, true);
        return n;
    }
    char *tail = bide__conn_reserve(c, CONN_BUFFER_SIZE / 2);
    if (!tail)
        return bide_error_code();
    ssize_t n = bide__h1_receive(x, BIDE_PHASE_HEAD, tail, c->in.cap - c->in.end);
    if (n > 0)
        bide__buf_commit(&c->in, (size_t)n);
    view_set(v, bide__buf_head(&c->in), bide__buf_len(&c->in), false);
    return n;
}

static int ended_early(const struct h1_exchange *x)
{
    if (x->exchange.progress->is_answered)
        return bide_fail(BIDE_EDISCONNECTED, "the server closed the connection in the middle of the head");
    return bide_fail(BIDE_EDISCONNECTED, "the server closed the connection without an answer%s",
                     x->conn->served > 1 ? " (it had served before)" : "");
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
static __attribute__((noinline)) int bad_head(const struct h1_exchange *x, const struct h1_head *head, int error)
{
    char line[80];
    const char *at = head->base + head->odd.off, *other = NULL;

    if (error == H1_EHEADSIZE)
        return bide_fail(BIDE_EHTTP, "the head of the answer is larger than %u bytes", x->context->limits.head);
    if (error == H1_EVERSION)
        other = other_protocol(at, head->odd.len);
    if (other)
        return bide_fail(BIDE_EHTTP, "malformed answer: %s", other);
    return bide_fail(BIDE_EHTTP, "malformed answer: %s%s: \"%s\"", bide__h1_strerror(error),
                     bide__h1_error_status(error) == 431 ? " (a larger limit of the head allows more)" : "",
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
static bool is_no_answer(const struct view *v, ssize_t n, size_t *blank)
{
    return is_blank(v, blank) || n == H1_EVERSION || (n == H1_EBARECR && v->head.odd.off < *blank);
}

/* One whole head at v->at, v->head_len bytes.  0, or an error on record. */
static int next_head(struct view *v)
{
    struct h1_exchange *x = v->x;
    struct h1_head *head = &v->head;
    struct h1_parser parser = {.limits = x->context->limits};
    size_t blank = 0;

    head->fields = x->context->fields; /* the parser fills in the rest */
    head->fields_cap = parser.limits.fields;
    for (;;) {
        ssize_t n = v->len > 0 ? bide__h1_parse_response(&parser, v->at, v->len, head) : 0;
        x->exchange.progress->is_answered |= n > 0 || !is_no_answer(v, n, &blank);
        v->head_len = (size_t)n;
        if (n != 0)
            return n < 0 ? bad_head(x, head, (int)n) : 0;
        int code = view_keep(v);
        if (code < 0)
            return code;
        n = view_receive(v);
        if (n <= 0)
            return n < 0 ? (int)n : ended_early(x);
    }
}

/* RFC 9110 15.2: interim answers (1xx) are skipped; 101 changes the protocol, if somebody asked for that. */
static int final_head(struct view *v, struct answer *out)
{
    struct h1_exchange *x = v->x;
    struct h1_head *head = &v->head;
    size_t max = x->context->limits.head, bytes = 0;

    for (;;) {
        int code = next_head(v);
        if (code < 0)
            return code;
        if (head->status == 101 && !x->may_switch)
            return bide_fail(BIDE_EHTTP, "malformed answer: it switches protocols, which was not asked for");
        if (head->status >= 200 || head->status == 101)
            return 0;
        if (bide__h1_keep_interim(x, out, head, v->at, v->head_len) < 0)
            return BIDE_ENOMEM;
        bide__h1_emit_interim(x, head->status, v->head_len);
        bytes += v->head_len;
        if (bytes > INTERIM_BYTES_MAX && bytes > max)
            return bide_fail(BIDE_EHTTP, "more than %zu bytes of interim answers (1xx)",
                             max > INTERIM_BYTES_MAX ? max : INTERIM_BYTES_MAX);
        x->odd_interim |= bide__h1_frame_response(head, 0) < 0 || !head->keep_alive;
        view_skip(v, v->head_len);
    }
}

/* ---- from shared memory into the answer ---- */

static void terminate(char *base, uint32_t at)
{
    base[at] = '\0';
}

/* A body that came with its head: how long it is on the wire and without its framing. */
struct whole_body {
    size_t wire, len;
    size_t trailer_len; /* of the wire's bytes, the last */
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
    b->trailer_len = chunked.trailer_len;
    return true;
}

/* Is the body complete in the bytes behind the head, and not longer than may be kept? */
static bool body_is_here(const struct view *v, struct whole_body *b)
{
    const struct h1_head *head = &v->head;
    size_t max = v->x->exchange.max_whole, len = v->len - v->head_len;

    *b = (struct whole_body){.odd = false};
    switch (head->body) {
    case H1_BODY_NONE:
        return true;
    case H1_BODY_LENGTH:
        if (head->content_length > len || head->content_length > max)
            return false;
        b->wire = b->len = (size_t)head->content_length;
        return true;
    case H1_BODY_CHUNKED:
        return len <= SCRATCH_SIZE && !head->chunked_twice && chunks_are_here(v->at + v->head_len, len, b) &&
               b->len <= max;
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
static __attribute__((noinline)) int keep_oddity(struct arena *arena, struct answer *out, const char *base, struct h1_slice odd)
{
    char line[80];

    bide__escaped(line, base + odd.off, odd.len);
    out->oddity = bide__arena_strndup(arena, line, strlen(line));
    return out->oddity ? 0 : BIDE_ENOMEM;
}

/* Copy the head, and the body if it is here; every string gets its NUL, where a colon or the end of a line was. */
static int keep_head(const struct view *v, struct answer *out, const struct whole_body *body)
{
    struct arena *arena = v->x->exchange.arena;
    const struct h1_head *head = &v->head;
    size_t head_len = v->head_len;
    char *base = bide__arena_alloc(arena, head_len + body->len + 1);
    struct field *fields = bide__arena_alloc(arena, head->nfields * sizeof *fields);
    if (!base || !fields || (head->odd.len > 0 && keep_oddity(arena, out, v->at, head->odd) < 0))
        return BIDE_ENOMEM;

    memcpy(base, v->at, head_len);
    memcpy(fields, head->fields, head->nfields * sizeof *fields);
    out->status = head->status;
    out->minor = head->minor;
    out->head_len = head_len;
    out->reason = base + head->reason.off;
    out->fields = (struct fields){base, fields, head->nfields, head->seen};
    terminate(base, head->reason.off + head->reason.len);
    for (uint32_t i = 0; i < head->nfields; i++) {
        terminate(base, fields[i].name + fields[i].name_len);
        terminate(base, fields[i].value + fields[i].value_len);
    }
    copy_body(base + head_len, head, v->at + head_len, body);
    base[head_len + body->len] = '\0';
    out->whole = (bide_bytes){base + head_len, body->len};
    return 0;
}

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

/* The rest of the body is for h1_body.c. */
static int begin_body(const struct view *v, struct answer *out, bool is_stream)
{
    struct h1_exchange *x = v->x;
    const struct h1_head *head = &v->head;

    x->kind = head->body;
    x->left = head->content_length;
    x->chunked = (struct h1_chunked)H1_CHUNKED_ANSWER;
    out->kind = is_stream ? BODY_STREAM : head->body == H1_BODY_LENGTH ? BODY_LENGTH : BODY_UNKNOWN;
    out->length = head->content_length;
    out->whole.data = NULL;
    if (!head->chunked_twice)
        return 0;
    x->inner = bide__arena_alloc(x->exchange.arena, sizeof *x->inner);
    if (!x->inner)
        return BIDE_ENOMEM;
    *x->inner = (struct h1_chunked)H1_CHUNKED_INIT;
    return 0;
}

static int take_answer(struct view *v, struct answer *out)
{
    struct h1_exchange *x = v->x;
    struct h1_head *head = &v->head;
    struct whole_body body;
    int code = bide__h1_frame_response(head, x->frames_as);
    if (code < 0)
        return bad_head(x, head, code);

    bool is_stream = head->tunnel || head->status == 101;
    bool here = !is_stream && body_is_here(v, &body);
    if (!here)
        body = (struct whole_body){.odd = false};
    if (keep_head(v, out, &body) < 0)
        return BIDE_ENOMEM;
    if (unlikely(body.trailer_len > 2))
        bide__h1_keep_trailers(x, v->at + v->head_len + body.wire - body.trailer_len, body.trailer_len);
    view_skip(v, v->head_len + body.wire);
    code = view_keep(v);
    if (code < 0)
        return code;

    if (unlikely(head->minor == 0))
        bide__host_note_old(x->conn->host);
    x->may_reuse = head->keep_alive && !x->upload_stopped && !x->close && !x->odd_interim && !body.odd;
    x->keep_ms = bide__fields_have(&out->fields, HEADER_KEEP_ALIVE) ? keep_alive_hint_ms(&out->fields) : INT64_MAX;
    out->is_last = !x->may_reuse;
    if (!here)
        return begin_body(v, out, is_stream);
    out->kind = head->body == H1_BODY_NONE ? BODY_NONE : BODY_LENGTH;
    out->length = body.len;
    bide__h1_finish(x);
    return 0;
}

int bide__h1_take_head(struct exchange *exchange, struct answer *out)
{
    struct h1_exchange *x = h1_of(exchange);
    struct buf *in = &x->conn->in;
    struct view v; /* its head is large, and the parser fills it in */

    v.x = x;
    view_set(&v, bide__buf_head(in), bide__buf_len(in), false);
    int code = final_head(&v, out);
    if (code == 0)
        code = take_answer(&v, out);
    return code < 0 ? bide__h1_fail(x, code) : 0;
}
