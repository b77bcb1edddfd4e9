/* SPDX-License-Identifier: MIT */
/*
 * request.c - a request, from bide_get to the head of the answer: prepare, send, perhaps once more, perhaps follow a
 * redirect.
 *
 * A connection that was kept may have been closed by the server just when we wrote to it, or what comes first on it may
 * be a leftover of the answer before.  Then, and only if nothing of an answer came and asking twice can do no harm, the
 * request is sent once more on a new connection (RFC 9112 9.3.1).
 */
#include "http/client/client.h"

/* ---- what is asked for ---- */

static __attribute__((noinline)) int bad_argument(const char *method, const bide_request_args *args, const char *what)
{
    char quoted[80];

    return bide_fail(-EINVAL, "%s %s: %s", args->method ? args->method : method,
                     bide__url_quote(quoted, args->url, strlen(args->url)), what);
}

/* bide__request_check has found a bad argument: put on record which. */
static __attribute__((noinline)) int name_bad_argument(const char *method, const bide_request_args *args)
{
    int code = bide__check_named(args->guard_, "bide_request");
    if (code < 0)
        return code;
    if (!method && !args->method)
        return bide_fail(-EINVAL, "bide_request: the method is NULL");
    if (!args->url)
        return bide_fail(-EINVAL, "%s: the URL is NULL", args->method ? args->method : method);
    if (args->max_redirects < -1)
        return bad_argument(method, args, "max_redirects is below -1, which follows none");
    if (!args->data.data && args->data.len > 0)
        return bad_argument(method, args, "the body is NULL, but has a length");
    return bad_argument(method, args, "a time limit is negative");
}

int bide__request_check(const char *method, const bide_request_args *args)
{
    bool is_good = !args->guard_ && (method || args->method) && args->url && args->max_redirects >= -1 &&
                   (args->timeout_ms | args->connect_timeout_ms | args->read_timeout_ms) >= 0 &&
                   (args->data.data || args->data.len == 0);

    return likely(is_good) ? 0 : name_bad_argument(method, args);
}

static int64_t choose(int64_t own, int64_t session)
{
    return own ? own : session;
}

static void set_limits(bide_response *r, const bide_request_args *args)
{
    const bide_session_args *s = &r->session->args;

    r->deadline.total_ms = choose(args->timeout_ms, s->timeout_ms);
    r->deadline.connect_ms = choose(args->connect_timeout_ms, s->connect_timeout_ms);
    r->deadline.silence_ms = choose(args->read_timeout_ms, s->read_timeout_ms);
    r->max_body = bide__size_or(args->max_body_bytes, s->max_body_bytes);
    r->max_redirects = (int)choose(args->max_redirects, s->max_redirects);
}

/* What was recycled is the memory only. */
static void response_init(bide_response *r, const bide_request_args *args)
{
    bide_session *s = r->session;
    int64_t now = bide__loop_now_ns(s->loop); /* that of the turn may be long past */

    *r = (bide_response){.session = s, .arena = r->arena, .begun_ns = now};
    bide__object_init(r, &bide__response_type);
    bide__list_init(&r->spare);
    bide__buf_init(&r->body, SIZE_MAX);
    set_limits(r, args);
    bide__deadline_begin(&r->deadline, s->loop);
}

static int bad_url(const struct request *q, const char *text, const char *why)
{
    char quoted[80];

    return bide_fail(BIDE_EURL, "%s %s: not a valid URL: %s", q->head.method,
                     bide__url_quote(quoted, text, strlen(text)), why);
}

/* "http://host" without anything behind it: RFC 9112 3.2.1 wants a "/" sent, OPTIONS a "*". */
static bool names_no_path(const char *url)
{
    const char *host = strstr(url, "://");

    return host && !host[3 + strcspn(host + 3, "/?#\\")];
}

static int set_url(struct request *q, const bide_request_args *args)
{
    struct arena *arena = &q->response->arena;
    size_t len = strlen(args->url), cap = len <= BIDE_URL_MAX ? bide__url_bound(len, NULL) : 1;
    cap += args->query ? bide__query_encode(NULL, 0, args->query) + 2 : 0;
    char *storage = bide__arena_alloc(arena, cap);
    if (!storage)
        return BIDE_ENOMEM;

    int code = bide__url_parse(&q->head.url, args->url, len, storage, cap);
    if (code == 0 && q->head.url.scheme != URL_HTTP && q->head.url.scheme != URL_HTTPS)
        code = URL_ESCHEME;
    if (code == 0 && args->query)
        code = bide__url_add_query(&q->head.url, args->query, storage, cap);
    if (code == URL_ENOMEM)
        return bide__fail_nomem("a URL");
    if (code < 0)
        return bad_url(q, args->url, bide__url_strerror(code));
    code = bide__authorize(q, &q->head.url);
    if (code < 0)
        return code;
    bide__strip_user_info(&q->head.url, storage);
    q->response->url = q->response->asked_url = q->head.url.href;
    q->head.for_server = strcmp(q->head.method, "OPTIONS") == 0 && names_no_path(args->url);
    return 0;
}

static int set_form(struct request *q, const bide_pair *form)
{
    size_t len = bide__query_encode(NULL, 0, form);
    char *text = bide__arena_alloc(&q->response->arena, len + 1);
    if (!text)
        return BIDE_ENOMEM;

    bide__query_encode(text, len, form);
    q->head.body = (bide_bytes){text, len};
    q->head.content_type = "application/x-www-form-urlencoded";
    return 0;
}

static int set_body(struct request *q, const bide_request_args *args)
{
    int given = (args->data.data != NULL) + (args->json != NULL) + (args->form != NULL);
    if (given > 1)
        return bide_fail(-EINVAL, "only one of data, json and form can be the body");

    q->head.has_body = given == 1;
    if (args->data.data)
        q->head.body = args->data;
    if (args->json) {
        q->head.body = (bide_bytes){args->json, strlen(args->json)};
        q->head.content_type = "application/json";
    }
    return args->form ? set_form(q, args->form) : 0;
}

static bool method_ok(const char *method, size_t len)
{
    return len <= 64 && bide__header_name_ok(method, len); /* both are tokens */
}

static int set_method(struct request *q, const char *method)
{
    size_t len = strlen(method);
    if (!method_ok(method, len))
        return bide_fail(-EINVAL, "the method is not a word of letters");
    if (strcmp(method, "CONNECT") == 0)
        return bide_fail(-EINVAL, "CONNECT makes a tunnel, it is not a request");

    q->head.method = bide__arena_strndup(&q->response->arena, method, len);
    q->head.method_len = len;
    q->response->method = q->head.method;
    return q->head.method ? 0 : BIDE_ENOMEM;
}

/* Two passwords, and no way to know which one is meant. */
static int check_authorization(const struct request *q)
{
    if (q->head.authorization && q->head.user.seen & HEADER_BIT(HEADER_AUTHORIZATION))
        return bide_fail(-EINVAL, "user and password in the URL, and a header Authorization");
    return 0;
}

static int prepare(struct request *q, const char *method, const bide_request_args *args)
{
    q->head.headers = args->headers;
    q->location_trusted = args->location_trusted || q->session->args.location_trusted;
    q->on_redirect = args->on_redirect;
    q->on_redirect_arg = args->on_redirect_arg;
    q->response->method = "request";
    int code = set_method(q, args->method ? args->method : method);
    if (code == 0)
        code = set_url(q, args);
    if (code == 0)
        code = set_body(q, args);
    if (code == 0)
        code = bide__user_fields_check(q->head.headers, &q->head.user);
    return code < 0 ? code : check_authorization(q);
}

/* ---- trying ---- */

static bool method_is_idempotent(const struct request *q)
{
    static const char *const methods[] = {"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"};
    if (!q->head.method)
        return false;
    if (q->head.method_len == 3 && memcmp(q->head.method, "GET", 3) == 0) /* nearly always, and asked for every request */
        return true;

    for (size_t i = 0; i < array_len(methods); i++)
        if (strcmp(q->head.method, methods[i]) == 0)
            return true;
    for (const bide_pair *p = q->head.headers; p && p->name; p++)
        if (strcasecmp(p->name, "Idempotency-Key") == 0 && !(q->head.drop & HEADER_BIT(HEADER_IDEMPOTENCY_KEY)))
            return true;
    return false;
}

static bool is_disconnect(int code)
{
    return code == BIDE_EDISCONNECTED || code == -ECONNRESET || code == -EPIPE || code == BIDE_ECLOSED;
}

/* It had served before, and this time it was closed, or had something else on it than an answer, or says that it was
   about to be closed. */
static bool was_stale(const struct request *q, int code)
{
    const bide_response *r = q->response;
    if (!r->reused)
        return false;
    if (code < 0)
        return (is_disconnect(code) || code == BIDE_EHTTP) && !r->progress.is_answered &&
               (r->progress.sent == 0 || method_is_idempotent(q));
    return (r->answer.status == 408 && r->answer.is_last) || r->answer.status == 421;
}

static void forget_exchange(bide_response *r)
{
    r->whole = (bide_bytes){NULL, 0};
    r->answer = (struct answer){.status = 0}; /* of a redirect: the next one has not answered */
    r->progress = (struct progress){.sent = 0};
    r->reused = false;
    r->body_bytes = 0;
    r->head_ns = r->body_ns = 0;
    r->connect = (struct connect_times){0, 0, 0};
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
    memcpy(r->peer, c->peer, sizeof r->peer);
}

static struct conn *take_connection(struct request *q, bool fresh)
{
    const struct url *u = &q->head.url;
    struct origin origin = {bide__url_part(u, u->hostname), u->hostname.len, u->port, bide__url_is_secure(u)};
    bide_tls *tls = origin.secure ? bide__session_tls(q->session) : NULL;

    if (origin.secure && !tls)
        return NULL;
    return bide__connector_take(&q->session->connector, &origin, &q->response->deadline, tls, fresh);
}

static struct exchange *begin_exchange(bide_response *r, struct conn *c)
{
    struct exchange *x = c->protocol->begin(c);

    x->deadline = &r->deadline;
    x->progress = &r->progress;
    x->arena = &r->arena;
    x->max_whole = r->max_body;
    return x;
}

unchecked_frame static int try_once(struct request *q, bool fresh)
{
    bide_response *r = q->response;

    r->start_ns = q->session->loop->now_ns;
    struct conn *c = take_connection(q, fresh);
    if (!c)
        return bide_error_code();
    note_connection(r, c);
    struct exchange *x = begin_exchange(r, c);
    int code = x->ops->send(x, &q->head);
    if (code == 0)
        code = x->ops->head(x, &r->answer);
    if (code < 0)
        return code;

    r->head_ns = q->session->loop->now_ns;
    r->whole = r->answer.whole;
    r->body_bytes = r->whole.len;
    if (r->whole.data)
        r->body_ns = r->head_ns;
    else
        r->exchange = x;
    return 0;
}

static int one_hop(struct request *q)
{
    q->response->url = q->head.url.href;
    int code = try_once(q, false);
    if (!was_stale(q, code))
        return code;
    bide__body_drop(q->response);
    forget_exchange(q->response);
    return try_once(q, true);
}

static int ask(struct request *q, const char *method, const bide_request_args *args)
{
    int code = prepare(q, method, args);

    while (code == 0) {
        code = one_hop(q);
        if (code < 0)
            break;
        code = bide__redirect(q);
        if (code <= 0)
            break;
        bide__body_drop(q->response);
        forget_exchange(q->response);
        code = 0;
    }
    return code;
}

static __attribute__((noinline)) void no_session(const char *method, const bide_request_args *args)
{
    char why[ERROR_TEXT_MAX], quoted[80];

    bide_fail(-EINVAL, "%s %s: there is no session%s", args->method ? args->method : method,
              bide__url_quote(quoted, args->url, strlen(args->url)), bide__error_before(why));
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
    if (!bide__task_required("bide_request") || bide__session_bind(s) < 0)
        return NULL;
    bide_response *r = bide__session_take_response(s);
    if (!r)
        return NULL;

    response_init(r, args);
    struct request q = {.session = s, .response = r, .head.defaults = &s->defaults};
    bide__error_mark(&mark);
    int code = ask(&q, method, args);
    r->retry_safe = r->progress.sent == 0 || method_is_idempotent(&q);
    if (code < 0) {
        bide__response_fail(r, code);
        bide_release(r);
    }
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
