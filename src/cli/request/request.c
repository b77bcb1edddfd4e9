/* SPDX-License-Identifier: MIT */
/*
 * request.c - what `bide get` and `bide fetch` both send.
 *
 * What can be known to be wrong is refused before the first request: exit 2, nothing was done.
 */
#include "cli/request/request.h"

#include <stdlib.h>
#include <string.h>

#include <bide/url.h>

#include "cli/request/extras.h"

#define METHOD_MAX 64 /* bytes; the library sends no longer one */

const char *const tls_versions[] = {"any", "1.2", "1.3", NULL};

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
    q->is_large_file = o->data && !o->upload.get && !upload_has_pairs(&o->upload) && request_is_large_file(o->data);
    if (o->data && !q->is_large_file)
        code = request_read_data("--data", o->data, &q->texts[TEXT_DATA], &len);
    if (o->data && !q->is_large_file && code == EXIT_OK)
        q->data = (bide_bytes){q->texts[TEXT_DATA], len};
    if (o->json)
        code = request_read_data("--json", o->json, &q->texts[TEXT_JSON], &len);
    q->json = q->texts[TEXT_JSON];
    if (q->json && strlen(q->json) != len) {
        say("--json: a NUL byte is no JSON");
        return EXIT_USAGE;
    }
    return code;
}

bool request_is_method(const char *text, size_t len)
{
    return request_is_token(text, len) && len <= METHOD_MAX && strcmp(text, "CONNECT") != 0;
}

const char *request_usual_method(const struct http_options *o)
{
    const struct upload_options *u = &o->upload;
    bool has_body = o->data || o->json || u->form.len > 0 || upload_has_pairs(u);

    if (o->method)
        return o->method;
    return u->head ? "HEAD" : u->get ? "GET" : u->file ? "PUT" : has_body ? "POST" : "GET";
}

static int choose_method(struct request *q)
{
    q->method = request_usual_method(q->options);
    if (request_is_method(q->method, strlen(q->method)))
        return EXIT_OK;
    say("--request: expected a method such as GET or POST, got '%s'", q->method);
    return EXIT_USAGE;
}

int request_count_stdin(const struct http_options *o)
{
    int n = (o->upload.file && strcmp(o->upload.file, "-") == 0) + (o->data && strcmp(o->data, "@-") == 0) + (o->json && strcmp(o->json, "@-") == 0) +
            (o->user && strcmp(o->user, "@-") == 0) + (o->bearer && strcmp(o->bearer, "@-") == 0) +
            (o->see.write_out && strcmp(o->see.write_out, "@-") == 0) + (o->route.proxy_user && strcmp(o->route.proxy_user, "@-") == 0);

    for (size_t i = 0; i < o->headers.len; i++)
        n += strcmp(o->headers.items[i], "@-") == 0;
    return n;
}

static void wipe(char *text)
{
    if (text)
        explicit_bzero(text, strlen(text));
}

static int open_route(struct request *q)
{
    const struct route_options *o = &q->options->route;
    char *user = NULL;
    size_t len;
    if (o->ipv4 && o->ipv6) {
        say("--ipv4 and --ipv6 exclude each other");
        return EXIT_USAGE;
    }
    if (q->options->har && q->options->replay) {
        say("--har and --replay exclude each other");
        return EXIT_USAGE;
    }
    int first, last;
    if (!route_read_ports(o->local_port, &first, &last)) {
        say("--local-port: expected a port such as 40000, or two with a - between, got '%s'", o->local_port);
        return EXIT_USAGE;
    }

    int code = o->proxy_user ? request_read_data("--proxy-user", o->proxy_user, &user, &len) : EXIT_OK;

    if (code == EXIT_OK && user && o->proxy_user[0] != '@')
        code = request_add_password("--proxy-user", &user);
    if (code == EXIT_OK)
        code = route_proxy(o, user, &q->texts[TEXT_PROXY]);
    q->proxy = q->texts[TEXT_PROXY];
    wipe(user);
    free(user);
    return code;
}

static int open_see(struct request *q)
{
    const struct see_options *o = &q->options->see;
    size_t len = 0;
    int code = o->write_out ? request_read_data("--write-out", o->write_out, &q->texts[TEXT_WRITE_OUT], &len) : EXIT_OK;

    if (code == EXIT_OK)
        code = see_open(&q->see, o, q->texts[TEXT_WRITE_OUT]);
    q->see.is_insecure = q->options->insecure;
    return code;
}

int request_open(struct request *q, const struct http_options *options)
{
    *q = (struct request){.options = options, .max_redirects = options->max_redirects};
    if (request_count_stdin(options) > 1) {
        say("standard input can be read once, and two options ask for it with @-");
        return EXIT_USAGE;
    }
    int code = open_body(q);

    if (code == EXIT_OK)
        code = upload_open(q);
    if (code == EXIT_OK)
        code = request_open_who(q);
    if (code == EXIT_OK)
        code = open_route(q);
    if (code == EXIT_OK)
        code = request_open_headers(q);
    if (code == EXIT_OK)
        code = request_open_cookies(q);
    if (code == EXIT_OK && q->cookies && request_has_header(q, "Cookie")) {
        say("--cookie and --header Cookie exclude each other");
        code = EXIT_USAGE;
    }
    if (code == EXIT_OK)
        code = choose_method(q);
    if (code == EXIT_OK)
        code = request_check_fields(q);
    if (code == EXIT_OK)
        code = open_see(q);
    if (code != EXIT_OK)
        request_close(q);
    else if (options->insecure)
        say("WARNING: --insecure: certificates are not verified, anybody can answer in the server's name");
    return code;
}

void request_close(struct request *q)
{
    free(q->headers);
    upload_close(q->upload);
    see_close(&q->see);
    free(q->cookies);
    free(q->cookie_files);
    bide_release(q->jar);
    bide_release(q->hsts);
    bide_release(q->transport);
    request_close_who(q);
    wipe(q->texts[TEXT_USER]);
    wipe(q->texts[TEXT_PROXY]);
    for (size_t i = 0; i < sizeof q->texts / sizeof *q->texts; i++)
        free(q->texts[i]);
    *q = (struct request){0};
}

/* ---- inside the loop ---- */

bide_session *request_session(const struct request *q, int limit, int limit_per_host, int idle_limit)
{
    const struct http_options *o = q->options;

    return bide_session_new(.limit = limit, .limit_per_host = limit_per_host, .idle_limit = idle_limit,
                            .timeout_ms = o->timeout_ms,
                            .connect_timeout_ms = o->connect_timeout_ms, .read_timeout_ms = o->stall_ms,
                            .min_rate = o->speed_limit, .min_rate_ms = o->speed_time_ms,
                            .max_rate = o->limit_rate, .max_rate_total = o->limit_rate_total,
                            .max_head_bytes = (size_t)o->max_head,
                            .max_redirects = q->max_redirects > 0 ? q->max_redirects : -1,
                            .no_decompress = o->no_compressed, .max_ratio = BIDE_UNLIMITED,
                            .location_trusted = o->location_trusted,
                            .user_agent = o->user_agent, .cookies = q->jar ? q->jar : BIDE_COOKIES_PER_REQUEST,
                            .auth = q->auth, .netrc = o->netrc_file ? o->netrc_file : o->netrc ? BIDE_DEFAULT_NETRC : NULL,
                            .hsts = q->hsts, .transport = q->transport, .trace = see_is_on(&q->see) ? see_event : NULL,
                            REQUEST_CONNECTION_OPTIONS(q), .ignore_unexpected_eof = o->ignore_unexpected_eof);
}

/* A few kilobytes can decode to a full disk; the ratio alone says little, for what is saved may well be zeros. */
#define DECODED_MAX ((int64_t)16 << 30)

int64_t request_max_size(const struct http_options *o, const bide_response *r)
{
    return o->max_size > 0 ? o->max_size : bide_response_is_decoded(r) ? DECODED_MAX : INT64_MAX;
}

int64_t request_announced_length(const bide_response *r)
{
    const char *length = bide_header(r, "Content-Length");
    int64_t n;

    if (!length || bide_header(r, "Transfer-Encoding") || bide_response_is_decoded(r))
        return -1;
    return opt_read_int(length, &n) ? n : -1;
}

bide_response *request_send(const struct request *q, bide_session *s, const char *url, const struct request_of_one *one)
{
    static const struct request_of_one nothing;

    one = one ? one : &nothing;
    if (one->extras)
        return request_send_extras(q, s, url, one);
    return upload_send(q, s, url,
                       &(bide_request_args){.method = q->method, .headers = q->headers, .cookies = q->cookies,
                                            .on_redirect = q->on_redirect,
                                            .on_redirect_arg = one->watcher, .cookie_jar = one->jar, .resume = one->resume,
                                            .trace_arg = one->seen}, false);
}

/* ---- URLs ---- */

int request_check_user(const struct request *q, const char *url)
{
    char shown[256];
    size_t begin, end;

    if (!secrets_in_url(url, &begin, &end) || !request_has_header(q, "Authorization"))
        return EXIT_OK;
    say("%s: user and password in the URL, and --%s", secrets_shown_url(url, shown, sizeof shown),
        q->options->user ? "user" : "header Authorization");
    return EXIT_USAGE;
}

int request_check_url(const char *text)
{
    char shown[256];

    if (!strstr(text, "://")) {
        secrets_shown_url(text, shown, sizeof shown);
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
    say("%s: the scheme is %s; http and https can be asked for", secrets_shown_url(text, shown, sizeof shown),
        bide_url_scheme(url));
    return EXIT_USAGE;
}
