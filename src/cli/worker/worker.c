/* SPDX-License-Identifier: MIT */
/*
 * worker.c - `bide worker`: check that Redis can be used, then execute the program in its place.
 *
 * Functions live in programs, so it is the program that serves: bide_pool_serve(NULL, ...) finds in the environment
 * what was said here.  We do not stay in between: signals, output and the exit status are the program's own.
 */
#include "cli/worker/worker.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bide/bide.h>

static int look(const char *url, const char *name)
{
    bide_auto bide_pool *pool = bide_pool_new(.redis = url, .name = name);

    return pool ? 0 : bide_raise();
}

static int check(const struct worker_options *o, const char *url)
{
    int code = bide_run(bide_coro(look, url, o->name));
    if (code >= 0)
        return EXIT_OK;

    say("%s", bide_error_text());
    return code == -EINVAL ? EXIT_USAGE : EXIT_COORDINATOR;
}

static bool set(const char *name, const char *value)
{
    return value ? setenv(name, value, 1) == 0 : unsetenv(name) == 0;
}

static bool set_environment(const struct worker_options *o, const char *url)
{
    char workers[16];

    snprintf(workers, sizeof workers, "%d", o->workers);
    return set("BIDE_REDIS", url) && set("BIDE_REDIS_NAME", o->name) &&
           (o->workers == 0 || set("BIDE_WORKERS", workers));
}

int worker_run(const struct worker_options *o, const char *url, char **argv)
{
    int result = o->unchecked ? EXIT_OK : check(o, url);
    if (result != EXIT_OK)
        return result;

    if (!set_environment(o, url)) {
        say("%s", strerror(errno));
        return EXIT_LOCAL;
    }
    signal(SIGPIPE, SIG_DFL); /* as the program would find it elsewhere */
    execvp(argv[0], argv);
    say("%s: %s", argv[0], strerror(errno));
    return EXIT_LOCAL;
}
