/* SPDX-License-Identifier: MIT */
/*
 * endpoints.c - the endpoints of `bide serve`.
 *
 * Everything is made up from the request alone, so a client's results can be checked.
 */
#include "cli/serve/serve.h"

#include <inttypes.h>
#include <string.h>
#include <jansson.h>
#include <zlib.h>

#include <bide/task.h>

#define DELAY_MAX_MS 3600000
#define REDIRECTS_MAX 1000
#define LINES_MAX 1000000000

int serve_index(struct serve *s, bide_exchange *x, const char *rest)
{
    (void)s;
    (void)rest;
    return bide_respond_text(x, 200,
                             "bide serve\n\n"
                             "/delay/MS                     answers after MS milliseconds\n"
                             "/status/CODE[?retry_after=S]  answers with that status\n"
                             "/bytes/N                      N bytes, always the same\n"
                             "/json                         a small JSON document\n"
                             "/echo                         the request, as JSON\n"
                             "/redirect/N                   N redirects, then /json\n"
                             "/stream/N                     N lines of JSON, chunked\n"
                             "/gzip                         JSON, compressed\n"
                             "/stats                        what this server has done\n"
                             "/x/player/pagelist?aid=N      a page list, made up from N\n");
}

int serve_delay(struct serve *s, bide_exchange *x, const char *rest)
{
    int64_t ms;

    (void)s;
    if (!serve_read_number(rest, DELAY_MAX_MS, &ms))
        return serve_refuse(x, 400, "/delay/MS: milliseconds, at most an hour");
    BIDE_TRY(bide_sleep_ms(ms));
    return bide_respond_json(x, 200, "{\"delay_ms\":%" PRId64 "}\n", ms);
}

int serve_status(struct serve *s, bide_exchange *x, const char *rest)
{
    int64_t status, seconds;
    const char *retry = bide_exchange_param(x, "retry_after");

    (void)s;
    if (!serve_read_number(rest, 599, &status) || status < 200)
        return serve_refuse(x, 400, "/status/CODE: 200 to 599");
    if (retry && !serve_read_number(retry, 86400 * 365, &seconds))
        return serve_refuse(x, 400, "retry_after: seconds");
    if (retry && (status == 429 || status == 503))
        BIDE_TRY(bide_respond_header(x, "Retry-After", retry));
    return bide_respond_json(x, (int)status, "{\"status\":%d}\n", (int)status);
}

static const char document[] = "{\"title\":\"bide\",\"items\":[{\"id\":1,\"name\":\"await\",\"done\":true},"
                               "{\"id\":2,\"name\":\"gather\",\"done\":false}],\"text\":\"\\u7b49\\u5f85\"}\n";

int serve_json(struct serve *s, bide_exchange *x, const char *rest)
{
    (void)s;
    (void)rest;
    return bide_respond(x, 200, "application/json", document, sizeof document - 1);
}

/* ---- redirects, lines, compression ---- */

int serve_redirect(struct serve *s, bide_exchange *x, const char *rest)
{
    int64_t n;
    char to[32] = "/json";

    if (!serve_read_number(rest, REDIRECTS_MAX, &n))
        return serve_refuse(x, 400, "/redirect/N: 0 to 1000");
    if (n == 0)
        return serve_json(s, x, rest);
    if (n > 1)
        snprintf(to, sizeof to, "/redirect/%d", (int)n - 1);
    BIDE_TRY(bide_respond_header(x, "Location", to));
    return bide_respond_json(x, 302, "{\"location\":\"%s\"}\n", to);
}

int serve_stream(struct serve *s, bide_exchange *x, const char *rest)
{
    int64_t n;
    char line[64];

    (void)s;
    if (!serve_read_number(rest, LINES_MAX, &n))
        return serve_refuse(x, 400, "/stream/N: how many lines");
    BIDE_TRY(bide_respond_begin(x, 200, "application/x-ndjson"));
    for (int64_t i = 0; i < n && strcmp(bide_exchange_method(x), "HEAD") != 0; i++) {
        int len = snprintf(line, sizeof line, "{\"line\":%" PRId64 ",\"of\":%" PRId64 "}\n", i, n);
        BIDE_TRY(bide_respond_chunk(x, line, (size_t)len));
    }
    return bide_respond_end(x);
}

/* gzip of a text: its length, 0 if there is no memory. */
static size_t compress_gzip(unsigned char *out, size_t cap, const char *text, size_t len)
{
    z_stream z = {.next_in = (unsigned char *)(uintptr_t)text, .avail_in = (unsigned)len, .next_out = out,
                  .avail_out = (unsigned)cap};
    if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return 0;

    size_t written = deflate(&z, Z_FINISH) == Z_STREAM_END ? z.total_out : 0;
    deflateEnd(&z);
    return written;
}

int serve_gzip(struct serve *s, bide_exchange *x, const char *rest)
{
    static unsigned char packed[sizeof document + 64]; /* the same for everybody */
    static size_t len;

    (void)s;
    (void)rest;
    if (len == 0)
        len = compress_gzip(packed, sizeof packed, document, sizeof document - 1);
    if (len == 0)
        return bide_fail(BIDE_ENOMEM, "/gzip: out of memory");
    BIDE_TRY(bide_respond_header(x, "Content-Encoding", "gzip"));
    return bide_respond(x, 200, "application/json", packed, len);
}

/* ---- stats and the page list ---- */

static json_t *status_counts(const struct serve *s)
{
    json_t *counts = json_object();
    char status[16];

    for (int i = 0; counts && i < 600; i++) {
        uint64_t n = bide_server_count(s->server, i);
        if (n == 0)
            continue;
        snprintf(status, sizeof status, "%d", i);
        json_object_set_new(counts, status, json_integer((json_int_t)n));
    }
    return counts;
}

int serve_stats(struct serve *s, bide_exchange *x, const char *rest)
{
    bide_server_stats n = bide_server_get_stats(s->server);

    (void)rest;
    return serve_document(x, json_pack("{s:I, s:I, s:i, s:I, s:I, s:o}", "requests", (json_int_t)n.requests,
                                         "connections", (json_int_t)n.connections, "open", n.open, "bytes_in",
                                         (json_int_t)n.bytes_in, "bytes_out", (json_int_t)n.bytes_out, "status",
                                         status_counts(s)));
}

int serve_pagelist(struct serve *s, bide_exchange *x, const char *rest)
{
    int64_t aid;
    const char *text = bide_exchange_param(x, "aid");

    (void)s;
    (void)rest;
    if (!serve_read_number(text, INT64_MAX / 16, &aid) || aid == 0)
        return bide_respond_json(x, 200, "{\"code\":-400,\"message\":\"Request error\",\"ttl\":1}");
    uint64_t bits = serve_mix((uint64_t)aid);
    return bide_respond_json(x, 200,
                             "{\"code\":0,\"message\":\"0\",\"ttl\":1,\"data\":[{\"cid\":%" PRIu64 ",\"page\":1,"
                             "\"from\":\"vupload\",\"part\":\"\xe7\xac\xac%" PRIu64 "\xe8\xaf\x9d av%" PRId64 "\","
                             "\"duration\":%" PRIu64 ",\"vid\":\"\",\"weblink\":\"\","
                             "\"dimension\":{\"width\":1920,\"height\":1080,\"rotate\":0}}]}",
                             10000000 + bits % 90000000, 1 + (bits >> 32) % 99, aid, 30 + (bits >> 48) % 3600);
}
