/* SPDX-License-Identifier: MIT */
/*
 * verbose.c - the steps of a request as curl's -v shows them: "* " what happens, "> " what is sent, "< " what comes.
 *
 * With several URLs each line begins with the number of its URL, because their requests run at the same time.
 */
#include "cli/see/see.h"

#include <inttypes.h>
#include <string.h>

#define INTERIM_KEPT 16 /* by the library */

/* What stands before each line. */
static const char *mark(const struct seen *s, const char *sign, char out[32])
{
    if (s->see->is_many)
        snprintf(out, 32, "[%" PRIu64 "] %s", s->number, sign);
    else
        snprintf(out, 32, "%s", sign);
    return out;
}

/* "a.test:80", "[::1]:80" */
static void add_place(struct text *to, const char *host, int port)
{
    bool is_ipv6 = strchr(host, ':') && host[0] != '[';

    text_add_string(to, is_ipv6 ? "[" : "");
    head_add_clean(to, host, strlen(host));
    text_format(to, "%s:%d", is_ipv6 ? "]" : "", port);
}

static void add_error(struct text *to, const bide_trace_event *e)
{
    text_add_string(to, ": ");
    head_add_clean(to, e->error, strlen(e->error));
}

static void add_failure(struct text *to, const bide_trace_event *e, const char *what)
{
    text_add_string(to, what);
    add_error(to, e);
}

static void add_queue(struct text *to, const bide_trace_event *e)
{
    (void)e;
    text_add_string(to, "Waiting for a free connection");
}

static void add_name(struct text *to, const bide_trace_event *e)
{
    text_add_string(to, "Host ");
    add_place(to, e->host, e->port);
    if (e->code < 0)
        add_failure(to, e, " was not resolved");
    else
        text_add_string(to, " was resolved.");
}

static void add_try(struct text *to, const bide_trace_event *e)
{
    text_add_string(to, "  Trying ");
    add_place(to, e->address, e->port);
    text_add_string(to, "...");
}

static void add_tried(struct text *to, const bide_trace_event *e)
{
    if (e->code == BIDE_ECANCELED) /* another was faster */
        return;
    text_add_string(to, e->code < 0 ? "connect to " : "Connected to ");
    head_add_clean(to, e->host, strlen(e->host));
    text_format(to, " (%s) port %d", e->address, e->port);
    if (e->code < 0)
        add_failure(to, e, " failed");
}

static void add_proxy(struct text *to, const bide_trace_event *e)
{
    text_add_string(to, "Proxy ");
    add_place(to, e->host, e->port);
    text_add_string(to, " has connected us");
}

static void add_tls(struct text *to, const bide_trace_event *e)
{
    const bide_connection *c = e->connection;

    if (!c) {
        text_add_string(to, "TLS with ");
        add_place(to, e->host, e->port);
        add_failure(to, e, " failed");
        return;
    }
    text_format(to, "SSL connection using %s / %s%s", c->tls_version, c->tls_cipher, c->tls_resumed ? ", resumed" : "");
    if (c->alpn[0]) {
        text_add_string(to, "; ALPN: ");
        head_add_clean(to, c->alpn, strlen(c->alpn));
    }
}

static void add_reused(struct text *to, const bide_trace_event *e)
{
    text_format(to, "Re-using existing connection #%" PRIu64 " with %s port %d", e->connection->id, e->connection->peer,
                e->connection->peer_port);
}

static void add_wait(struct text *to, const bide_trace_event *e)
{
    (void)e;
    text_add_string(to, "Waiting for 100 (Continue)");
}

static void add_waited(struct text *to, const bide_trace_event *e)
{
    text_add_string(to, e->status == 100 ? "The server wants the body" : "Done waiting for 100 (Continue)");
}

static void add_redirect(struct text *to, const bide_trace_event *e)
{
    text_format(to, "%d: redirected to ", e->status);
    head_add_clean(to, e->to, strlen(e->to));
}

static void add_again(struct text *to, const bide_trace_event *e)
{
    text_add_string(to, e->why == BIDE_AGAIN_AUTH ? "Asking again, with credentials" : "Asking again");
    if (e->delay_ms > 0)
        text_format(to, " in %.1f s", (double)e->delay_ms / 1000);
    if (e->code < 0)
        add_error(to, e);
    else
        text_format(to, ": %d", e->status);
}

static void add_end(struct text *to, const bide_trace_event *e)
{
    text_format(to, "%" PRIu64 " bytes of the body in %.3f s", e->bytes, (double)e->time_us / 1e6);
}

static void add_fault(struct text *to, const bide_trace_event *e)
{
    head_add_clean(to, e->error, strlen(e->error));
}

/* What a line says; NULL, or nothing added: there is none. */
static void (*const words[])(struct text *to, const bide_trace_event *e) = {
    [BIDE_TRACE_QUEUE_START] = add_queue,
    [BIDE_TRACE_DNS_END] = add_name,
    [BIDE_TRACE_CONNECT_START] = add_try,
    [BIDE_TRACE_CONNECT_END] = add_tried,
    [BIDE_TRACE_PROXY] = add_proxy,
    [BIDE_TRACE_TLS_END] = add_tls,
    [BIDE_TRACE_CONNECTION_REUSED] = add_reused,
    [BIDE_TRACE_CONTINUE_START] = add_wait,
    [BIDE_TRACE_CONTINUE_END] = add_waited,
    [BIDE_TRACE_REDIRECT] = add_redirect,
    [BIDE_TRACE_RETRY] = add_again,
    [BIDE_TRACE_END] = add_end,
    [BIDE_TRACE_ERROR] = add_fault,
};

static void add_words(struct text *to, const bide_trace_event *e, const char *before)
{
    struct text said = {0};

    if ((size_t)e->kind < sizeof words / sizeof *words && words[e->kind])
        words[e->kind](&said, e);
    if (said.len > 0 && !said.no_memory)
        text_format(to, "%s%s\n", before, said.data);
    text_free(&said);
}

void see_verbose_add(struct text *to, const bide_trace_event *e, const struct seen *s)
{
    char out[32], in[32], info[32];
    bool secrets = s->see->options->secrets;

    if (e->kind == BIDE_TRACE_HEAD_SENT)
        head_add_sent(to, e->data, mark(s, "> ", out), secrets);
    if (e->kind == BIDE_TRACE_HEAD)
        head_add_answer(to, e->response, -1, mark(s, "< ", in), secrets);
    if (e->kind == BIDE_TRACE_INTERIM && s->interims < INTERIM_KEPT)
        head_add_answer(to, e->response, s->interims, mark(s, "< ", in), secrets);
    add_words(to, e, mark(s, "* ", info));
}
