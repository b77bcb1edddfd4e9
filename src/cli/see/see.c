/* SPDX-License-Identifier: MIT */
/*
 * see.c - the steps of requests, as the session tells them: to those who show them, and into the facts of their URL.
 *
 * It is called in the middle of a request, and must not wait: what is shown is written at once, whole lines in one call.  A
 * reader of standard error who does not read holds up the program, as he does with curl.
 */
#include "cli/see/see.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* ---- before and after ---- */

int see_open(struct see *s, const struct see_options *o, const char *format)
{
    *s = (struct see){.options = o, .format = format, .trace_fd = -1};
    if (format && write_out_check(format) != EXIT_OK)
        return EXIT_USAGE;
    if (o->trace && strcmp(o->trace, "-") == 0)
        s->trace_fd = STDERR_FILENO;
    else if (o->trace)
        s->trace_fd = open(o->trace, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOCTTY, 0600);
    if (o->trace && s->trace_fd < 0) {
        say("--trace %s: %s", o->trace, strerror(errno));
        return EXIT_LOCAL;
    }
    return EXIT_OK;
}

int see_end(const struct see *s)
{
    if (!s->error)
        return EXIT_OK;
    say("--trace %s: %s", s->options->trace, strerror(s->error));
    return EXIT_LOCAL;
}

void see_close(struct see *s)
{
    if (s->trace_fd > STDERR_FILENO)
        close(s->trace_fd);
    text_free(&s->waiting);
    s->trace_fd = -1;
}

void seen_begin(struct seen *s, struct see *see, const char *url, uint64_t number)
{
    struct text effective = s->effective, fields = s->fields;

    text_clear(&effective);
    text_clear(&fields);
    *s = (struct seen){.see = see, .url = url, .number = number, .effective = effective, .fields = fields};
}

void seen_free(struct seen *s)
{
    text_free(&s->effective);
    text_free(&s->fields);
}

/* ---- facts ---- */

static void note_connection(struct seen *s, const bide_trace_event *e)
{
    const bide_connection *c = e->connection;

    s->connects += e->kind == BIDE_TRACE_CONNECTION_MADE;
    s->ready_us = e->time_us;
    s->peer_port = c->peer_port;
    s->local_port = c->local_port;
    s->is_tls = c->tls_version != NULL;
    snprintf(s->peer, sizeof s->peer, "%s", c->peer);
    snprintf(s->local, sizeof s->local, "%s", c->local);
    s->upload = s->download = 0;
    s->first_byte_us = 0;
    s->interims = 0;
}

static void note_head(struct seen *s, const bide_trace_event *e)
{
    bide_pair field;

    s->heads_in += e->bytes;
    s->status = e->status;
    s->minor = bide_response_http_minor(e->response);
    s->has_answer = true;
    s->nfields = 0;
    text_clear(&s->fields);
    for (size_t i = 0; s->see->format && bide_header_at(e->response, i, &field); i++) {
        text_add(&s->fields, field.name, strlen(field.name) + 1);
        text_add(&s->fields, field.value, strlen(field.value) + 1);
        s->nfields++;
    }
}

/* Another one for the same URL: what counts is the last. */
static void note_request(struct seen *s)
{
    int asked = s->asked;

    seen_begin(s, s->see, s->url, s->number);
    s->asked = asked + 1;
    s->retries = asked;
}

static void note_end(struct seen *s, const bide_trace_event *e)
{
    s->end_us = e->time_us;
    s->is_untrusted |= e->code == BIDE_ECERT;
    snprintf(s->method, sizeof s->method, "%s", e->method);
    text_clear(&s->effective);
    text_add_string(&s->effective, e->url);
}

static void note(struct seen *s, const bide_trace_event *e)
{
    switch (e->kind) {
    case BIDE_TRACE_REQUEST:
        note_request(s);
        break;
    case BIDE_TRACE_DNS_END:
        s->dns_us = e->time_us;
        break;
    case BIDE_TRACE_CONNECT_END:
        s->connect_us = e->code == 0 ? e->time_us : s->connect_us;
        break;
    case BIDE_TRACE_TLS_END:
        s->tls_us = e->time_us;
        break;
    case BIDE_TRACE_CONNECTION_MADE:
    case BIDE_TRACE_CONNECTION_REUSED:
        note_connection(s, e);
        break;
    case BIDE_TRACE_HEAD_SENT:
        s->heads_out += e->data.len;
        break;
    case BIDE_TRACE_BODY_SENT:
        s->upload += e->bytes;
        break;
    case BIDE_TRACE_INTERIM:
        s->heads_in += e->bytes;
        s->interims++;
        break;
    case BIDE_TRACE_FIRST_BYTE:
        s->first_byte_us = e->time_us;
        break;
    case BIDE_TRACE_HEAD:
        note_head(s, e);
        break;
    case BIDE_TRACE_BODY_RECEIVED:
        s->download += e->bytes;
        break;
    case BIDE_TRACE_REDIRECT:
        s->redirects++;
        s->redirect_us = e->time_us;
        s->has_answer = false;
        break;
    case BIDE_TRACE_RETRY:
        s->retries += e->why == BIDE_AGAIN_RETRY;
        s->has_answer = false;
        break;
    case BIDE_TRACE_END:
    case BIDE_TRACE_ERROR:
        note_end(s, e);
        break;
    default:
        break;
    }
}

/* ---- showing ---- */

void see_print(struct see *s, int fd, const struct text *lines)
{
    const char *at = lines->data;
    size_t left = lines->no_memory ? 0 : lines->len;

    if (fd == STDERR_FILENO && s->erase && left > 0)
        s->erase(s->erase_arg);
    while (left > 0 && !(fd == s->trace_fd && s->error)) {
        ssize_t n = write(fd, at, left);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            s->error = fd == s->trace_fd ? errno : s->error;
            return;
        }
        at += n;
        left -= (size_t)n;
    }
}

void see_event(const bide_trace_event *e, void *arg)
{
    struct seen *s = arg;
    struct text lines = {0};
    if (!s)
        return;

    if (s->see->options->verbose > 0) {
        see_verbose_add(&lines, e, s);
        see_print(s->see, STDERR_FILENO, &lines);
    }
    if (s->see->trace_fd >= 0) {
        text_clear(&lines);
        see_record_add(&lines, e, s);
        see_print(s->see, s->see->trace_fd, &lines);
    }
    text_free(&lines);
    note(s, e);
}
