/* SPDX-License-Identifier: MIT */
/*
 * server.c - the built-in server, in a process of its own, and the questions to it.
 *
 * It is that of `bide serve`.  What it has seen is asked for by a process of its own too, through its /stats.
 */
#include "cli/compare/run/run.h"
#include "cli/progress/progress.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <jansson.h>

#include <bide/json.h>
#include <bide/loop.h>
#include <bide/task.h>

#include "cli/request/request.h"
#include "cli/serve/serve.h"

#define ASK_AGAIN_MS 10
#define ASKS_MAX     50
#define STATS_TIMEOUT_MS 10000

/* ---- the server ---- */

static int serve(struct serve *s, int tell_fd)
{
    bide_auto bide_server *server = bide_server_start(serve_request, .arg = s);
    if (!server)
        return bide_raise();

    s->server = server;
    const char *url = bide_server_url(server);
    if (write(tell_fd, url, strlen(url)) < 0)
        return bide_fail(-errno, "%s", strerror(errno));
    close(tell_fd);
    bide_auto bide_future *never = bide_future_new();
    return never ? bide_await(never) : bide_raise();
}

static void serve_for_ever(struct compare *c, const void *arg)
{
    struct serve s = {.options = {.delay_ms = c->delay_ms}, .root_fd = -1};

    if (bide_run(bide_coro(serve, &s, *(const int *)arg)) < 0)
        say("the built-in server: %s", bide_error_text());
}

int compare_server_start(struct compare *c)
{
    int ends[2];
    if (pipe(ends) < 0) {
        say("a pipe: %s", strerror(errno));
        return EXIT_LOCAL;
    }
    c->server = compare_process_start(c, serve_for_ever, &ends[1]);
    close(ends[1]);
    ssize_t n = c->server > 0 ? read(ends[0], c->base, sizeof c->base - 1) : 0;
    close(ends[0]);
    if (n > 0)
        return EXIT_OK;
    if (c->server < 0)
        say("no process for the built-in server: %s", strerror(-c->server));
    return EXIT_LOCAL; /* the server itself has said why */
}

void compare_server_stop(struct compare *c)
{
    if (c->server <= 0)
        return;
    kill(c->server, SIGKILL);
    waitpid(c->server, NULL, 0);
    c->server = 0;
}

/* ---- what has it seen? ---- */

static void ask_stats(struct compare *c, const void *arg)
{
    char url[128];

    (void)arg;
    snprintf(url, sizeof url, "%s/stats", c->base);
    bide_auto bide_response *r = bide_get_blocking(url, .timeout_ms = STATS_TIMEOUT_MS);
    json_auto_t *stats = r ? bide_json(r) : NULL;
    if (!stats)
        snprintf(c->shared->error, sizeof c->shared->error, "%s", bide_error_text());
    c->shared->number = (uint64_t)json_integer_value(json_object_get(stats, "requests"));
    c->shared->has_ended = true;
}

/* The server counts a request when it has sent the answer, so its count may come a little after the client's end. */
int compare_server_seen(struct compare *c, uint64_t expected, int64_t *seen)
{
    struct rusage unused;
    uint64_t before = c->server_requests;

    for (int asks = 1;; asks++) {
        int code = compare_process_run(c, ask_stats, NULL, &unused);
        if (code == EXIT_OK && c->shared->error[0]) {
            compare_progress_erase(c->progress);
            say("the built-in server: %s", c->shared->error);
            code = EXIT_LOCAL;
        }
        if (code != EXIT_OK)
            return code;
        c->server_requests = c->shared->number + 1; /* the question will be counted, too */
        *seen = (int64_t)(c->server_requests - before) - asks;
        if (*seen >= (int64_t)expected || asks == ASKS_MAX)
            return EXIT_OK;
        usleep(ASK_AGAIN_MS * 1000);
    }
}

/* ---- the first answer ---- */

static void ask_first(struct compare *c, const void *arg)
{
    struct compare_shared *s = c->shared;
    int64_t begin = clock_us();
    bide_auto bide_response *r = bide_get_blocking(c->urls[0], .timeout_ms = c->options->timeout_ms);

    (void)arg;
    s->wall_us = clock_us() - begin;
    if (r)
        s->status = bide_status(r);
    else
        snprintf(s->error, sizeof s->error, "%s", bide_error_text());
    s->has_ended = true;
}

int compare_probe(struct compare *c)
{
    struct rusage unused;
    char shown[256];
    int code = compare_process_run(c, ask_first, NULL, &unused);
    if (code != EXIT_OK)
        return code;

    c->answer_us = c->shared->wall_us;
    if (c->shared->error[0])
        say("%s", c->shared->error);
    else if (c->shared->status >= 400)
        say("%s answers %d: there is nothing to compare", secrets_shown_url(c->urls[0], shown, sizeof shown),
            c->shared->status);
    else
        return EXIT_OK;
    return EXIT_NOTHING;
}
