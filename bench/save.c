/* SPDX-License-Identifier: MIT */
/*
 * save.c - what a large download to a file costs: bide_save of one URL.
 *
 *     bench-save URL PATH [CA-FILE]
 */
#include <bide/bide.h>

#include "bench.h"

struct job {
    const char *url, *path, *ca_file;
};

static int app(struct job *job)
{
    struct bench b;
    bide_auto bide_session *session = bide_session_new(.ca_file = job->ca_file);
    if (!session)
        return bide_raise();

    bench_begin(&b);
    bide_auto bide_response *r = bide_get(session, job->url);
    if (!r)
        return bide_raise();
    BIDE_TRY(bide_raise_for_status(r));
    int64_t n = bide_save(r, job->path);
    if (n < 0)
        return bide_raise();
    bench_end(&b, (long)(n >> 20));
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: %s URL PATH [CA-FILE]\n", argv[0]);
        return 2;
    }
    struct job job = {.url = argv[1], .path = argv[2], .ca_file = argc > 3 ? argv[3] : NULL};
    return bide_main(bide_coro(app, &job));
}
