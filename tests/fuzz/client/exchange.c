/* SPDX-License-Identifier: MIT */
/*
 * exchange.c - fuzz target: a whole request, from bide_get to the end of the body, on an answer out of memory.
 *
 * The answer comes through a stream in memory, so nothing waits and no system call is made.  The first byte says how the
 * body is read and how the answer is cut; what is read of it in pieces and at once must be the same, or fail both times.
 */
#include "http/client/client.h"
#include "../http/memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- the answer ---- */

struct script {
    struct filter filter;
    const uint8_t *at, *end;
    size_t step;
    bool asked; /* it answers; before that it is a quiet connection */
};

static struct script *script_of(const struct filter *f)
{
    return container_of(f, struct script, filter);
}

static ssize_t script_recv(struct filter *f, void *out, size_t cap)
{
    struct script *s = script_of(f);
    size_t n = (size_t)(s->end - s->at);
    n = n < s->step ? n : s->step;
    n = n < cap ? n : cap;

    memcpy(out, s->at, n);
    s->at += n;
    return (ssize_t)n;
}

static ssize_t script_send(struct filter *f, const struct iovec *iov, int n)
{
    size_t len = 0;

    script_of(f)->asked = true;
    for (int i = 0; i < n; i++)
        len += iov[i].iov_len;
    return (ssize_t)len;
}

static bool script_may_recv(const struct filter *f)
{
    return script_of(f)->asked;
}

static const struct filter_ops script_ops = MEMORY_LAYER(script_recv, script_send, script_may_recv);

/* ---- the request ---- */

struct seen {
    bool ok;
    int status;
    size_t nfields, len;
    uint64_t hash;
};

struct run {
    bide_session *session;
    struct script script;
    uint8_t how;
    struct seen seen;
};

/* An idle connection that leads to the script. */
static void plant(struct run *run)
{
    static const struct origin origin = {.host = "h", .host_len = 1, .port = 80};
    must(bide__session_bind(run->session) == 0);
    struct host *h = bide__host_find(&run->session->connector, &origin);
    struct conn *c = bide__conn_new(h);
    run->script.filter.ops = &script_ops;
    must(bide__conn_opened(c, bide__stream_over(&run->script.filter, "memory", 0)) == 0);
    bide__take_slot(h);
    bide__connector_give(c, INT64_MAX);
}

static void add(struct seen *o, const char *data, size_t len)
{
    for (size_t i = 0; i < len; i++)
        o->hash = (o->hash ^ (uint8_t)data[i]) * 0x100000001b3;
    o->len += len;
}

static bool read_body(struct seen *o, bide_response *r, bool in_pieces)
{
    const char *piece;
    ssize_t n = 1;

    if (!in_pieces) {
        bide_bytes body = bide_body(r);
        add(o, body.data ? body.data : "", body.len);
        return body.data != NULL;
    }
    while ((n = bide_read_chunk(r, &piece)) > 0)
        add(o, piece, (size_t)n);
    return n == 0;
}

static int request(struct run *run)
{
    struct seen *o = &run->seen;
    const char *method = run->how & 1 ? "HEAD" : "GET";

    plant(run);
    bide_response *r = bide_request(run->session, method, "http://h/", .max_redirects = BIDE_NONE);
    if (r) {
        o->status = bide_status(r);
        for (bide_pair field; bide_header_at(r, o->nfields, &field); o->nfields++)
            must(!strpbrk(field.name, "\r\n") && !strpbrk(field.value, "\r\n") &&
                 (strlen(field.name) > 0 || bide_response_oddity(r)));
        o->ok = read_body(o, r, run->how & 2);
    } else {
        must(bide_error_code() < 0 && bide_error_text()[0] && !strpbrk(bide_error_text(), "\r\n"));
    }
    bide_error_clear();
    bide_release(r);
    bide__connector_close_idle(&run->session->connector);
    must(bide_session_get_stats(run->session).open == 0);
    return 0;
}

static bool same(const struct seen *a, const struct seen *b)
{
    return a->status == b->status && a->nfields == b->nfields && a->len == b->len && a->hash == b->hash;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bide_loop *loop;
    static bide_session *session;
    if (size < 2)
        return 0;
    if (!loop) {
        loop = bide_loop_new();
        session = bide_session_new(.max_body_bytes = 100000);
    }

    struct run whole = {
        .session = session, .how = data[0], .script = {.at = data + 1, .end = data + size, .step = size}};
    struct run cut = whole;
    cut.script.step = (size_t)(data[0] >> 2) + 1;
    cut.how ^= 2;
    must(bide_run_until_complete(loop, bide_coro(request, &whole)) == 0);
    must(bide_run_until_complete(loop, bide_coro(request, &cut)) == 0);

    must(whole.seen.ok == cut.seen.ok);
    must(!whole.seen.ok || same(&whole.seen, &cut.seen));
    return 0;
}
