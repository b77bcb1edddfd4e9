/* SPDX-License-Identifier: MIT */
/*
 * session_options.c - a session's options, checked and copied: limits, routes, TLS.
 *
 * All strings are copied.
 */
#include <stdio.h>

#include <bide/version.h>

#include "http/client/client.h"

#define LIMIT 256
#define LIMIT_PER_HOST 64
#define TIMEOUT_MS 300000
#define CONNECT_TIMEOUT_MS 10000
#define READ_TIMEOUT_MS 60000
#define MIN_RATE_MS 30000
#define KEEPALIVE_MS 20000
#define MAX_BODY_BYTES ((size_t)64 << 20)
#define MAX_REDIRECTS 10
#define MAX_RATIO DECODE_RATIO

/* ---- routes ---- */

static const char *copy_text(bide_session *s, const char *text)
{
    return bide__arena_strndup(&s->strings, text, strlen(text));
}

const char *bide__unix_route(struct arena *arena, const char *path)
{
    char *text = bide__arena_alloc(arena, strlen(path) + sizeof "unix:");

    if (text)
        stpcpy(stpcpy(text, "unix:"), path);
    return text;
}

static int set_routes(bide_session *s, const bide_session_args *args)
{
    struct route_choice *c = &s->routes;
    if (args->proxy && args->unix_socket)
        return bide_fail(-EINVAL, "bide_session_new: .proxy and .unix_socket exclude each other");

    if (args->no_proxy && !(c->except = copy_text(s, args->no_proxy)))
        return BIDE_ENOMEM;
    if (args->proxy_from_env)
        BIDE_TRY(bide__route_choice_from_env(c, &s->strings));
    if (args->proxy && args->proxy[0])
        BIDE_TRY(bide__route_check(args->proxy));
    if (args->proxy)
        c->text = copy_text(s, args->proxy);
    if (args->unix_socket)
        c->text = bide__unix_route(&s->strings, args->unix_socket);
    return (args->proxy || args->unix_socket) && !c->text ? BIDE_ENOMEM : 0;
}

/* ---- TLS ---- */

static int copy_tls_texts(bide_session *s, bide_tls_args *to)
{
    const char **texts[] = {&to->ca_file, &to->ca_dir, &to->cert_file, &to->key_file, &to->key_password,
                            &to->pins, &to->ciphers, &to->keylog_file, &to->server_name};

    for (size_t i = 0; i < array_len(texts); i++)
        if (*texts[i] && !(*texts[i] = copy_text(s, *texts[i])))
            return BIDE_ENOMEM;
    if (to->ca_data.data && !(to->ca_data.data = bide__arena_strndup(&s->strings, to->ca_data.data, to->ca_data.len)))
        return BIDE_ENOMEM;
    return 0;
}

static int set_tls(bide_session *s, const bide_session_args *args)
{
    bide_tls_args *o = &s->tls_options;

    if (args->tls && (args->ca_file || args->insecure || args->tls_options))
        return bide_fail(-EINVAL, "bide_session_new: .tls is a whole context: .ca_file, .insecure and .tls_options go into it");
    BIDE_TRY(bide__tls_check(args->tls, "bide_session_new"));
    if (args->tls) {
        s->tls = bide_retain(args->tls);
        return 0;
    }
    if (args->tls_options)
        BIDE_TRY(bide__options_take(o, sizeof *o, args->tls_options, "bide_session_new: .tls_options"));
    if (o->server || o->alpn)
        return bide_fail(-EINVAL, "bide_session_new: .tls_options: .server and .alpn are not for a session to say");
    if (o->ca_file && args->ca_file)
        return bide_fail(-EINVAL, "bide_session_new: .ca_file, and another one in .tls_options");
    o->ca_file = args->ca_file ? args->ca_file : o->ca_file;
    o->insecure |= args->insecure;
    s->has_tls_options = args->ca_file || args->tls_options;
    return copy_tls_texts(s, o);
}

/* ---- limits ---- */

static int64_t or_default(int64_t value, int64_t otherwise)
{
    return value ? value : otherwise;
}

static int check(const bide_session_args *a)
{
    const struct {
        const char *name;
        int64_t n;
        int named;
    } numbers[] = {
        {"limit", a->limit, BIDE_UNLIMITED}, {"limit_per_host", a->limit_per_host, BIDE_UNLIMITED},
        {"idle_limit", a->idle_limit, 0}, {"idle_limit_per_host", a->idle_limit_per_host, 0},
        {"min_rate", a->min_rate, 0}, {"max_rate", a->max_rate, BIDE_UNLIMITED}, {"max_rate_total", a->max_rate_total, BIDE_UNLIMITED},
        {"max_head_bytes", (ptrdiff_t)a->max_head_bytes, 0}, {"max_body_bytes", (ptrdiff_t)a->max_body_bytes, BIDE_UNLIMITED},
        {"max_redirects", a->max_redirects, BIDE_NONE}, {"max_ratio", a->max_ratio, BIDE_UNLIMITED},
    };
    const struct {
        const char *name;
        int64_t ms;
    } times[] = {
        {"timeout_ms", a->timeout_ms}, {"queue_timeout_ms", a->queue_timeout_ms},
        {"connect_timeout_ms", a->connect_timeout_ms}, {"tls_timeout_ms", a->tls_timeout_ms},
        {"write_timeout_ms", a->write_timeout_ms}, {"first_byte_timeout_ms", a->first_byte_timeout_ms},
        {"read_timeout_ms", a->read_timeout_ms},
        {"keepalive_ms", a->keepalive_ms}, {"max_age_ms", a->max_age_ms},
    };

    for (size_t i = 0; i < array_len(numbers); i++)
        BIDE_TRY(bide__check_number("bide_session_new", numbers[i].name, numbers[i].n, numbers[i].named));
    for (size_t i = 0; i < array_len(times); i++)
        BIDE_TRY(bide__check_time("bide_session_new", times[i].name, times[i].ms, true));
    BIDE_TRY(bide__check_time("bide_session_new", "min_rate_ms", a->min_rate_ms, false));
    if (a->max_head_bytes > UINT32_MAX / 4)
        return bide_fail(-EINVAL, "bide_session_new: max_head_bytes = %zu: at most %u", a->max_head_bytes, UINT32_MAX / 4);
    return 0;
}

static int fill_in(bide_session *s, const bide_session_args *from)
{
    bide_session_args *args = &s->args;

    BIDE_TRY(check(from));
    *args = *from;
    args->headers = NULL; /* these are kept in another form */
    args->user_agent = NULL;
    args->connect_to = NULL;
    args->proxy = args->no_proxy = args->unix_socket = args->ca_file = NULL;
    args->tls = NULL;
    args->resolve_to = NULL;
    args->interface = NULL;
    args->transport = NULL;
    args->around = NULL;
    args->connections_of = NULL;
    args->dns = NULL;
    args->tls_options = NULL;
    args->limit = bide__count_or(args->limit, LIMIT);
    args->limit_per_host = bide__count_or(args->limit_per_host, LIMIT_PER_HOST);
    args->idle_limit = bide__count_or(args->idle_limit, 0);
    args->idle_limit_per_host = bide__count_or(args->idle_limit_per_host, args->limit_per_host);
    args->timeout_ms = or_default(args->timeout_ms, TIMEOUT_MS);
    args->connect_timeout_ms = or_default(args->connect_timeout_ms, CONNECT_TIMEOUT_MS);
    args->read_timeout_ms = or_default(args->read_timeout_ms, READ_TIMEOUT_MS);
    s->limits = (struct limits){.total_ms = args->timeout_ms, .queue_ms = args->queue_timeout_ms,
                                .connect_ms = args->connect_timeout_ms, .tls_ms = args->tls_timeout_ms,
                                .write_ms = args->write_timeout_ms, .first_byte_ms = args->first_byte_timeout_ms,
                                .read_ms = args->read_timeout_ms};
    args->min_rate_ms = or_default(args->min_rate_ms, MIN_RATE_MS);
    for (int way = 0; way < PACE_WAYS; way++)
        s->pace_of_all[way].rate = args->max_rate_total;
    args->keepalive_ms = or_default(args->keepalive_ms, KEEPALIVE_MS);
    args->max_head_bytes = (size_t)or_default((int64_t)args->max_head_bytes, H1_HEAD_MAX);
    args->max_body_bytes = bide__size_or(args->max_body_bytes, MAX_BODY_BYTES);
    args->max_ratio = (int)or_default(args->max_ratio, MAX_RATIO);
    args->max_redirects = (int)or_default(args->max_redirects, MAX_REDIRECTS);
    return 0;
}

static void set_connector(bide_session *s, const bide_session_args *args)
{
    struct connector *k = &s->connector;

    k->limit = args->limit;
    k->limit_per_host = args->limit_per_host;
    k->idle_limit = args->idle_limit;
    k->idle_limit_per_host = args->idle_limit_per_host;
    k->keepalive_ms = args->keepalive_ms;
    k->max_age_ms = args->max_age_ms;
    k->hooks = (struct connect_hooks){.dial = args->dial, .dial_arg = args->dial_arg,
                                      .resolve = args->resolve, .resolve_arg = args->resolve_arg};
    k->protocol = &bide__h1_protocol;
    k->protocol_context = &s->h1;
    s->h1.ignore_unexpected_eof = args->ignore_unexpected_eof;
    k->buffer_max = args->max_head_bytes + 2 * BODY_READ_SIZE;
}

/* Those connections are what they are for whoever uses them. */
static int check_shared(const bide_session_args *a)
{
    const struct {
        const char *name;
        bool is_set;
    } all[] = {{"limit", a->limit}, {"limit_per_host", a->limit_per_host}, {"idle_limit", a->idle_limit},
               {"idle_limit_per_host", a->idle_limit_per_host}, {"keepalive_ms", a->keepalive_ms}, {"max_age_ms", a->max_age_ms},
               {"max_head_bytes", a->max_head_bytes}, {"ignore_unexpected_eof", a->ignore_unexpected_eof},
               {"connect_to", a->connect_to}, {"dial", a->dial}, {"resolve", a->resolve}, {"resolve_to", a->resolve_to},
               {"ipv4_only", a->ipv4_only}, {"ipv6_only", a->ipv6_only}, {"public_only", a->public_only}, {"interface", a->interface},
               {"local_port", a->local_port}, {"local_port_last", a->local_port_last}, {"dns", a->dns}};

    for (size_t i = 0; i < array_len(all); i++)
        if (all[i].is_set)
            return bide_fail(-EINVAL, "bide_session_new: .%s is for the session to say whose connections are shared (.connections_of)",
                             all[i].name);
    return 0;
}

static int share_connections(bide_session *s, const bide_session_args *args)
{
    bide_session *other = args->connections_of;
    if (!other)
        return 0;
    BIDE_TRY(check_shared(args));
    if (other->loop)
        BIDE_TRY(bide__loop_check(other->loop, "bide_session_new: .connections_of"));

    s->owner = bide_retain(other->owner ? other->owner : other);
    s->pool = &s->owner->connector;
    return 0;
}

/* Where relative URLs of requests begin. */
static int set_base(bide_session *s, const char *text)
{
    char quoted[80];
    size_t len = strlen(text), cap = len <= BIDE_URL_MAX ? bide__url_bound(len, NULL) : 1;
    char *storage = bide__arena_alloc(&s->strings, cap);
    if (!storage)
        return BIDE_ENOMEM;

    int code = bide__url_parse(&s->base, text, len, storage, cap);
    bide__url_quote(quoted, text, len);
    if (code < 0)
        return bide_fail(BIDE_EURL, "bide_session_new: base_url %s: %s", quoted, bide__url_strerror(code));
    if (s->base.scheme != URL_HTTP && s->base.scheme != URL_HTTPS)
        return bide_fail(BIDE_EURL, "bide_session_new: base_url %s: %s", quoted, bide__url_strerror(URL_ESCHEME));
    if (s->base.username.len + s->base.password.len > 0)
        return bide_fail(BIDE_EURL, "bide_session_new: base_url: user and password are for .auth");
    return 0;
}

static void set_cookies(bide_session *s, bide_cookie_jar *jar)
{
    bool is_kind = jar == BIDE_NO_COOKIES || jar == BIDE_COOKIES_PER_REQUEST;

    s->jar_kind = !is_kind ? JAR_OF_SESSION : jar == BIDE_NO_COOKIES ? JAR_NONE : JAR_OF_REQUEST;
    s->jar = jar && !is_kind ? bide_retain(jar) : NULL;
}

int bide__session_set_options(bide_session *s, const bide_session_args *args)
{
    struct our_fields ours = {args->user_agent ? args->user_agent : "bide/" BIDE_VERSION,
                              args->no_decompress ? NULL : CODINGS_ACCEPTED};
    int code = fill_in(s, args);
    if (code >= 0)
        code = bide__h1_context_init(&s->h1, s->args.max_head_bytes);
    if (code >= 0)
        code = bide__default_fields_set(&s->defaults, &s->strings, args->headers, ours);
    if (code >= 0)
        code = set_routes(s, args);
    if (code >= 0)
        code = bide__session_set_credentials(s, args);
    if (code >= 0)
        code = set_tls(s, args);
    if (code >= 0)
        code = bide__session_set_retry(s, args);
    if (code >= 0)
        code = share_connections(s, args);
    if (code >= 0)
        code = bide__around_copy(&s->strings, args->around, &s->around);
    if (code >= 0 && args->base_url)
        code = set_base(s, args->base_url);
    s->hsts = args->hsts ? bide_retain(args->hsts) : NULL;
    s->transport = args->transport ? bide_retain(args->transport) : NULL;
    s->is_elsewhere = s->transport || s->around;
    if (code >= 0)
        code = bide__session_set_addresses(s, args);
    set_connector(s, &s->args);
    set_cookies(s, args->cookies);
    bide__session_set_trace(s);
    return code;
}
