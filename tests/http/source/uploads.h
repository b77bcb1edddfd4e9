/* SPDX-License-Identifier: MIT */
/* uploads.h - what the tests of bodies to send share: files, a reader that compares, failures at every point. */
#ifndef TESTS_HTTP_SOURCE_UPLOADS_H
#define TESTS_HTTP_SOURCE_UPLOADS_H

#include <fcntl.h>
#include <sys/stat.h>

#include <bide/file.h>

#include "base/base.h"
#include "client.h"

/* A path in the test's own folder, for eight calls. */
UNUSED static const char *in_tmp(const char *name)
{
    static char paths[8][256];
    static int n;
    char *path = paths[n++ % 8];

    snprintf(path, sizeof paths[0], "%s/%s", test_tmpdir(), name);
    return path;
}

UNUSED static const char *make_file(const char *name, const char *data, size_t len)
{
    const char *path = in_tmp(name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    EXPECT_TRUE(fd >= 0);
    EXPECT_EQ(write(fd, data, len), (ssize_t)len);
    close(fd);
    return path;
}

/* So many bytes, the first of which are those of `data`; with a hole behind them. */
UNUSED static const char *make_large_file(const char *name, const char *data, off_t size)
{
    const char *path = make_file(name, data, strlen(data));

    EXPECT_EQ(truncate(path, size), 0);
    return path;
}

/* What was sent behind the head of the last request. */
UNUSED static const char *last_body(const struct peer *p)
{
    const char *head = p->seen + p->starts[p->nrequests - 1], *end = strstr(head, "\r\n\r\n");

    return end ? end + 4 : "";
}

/* ---- at every point ---- */

typedef int upload_fn(const char *url, const void *arg); /* 0, or a code */

/* Fail the n-th allocation for n = 0, 1, 2 ... until nothing is left to fail. */
UNUSED static void expect_every_allocation_may_fail(struct peer *p, upload_fn *upload, const void *arg)
{
    int in_a_row = 0, failures = 0;

    for (long n = 0; in_a_row < 12; n++) {
        EXPECT_LT(n, 500);
        bide__alloc_fail_at(n);
        int code = upload(peer_url(p, "/"), arg);
        bide__alloc_fail_at(-1);
        if (code < 0)
            EXPECT_ERR(code, BIDE_ENOMEM);
        bide_error_clear();
        in_a_row = code < 0 ? 0 : in_a_row + 1;
        failures += code < 0;
    }
    EXPECT_LT(3, failures);
}

/* Cancel it after n turns of the loop for n = 0, 1, 2 ... until it is done before. */
UNUSED static void expect_every_await_may_be_cancelled(struct peer *p, upload_fn *upload, const void *arg)
{
    int cancelled = 0, code = BIDE_ECANCELED;

    for (int n = 0; code < 0; n += 1 + n / 20) {
        EXPECT_LT(n, 5000);
        bide_task *t = bide_create_task(bide_coro(upload, peer_url(p, "/"), arg));
        for (int turn = 0; turn < n && !bide_task_done(t); turn++)
            EXPECT_EQ(bide_sleep_ms(turn < 200 ? 0 : 1), 0);
        bide_task_cancel(t);
        code = bide_await(t);
        if (code < 0)
            EXPECT_ERR(code, BIDE_ECANCELED);
        cancelled += code < 0;
        bide_error_clear();
        bide_release(t);
    }
    EXPECT_LT(1, cancelled);
}

#endif
