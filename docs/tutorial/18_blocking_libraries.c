/* SPDX-License-Identifier: MIT */
/* 18_blocking_libraries.c - a hundred blocking calls of hiredis at once, and their server, in one thread. */
#include <bide/bide.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>

enum { TASKS = 100 };

/* Plain hiredis: redisCommand blocks in read() until the answer is there. */
static int ask(int port, int *answers)
{
    redisContext *c = redisConnect("127.0.0.1", port);
    redisReply *reply = c && !c->err ? redisCommand(c, "GET greeting") : NULL;

    if (reply && reply->type == REDIS_REPLY_STRING)
        ++*answers;
    freeReplyObject(reply);
    redisFree(c);
    return 0;
}

static int ask_impatiently(int port)
{
    redisContext *c = redisConnect("127.0.0.1", port);

    bide_timeout(50) {
        redisReply *reply = redisCommand(c, "GET greeting");
        printf("after 50 ms: %s\n", reply ? reply->str : c->errstr);
        freeReplyObject(reply);
    }
    redisFree(c);
    return 0;
}

/* A stand-in for Redis.  A request is *COUNT, and two lines for each word; each answer takes 100 ms. */
static int answer(bide_stream *s, void *unused)
{
    const char *line;
    ssize_t n;

    (void)unused;
    while ((n = bide_read_until(s, "\r\n", &line)) > 0) {
        for (int left = 2 * atoi(line + 1); left > 0; left--)
            BIDE_TRY(bide_read_until(s, "\r\n", &line));
        BIDE_TRY(bide_sleep_ms(100));
        BIDE_TRY(bide_write(s, "$5\r\nhello\r\n", 11));
        BIDE_TRY(bide_drain(s));
    }
    return n == BIDE_EEOF ? 0 : (int)n;
}

static int serve(bide_listener *l)
{
    return bide_serve(l, answer, NULL);
}

static int app(void)
{
    bide_awaitable all[TASKS];
    int answers = 0;
    bide_auto bide_listener *l = bide_listen("127.0.0.1", 0);
    if (!l)
        return bide_raise();
    bide_auto bide_task *server = bide_create_task(bide_coro(serve, l), .name = "server");
    if (!server)
        return bide_raise();

    int64_t start = bide_loop_time_ms(bide_get_event_loop());
    for (int i = 0; i < TASKS; i++)
        all[i] = BIDE_AW(bide_coro(ask, bide_listener_port(l), &answers));
    BIDE_TRY(bide_gather_n(all, TASKS));
    int64_t took = bide_loop_time_ms(bide_get_event_loop()) - start;
    printf("%d answers in the time of %s\n", answers, took < TASKS * 100 / 4 ? "one" : "all of them");
    return bide_await(bide_coro(ask_impatiently, bide_listener_port(l)));
}

int main(void)
{
    return bide_main(bide_coro(app));
}
