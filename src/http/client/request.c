/* SPDX-License-Identifier: MIT */
/*
 * request.c - a request, from bide_get to the head of the answer: tries, with a row of policies around each.
 *
 * What is done when a try fails or its answer is not the last word is not here, but in policy/: the loop only asks again
 * while a policy wants that, and not too often.
 */
#include "http/client/client.h"

#define AGAIN_MAX 20 /* tries after the first, beside those that redirects need */

/* ---- one try ---- */

static void forget_exchange(bide_response *r)
{
    r->whole = (bide_bytes){NULL, 0};
    r->answer = (struct answer){.status = 0}; /* of a redirect: the next one has not answered */
    r->progress = (struct progress){.sent = 0};
    r->reused = r->is_coded = r->must_open = false;
    r->head_ns = r->body_ns = 0;
    r->connect = (struct connect_times){.dns = 0};
    bide__conn_info_drop(r->info);
    r->info = NULL;
}

static void note_connection(bide_response *r, const struct conn *c)
{
    r->reused = c->served > 0;
    r->session->requests++;
    r->session->reused += r->reused;
    r->queued_ns = r->session->loop->now_ns;
    if (!r->reused) {
        r->connect = c->times;
        r->queued_ns = r->start_ns;
    }
    r->info = c->info;
    r->info->shares++;
}

/* All that one proxy passes on share its connections. */
static __attribute__((noinline)) void set_proxy_as_origin(struct origin *origin)
{
    const struct proxy *p = &origin->route->hops[origin->route->nhops - 1].proxy;

    origin->host = p->host;
    origin->host_len = (uint32_t)strlen(p->host);
    origin->port = p->port;
    origin->secure = p->kind == PROXY_HTTPS;
    origin->is_forwarded = true;
}

static struct conn *take_connection(const struct request *q)
{
    bide_response *r = q->response;
    const struct url *u = &q->head.url;
    struct origin origin = {.host = bide__url_part(u, u->hostname), .host_len = u->hostname.len, .port = u->port,
                            .secure = bide__url_is_secure(u), .route = q->route};
    if (unlikely(q->head.is_absolute))
        set_proxy_as_origin(&origin);
    if (origin.secure)
        origin.tls = origin.is_forwarded ? q->route->tls : bide__session_tls(r->session);

    if (origin.secure && !origin.tls)
        return NULL;
    return bide__connector_take(r->session->pool, &origin, &r->deadline, q->fresh);
}

/* NULL: an error on record. */
static struct exchange *begin_on_connection(const struct request *q)
{
    struct conn *c = take_connection(q);
    if (!c)
        return NULL;
    note_connection(q->response, c);
    return c->protocol->begin(c);
}

/* ---- in place of a connection, and around one: apart, as it is rare ---- */

static int choose_canned(struct mock_exchange *x, void *canned)
{
    x->answer = canned;
    return 0;
}

static struct exchange *begin_canned(const struct request *q)
{
    struct mock_exchange *x = bide__mock_exchange_new(&q->response->arena, &q->response->session->h1, choose_canned,
                                                      (void *)(uintptr_t)q->canned);

    return x ? &x->exchange : NULL;
}

static __attribute__((noinline)) bool is_made_up(const struct request *q)
{
    const bide_transport *t = q->response->session->transport;

    return q->canned || (t && t->ops->begin);
}

static __attribute__((noinline)) struct exchange *begin_made_up(const struct request *q)
{
    bide_response *r = q->response;
    bide_session *s = r->session;

    s->requests++;
    r->queued_ns = r->start_ns;
    if (q->canned)
        return begin_canned(q);
    s->transport->asked++;
    return s->transport->ops->begin(s->transport, &r->arena, &s->h1);
}

/* inner NULL: there is no connection, and that is on record. */
static __attribute__((noinline)) struct exchange *wrap_exchange(const struct request *q, struct exchange *inner)
{
    bide_response *r = q->response;
    bide_transport *t = r->session->transport;
    struct wrapped what = {.arena = &r->arena, .method = q->head.method, .url = q->head.url.href, .loop = r->session->loop,
                           .start_ns = r->start_ns, .connect = r->connect, .info = r->info};
    if (!t)
        return inner;

    t->asked++;
    if (!inner)
        t->ops->failed(t, &what, bide_error_code());
    return inner ? t->ops->wrap(t, inner, &what) : NULL;
}

/* NULL: an error on record. */
static struct exchange *begin_exchange(const struct request *q)
{
    if (unlikely(q->is_elsewhere) && is_made_up(q))
        return begin_made_up(q);
    struct exchange *x = begin_on_connection(q);
    return unlikely(q->is_elsewhere) ? wrap_exchange(q, x) : x;
}

static struct exchange *set_exchange(bide_response *r, struct exchange *x)
{
    x->deadline = &r->deadline;
    x->progress = &r->progress;
    x->arena = &r->arena;
    x->max_whole = r->max_body;
    x->watch = r->watch;
    x->paces = r->paces;
    return unlikely(r->watch) ? bide__tracing_wrap(r, x) : x;
}

unchecked_frame static int try_once(struct request *q)
{
    bide_response *r = q->response;

    r->start_ns = r->session->loop->now_ns;
    struct exchange *x = begin_exchange(q);
    if (!x)
        return bide_error_code();
    x = set_exchange(r, x);
    int code = x->ops->send(x, &q->head);
    r->progress.sent_ns = r->session->loop->now_ns;
    if (code == 0)
        code = x->ops->head(x, &r->answer);
    if (code < 0)
        return code;

    r->head_ns = r->session->loop->now_ns;
    r->whole = r->answer.whole;
    r->chain = (struct body_chain){.wire = r->whole.len, .most = BODY_LENGTH_UNKNOWN};
    bool is_here = r->whole.data;
    if (is_here)
        r->body_ns = r->head_ns;
    else
        r->chain.exchange = x;
    if (unlikely(bide__fields_have(&r->answer.fields, HEADER_CONTENT_ENCODING)) && r->may_decode)
        bide__body_note_codings(r);
    return unlikely(r->watch) && is_here && !r->is_coded && r->whole.len > 0 ? bide__response_moved(r, r->whole.len) : 0;
}

/* ---- the row of policies around it ---- */

/* Those of one request, and the row that they stand in behind the session's. */
struct policies {
    struct redirect redirect;
    struct hsts hsts;
    struct retry *retry; /* NULL: a failure is one */
    struct auth *auth; /* NULL: nobody in particular asks */
    struct cookies cookies;
    struct by_route by_route;
    struct stale_retry stale;
    struct policy expect; /* ops NULL: not asked */
    struct policy *own_row[11]; /* each of the above */
    struct policy_row row;
    int64_t again_max;         /* tries after the first, beside those of redirects */
    bide_cookie_jar *own_jar; /* .cookie_jar; BIDE_COOKIES_PER_REQUEST: that of this one, once there is a cookie */
};

static __attribute__((noinline)) int routes_init(struct by_route *p, bide_session *s, const bide_request_args *args,
                                                 struct arena *arena)
{
    const char *text = args->unix_socket ? bide__unix_route(arena, args->unix_socket) : args->proxy;
    if (args->unix_socket && !text)
        return BIDE_ENOMEM;
    *p = (struct by_route){.policy.ops = &bide__by_route_ops, .choice = &s->routes, .text = text,
                           .routes = &s->pool->routes, .tls = bide__session_proxy_tls, .tls_arg = s};
    return 0;
}

/* In place of the session's. */
static __attribute__((noinline)) void use_jar(struct policies *p, bide_cookie_jar *jar)
{
    p->own_jar = jar == BIDE_NO_COOKIES || jar == BIDE_COOKIES_PER_REQUEST ? NULL : bide_retain(jar);
    p->cookies.jar = jar == BIDE_NO_COOKIES ? NULL : &p->own_jar;
}

static void policies_init(struct policies *p, bide_session *s, const bide_request_args *args)
{
    p->redirect = (struct redirect){.policy.ops = &bide__redirect_ops,
                                    .max = args->max_redirects ? args->max_redirects : s->args.max_redirects,
                                    .hsts = s->hsts,
                                    .location_trusted = args->location_trusted || s->args.location_trusted,
                                    .on_redirect = args->on_redirect,
                                    .on_redirect_arg = args->on_redirect_arg};
    p->hsts = (struct hsts){.policy.ops = &bide__hsts_ops, .store = s->hsts, .is_verified = !s->args.insecure};
    p->retry = NULL;
    p->again_max = AGAIN_MAX;
    p->own_jar = NULL;
    p->cookies = (struct cookies){.policy.ops = &bide__cookies_ops,
                                  .jar = s->jar_kind == JAR_OF_SESSION ? &s->jar : s->jar_kind == JAR_OF_REQUEST ? &p->own_jar : NULL,
                                  .own = args->cookies};
    if (unlikely(args->cookie_jar))
        use_jar(p, args->cookie_jar);
    p->by_route.policy.ops = NULL;
    p->stale = (struct stale_retry){.policy.ops = &bide__stale_retry_ops};
}

/* The connection is the affair of the last, what the server wants that of the others. */
static int policies_line_up(struct policies *p, bide_response *r, const bide_request_args *args)
{
    const bide_session *s = r->session;
    struct arena *arena = &r->arena;
    struct policy **all = p->own_row;
    size_t n = 0;

    if (unlikely(s->npolicies > 0 && bide__tracing_begin(r, args->trace_arg) < 0))
        return BIDE_ENOMEM;
    if (unlikely(s->npolicies > 0))
        all = bide__arena_alloc(arena, (s->npolicies + array_len(p->own_row)) * sizeof *all);
    if (!all)
        return BIDE_ENOMEM;
    for (; n < s->npolicies; n++)
        all[n] = s->policies[n];
    all[n++] = &p->redirect.policy;
    if (unlikely(r->resume))
        all[n++] = &r->resume->policy;
    if (unlikely(p->hsts.store))
        all[n++] = &p->hsts.policy;
    if (unlikely(p->retry))
        all[n++] = &p->retry->policy;
    if (p->auth)
        all[n++] = &p->auth->policy;
    if (p->cookies.jar || p->cookies.own)
        all[n++] = &p->cookies.policy;
    if (unlikely(p->by_route.policy.ops))
        all[n++] = &p->by_route.policy;
    if (p->expect.ops)
        all[n++] = &p->expect;
    all[n++] = &p->stale.policy;
    p->row = (struct policy_row){all, n};
    return 0;
}

static void insert(struct policy_row *row, size_t at, struct policy *p)
{
    memmove(&row->all[at + 1], &row->all[at], (row->n - at) * sizeof *row->all);
    row->all[at] = p;
    row->n++;
}

/* Functions of the program's: in front of all that is ours; and behind what looks at answers, but not at connections. */
static __attribute__((noinline)) int add_around(struct policies *p, struct request *q, const bide_around *own)
{
    bide_response *r = q->response;
    const bide_session *s = r->session;
    struct around *around;
    if (!s->around && !own)
        return 0;

    BIDE_TRY(bide__around_new(q, &r->deadline, s->around, own, &around));
    insert(&p->row, p->row.n - 1 - (p->expect.ops != NULL) - (p->by_route.policy.ops != NULL), &around->last);
    insert(&p->row, s->npolicies, &around->first);
    p->again_max += around->again_max;
    return 0;
}

/* Of a second try. */
static int rewind_body(struct body_source *b)
{
    if (!b->has_begun)
        return 0;
    if (!b->ops->rewind)
        return bide_fail(BIDE_ESTATE, "the body cannot be sent a second time");
    b->has_begun = false;
    return b->ops->rewind(b);
}

/* One try, and what the policies say to it. */
static int try_in_row(struct request *q, const struct policies *p, const struct policy_ops **by, int *outcome)
{
    bide_response *r = q->response;
    int code = bide__policies_before(p->row, q);
    if (code == 0 && q->head.body)
        code = rewind_body(q->head.body);
    if (code < 0)
        return code;

    r->url = q->head.url.href;
    r->method = q->head.method;
    r->redirects = q->hops;
    code = try_once(q);
    struct outcome o = {.code = code, .reused = r->reused, .answer = &r->answer, .progress = &r->progress};
    q->is_sent |= r->progress.sent > 0;
    q->head.added = NULL;
    q->fresh = false;
    if (unlikely(p->retry)) {
        o.left_ms = bide__deadline_remaining_ms(&r->deadline, BIDE_FOREVER);
        o.is_interrupted = code < 0 && bide__block_expired();
    }
    *outcome = code;
    return bide__policies_after(p->row, q, &o, by);
}

/* No policy, nor two that contradict each other, may ask forever: each hop of redirects may need a second try. */
static int ask(struct request *q, const struct policies *p, struct doing *doing)
{
    int64_t left = p->again_max + 2 * (int64_t)(p->redirect.max > 0 ? p->redirect.max : 0);
    const struct policy_ops *by = NULL;
    int code, outcome;

    while ((code = try_in_row(q, p, &by, &outcome)) == POLICY_AGAIN) {
        if (left-- == 0)
            return bide_fail(BIDE_ELIMIT, "asked too often, and the policy \"%s\" wants to ask again", by->name);
        bide__tracing_again(q, by, outcome);
        bide__body_drop(q->response);
        code = bide__history_add(q->response, outcome, by->why, q->wait_ms);
        forget_exchange(q->response);
        if (code == 0 && q->wait_ms > 0)
            code = bide_sleep_ms(q->wait_ms);
        if (code < 0)
            return code;
        q->wait_ms = 0;
        doing->what = q->head.method; /* of a redirect the next ones */
        doing->of = q->head.url.href;
    }
    return code;
}

/* ---- the call ---- */

static __attribute__((noinline)) void no_session(const char *method, const bide_request_args *args)
{
    char why[ERROR_TEXT_MAX], quoted[80];

    bide_fail(-EINVAL, "%s %s: there is no session%s", args->method ? args->method : method,
              bide__url_quote(quoted, args->url, strlen(args->url)), bide__error_before(why));
}

/* All tries of a request share its rate. */
static __attribute__((noinline)) int set_paces(bide_response *r, const bide_request_args *args)
{
    bide_session *s = r->session;

    r->paces = bide__arena_alloc(&r->arena, sizeof *r->paces);
    if (!r->paces)
        return BIDE_ENOMEM;
    *r->paces = (struct paces){.all = s->args.max_rate_total > 0 ? s->pace_of_all : NULL};
    for (int way = 0; way < PACE_WAYS; way++)
        r->paces->own[way].rate = args->max_rate ? args->max_rate : s->args.max_rate;
    return 0;
}

static __attribute__((noinline)) void note_begin(const struct request *q)
{
    q->response->url = q->head.url.href;
    q->response->method = q->head.method;
    bide__request_note_begin(q->response);
}

static bide_response *request(bide_session *s, const char *method, const bide_request_args *args)
{
    if (bide__request_check(method, args) < 0)
        return NULL;
    struct error_mark mark;
    if (!s) {
        no_session(method, args);
        return NULL;
    }
    if (bide__session_bind(s) < 0 || !bide__task_required("bide_request"))
        return NULL;
    bide_response *r = bide__session_take_response(s);
    if (!r)
        return NULL;

    bide__response_init(r, args);
    struct request q = {.head.defaults = &s->defaults, .arena = &r->arena, .response = r, .is_elsewhere = s->is_elsewhere | (args->around != NULL)};
    struct policies p;
    policies_init(&p, s, args);
    bide__error_mark(&mark);
    int code = unlikely(args->max_rate | s->args.max_rate | s->args.max_rate_total) ? set_paces(r, args) : 0;
    if (likely(code == 0))
        code = bide__request_prepare(&q, &p.auth, method, args);
    if (unlikely(bide__session_has_routes(s) || args->proxy || args->unix_socket) && code == 0)
        code = routes_init(&p.by_route, s, args, &r->arena);
    if (code == 0 && unlikely(args->retry.attempts != 0 || s->args.retry.attempts > 1)) {
        code = bide__request_find_retry(&q, &args->retry, &p.retry);
        p.again_max += p.retry ? p.retry->how.attempts : 0;
    }
    p.expect.ops = q.head.expect_ms > 0 ? &bide__expect_ops : NULL;
    if (unlikely(s->loop->track != NULL) && code == 0)
        note_begin(&q);
    if (code == 0)
        code = policies_line_up(&p, r, args);
    if (code == 0 && unlikely(q.is_elsewhere))
        code = add_around(&p, &q, args->around);
    if (code == 0) {
        struct doing doing = {.what = q.head.method, .of = q.head.url.href};
        bide__doing_begin(&doing);
        code = ask(&q, &p, &doing);
        bide__doing_end(&doing);
    }
    if (unlikely(q.source))
        bide__body_source_close(q.source);
    bide__route_release(q.route);
    if (unlikely(p.own_jar))
        bide_release(p.own_jar);
    r->retry_safe = !q.is_sent || bide__request_is_idempotent(&q.head);
    bool raises = code == 0 && r->answer.status >= 400 && (args->raise_for_status || s->args.raise_for_status);
    if (unlikely(raises))
        code = bide_raise_for_status(r);
    else if (code < 0)
        bide__response_fail(r, code);
    if (unlikely(r->span != 0) && (code < 0 || r->body_ns != 0))
        bide__request_note_end(r, code);
    if (code < 0)
        bide_release(r);
    bide__error_end(&mark, code);
    return code < 0 ? NULL : r;
}

/* Apart, so that the copy takes no room in the frame of a request that waits. */
static __attribute__((noinline)) bide_response *request_of_other_headers(bide_session *s, const char *method,
                                                                          const bide_request_args *options)
{
    bide_request_args args;
    if (bide__options_take(&args, sizeof args, options, "bide_request") < 0)
        return NULL;
    return request(s, method, &args);
}

bide_response *bide_request_with(bide_session *s, const char *method, const bide_request_args *args)
{
    if (bide__options_are_own(args, sizeof *args))
        return request(s, method, args);
    return request_of_other_headers(s, method, args);
}
