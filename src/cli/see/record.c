/* SPDX-License-Identifier: MIT */
/* record.c - a step as a line of JSON: what --trace writes. */
#include "cli/see/see.h"

#include <inttypes.h>
#include <string.h>

#include "cli/save/jsonl.h"

static const char *const reasons[] = {
    [BIDE_AGAIN_OTHER] = "other", [BIDE_AGAIN_REDIRECT] = "redirect", [BIDE_AGAIN_RETRY] = "retry", [BIDE_AGAIN_AUTH] = "auth"};

static void add_number(struct text *to, const char *name, int64_t n)
{
    text_format(to, ",\"%s\":%" PRId64, name, n);
}

static void add_place(struct text *to, const bide_trace_event *e)
{
    if (!e->host)
        return;
    jsonl_add_member(to, "host", e->host);
    add_number(to, "port", e->port);
    if (e->address)
        jsonl_add_member(to, "address", e->address);
}

static void add_connection(struct text *to, const bide_connection *c)
{
    if (c->id) {
        add_number(to, "connection", (int64_t)c->id);
        jsonl_add_member(to, "peer", c->peer);
        add_number(to, "peer_port", c->peer_port);
        jsonl_add_member(to, "local", c->local);
        add_number(to, "local_port", c->local_port);
    }
    if (!c->tls_version)
        return;
    jsonl_add_member(to, "tls_version", c->tls_version);
    jsonl_add_member(to, "tls_cipher", c->tls_cipher);
    text_format(to, ",\"tls_resumed\":%s", c->tls_resumed ? "true" : "false");
    jsonl_add_member(to, "alpn", c->alpn);
}

static void add_head(struct text *to, const bide_trace_event *e, const struct seen *s)
{
    struct text head = {0};
    bool secrets = s->see->options->secrets;

    if (e->kind == BIDE_TRACE_HEAD_SENT)
        head_add_sent(&head, e->data, "", secrets);
    if (e->kind == BIDE_TRACE_HEAD)
        head_add_answer(&head, e->response, -1, "", secrets);
    if (e->kind == BIDE_TRACE_INTERIM && bide_interim_status(e->response, (size_t)s->interims) > 0)
        head_add_answer(&head, e->response, s->interims, "", secrets);
    if (head.len > 0 && !head.no_memory)
        jsonl_add_member(to, "head", head.data);
    text_free(&head);
}

void see_record_add(struct text *to, const bide_trace_event *e, const struct seen *s)
{
    const char *name = bide_trace_name(e->kind);
    if (!name[0]) /* of a newer library */
        return;

    text_format(to, "{\"event\":\"%s\",\"time_us\":%" PRId64 ",\"url_number\":%" PRIu64 ",\"request\":%" PRIu64 ",\"attempt\":%d",
                name, e->time_us, s->number, e->request, e->attempt);
    jsonl_add_member(to, "method", e->method);
    jsonl_add_url_member(to, "url", e->url);
    add_place(to, e);
    if (e->connection)
        add_connection(to, e->connection);
    add_head(to, e, s);
    if (e->status)
        add_number(to, "status", e->status);
    if (e->bytes || e->kind == BIDE_TRACE_END)
        add_number(to, "bytes", (int64_t)e->bytes);
    if (e->kind == BIDE_TRACE_RETRY && (size_t)e->why < sizeof reasons / sizeof *reasons)
        jsonl_add_member(to, "why", reasons[e->why]);
    if (e->delay_ms)
        add_number(to, "delay_ms", e->delay_ms);
    if (e->to)
        jsonl_add_url_member(to, "to", e->to);
    if (e->code < 0)
        jsonl_add_member(to, "error", e->error);
    text_add_string(to, "}\n");
}
