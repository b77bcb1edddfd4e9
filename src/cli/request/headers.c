/* SPDX-License-Identifier: MIT */
/*
 * headers.c - the fields that -H, -u and --json ask for; would they be sent?
 *
 * What a field alone can be wrong in is seen here.  The rest is the library's to say: it refuses them when a session is
 * made that is to send them with every request, and none is sent.
 */
#include "cli/request/request.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <bide/loop.h>
#include <bide/task.h>

/* RFC 9110 5.6.2. */
bool request_is_token(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        bool is_letter = (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z');
        if (!is_letter && (c == '\0' || !strchr("!#$%&'*+-.^_`|~", c)))
            return false;
    }
    return len > 0;
}

static bool is_value(const char *text)
{
    for (; *text; text++)
        if (((unsigned char)*text < 0x20 && *text != '\t') || *text == 0x7f)
            return false;
    return true;
}

bool request_split_header(char *line, bide_pair *out)
{
    char *colon = strchr(line, ':');
    if (!colon || !request_is_token(line, (size_t)(colon - line)))
        return false;

    char *value = colon + 1 + strspn(colon + 1, " \t"), *end = value + strlen(value);
    while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
        *--end = '\0';
    if (!is_value(value))
        return false;
    *colon = '\0';
    *out = (bide_pair){line, value};
    return true;
}

bool request_is_framing(const char *name)
{
    return strcasecmp(name, "Content-Length") == 0 || strcasecmp(name, "Transfer-Encoding") == 0;
}

static size_t count_lines(const char *text, size_t len)
{
    size_t n = 0;

    for (size_t i = 0; i < len; i++)
        n += text[i] == '\0';
    return n;
}

bool request_has_header(const struct request *q, const char *name)
{
    for (const bide_pair *p = q->headers; p && p->name; p++)
        if (strcasecmp(p->name, name) == 0)
            return true;
    return false;
}

/* What can be known of one alone; the rest is left to the library (request_check_fields). */
static int check_header(const struct request *q, const bide_pair *h)
{
    if (request_is_framing(h->name))
        say("--header %s: it is written by bide, from the body", h->name);
    else if (strcasecmp(h->name, "Host") == 0 && (!h->value[0] || request_has_header(q, "Host")))
        say("--header Host: a request has exactly one");
    else
        return EXIT_OK;
    return EXIT_USAGE;
}

/* A line that is no field is quoted up to its value, which may be a secret. */
static int refuse_line(const char *line)
{
    size_t name = strcspn(line, ":"), word = strcspn(line, " \t");
    bool has_colon = line[name] == ':';

    if (has_colon || line[word])
        say("--header: expected 'Name: value', got '%.*s%s ...'%s", (int)(has_colon ? name : word), line, has_colon ? ":" : "",
            strpbrk(line, "\r\n") ? ", with a line end in it" : "");
    else
        say("--header: expected 'Name: value', got a text without a colon");
    return EXIT_USAGE;
}

static int add_headers(struct request *q, char *line, const char *end)
{
    size_t n = 0;

    q->headers = calloc(count_lines(line, (size_t)(end - line)) + 5, sizeof *q->headers);
    if (!q->headers)
        return say_no_memory();
    while (line < end) {
        char *next = line + strlen(line) + 1;
        bide_pair header;
        if (!request_split_header(line, &header))
            return refuse_line(line);
        if (check_header(q, &header) != EXIT_OK)
            return EXIT_USAGE;
        q->headers[n++] = header;
        line = next;
    }
    if (q->json && !request_has_header(q, "Accept"))
        q->headers[n++] = (bide_pair){"Accept", "application/json"};
    if (q->upload->form && !request_has_header(q, "Content-Type"))
        q->headers[n++] = (bide_pair){"Content-Type", "application/x-www-form-urlencoded"};
    if (q->options->upload.referer)
        q->headers[n++] = (bide_pair){"Referer", q->options->upload.referer};
    if ((q->texts[TEXT_USER] || q->texts[TEXT_AUTH]) && request_has_header(q, "Authorization")) {
        say("--%s and --header Authorization exclude each other", q->options->bearer ? "bearer" : "user");
        return EXIT_USAGE;
    }
    if (q->texts[TEXT_USER])
        q->headers[n++] = (bide_pair){"Authorization", q->texts[TEXT_USER]};
    return EXIT_OK;
}

int request_open_headers(struct request *q)
{
    size_t len = 0;
    int code = request_read_lines(&q->options->headers, &q->texts[TEXT_HEADERS], &len);

    if (code != EXIT_OK || (len == 0 && !q->json && !q->texts[TEXT_USER] && !q->upload->form && !q->options->upload.referer))
        return code;
    char *lines = q->texts[TEXT_HEADERS];
    return add_headers(q, lines, len > 0 ? lines + len : lines);
}

/* ---- would it be sent? ---- */

static int make_session(const struct request *q, const bide_pair *headers)
{
    const struct http_options *o = q->options;
    bide_auto bide_session *session = bide_session_new(.headers = headers, .user_agent = o->user_agent,
                                                       REQUEST_CONNECTION_OPTIONS(q));

    return session ? 0 : bide_raise();
}

/* By a session for each, which knows what is well formed. */
static int check_overrides(const struct opt_list *overrides, bool is_resolve)
{
    for (size_t i = 0; i < overrides->len; i++) {
        const char *const one[] = {overrides->items[i], NULL};
        bide_auto bide_session *session =
            is_resolve ? bide_session_new(.resolve_to = one) : bide_session_new(.connect_to = one);
        if (session)
            continue;
        if (bide_error_code() != -EINVAL)
            say("%s", bide_error_text());
        else
            say("%s, got '%s'", is_resolve ? "--resolve: expected HOST:PORT:ADDRESS[,ADDRESS]"
                                           : "--connect-to: expected HOST:PORT:ADDRESS:PORT", one[0]);
        return request_exit_code(bide_error_code());
    }
    return EXIT_OK;
}

static int check_servers(const char *servers)
{
    bide_auto bide_session *session = servers ? bide_session_new(.dns = BIDE_DNS(.servers = servers)) : NULL;
    if (session || !servers)
        return EXIT_OK;

    if (bide_error_code() != -EINVAL)
        say("%s", bide_error_text());
    else
        say("--dns-servers: expected up to 8 addresses such as 127.0.0.1:5353,[::1]:53, got '%s'", servers);
    return request_exit_code(bide_error_code());
}

int request_check_fields(const struct request *q)
{
    size_t n = 0;
    int result = check_overrides(&q->options->connect_to, false);
    if (result == EXIT_OK)
        result = check_overrides(&q->options->route.resolve, true);
    if (result == EXIT_OK)
        result = check_servers(q->options->route.dns_servers);
    if (result != EXIT_OK)
        return result;

    while (q->headers && q->headers[n].name)
        n++;
    bide_pair *headers = calloc(n + 1, sizeof *headers);
    if (!headers)
        return say_no_memory();
    for (size_t i = 0; i < n; i++) {
        headers[i] = q->headers[i];
        if (strcasecmp(headers[i].name, "Host") == 0)
            headers[i].name = "X-Ho"; /* it is none of a session's, but its bytes count */
    }
    int code = bide_run(bide_coro(make_session, q, (const bide_pair *)headers));
    free(headers);
    if (code >= 0)
        return EXIT_OK;
    say("%s", bide_error_text());
    return request_exit_code(code);
}
