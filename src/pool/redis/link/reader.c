/* SPDX-License-Identifier: MIT */
/*
 * reader.c - replies out of bytes: the reader of hiredis, bounded.
 *
 * Its own bounds are those of an int: a line of twelve bytes ("*2147483647") has it allocate 16 GiB.  An entry cannot have
 * more fields than Redis takes in one command, and a string there has 512 MiB at most.
 */
#include "pool/redis/link/link.h"

#define ELEMENTS_MAX ((size_t)2 << 20) /* Redis takes a command of 1,048,576 words */
#define WAITING_MAX  (((size_t)512 << 20) + 65536)

static void *create_array(const redisReadTask *task, size_t n)
{
    const struct redis_reader *r = task->privdata;

    return n <= ELEMENTS_MAX ? r->its.createArray(task, n) : NULL; /* "out of memory" */
}

/* The one that hiredis before 1.0 calls. */
static void *create_array_int(const redisReadTask *task, int n)
{
    return create_array(task, (size_t)n);
}

int bide__redis_reader_open(struct redis_reader *r)
{
    r->reader = redisReaderCreate();
    if (!r->reader)
        return bide__fail_nomem("a connection to Redis");

    r->its = r->ours = *r->reader->fn;
    r->ours.createArray =
        _Generic(r->ours.createArray, void *(*)(const redisReadTask *, int): create_array_int, default: create_array);
    r->reader->fn = &r->ours;
    r->reader->privdata = r;
    return 0;
}

void bide__redis_reader_close(struct redis_reader *r)
{
    if (r->reader)
        redisReaderFree(r->reader);
    r->reader = NULL;
}

int bide__redis_reader_feed(struct redis_reader *r, const char *data, size_t len)
{
    if (r->reader->len + len > WAITING_MAX)
        return bide_fail(-E2BIG, "a part of its reply has more than %zu bytes", WAITING_MAX);
    return redisReaderFeed(r->reader, data, len) == REDIS_OK ? 0 : bide__fail_nomem("a reply of Redis");
}

redisReply *bide__redis_reader_next(struct redis_reader *r, int *code)
{
    void *reply = NULL;

    *code = redisReaderGetReply(r->reader, &reply) == REDIS_OK
                ? 0
                : bide_fail(-EBADMSG, "it does not speak the protocol of Redis: %s", r->reader->errstr);
    return reply;
}
