/* SPDX-License-Identifier: MIT */
/*
 * routes.c - the routes of `bide serve`: for each path, what answers it.
 */
#include "cli/serve/serve.h"

#include <string.h>

#include <bide/task.h>

#include "cli/progress/progress.h"

struct route {
    const char *path; /* ends in '/': what follows is the endpoint's to read */
    serve_endpoint *answer;
    bool any_method;  /* else GET and HEAD */
    bool at_once;     /* --delay does not hold it up */
};

static const struct route routes[] = {
    {"/", serve_index, false, false},
    {"/delay/", serve_delay, true, false},
    {"/status/", serve_status, true, false},
    {"/bytes/", serve_bytes, false, false},
    {"/json", serve_json, false, false},
    {"/echo", serve_echo, true, false},
    {"/redirect/", serve_redirect, true, false},
    {"/stream/", serve_stream, false, false},
    {"/gzip", serve_gzip, false, false},
    {"/stats", serve_stats, false, true},
    {"/x/player/pagelist", serve_pagelist, false, false},
};

/* The path behind the route's name, NULL if it is another's.  "/" is only itself. */
static const char *match(const struct route *r, const char *path)
{
    size_t len = strlen(r->path);

    if (len > 1 && r->path[len - 1] == '/')
        return strncmp(path, r->path, len) == 0 ? path + len : NULL;
    return strcmp(path, r->path) == 0 ? path + len : NULL;
}

static const struct route *find_route(const struct serve *s, const char *path, const char **rest)
{
    /* With --root the directory's own index.html is the front page. */
    size_t first = s->root_fd >= 0 ? 1 : 0;

    for (size_t i = first; i < sizeof routes / sizeof *routes; i++)
        if ((*rest = match(&routes[i], path)))
            return &routes[i];
    return NULL;
}

static bool is_reading(const bide_exchange *x)
{
    const char *method = bide_exchange_method(x);

    return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}

static int refuse_method(bide_exchange *x)
{
    BIDE_TRY(bide_respond_header(x, "Allow", "GET, HEAD"));
    return serve_refuse(x, 405, "this method is not allowed here");
}

static int answer(struct serve *s, bide_exchange *x)
{
    const char *rest = NULL;
    const struct route *r = find_route(s, bide_exchange_path(x), &rest);

    if (s->options.delay_ms > 0 && !(r && r->at_once))
        BIDE_TRY(bide_sleep_ms(s->options.delay_ms));
    if (!(r && r->any_method) && !is_reading(x))
        return refuse_method(x);
    if (r)
        return r->answer(s, x, rest);
    return s->root_fd >= 0 ? serve_file(s, x) : serve_refuse(x, 404, "not found");
}

/* -v: a line for each, when it is answered; what came and went wrong is the server's to answer (status 0). */
static void say_request(bide_exchange *x, int code, int64_t us)
{
    struct text time = {0};
    int status = bide_exchange_status(x);
    const char *peer = bide_exchange_peer(x), *method = bide_exchange_method(x), *target = bide_exchange_target(x);

    text_add_time(&time, us);
    if (code < 0)
        say_note("%s %s %.1000s %d %s: %s", peer, method, target, status, text_string(&time), bide_strerror(code));
    else
        say_note("%s %s %.1000s %d %s", peer, method, target, status, text_string(&time));
    text_free(&time);
}

int serve_request(bide_exchange *x, void *arg)
{
    struct serve *s = arg;
    int64_t began = s->options.verbose ? clock_us() : 0;
    int code = answer(s, x);

    if (s->options.verbose)
        say_request(x, code, clock_us() - began);
    return code;
}
