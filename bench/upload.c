/* SPDX-License-Identifier: MIT */
/*
 * upload.c - what sending a large file costs: one PUT of it.
 *
 *     bench-upload URL FILE [CA-FILE]
 */
#include <sys/stat.h>

#include <bide/bide.h>

#include "bench.h"

struct job {
    const char *url, *path, *ca_file;
};

static int app(struct job *job)
{
    struct bench b;
    struct stat st;
    bide_auto bide_session *session = bide_session_new(.ca_file = job->ca_file);
    if (!session)
        return bide_raise();
    if (stat(job->path, &st) < 0)
        return bide_fail(-ENOENT, "%s: there is no such file", job->path);

    bench_begin(&b);
    bide_auto bide_response *r = bide_put(session, job->url, .data_file = job->path);
    if (!r)
        return bide_raise();
    BIDE_TRY(bide_raise_for_status(r));
    if (!bide_body(r).data)
        return bide_raise();
    bench_end(&b, (long)(st.st_size >> 20));
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: %s URL FILE [CA-FILE]\n", argv[0]);
        return 2;
    }
    struct job job = {.url = argv[1], .path = argv[2], .ca_file = argc > 3 ? argv[3] : NULL};
    return bide_main(bide_coro(app, &job));
}
