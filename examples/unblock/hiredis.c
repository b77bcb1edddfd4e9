/* SPDX-License-Identifier: MIT */
/*
 * hiredis.c - twenty workers that take jobs from a Redis list, each with a blocking BLPOP, and a task that adds jobs.
 *
 *     unblock_hiredis [PORT]          cc hiredis.c $(pkg-config --cflags --libs bide bide-unblock hiredis)
 */
#include <bide/bide.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>

enum { WORKERS = 20, JOBS = 100 };

static redisContext *open_redis(int port)
{
    redisContext *c = redisConnect("127.0.0.1", port);

    if (c && c->err) {
        BIDE_IGNORE(bide_fail(BIDE_ECLOSED, "Redis at port %d: %s", port, c->errstr));
        redisFree(c);
        return NULL;
    }
    return c;
}

static int work(int port, int *done)
{
    redisContext *c = open_redis(port);
    if (!c)
        return bide_raise();

    for (bool is_over = false; !is_over;) {
        redisReply *job = redisCommand(c, "BLPOP bide:jobs 0"); /* 0: no time limit; only this task waits */
        is_over = !job || job->type != REDIS_REPLY_ARRAY || atoi(job->element[1]->str) < 0;
        *done += !is_over;
        freeReplyObject(job);
    }
    redisFree(c);
    return 0;
}

static int put(int port)
{
    redisContext *c = open_redis(port);
    if (!c)
        return bide_raise();

    for (int i = 0; i < JOBS + WORKERS; i++) /* -1 ends a worker */
        freeReplyObject(redisCommand(c, "RPUSH bide:jobs %d", i < JOBS ? i : -1));
    redisFree(c);
    return 0;
}

static int app(int port)
{
    int done = 0;
    bide_awaitable all[WORKERS + 1];

    for (int i = 0; i < WORKERS; i++)
        all[i] = BIDE_AW(bide_coro(work, port, &done));
    all[WORKERS] = BIDE_AW(bide_coro(put, port));
    BIDE_TRY(bide_gather_n(all, WORKERS + 1));
    printf("%d jobs done by %d workers in one thread\n", done, WORKERS);
    return 0;
}

int main(int argc, char **argv)
{
    return bide_main(bide_coro(app, argc > 1 ? atoi(argv[1]) : 6379));
}
