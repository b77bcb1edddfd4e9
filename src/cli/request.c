/* SPDX-License-Identifier: MIT */
/*
 * request.c - what `bide get` and `bide fetch` send alike.
 *
 * What can be known to be wrong is refused before the first request: exit 2, nothing was done.
 */
#include "cli/request.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <bide/url.h>

/* ---- headers ---- */

/* RFC 9110 5.6.2: a token. */
static bool is_token(const char *text, size_t len)
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

/* Cut "Name: value" in two, in place. */
static bool split_header(char *line, bide_pair *out)
{
    char *colon = strchr(line, ':');
    if (!colon || !is_token(line, (size_t)(colon - line)))
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

/* These say where a message ends; a wrong one would make the next request part of this one. */
static bool is_framing(const char *name)
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

/* One that is not given already goes first, so that the user's own comes later. */
static void add_default(struct request *q, size_t *n, const char *name, const char *value)
{
    for (size_t i = 0; i < *n; i++)
        if (strcasecmp(q->headers[i].name, name) == 0)
            return;
    q->headers[(*n)++] = (bide_pair){name, value};
}

static int add_headers(struct request *q, char *line, const char *end)
{
    size_t n = 0;

    q->headers = calloc(count_lines(line, (size_t)(end - line)) + 2, sizeof *q->headers);
    if (!q->headers)
        return say_no_memory();
    while (line < end) {
        char *next = line + strlen(line) + 1;
        if (!split_header(line, &q->headers[n])) {
            say("--header: expected 'Name: value', got '%s'", line);
            return EXIT_USAGE;
        }
        if (is_framing(q->headers[n].name)) {
            say("--header %s: it is written by bide, from the body", q->headers[n].name);
            return EXIT_USAGE;
        }
        line = next;
        n++;
    }
    if (q->json)
        add_default(q, &n, "Accept", "application/json");
    return EXIT_OK;
}

static int open_headers(struct request *q)
{
    size_t len = 0;
    int code = request_read_lines(&q->options->headers, &q->texts[0], &len);

    if (code != EXIT_OK || (len == 0 && !q->json))
        return code;
    return add_headers(q, q->texts[0], len > 0 ? q->texts[0] + len : q->texts[0]);
}

/* ---- method and body ---- */

static int open_body(struct request *q)
{
    const struct http_options *o = q->options;
    size_t len = 0;
    int code = EXIT_OK;

    if (o->data && o->json) {
        say("--data and --json exclude each other: there is one body");
        return EXIT_USAGE;
    }
    if (o->data)
        code = request_read_data("--data", o->data, &q->texts[1], &len);
    if (o->data && code == EXIT_OK)
        q->data = (bide_bytes){q->texts[1], len};
    if (o->json)
        code = request_read_data("--json", o->json, &q->texts[2], &len);
    q->json = q->texts[2];
    if (q->json && strlen(q->json) != len) {
        say("--json: a NUL byte is no JSON");
        return EXIT_USAGE;
    }
    return code;
}

static int choose_method(struct request *q)
{
    const char *method = q->options->method;

    q->method = method ? method : q->data.data || q->json ? "POST" : "GET";
    if (is_token(q->method, strlen(q->method)) && strcmp(q->method, "CONNECT") != 0)
        return EXIT_OK;
    say("--request: expected a method such as GET or POST, got '%s'", q->method);
    return EXIT_USAGE;
}

int request_count_stdin(const struct http_options *o)
{
    int n = (o->data && strcmp(o->data, "@-") == 0) + (o->json && strcmp(o->json, "@-") == 0);

    for (size_t i = 0; i < o->headers.len; i++)
        n += strcmp(o->headers.items[i], "@-") == 0;
    return n;
}

int request_open(struct request *q, const struct http_options *options)
{
    *q = (struct request){.options = options};
    if (request_count_stdin(options) > 1) {
        say("standard input can be read once, and two options ask for it with @-");
        return EXIT_USAGE;
    }
    int code = open_body(q);

    if (code == EXIT_OK)
        code = open_headers(q);
    if (code == EXIT_OK)
        code = choose_method(q);
    if (code != EXIT_OK)
        request_close(q);
    else if (options->insecure)
        say("WARNING: --insecure: certificates are not verified, anybody can answer in the server's name");
    return code;
}

void request_close(struct request *q)
{
    free(q->headers);
    for (size_t i = 0; i < sizeof q->texts / sizeof *q->texts; i++)
        free(q->texts[i]);
    *q = (struct request){0};
}

/* ---- inside the loop ---- */

bide_session *request_session(const struct request *q, int limit, int limit_per_host)
{
    const struct http_options *o = q->options;

    return bide_session_new(.limit = limit, .limit_per_host = limit_per_host, .timeout_ms = o->timeout_ms,
                            .connect_timeout_ms = o->connect_timeout_ms, .read_timeout_ms = o->stall_ms,
                            .max_redirects = o->max_redirects > 0 ? o->max_redirects : -1,
                            .user_agent = o->user_agent, .ca_file = o->ca_file, .insecure = o->insecure,
                            .connect_to = o->connect_to.items);
}

int request_exit_code(int error)
{
    return error == BIDE_ENOMEM || error == -EMFILE || error == -ENFILE ? EXIT_LOCAL : EXIT_USAGE;
}

bide_response *request_send(const struct request *q, bide_session *s, const char *url)
{
    return bide_request(s, q->method, url, .headers = q->headers, .data = q->data, .json = q->json);
}

/* ---- URLs ---- */

const char *request_shown_url(const char *url, char *out, size_t size)
{
    const char *authority = strstr(url, "://"), *host = authority ? authority + 3 : url;
    size_t len = strcspn(host, "/?#");
    const char *at = memrchr(host, '@', len);

    snprintf(out, size, "%.*s%s", at ? (int)(host - url) : 0, url, at ? at + 1 : url);
    return out;
}

int request_check_url(const char *text)
{
    char shown[256];

    if (!strstr(text, "://")) {
        request_shown_url(text, shown, sizeof shown);
        say("'%s' is not a URL: it has no scheme; did you mean http://%s?", shown, shown);
        return EXIT_USAGE;
    }
    bide_auto bide_url *url = bide_url_parse(text);
    if (!url) {
        int code = bide_error_code();
        say("%s", bide_error_text());
        return request_exit_code(code);
    }
    if (strcmp(bide_url_scheme(url), "http") == 0 || strcmp(bide_url_scheme(url), "https") == 0)
        return EXIT_OK;
    say("%s: the scheme is %s; http and https can be asked for", request_shown_url(text, shown, sizeof shown),
        bide_url_scheme(url));
    return EXIT_USAGE;
}
