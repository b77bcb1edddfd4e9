/* SPDX-License-Identifier: MIT */
/*
 * session.c - what requests share: options, fields that go with all of them, connections, memory to use again.
 *
 * Responses and connection buffers are recycled, so that a steady stream of requests does not allocate.  A session
 * belongs to one loop from its first request on; if that one is closed, it may move to another.
 */
#include <stdio.h>
#include <stdlib.h>

#include <bide/version.h>

#include "http/http.h"

#define SPARE_RESPONSES 256
#define SPARE_ARENA_MAX 16384 /* what is larger is given back to the heap */

#define LIMIT 256
#define LIMIT_PER_HOST 64
#define TIMEOUT_MS 300000
#define CONNECT_TIMEOUT_MS 10000
#define READ_TIMEOUT_MS 60000
#define KEEPALIVE_MS 20000
#define MAX_BODY_BYTES ((size_t)64 << 20)
#define MAX_REDIRECTS 10

/* ---- fields of every request ---- */

/* RFC 9112 6: what frames a message, and what makes two readers disagree about it, is ours to write. */
static const char *why_not(enum header_id id, const char *value)
{
    size_t len = strlen(value), n, at = 0;
    const char *token;

    if (id == HEADER_CONTENT_LENGTH || id == HEADER_TRANSFER_ENCODING)
        return "it is written by bide, from the body";
    while (id == HEADER_CONNECTION && len > 0 && bide__header_next_element(value, len, &at, &token, &n))
        if (!bide__header_equals(token, n, "close") && !bide__header_equals(token, n, "keep-alive"))
            return "only close and keep-alive may be asked for";
    return NULL;
}

int bide__check_user_field(const char *name, const char *value)
{
    char quoted[80];
    size_t len = strlen(name);

    if (!bide__header_name_ok(name, len))
        return bide_fail(-EINVAL, "header \"%s\": not a valid name", bide__url_quote(quoted, name, len));
    if (!value)
        return bide_fail(-EINVAL, "header %s: its value is NULL", bide__url_quote(quoted, name, len));
    if (!bide__header_value_ok(value, strlen(value)))
        return bide_fail(-EINVAL, "header %s: a control character in its value, or white space around it",
                         bide__url_quote(quoted, name, len));
    const char *why = why_not(bide__header_id(name, len), value);
    return why ? bide_fail(-EINVAL, "header %s: %s", bide__url_quote(quoted, name, len), why) : 0;
}

static void put_line(bide_session *s, char *text, const char *name, const char *value)
{
    uint32_t off = s->defaults_len;
    size_t len = strlen(name);

    s->defaults_len += (uint32_t)sprintf(text + off, "%s: %s\r\n", name, value);
    s->defaults[s->ndefaults] = (struct default_field){.id = bide__header_id(name, len),
                                                       .name = text + off,
                                                       .name_len = (uint32_t)len,
                                                       .off = off,
                                                       .len = s->defaults_len - off};
    s->defaults_seen |= HEADER_BIT(s->defaults[s->ndefaults].id);
    s->defaults_close |= s->defaults[s->ndefaults].id == HEADER_CONNECTION &&
                         bide__header_has_token(value, strlen(value), "close");
    s->ndefaults++;
}

static int check_defaults(const bide_pair *headers, size_t *n, size_t *bytes)
{
    for (const bide_pair *p = headers; p && p->name; p++, (*n)++) {
        int code = bide__check_user_field(p->name, p->value);
        if (code < 0)
            return code;
        if (bide__header_id(p->name, strlen(p->name)) == HEADER_HOST)
            return bide_fail(-EINVAL, "header Host: not for every request of a session");
        *bytes += strlen(p->name) + strlen(p->value) + 4;
    }
    return *bytes > H1_HEAD_MAX ? bide_fail(BIDE_ELIMIT, "the headers of a session are longer than %d bytes", H1_HEAD_MAX)
                                : 0;
}

static bool names_field(const bide_pair *headers, enum header_id id)
{
    for (const bide_pair *p = headers; p && p->name; p++)
        if (bide__header_id(p->name, strlen(p->name)) == id)
            return true;
    return false;
}

static int copy_defaults(bide_session *s, const bide_session_args *args)
{
    const char *agent = args->user_agent ? args->user_agent : "bide/" BIDE_VERSION;
    size_t n = 2, bytes = 64 + strlen(agent);
    int code = check_defaults(args->headers, &n, &bytes);
    if (code == 0)
        code = bide__check_user_field("User-Agent", agent);
    if (code < 0)
        return code;

    char *text = bide__arena_alloc(&s->strings, bytes);
    s->defaults = bide__arena_alloc(&s->strings, n * sizeof *s->defaults);
    if (!text || !s->defaults)
        return BIDE_ENOMEM;
    s->defaults_text = text;
    if (!names_field(args->headers, HEADER_USER_AGENT) && agent[0])
        put_line(s, text, "User-Agent", agent);
    if (!names_field(args->headers, HEADER_ACCEPT))
        put_line(s, text, "Accept", "*/*");
    for (const bide_pair *p = args->headers; p && p->name; p++)
        if (p->value[0]) /* an empty one only keeps the default away */
            put_line(s, text, p->name, p->value);
    return 0;
}

/* ---- connect_to ---- */

/* The next part up to a colon, in brackets if it has colons itself; ends the string there. */
static char *next_part(char **at)
{
    char *start = *at;
    if (!start)
        return NULL;
    char *end = *start == '[' ? strchr(start, ']') : start;
    char *colon = end ? strchr(end, ':') : NULL;

    *at = colon ? colon + 1 : NULL;
    if (colon)
        *colon = '\0';
    return start;
}

static bool parse_port(const char *text, int *port)
{
    char *end;
    long n = strtol(text, &end, 10);

    *port = (int)n;
    return !*text || (*text >= '0' && *text <= '9' && !*end && n >= 1 && n <= 65535);
}

/* HOST:PORT:ADDR:PORT as curl has it; what is empty means any, or as it was. */
static int parse_detour(bide_session *s, struct detour *d, const char *text)
{
    char *copy = bide__arena_strndup(&s->strings, text, strlen(text)), *at = copy;
    if (!copy)
        return BIDE_ENOMEM;
    const char *host = next_part(&at), *port = next_part(&at), *addr = next_part(&at), *addr_port = at;

    if (!addr_port || !parse_port(port, &d->port) || !parse_port(addr_port, &d->addr_port))
        return bide_fail(-EINVAL, "connect_to \"%s\": not HOST:PORT:ADDR:PORT", text);
    d->host = *host ? host : NULL;
    d->addr = *addr ? addr : NULL;
    return 0;
}

static int copy_detours(bide_session *s, const bide_session_args *args)
{
    size_t n = 0;

    while (args->connect_to && args->connect_to[n])
        n++;
    if (n == 0)
        return 0;
    s->detours = bide__arena_alloc(&s->strings, n * sizeof *s->detours);
    if (!s->detours)
        return BIDE_ENOMEM;
    for (; s->ndetours < n; s->ndetours++) {
        int code = parse_detour(s, &s->detours[s->ndetours], args->connect_to[s->ndetours]);
        if (code < 0)
            return code;
    }
    return 0;
}

/* ---- making ---- */

static int64_t or_default(int64_t value, int64_t otherwise)
{
    return value ? value : otherwise;
}

static int fill_in(bide_session *s, const bide_session_args *from)
{
    bide_session_args *args = &s->args;

    *args = *from;
    if (args->limit < 0 || args->limit_per_host < 0)
        return bide_fail(-EINVAL, "bide_session_new: a limit is negative");
    args->limit = (int)or_default(args->limit, LIMIT);
    args->limit_per_host = (int)or_default(args->limit_per_host, LIMIT_PER_HOST);
    args->timeout_ms = or_default(args->timeout_ms, TIMEOUT_MS);
    args->connect_timeout_ms = or_default(args->connect_timeout_ms, CONNECT_TIMEOUT_MS);
    args->read_timeout_ms = or_default(args->read_timeout_ms, READ_TIMEOUT_MS);
    args->keepalive_ms = or_default(args->keepalive_ms, KEEPALIVE_MS);
    args->max_head_bytes = (size_t)or_default((int64_t)args->max_head_bytes, H1_HEAD_MAX);
    args->max_body_bytes = (size_t)or_default((int64_t)args->max_body_bytes, MAX_BODY_BYTES);
    args->max_redirects = (int)or_default(args->max_redirects, MAX_REDIRECTS);
    if (args->max_head_bytes > UINT32_MAX / 4)
        return bide_fail(-EINVAL, "bide_session_new: max_head_bytes is too large");
    args->ca_file = args->ca_file ? bide__arena_strndup(&s->strings, args->ca_file, strlen(args->ca_file)) : NULL;
    return from->ca_file && !args->ca_file ? BIDE_ENOMEM : 0;
}

static void session_destroy(void *object);
static void session_release(void *object);

static const struct object_type session_type = {
    .name = "session", .destroy = session_destroy, .release = session_release};

static int session_init(bide_session *s, const bide_session_args *args)
{
    int code = bide__map_init(&s->hosts);
    if (code >= 0)
        code = fill_in(s, args);
    if (code >= 0)
        code = copy_defaults(s, args);
    if (code >= 0)
        code = copy_detours(s, args);
    if (code >= 0 && s->args.ca_file && !bide__session_tls(s))
        code = bide_error_code(); /* now, not at the first request */
    return code;
}

bide_session *bide_session_new_with(bide_session_args args)
{
    bide_session *s = bide__malloc(sizeof *s); /* most of it needs no zeros */
    if (!s) {
        bide__fail_nomem("a session");
        return NULL;
    }
    memset(s, 0, offsetof(bide_session, fields));
    bide__object_init(s, &session_type);
    bide__list_init(&s->idle);
    bide__list_init(&s->blocked);
    bide__list_init(&s->spare_responses);
    bide__timer_init(&s->idle_timer, bide__connector_idle_fired);
    bide__arena_init(&s->strings, 1 << 20);
    if (session_init(s, &args) < 0) {
        session_destroy(s);
        return NULL;
    }
    return s;
}

bide_tls *bide__session_tls(bide_session *s)
{
    if (!s->tls)
        s->tls = bide_tls_new(.ca_file = s->args.ca_file, .insecure = s->args.insecure, .alpn = "http/1.1");
    return s->tls;
}

/* ---- its loop ---- */

int bide__session_bind(bide_session *s)
{
    bide_loop *loop = bide__loop_here;
    if (likely(s->loop == loop))
        return 0;

    bide__connector_close_idle(s);
    if (s->open > 0)
        return bide_fail(BIDE_ESTATE, "the session is in use on another event loop");
    if (s->loop)
        bide__object_unref(s->loop);
    s->loop = bide_retain(loop);
    return 0;
}

/* ---- the end ---- */

static void session_destroy(void *object)
{
    bide_session *s = object;

    bide__connector_close_idle(s);
    while (!bide__list_is_empty(&s->spare_responses)) {
        bide_response *r = container_of(s->spare_responses.next, bide_response, spare);
        bide__list_remove(&r->spare);
        bide__arena_free(&r->arena);
        bide__free(r);
    }
    while (s->nspare_buffers > 0)
        bide__free(s->spare_buffers[--s->nspare_buffers]);
    bide__map_free(&s->hosts);
    bide_release(s->tls);
    if (s->loop)
        bide__object_unref(s->loop);
    bide__arena_free(&s->strings);
    bide__free(s);
}

/* Responses still in use keep what they need; nothing else stays open. */
static void session_release(void *object)
{
    bide_session *s = object;

    if (s->object.refs > 1) {
        s->is_closing = true;
        bide__connector_close_idle(s);
    }
    bide__object_unref(s);
}

bide_session_stats bide_session_get_stats(const bide_session *s)
{
    bide_session_stats stats = s->stats;

    stats.open = s->open;
    stats.idle = s->nidle;
    stats.waiting = s->nwaiting;
    return stats;
}

/* ---- memory to use again ---- */

bide_response *bide__session_take_response(bide_session *s)
{
    bide_response *r;

    if (likely(!bide__list_is_empty(&s->spare_responses))) {
        r = container_of(s->spare_responses.next, bide_response, spare);
        bide__list_remove(&r->spare);
        s->nspare_responses--;
    } else {
        r = bide__malloc(sizeof *r);
        if (!r) {
            bide__fail_nomem("a response");
            return NULL;
        }
        bide__list_init(&r->spare);
        bide__arena_init(&r->arena, SIZE_MAX); /* what goes into it has limits of its own */
    }
    r->session = bide_retain(s);
    return r;
}

void bide__session_give_response(bide_session *s, bide_response *r)
{
    if (r->arena.total > SPARE_ARENA_MAX)
        bide__arena_free(&r->arena);
    else
        bide__arena_reset(&r->arena);
    if (s && s->nspare_responses < SPARE_RESPONSES && !s->is_closing) {
        bide__list_prepend(&s->spare_responses, &r->spare);
        s->nspare_responses++;
    } else {
        bide__arena_free(&r->arena);
        bide__free(r);
    }
    if (s)
        bide__object_unref(s);
}

void *bide__session_take_buffer(bide_session *s)
{
    return s->nspare_buffers > 0 ? s->spare_buffers[--s->nspare_buffers] : bide__malloc(CONN_BUFFER_SIZE);
}

void bide__session_give_buffer(bide_session *s, void *buffer)
{
    if (s->nspare_buffers < array_len(s->spare_buffers))
        s->spare_buffers[s->nspare_buffers++] = buffer;
    else
        bide__free(buffer);
}
