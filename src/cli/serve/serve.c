/* SPDX-License-Identifier: MIT */
/*
 * serve.c - `bide serve`: a server to try clients against.
 *
 * The first line on standard output is its URL.  The first SIGINT or SIGTERM stops it gracefully, a second one at
 * once; then the signal is raised again, so that the shell sees what ended it.
 */
#include "cli/serve/serve.h"

#include <signal.h>
#include <unistd.h>

#include <bide/loop.h>
#include <bide/signal.h>

#define GRACE_MS 10000

static int stop_server(bide_server *server)
{
    return bide_server_stop(server, GRACE_MS);
}

static int wait_for_signal(bide_signals *signals)
{
    return bide_signals_wait(signals);
}

/* Let running requests end, unless a second signal comes. */
static int stop(struct serve *s, bide_signals *signals)
{
    int open = bide_server_get_stats(s->server).open;
    bide_auto bide_task *stopping = bide_create_task(bide_coro(stop_server, s->server));
    bide_auto bide_task *again = bide_create_task(bide_coro(wait_for_signal, signals));
    if (!stopping || !again)
        return bide_raise();

    if (open > 0)
        say_note("stopping: %d connection%s, %d s grace, press Ctrl-C again to drop %s", open, open == 1 ? "" : "s",
            GRACE_MS / 1000, open == 1 ? "it" : "them");
    return bide_wait(((bide_task *[]){stopping, again}), 2, .until = BIDE_FIRST_COMPLETED);
}

/* Returns the number of the signal that ended it. */
static int serve(struct serve *s)
{
    const struct serve_options *o = &s->options;
    bide_auto bide_signals *signals = bide_signals_open((int[]){SIGINT, SIGTERM, 0});
    if (!signals)
        return bide_raise();
    bide_auto bide_server *server = bide_server_start(serve_request, .arg = s, .host = o->host, .port = o->port,
                                                      .cert_file = o->cert_file,
                                                      .key_file = o->key_file ? o->key_file : o->cert_file,
                                                      .threads = o->threads ? o->threads : BIDE_ALL_PROCESSORS);
    if (!server)
        return bide_raise();

    s->server = server;
    printf("%s\n", bide_server_url(server));
    s->flushed = say_flush();
    if (s->flushed != EXIT_OK)
        return bide_fail(BIDE_ECANCELED, "nobody can read where the server is");
    int number = bide_signals_wait(signals);
    BIDE_TRY(number);
    BIDE_TRY(stop(s, signals));
    return number;
}

int serve_run(const struct serve_options *options)
{
    struct serve s = {.options = *options, .root_fd = -1};

    if (options->root && (s.root_fd = serve_files_open(options->root)) < 0)
        return EXIT_LOCAL;
    int code = bide_run(bide_coro(serve, &s));
    if (s.root_fd >= 0)
        close(s.root_fd);
    if (code >= 0)
        return -code;
    if (s.flushed != EXIT_OK)
        return s.flushed;
    say("%s", bide_error_text());
    return EXIT_LOCAL;
}
