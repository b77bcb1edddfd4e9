/* SPDX-License-Identifier: MIT */
/* hiredis.c - hiredis: BLPOP of a key that is never there; ADDRESS is a port. */
#include <hiredis/hiredis.h>

#include "client.h"

static void *open_redis(int i)
{
    redisContext *c = redisConnect("127.0.0.1", atoi(address));

    (void)i;
    if (c && c->err) {
        complain("connecting: %s", c->errstr);
        redisFree(c);
        return NULL;
    }
    return c;
}

static int answer_is(redisContext *c, redisReply *r, int type, long long number)
{
    bool is_right = r && r->type == type && (type != REDIS_REPLY_INTEGER || r->integer == number);

    if (!r)
        complain("%s", c->errstr);
    else if (!is_right)
        complain("an answer of type %d: %s", r->type, r->str ? r->str : "");
    if (r)
        freeReplyObject(r);
    return is_right ? 0 : -1;
}

static int pop(void *c, int i, double seconds)
{
    char wait[32];

    snprintf(wait, sizeof wait, "%g", seconds);
    if (answer_is(c, redisCommand(c, "SET n:%d %d", i, i), REDIS_REPLY_STATUS, 0) < 0)
        return -1;
    /* A time of 0 would have no end. */
    if (seconds > 0 && answer_is(c, redisCommand(c, "BLPOP nothing:%d %s", i, wait), REDIS_REPLY_NIL, 0) < 0)
        return -1;
    return answer_is(c, redisCommand(c, "INCR n:%d", i), REDIS_REPLY_INTEGER, i + 1);
}

static void close_redis(void *c)
{
    redisFree(c);
}

const struct client client = {open_redis, pop, close_redis};
