/* SPDX-License-Identifier: MIT */
/*
 * request.c - a request, from bide_get to the head of the answer: prepare, send, perhaps once more, perhaps follow a
 * redirect.
 *
 * A connection that was kept may have been closed by the server just when we wrote to it, or what comes first on it may
 * be a leftover of the answer before.  Then, and only if nothing of an answer came and asking twice can do no harm, the
 * request is sent once more on a new connection (RFC 9112 9.3.1).
 */
#include "http/http.h"

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
    r->max_body = (size_t)choose((int64_t)args->max_body_bytes, (int64_t)s->max_body_bytes);
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

static int bad_url(const struct asked *a, const char *text, const char *why)
{
    char quoted[80];

    return bide_fail(BIDE_EURL, "%s %s: not a valid URL: %s", a->method,
                     bide__url_quote(quoted, text, strlen(text)), why);
}

/* "http://host" without anything behind it: RFC 9112 3.2.1 wants a "/" sent, OPTIONS a "*". */
static bool names_no_path(const char *url)
{
    const char *host = strstr(url, "://");

    return host && !host[3 + strcspn(host + 3, "/?#\\")];
}

static int set_url(struct asked *a, const bide_request_args *args)
{
    struct arena *arena = &a->response->arena;
    size_t len = strlen(args->url), cap = len <= BIDE_URL_MAX ? bide__url_bound(len, NULL) : 1;
    cap += args->query ? bide__query_encode(NULL, 0, args->query) + 2 : 0;
    char *storage = bide__arena_alloc(arena, cap);
    if (!storage)
        return BIDE_ENOMEM;

    int code = bide__url_parse(&a->url, args->url, len, storage, cap);
    if (code == 0 && a->url.scheme != URL_HTTP && a->url.scheme != URL_HTTPS)
        code = URL_ESCHEME;
    if (code == 0 && args->query)
        code = bide__url_add_query(&a->url, args->query, storage, cap);
    if (code == URL_ENOMEM)
        return bide__fail_nomem("a URL");
    if (code < 0)
        return bad_url(a, args->url, bide__url_strerror(code));
    code = bide__authorize(a, &a->url);
    if (code < 0)
        return code;
    bide__strip_user_info(&a->url, storage);
    a->response->url = a->response->asked_url = a->url.href;
    a->for_server = strcmp(a->method, "OPTIONS") == 0 && names_no_path(args->url);
    return 0;
}

static int set_form(struct asked *a, const bide_pair *form)
{
    size_t len = bide__query_encode(NULL, 0, form);
    char *text = bide__arena_alloc(&a->response->arena, len + 1);
    if (!text)
        return BIDE_ENOMEM;

    bide__query_encode(text, len, form);
    a->body = (bide_bytes){text, len};
    a->content_type = "application/x-www-form-urlencoded";
    return 0;
}

static int set_body(struct asked *a, const bide_request_args *args)
{
    int given = (args->data.data != NULL) + (args->json != NULL) + (args->form != NULL);
    if (given > 1)
        return bide_fail(-EINVAL, "only one of data, json and form can be the body");

    a->has_body = given == 1;
    if (args->data.data)
        a->body = args->data;
    if (args->json) {
        a->body = (bide_bytes){args->json, strlen(args->json)};
        a->content_type = "application/json";
    }
    return args->form ? set_form(a, args->form) : 0;
}

static int set_method(struct asked *a, const char *method)
{
    size_t len = strlen(method);
    if (!bide__method_ok(method, len))
        return bide_fail(-EINVAL, "the method is not a word of letters");
    if (strcmp(method, "CONNECT") == 0)
        return bide_fail(-EINVAL, "CONNECT makes a tunnel, it is not a request");

    a->method = bide__arena_strndup(&a->response->arena, method, len);
    a->method_len = len;
    a->response->method = a->method;
    return a->method ? 0 : BIDE_ENOMEM;
}

static int prepare(struct asked *a, const char *method, const bide_request_args *args)
{
    a->headers = args->headers;
    a->location_trusted = args->location_trusted || a->session->args.location_trusted;
    a->on_redirect = args->on_redirect;
    a->on_redirect_arg = args->on_redirect_arg;
    a->response->method = "request";
    int code = set_method(a, args->method ? args->method : method);
    if (code == 0)
        code = set_url(a, args);
    if (code == 0)
        code = set_body(a, args);
    return code;
}

/* ---- trying ---- */

static bool method_is_idempotent(const struct asked *a)
{
    static const char *const methods[] = {"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"};
    if (!a->method)
        return false;
    if (a->method_len == 3 && memcmp(a->method, "GET", 3) == 0) /* nearly always, and asked for every request */
        return true;

    for (size_t i = 0; i < array_len(methods); i++)
        if (strcmp(a->method, methods[i]) == 0)
            return true;
    for (const bide_pair *p = a->headers; p && p->name; p++)
        if (strcasecmp(p->name, "Idempotency-Key") == 0 && !(a->drop & HEADER_BIT(HEADER_IDEMPOTENCY_KEY)))
            return true;
    return false;
}

static bool is_disconnect(int code)
{
    return code == BIDE_EDISCONNECTED || code == -ECONNRESET || code == -EPIPE || code == BIDE_ECLOSED;
}

/* It had served before, and this time it was closed, or had something else on it than an answer, or says that it was
   about to be closed. */
static bool was_stale(const struct asked *a, int code)
{
    const bide_response *r = a->response;
    if (!r->reused)
        return false;
    if (code < 0)
        return (is_disconnect(code) || code == BIDE_EHTTP) && a->no_answer &&
               (a->sent == 0 || method_is_idempotent(a));
    return (r->head.status == 408 && !r->may_reuse) || r->head.status == 421;
}

static void forget_exchange(bide_response *r)
{
    r->whole = (bide_bytes){NULL, 0};
    r->head.status = 0; /* of a redirect: the next one has not answered */
    r->reused = r->body_over = false;
    r->chunked.odd = false;
    r->inner = NULL;
    r->oddity = NULL;
    r->received = 0;
    r->body_bytes = 0;
    r->first_byte_ns = r->head_ns = r->body_ns = 0;
    r->connect = (struct connect_times){0, 0, 0};
}

static void note_connection(bide_response *r, struct conn *c)
{
    r->conn = c;
    r->reused = c->served > 0;
    r->queued_ns = r->session->loop->now_ns;
    if (!r->reused) {
        r->connect = c->times;
        r->queued_ns = r->start_ns;
    }
    memcpy(r->peer, c->peer, sizeof r->peer);
}

static int try_once(struct asked *a, bool fresh)
{
    bide_response *r = a->response;

    forget_exchange(r);
    r->start_ns = a->session->loop->now_ns;
    r->is_head = strcmp(a->method, "HEAD") == 0;
    struct conn *c = bide__connector_take(a, fresh);
    if (!c)
        return bide_error_code();
    note_connection(r, c);
    int code = bide__exchange(a, c);
    if (code < 0) {
        r->conn = NULL;
        bide__connector_close(c);
        return code;
    }
    bide__body_begin(r);
    return 0;
}

static int one_hop(struct asked *a)
{
    int code = bide__request_write_head(a);
    if (code < 0)
        return code;
    a->response->url = a->url.href;
    code = try_once(a, false);
    if (!was_stale(a, code))
        return code;
    bide__body_drop(a->response);
    return try_once(a, true);
}

static int ask(struct asked *a, const char *method, const bide_request_args *args)
{
    int code = prepare(a, method, args);

    while (code == 0) {
        code = one_hop(a);
        if (code < 0)
            break;
        code = bide__redirect(a);
        if (code <= 0)
            break;
        bide__body_drop(a->response);
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

bide_response *bide_request_with(bide_session *s, const char *method, bide_request_args args)
{
    if (bide__request_check(method, &args) < 0)
        return NULL;
    struct error_mark mark;
    if (!s) {
        no_session(method, &args);
        return NULL;
    }
    if (!bide__task_required("bide_request") || bide__session_bind(s) < 0)
        return NULL;
    bide_response *r = bide__session_take_response(s);
    if (!r)
        return NULL;

    response_init(r, &args);
    struct asked a = {.session = s, .response = r};
    bide__error_mark(&mark);
    int code = ask(&a, method, &args);
    r->retry_safe = a.sent == 0 || method_is_idempotent(&a);
    if (code < 0) {
        bide__response_fail(r, code);
        bide_release(r);
    }
    bide__error_end(&mark, code);
    return code < 0 ? NULL : r;
}
