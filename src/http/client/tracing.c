/* SPDX-License-Identifier: MIT */
/*
 * tracing.c - the steps of a request that its client knows: its tries, what it sends and gets, its end.
 *
 * A traced session has a policy around all others, which sees each try begin; and each exchange of its requests is one of
 * ours, with that of the protocol inside.  So nothing is tested on the way of a request that nobody traces.
 *
 *     body chain, try_once ---> struct traced: tells ---> the protocol's exchange
 */
#include "http/client/client.h"

/* ---- the exchange around that of the protocol ---- */

/* Of a request, which has one exchange at a time. */
struct traced {
    struct tracer tracer;
    struct exchange exchange;
    struct exchange *inner;
    bide_response *response;
};

static struct traced *traced_of(struct exchange *x)
{
    return container_of(x, struct traced, exchange);
}

static void emit_end(struct traced *x)
{
    bide__trace_emit(&x->tracer, (bide_trace_event){.kind = BIDE_TRACE_END, .status = x->response->answer.status,
                                                    .bytes = x->tracer.bytes});
}

/* n bytes of the body; 0: it is over. */
static ssize_t emit_body(struct traced *x, ssize_t n)
{
    if (n > 0) {
        x->tracer.bytes += (uint64_t)n;
        bide__trace_emit(&x->tracer, (bide_trace_event){.kind = BIDE_TRACE_BODY_RECEIVED, .bytes = (uint64_t)n});
    } else if (n == 0 && !x->tracer.asks_again) {
        emit_end(x);
    }
    return n;
}

static int traced_send(struct exchange *exchange, struct request_head *head)
{
    struct traced *x = traced_of(exchange);
    int code = x->inner->ops->send(x->inner, head);

    if (code == 0 && !x->response->info) /* there is no connection: a mock answers */
        bide__trace_emit(&x->tracer, (bide_trace_event){.kind = BIDE_TRACE_HEAD_SENT, .data = x->response->progress.head});
    if (code == 0)
        bide__trace_emit(&x->tracer, (bide_trace_event){.kind = BIDE_TRACE_REQUEST_SENT, .bytes = x->response->progress.sent});
    return code;
}

static int traced_head(struct exchange *exchange, struct answer *out)
{
    struct traced *x = traced_of(exchange);
    int code = x->inner->ops->head(x->inner, out);
    if (code < 0)
        return code;

    bide__trace_emit(&x->tracer, (bide_trace_event){.kind = BIDE_TRACE_HEAD, .status = out->status, .bytes = out->head_len});
    if (out->whole.len > 0)
        emit_body(x, (ssize_t)out->whole.len);
    return 0;
}

static ssize_t traced_next(struct exchange *exchange, const char **data)
{
    struct traced *x = traced_of(exchange);

    return emit_body(x, x->inner->ops->next(x->inner, data));
}

static ssize_t traced_read(struct exchange *exchange, void *out, size_t cap)
{
    struct traced *x = traced_of(exchange);

    return emit_body(x, x->inner->ops->read(x->inner, out, cap));
}

static ssize_t traced_splice(struct exchange *exchange, int pipe, size_t cap)
{
    struct traced *x = traced_of(exchange);

    return x->inner->ops->splice ? emit_body(x, x->inner->ops->splice(x->inner, pipe, cap)) : -EOPNOTSUPP;
}

/* Without `most`, it is the end of a failure, of which more is said. */
static void traced_drop(struct exchange *exchange, size_t most)
{
    struct traced *x = traced_of(exchange);

    x->inner->ops->drop(x->inner, most);
    if (most > 0 && !x->tracer.asks_again)
        emit_end(x);
}

static bide_stream *traced_steal(struct exchange *exchange)
{
    struct traced *x = traced_of(exchange);
    bide_stream *s = x->inner->ops->steal(x->inner);

    emit_end(x);
    return s;
}

static const struct exchange_ops traced_ops = {traced_send, traced_head, traced_next, traced_read, traced_splice, traced_drop, traced_steal};

static void emit_connection(struct tracer *t, const bide_response *r)
{
    bide_connection c = bide__conn_info_show(r->info);
    char local[INET6_ADDRSTRLEN];

    c.local_port = bide__conn_info_local(r->info, local);
    c.local = local;
    bide__trace_emit(t, (bide_trace_event){.kind = r->reused ? BIDE_TRACE_CONNECTION_REUSED : BIDE_TRACE_CONNECTION_MADE, .connection = &c});
}

struct exchange *bide__tracing_wrap(bide_response *r, struct exchange *inner)
{
    struct tracer *t = r->deadline.tracer;
    if (!t)
        return inner;
    struct traced *x = container_of(t, struct traced, tracer);

    t->bytes = 0;
    if (r->info)
        emit_connection(t, r);
    x->exchange.ops = &traced_ops;
    x->inner = inner;
    return &x->exchange;
}

/* ---- the policy around all others ---- */

static int trace_before(struct policy *p, struct request *q)
{
    struct tracer *t = q->response->deadline.tracer;
    (void)p;

    t->attempt++;
    t->asks_again = false;
    return 0;
}

/* All others have accepted it. */
static int trace_after(struct policy *p, struct request *q, const struct outcome *o)
{
    const bide_response *r = q->response;
    struct tracer *t = r->deadline.tracer;
    (void)p;

    if (o->code == 0 && r->answer.whole.data)
        bide__trace_emit(t, (bide_trace_event){.kind = BIDE_TRACE_END, .status = r->answer.status, .bytes = t->bytes});
    return POLICY_ACCEPT;
}

static const struct policy_ops trace_ops = {.name = "trace", .before = trace_before, .after = trace_after};

void bide__session_set_trace(bide_session *s)
{
    if (!s->args.trace)
        return;
    s->trace_policy.ops = &trace_ops;
    s->trace_row[0] = &s->trace_policy;
    s->policies = s->trace_row;
    s->npolicies = 1;
}

/* ---- a request ---- */

int bide__tracing_begin(bide_response *r, void *own_arg)
{
    bide_session *s = r->session;
    if (!s->args.trace)
        return 0;
    struct watch *w = r->watch ? r->watch : bide__arena_alloc(&r->arena, sizeof *w);
    struct traced *x = bide__arena_alloc(&r->arena, sizeof *x);
    if (!w || !x)
        return BIDE_ENOMEM;

    *x = (struct traced){.response = r,
                         .tracer = {.observer.see = bide__trace_see, .fn = s->args.trace, .arg = own_arg ? own_arg : s->args.trace_arg, .loop = s->loop,
                                    .begun_ns = r->begun_ns, .number = ++s->traced, .method = &r->method, .url = &r->url, .response = r}};
    if (!r->watch)
        *w = (struct watch){.fn = NULL};
    w->tracer = r->deadline.tracer = &x->tracer;
    r->watch = w;
    bide__trace_mark(&x->tracer, BIDE_TRACE_REQUEST);
    return 0;
}

void bide__tracing_again(const struct request *q, const struct policy_ops *by, int code)
{
    const bide_response *r = q->response;
    struct tracer *t = r->deadline.tracer;
    bool is_redirect = by->why == BIDE_AGAIN_REDIRECT;
    if (!t)
        return;

    t->asks_again = true;
    bide__trace_emit(t, (bide_trace_event){.kind = is_redirect ? BIDE_TRACE_REDIRECT : BIDE_TRACE_RETRY, .status = r->answer.status,
                                           .code = code, .error = code < 0 ? bide_error_text() : NULL, .why = (int)by->why,
                                           .to = is_redirect ? q->head.url.href : NULL, .delay_ms = q->wait_ms});
}

void bide__tracing_fail(const bide_response *r, int code)
{
    if (r->deadline.tracer)
        bide__trace_emit(r->deadline.tracer, (bide_trace_event){.kind = BIDE_TRACE_ERROR, .code = code, .error = bide_error_text(),
                                                                .status = r->answer.status});
}

/* ---- in a timeline of the process ---- */

void bide__request_note_begin(bide_response *r)
{
    r->span = bide__track_span(r->session->loop->track, SPAN_REQUEST, r->method, r->url);
}

void bide__request_note_end(bide_response *r, int code)
{
    struct track *k = r->session ? r->session->loop->track : NULL;

    if (k)
        bide__track_note(k, TL_END, SPAN_REQUEST, r->span, code < 0 ? code : r->answer.status);
    r->span = 0;
}
