/* SPDX-License-Identifier: MIT */
/* trace.c - an event, filled in and emitted; the steps of a connection as events. */
#include "http/trace/trace.h"

static const char *const names[] = {
    [BIDE_TRACE_REQUEST] = "request",
    [BIDE_TRACE_QUEUE_START] = "queue_start",
    [BIDE_TRACE_QUEUE_END] = "queue_end",
    [BIDE_TRACE_DNS_START] = "dns_start",
    [BIDE_TRACE_DNS_CACHE_HIT] = "dns_cache_hit",
    [BIDE_TRACE_DNS_CACHE_MISS] = "dns_cache_miss",
    [BIDE_TRACE_DNS_END] = "dns_end",
    [BIDE_TRACE_CONNECT_START] = "connect_start",
    [BIDE_TRACE_CONNECT_END] = "connect_end",
    [BIDE_TRACE_PROXY] = "proxy",
    [BIDE_TRACE_TLS_START] = "tls_start",
    [BIDE_TRACE_TLS_END] = "tls_end",
    [BIDE_TRACE_CONNECTION_MADE] = "connection_made",
    [BIDE_TRACE_CONNECTION_REUSED] = "connection_reused",
    [BIDE_TRACE_HEAD_SENT] = "head_sent",
    [BIDE_TRACE_CONTINUE_START] = "continue_start",
    [BIDE_TRACE_CONTINUE_END] = "continue_end",
    [BIDE_TRACE_BODY_SENT] = "body_sent",
    [BIDE_TRACE_REQUEST_SENT] = "request_sent",
    [BIDE_TRACE_INTERIM] = "interim",
    [BIDE_TRACE_FIRST_BYTE] = "first_byte",
    [BIDE_TRACE_HEAD] = "head",
    [BIDE_TRACE_BODY_RECEIVED] = "body_received",
    [BIDE_TRACE_REDIRECT] = "redirect",
    [BIDE_TRACE_RETRY] = "retry",
    [BIDE_TRACE_END] = "end",
    [BIDE_TRACE_ERROR] = "error",
};

const char *bide_trace_name(enum bide_trace_kind kind)
{
    return kind > 0 && (size_t)kind < array_len(names) ? names[kind] : "";
}

/* ---- telling ---- */

struct call {
    struct tracer *tracer;
    const bide_trace_event *event;
};

static void call(void *arg)
{
    const struct call *c = arg;

    c->tracer->fn(c->event, c->tracer->arg);
}

static bool shows_response(enum bide_trace_kind kind)
{
    return kind == BIDE_TRACE_INTERIM || kind == BIDE_TRACE_HEAD || kind == BIDE_TRACE_REDIRECT || kind == BIDE_TRACE_RETRY ||
           kind == BIDE_TRACE_END;
}

void bide__trace_emit(struct tracer *t, bide_trace_event event)
{
    struct call c = {t, &event};
    if (t->is_over)
        return;

    event.size = sizeof event;
    event.attempt = t->attempt;
    event.request = t->number;
    event.time_us = ((t->loop->virtual_time ? t->loop->now_ns : bide__clock_ns()) - t->begun_ns) / 1000;
    event.method = *t->method;
    event.url = *t->url;
    event.response = shows_response(event.kind) ? t->response : NULL;
    if (event.code < 0 && !event.error)
        event.error = bide_strerror(event.code);
    t->is_over = event.kind == BIDE_TRACE_END || event.kind == BIDE_TRACE_ERROR;
    bide__call_outside(t->loop, call, &c);
}

void bide__trace_mark(struct tracer *t, enum bide_trace_kind kind)
{
    bide__trace_emit(t, (bide_trace_event){.kind = kind});
}

/* ---- connecting ---- */

static const enum bide_trace_kind kinds[] = {
    [STEP_NAME] = BIDE_TRACE_DNS_START,
    [STEP_NAME_KNOWN] = BIDE_TRACE_DNS_CACHE_HIT,
    [STEP_NAME_ASKED] = BIDE_TRACE_DNS_CACHE_MISS,
    [STEP_NAME_DONE] = BIDE_TRACE_DNS_END,
    [STEP_TRY] = BIDE_TRACE_CONNECT_START,
    [STEP_TRY_DONE] = BIDE_TRACE_CONNECT_END,
    [STEP_PROXY] = BIDE_TRACE_PROXY,
    [STEP_TLS] = BIDE_TRACE_TLS_START,
    [STEP_TLS_DONE] = BIDE_TRACE_TLS_END,
};

void bide__trace_see(struct connect_observer *o, const struct connect_step *step)
{
    struct tracer *t = container_of(o, struct tracer, observer);
    bide_connection c = {.peer = "", .local = "", .alpn = ""};
    struct tls_info tls = {.version = NULL};
    bide_trace_event e = {.kind = kinds[step->kind], .host = step->host, .port = step->port, .address = step->address,
                          .code = step->code};

    if (step->kind == STEP_TLS_DONE && step->code < 0) /* what was wrong with the certificate is on record */
        e.error = bide_error_text();
    if (step->stream) {
        bide__tls_info_take(step->stream, &tls);
        c.tls_version = tls.version;
        c.tls_cipher = tls.cipher;
        c.tls_resumed = tls.resumed;
        c.alpn = bide_stream_alpn(step->stream);
        e.connection = &c;
    }
    bide__trace_emit(t, e);
    bide__tls_info_drop(&tls);
}
