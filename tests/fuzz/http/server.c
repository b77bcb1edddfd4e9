/* SPDX-License-Identifier: MIT */
/*
 * server.c - fuzz target: a connection to the server, request after request, out of memory.
 *
 * The requests come through a stream in memory, so nothing waits.  The first byte says how they are cut.  The handler does
 * as the path says, and puts what the client sent into heads and bodies.  What the server sends must be answers that a
 * strict client understands, one for each request that the handler saw and at most one more, and the same however the
 * requests are cut; only what is refused before the handler sees it may be refused for the first of its faults that was
 * found, or not at all when its head never ends.
 */
#include "http/h1/h1_chunked.h"
#include "http/server/server.h"
#include "memory.h"

#define OUT_MAX  ((size_t)4 << 20)
#define SEEN_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- the wire ---- */

struct wire {
    struct filter filter;
    const uint8_t *at, *end;
    size_t step;
    char *out;
    size_t len;
};

static struct wire *wire_of(const struct filter *f)
{
    return container_of(f, struct wire, filter);
}

static ssize_t wire_recv(struct filter *f, void *out, size_t cap)
{
    struct wire *w = wire_of(f);
    size_t n = (size_t)(w->end - w->at);
    n = n < w->step ? n : w->step;
    n = n < cap ? n : cap;

    memcpy(out, w->at, n);
    w->at += n;
    return (ssize_t)n;
}

static ssize_t wire_send(struct filter *f, const struct iovec *iov, int n)
{
    struct wire *w = wire_of(f);
    size_t before = w->len;

    for (int i = 0; i < n; i++) {
        must(iov[i].iov_len <= OUT_MAX - w->len);
        memcpy(w->out + w->len, iov[i].iov_base, iov[i].iov_len);
        w->len += iov[i].iov_len;
    }
    return (ssize_t)(w->len - before);
}

static bool wire_may_recv(const struct filter *f)
{
    (void)f;
    return true; /* or the end */
}

static const struct filter_ops wire_ops = MEMORY_LAYER(wire_recv, wire_send, wire_may_recv);

/* ---- the handler ---- */

struct run {
    bide_server *server;
    struct wire wire;
    int seen; /* requests */
    bool was_head[SEEN_MAX];
    bool may_be_cut; /* the last answer: its handler failed */
    size_t answers_len; /* of wire.out: what answers these; a refusal follows it, or nothing */
};

static struct run *running;

static int echo_fields(bide_exchange *x)
{
    bide_pair field;

    for (size_t i = 0; bide_exchange_header_at(x, i, &field); i++) {
        must(field.name[0] && !strpbrk(field.name, "\r\n: ") && !strpbrk(field.value, "\r\n"));
        must(bide_exchange_header(x, field.name) != NULL);
        if (bide_respond_header(x, field.name, field.value) < 0)
            bide_error_clear();
    }
    return bide_respond_text(x, 200, bide_exchange_target(x));
}

static int echo_body(bide_exchange *x)
{
    bide_bytes body = bide_exchange_body(x);

    return body.data ? bide_respond(x, 200, "text/plain", body.data, body.len) : bide_error_code();
}

static int echo_parameter(bide_exchange *x)
{
    const char *value = bide_exchange_param(x, "x");

    if (value && bide_respond_header(x, "X-Parameter", value) < 0)
        bide_error_clear();
    return bide_respond_json(x, 200, "%s", value ? value : "null");
}

/* Content-Length is the query: it will mostly not be what follows. */
static int answer_in_pieces(bide_exchange *x, bool with_length)
{
    const char *path = bide_exchange_path(x);

    if (with_length)
        BIDE_TRY(bide_respond_header(x, "Content-Length", bide_exchange_query(x)));
    BIDE_TRY(bide_respond_begin(x, 200, bide_exchange_header(x, "Accept")));
    BIDE_TRY(bide_respond_chunk(x, path, strlen(path)));
    BIDE_TRY(bide_respond_chunk(x, "", 0));
    BIDE_TRY(bide_respond_chunk(x, path, strlen(path)));
    return bide_respond_end(x);
}

static int answer(bide_exchange *x, char how)
{
    switch (how) {
    case 'b': return echo_body(x);
    case 'h': return echo_fields(x);
    case 'p': return echo_parameter(x);
    case 'c': return answer_in_pieces(x, false);
    case 'l': return answer_in_pieces(x, true);
    case 'e': return bide_respond(x, 204, NULL, NULL, 0);
    case 's': return bide_respond(x, atoi(bide_exchange_query(x)), "text/plain", "x", 1);
    case 'n': return 0;
    case 'f': return bide_fail(-EIO, "%s", bide_exchange_target(x));
    default: return bide_respond_text(x, 200, bide_exchange_method(x));
    }
}

static int handle(bide_exchange *x, void *arg)
{
    struct run *run = running;
    const char *target = bide_exchange_target(x), *path = bide_exchange_path(x);
    (void)arg;

    must(run->seen < SEEN_MAX && target[0] && !strpbrk(target, "\r\n ") && bide_exchange_method(x)[0]);
    must(strlen(path) <= strlen(target) && strcmp(bide_exchange_peer(x), "memory") == 0);
    run->was_head[run->seen++] = strcmp(bide_exchange_method(x), "HEAD") == 0;
    int code = answer(x, path[0] ? path[1] : '\0');
    run->may_be_cut |= code < 0;
    return code;
}

/* ---- what the server sent ---- */

/* The length of a body that begins at in[0..len); -1: it is cut off. */
static ssize_t body_len(const struct h1_head *head, char *in, size_t len)
{
    struct h1_chunked c = H1_CHUNKED_INIT;
    size_t at = 0;
    ssize_t n = 1;

    if (head->body == H1_BODY_LENGTH)
        return head->content_length <= len ? (ssize_t)head->content_length : -1;
    if (head->body != H1_BODY_CHUNKED)
        return head->body == H1_BODY_CLOSE ? (ssize_t)len : 0;
    for (; !c.done && n > 0; at += (size_t)n) {
        const char *data;
        size_t data_len;
        n = at < len ? bide__h1_chunked_step(&c, in + at, len - at, &data, &data_len) : 0;
        must(n >= 0);
    }
    return c.done ? (ssize_t)at : -1;
}

/* One answer at the front: its length. */
static size_t check_answer(const struct run *run, char *in, size_t len, bool was_head, int *status)
{
    static struct field fields[H1_FIELDS_MAX];
    struct h1_parser parser = H1_PARSER_INIT;
    struct h1_head head = {.fields = fields, .fields_cap = H1_FIELDS_MAX};
    parser.strict = true;

    ssize_t n = bide__h1_parse_response(&parser, in, len, &head);
    must(n > 0 && bide__h1_frame_response(&head, (was_head ? H1_FOR_HEAD : 0) | H1_STRICT) == 0);
    *status = head.status;
    ssize_t body = body_len(&head, in + n, len - (size_t)n);
    must(body >= 0 || run->may_be_cut);
    return body < 0 ? len : (size_t)(n + body);
}

static void cut_out(struct wire *w, size_t at, size_t len)
{
    memmove(w->out + at, w->out + at + len, w->len - at - len);
    w->len -= len;
}

/* Afterwards it is without interim answers: 100 is sent only when the body has not come yet. */
static void check_output(struct run *run)
{
    size_t at = 0;
    int answers = 0;

    while (at < run->wire.len) {
        bool was_head = answers < run->seen && run->was_head[answers];
        int status;
        size_t n = check_answer(run, run->wire.out + at, run->wire.len - at, was_head, &status);
        if (status < 200) {
            cut_out(&run->wire, at, n);
            continue;
        }
        must(answers < run->seen || status >= 400);
        answers++;
        at += n;
        if (answers <= run->seen)
            run->answers_len = at;
    }
    must(answers <= run->seen + 1 && (answers >= run->seen || run->may_be_cut));
}

/* The second in which an answer was sent is no difference. */
static void remove_dates(struct wire *w)
{
    static const char date[] = "\r\nDate: ";
    const size_t len = sizeof date - 1 + 29;

    for (char *found = w->out; (found = memmem(found, w->len - (size_t)(found - w->out), date, sizeof date - 1));) {
        size_t at = (size_t)(found - w->out);
        cut_out(w, at, w->len - at < len ? w->len - at : len);
    }
}

/* ---- a run ---- */

static int serve(struct run *run)
{
    run->wire.filter.ops = &wire_ops;
    bide_stream *stream = bide__stream_over(&run->wire.filter, "memory", 0);
    must(stream != NULL);
    running = run;
    must(bide__connection_start(run->server, stream) == 0);
    while (bide_server_get_stats(run->server).open > 0)
        must(bide_sleep_ms(0) == 0);
    return 0;
}

static int start(bide_server **out)
{
    *out = bide_server_start(handle, .max_head_bytes = 2000, .max_body_bytes = 3000);
    return *out ? 0 : bide_raise();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bide_loop *loop;
    static bide_server *server;
    static char outs[2][OUT_MAX];
    static struct run whole, cut;
    if (size < 2)
        return 0;
    if (!loop) {
        loop = bide_loop_new();
        must(bide_run_until_complete(loop, bide_coro(start, &server)) == 0);
    }

    whole = (struct run){.server = server, .wire = {.at = data + 1, .end = data + size, .step = size, .out = outs[0]}};
    cut = (struct run){.server = server,
                       .wire = {.at = data + 1, .end = data + size, .step = (size_t)data[0] % 64 + 1, .out = outs[1]}};
    must(bide_run_until_complete(loop, bide_coro(serve, &whole)) == 0);
    must(bide_run_until_complete(loop, bide_coro(serve, &cut)) == 0);

    check_output(&whole);
    check_output(&cut);
    whole.wire.len = whole.answers_len;
    cut.wire.len = cut.answers_len;
    remove_dates(&whole.wire);
    remove_dates(&cut.wire);
    must(whole.seen == cut.seen && whole.wire.len == cut.wire.len);
    must(memcmp(whole.wire.out, cut.wire.out, whole.wire.len) == 0);
    return 0;
}
