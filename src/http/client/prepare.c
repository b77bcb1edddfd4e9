/* SPDX-License-Identifier: MIT */
/* prepare.c - from the arguments of a call to what is asked for: checked, encoded, and kept where the answer will be. */
#include "http/client/client.h"

/* ---- arguments ---- */


static __attribute__((noinline)) int bad_argument(const char *method, const bide_request_args *args, const char *what)
{
    char quoted[80];

    return bide_fail(-EINVAL, "%s %s: %s", args->method ? args->method : method,
                     bide__url_quote(quoted, args->url, strlen(args->url)), what);
}

static int check_number(const char *method, const bide_request_args *args, const char *name, int64_t n, int named)
{
    char what[80];
    if (n >= 0 || n == named)
        return 0;

    snprintf(what, sizeof what, "%s = %lld: a negative number", name, (long long)n);
    return bad_argument(method, args, what);
}

static int check_time(const char *method, const bide_request_args *args, const char *name, int64_t ms, bool may_be_forever)
{
    char what[100];
    if (ms <= TIME_MAX_MS || (may_be_forever && ms == BIDE_FOREVER))
        return check_number(method, args, name, ms, 0);

    snprintf(what, sizeof what, "%s = %lld: at most %lld%s", name, (long long)ms, (long long)TIME_MAX_MS,
             may_be_forever ? ", or BIDE_FOREVER" : "");
    return bad_argument(method, args, what);
}

/* bide__request_check has found what is rare: put on record which argument is bad, if one is. */
static __attribute__((noinline)) int check_each(const char *method, const bide_request_args *args)
{
    int code = bide__check_named(args->guard_, "bide_request");
    if (code < 0)
        return code;
    if (!method && !args->method)
        return bide_fail(-EINVAL, "bide_request: the method is NULL");
    if (!args->url)
        return bide_fail(-EINVAL, "%s: the URL is NULL", args->method ? args->method : method);
    if (!args->data.data && args->data.len > 0)
        return bad_argument(method, args, "the body is NULL, but has a length");
    if (args->insecure)
        return bad_argument(method, args, ".insecure: requests share connections, so whom to trust is for the session to say: "
                                          "bide_session_new(.insecure = true)");
    if (args->proxy && args->unix_socket)
        return bad_argument(method, args, ".proxy and .unix_socket exclude each other");
    BIDE_TRY(check_time(method, args, "timeout_ms", args->timeout_ms, true));
    BIDE_TRY(check_time(method, args, "queue_timeout_ms", args->queue_timeout_ms, true));
    BIDE_TRY(check_time(method, args, "connect_timeout_ms", args->connect_timeout_ms, true));
    BIDE_TRY(check_time(method, args, "tls_timeout_ms", args->tls_timeout_ms, true));
    BIDE_TRY(check_time(method, args, "write_timeout_ms", args->write_timeout_ms, true));
    BIDE_TRY(check_time(method, args, "first_byte_timeout_ms", args->first_byte_timeout_ms, true));
    BIDE_TRY(check_time(method, args, "read_timeout_ms", args->read_timeout_ms, true));
    BIDE_TRY(check_time(method, args, "min_rate_ms", args->min_rate_ms, false));
    BIDE_TRY(check_number(method, args, "min_rate", args->min_rate, 0));
    BIDE_TRY(check_number(method, args, "max_rate", args->max_rate, BIDE_UNLIMITED));
    BIDE_TRY(check_time(method, args, "expect_timeout_ms", args->expect_timeout_ms, false));
    BIDE_TRY(check_number(method, args, "max_redirects", args->max_redirects, BIDE_NONE));
    BIDE_TRY(check_number(method, args, "max_ratio", args->max_ratio, BIDE_UNLIMITED));
    return check_number(method, args, "max_body_bytes", (ptrdiff_t)args->max_body_bytes, BIDE_UNLIMITED);
}

int bide__request_check(const char *method, const bide_request_args *args)
{
    uint64_t times = (uint64_t)(args->timeout_ms | args->expect_timeout_ms | args->queue_timeout_ms | args->connect_timeout_ms | args->tls_timeout_ms |
                                args->write_timeout_ms | args->first_byte_timeout_ms | args->read_timeout_ms |
                                args->min_rate | args->min_rate_ms | args->max_ratio | args->max_rate);
    bool is_good = !args->guard_ && (method || args->method) && args->url && args->max_redirects >= -1 &&
                   times <= TIME_MAX_MS && args->max_body_bytes <= PTRDIFF_MAX && (args->data.data || args->data.len == 0) &&
                   !(args->proxy && args->unix_socket) && !args->insecure;

    return likely(is_good) ? 0 : check_each(method, args);
}

static int64_t choose(int64_t own, int64_t session)
{
    return own ? own : session;
}

static __attribute__((noinline)) void set_own_limits(struct limits *l, const bide_request_args *args)
{
    l->total_ms = choose(args->timeout_ms, l->total_ms);
    l->queue_ms = choose(args->queue_timeout_ms, l->queue_ms);
    l->connect_ms = choose(args->connect_timeout_ms, l->connect_ms);
    l->tls_ms = choose(args->tls_timeout_ms, l->tls_ms);
    l->write_ms = choose(args->write_timeout_ms, l->write_ms);
    l->first_byte_ms = choose(args->first_byte_timeout_ms, l->first_byte_ms);
    l->read_ms = choose(args->read_timeout_ms, l->read_ms);
}

static void set_rate(struct min_rate *r, int64_t rate, int64_t window_ms)
{
    double bytes = (double)rate * (double)window_ms / 1000;

    r->window_ms = window_ms;
    r->bytes = bytes < 1 ? 1 : bytes > 1e18 ? (uint64_t)1e18 : (uint64_t)bytes;
}

static void set_limits(bide_response *r, const bide_request_args *args)
{
    const bide_session_args *s = &r->session->args;

    r->deadline.limits = r->session->limits;
    if (unlikely(args->timeout_ms | args->queue_timeout_ms | args->connect_timeout_ms | args->tls_timeout_ms |
                 args->write_timeout_ms | args->first_byte_timeout_ms | args->read_timeout_ms))
        set_own_limits(&r->deadline.limits, args);
    if (unlikely(s->min_rate | args->min_rate))
        set_rate(&r->deadline.rate, choose(args->min_rate, s->min_rate), choose(args->min_rate_ms, s->min_rate_ms));
    r->max_ratio = args->max_ratio ? args->max_ratio : s->max_ratio;
    r->max_body = bide__size_or(args->max_body_bytes, s->max_body_bytes);
}

void bide__response_init(bide_response *r, const bide_request_args *args)
{
    bide_session *s = r->session;
    int64_t now = bide__loop_now_ns(s->loop); /* that of the turn may be long past */

    *r = (bide_response){.session = s, .arena = r->arena, .begun_ns = now}; /* what was recycled is the memory only */
    bide__object_init(r, &bide__response_type);
    bide__list_init(&r->spare);
    bide__buf_init(&r->body, SIZE_MAX);
    set_limits(r, args);
    bide__deadline_begin(&r->deadline, s->loop);
}

/* ---- what is asked for ---- */

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

static int set_url(struct request *q, bide_auth *of_url, const bide_request_args *args)
{
    struct arena *arena = q->arena;
    const struct url *base = q->response->session->base.href ? &q->response->session->base : NULL;
    size_t len = strlen(args->url), cap = len <= BIDE_URL_MAX ? bide__url_bound(len, base) : 1;
    cap += args->query ? bide__query_encode(NULL, 0, args->query) + 2 : 0;
    char *storage = bide__arena_alloc(arena, cap);
    if (!storage)
        return BIDE_ENOMEM;

    int code = likely(!base) ? bide__url_parse_next(&q->head.url, &q->response->session->last_origin, args->url, len, storage, cap)
                             : bide__url_resolve(&q->head.url, base, args->url, len, storage, cap);
    if (code == 0 && q->head.url.scheme != URL_HTTP && q->head.url.scheme != URL_HTTPS)
        code = URL_ESCHEME;
    if (code == 0 && args->query)
        code = bide__url_add_query(&q->head.url, args->query, storage, cap);
    if (code == URL_ENOMEM)
        return bide__fail_nomem("a URL");
    if (code < 0)
        return bad_url(q, args->url, bide__url_strerror(code));
    if (q->head.url.username.len + q->head.url.password.len > 0)
        code = bide__user_info_take(arena, &q->head.url, of_url);
    if (code < 0)
        return code;
    bide__strip_user_info(&q->head.url, storage);
    q->response->url = q->response->asked_url = q->head.url.href;
    q->head.for_server = q->head.method_len == 7 && strcmp(q->head.method, "OPTIONS") == 0 && names_no_path(args->url);
    return 0;
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
    if (len == 7 && strcmp(method, "CONNECT") == 0)
        return bide_fail(-EINVAL, "CONNECT makes a tunnel, it is not a request");

    q->head.method = bide__arena_strndup(q->arena, method, len);
    q->head.method_len = len;
    q->response->method = q->head.method;
    return q->head.method ? 0 : BIDE_ENOMEM;
}

/* Nearly always nobody, and then it is a comparison. */
static int set_auth(struct request *q, const bide_auth *of_url, const bide_request_args *args, struct auth **auth)
{
    bool is_any = of_url->user || args->auth.scheme != BIDE_AUTH_UNSAID || args->auth.user ||
                  q->response->session->credentials.is_any;

    *auth = NULL;
    return likely(!is_any) ? 0 : bide__request_find_auth(q, of_url, &args->auth, auth);
}

int bide__request_prepare(struct request *q, struct auth **auth, const char *method, const bide_request_args *args)
{
    bide_auth of_url = {.user = NULL};
    q->head.headers = args->headers;
    q->response->method = "request";
    int code = set_method(q, args->method ? args->method : method);
    if (code == 0)
        code = set_url(q, &of_url, args);
    if (code == 0)
        code = set_auth(q, &of_url, args, auth);
    if (code == 0)
        code = bide__user_fields_check(q->head.headers, &q->head.user);
    if (code == 0 && unlikely(args->resume))
        code = bide__resume_begin(q, args->resume);
    bide__request_ask_codings(q, args->no_decompress || q->response->session->args.no_decompress);
    return code < 0 ? code : bide__request_set_body(q, args);
}
