/* SPDX-License-Identifier: MIT */
/* 04_http_client.c - a session, requests that share it, and three ways to read an answer. */
#include <bide/bide.h>
#include <jansson.h>
#include <stdio.h>

static const char *base = "http://127.0.0.1:8080";

/* The URL of a path there; good until the next call. */
static const char *at(const char *path)
{
    static char url[256];

    snprintf(url, sizeof url, "%s%s", base, path);
    return url;
}

static int get_json(bide_session *s)
{
    bide_auto bide_response *r = bide_get(s, at("/x/player/pagelist"),
                                          .query = BIDE_PAIRS({"aid", "27960015"}));
    if (!r)
        return bide_raise();
    json_auto_t *answer = bide_json(r);
    if (!answer)
        return bide_raise();

    json_t *pages = json_object_get(answer, "data");
    printf("%d %s, pages: %zu\n", bide_status(r), bide_header(r, "content-type"), json_array_size(pages));
    return 0;
}

static int post_form(bide_session *s)
{
    bide_auto bide_response *r = bide_post(s, at("/echo"), .timeout_ms = 5000,
                                           .form = BIDE_PAIRS({"name", "Ada"}, {"age", "36"}));
    if (!r)
        return bide_raise();
    json_auto_t *echo = bide_json(r);
    if (!echo)
        return bide_raise();

    printf("sent: %s\n", json_string_value(json_object_get(echo, "body")));
    return 0;
}

static int read_in_pieces(bide_session *s)
{
    const char *data;
    size_t total = 0;
    ssize_t n;
    bide_auto bide_response *r = bide_get(s, at("/bytes/1000000"));
    if (!r)
        return bide_raise();

    while ((n = bide_read_chunk(r, &data)) > 0)
        total += (size_t)n;
    BIDE_TRY(n);
    printf("bytes: %zu\n", total);
    return 0;
}

static int missing(bide_session *s)
{
    bide_auto bide_response *r = bide_get(s, at("/nothing/here"));
    if (!r)
        return bide_raise();

    printf("%d is an answer, not an error\n", bide_status(r));
    if (bide_raise_for_status(r) < 0)
        printf("unless you ask: %s\n", bide_error_text());
    return 0;
}

static int app(void)
{
    bide_auto bide_session *s = bide_session_new(.headers = BIDE_PAIRS({"Accept", "application/json"}));
    if (!s)
        return bide_raise();

    BIDE_TRY(get_json(s));
    BIDE_TRY(post_form(s));
    BIDE_TRY(read_in_pieces(s));
    BIDE_TRY(missing(s));

    bide_session_stats n = bide_session_get_stats(s);
    printf("%d requests, %d connection\n", (int)n.requests, (int)n.connections);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc > 1)
        base = argv[1];
    return bide_main(bide_coro(app));
}
