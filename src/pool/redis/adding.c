/* SPDX-License-Identifier: MIT */
/*
 * adding.c - jobs on their way into Redis, and out of it again when nobody wants them any more.
 *
 *     NEW --written--> SENT --its id came--> ADDED --its result came--> ANSWERED
 *      ^----------------'  the connection broke |
 *      ^--------------- GONE <------------------'  Redis has forgotten it (results.c)
 *
 * A connection that breaks before the id came leaves the question open, and the job is added again: at least once.
 */
#include "pool/redis/redis.h"

#define WRITE_MAX ((size_t)1 << 20) /* bytes of commands at a time */

void bide__redis_unsent(struct redis_client *c, struct job *j)
{
    j->redis.state = REDIS_NEW;
    bide__list_remove(&j->node);
    bide__list_append(&c->unsent, &j->node);
    bide__redis_kick(&c->link);
}

/*
 * KEYS: jobs, cancelled; ARGV: entry.  Acknowledged, it is its host's no more, so no result will be written; the host
 * stops it when it hears, at the latest when it renews its leases.
 */
static const char take_back_script[] =
    "redis.call('XDEL', KEYS[1], ARGV[1]) "
    "if redis.call('XACK', KEYS[1], 'w', ARGV[1]) == 1 then "
    "  redis.call('XADD', KEYS[2], 'MAXLEN', '~', '1000', '*', 'm', ARGV[1]) "
    "  redis.call('PEXPIRE', KEYS[2], '600000') "
    "end "
    "return 0";

void bide__redis_take_back(struct redis_client *c, struct redis_id id)
{
    char text[REDIS_ID_MAX];

    bide__redis_id_write(text, id);
    REDIS_PUT(&c->link, NULL, 0, "EVAL", take_back_script, "2", c->jobs_key, c->cancelled_key, text);
}

static void refused(struct redis_client *c, struct job *j, const redisReply *r)
{
    int code = bide__redis_code(&c->address, r, "XADD");

    j->redis.state = REDIS_ANSWERED;
    c->pool->failed++;
    bide__job_fail(j, code, code == BIDE_ELIMIT ? "Redis is full: it takes no more jobs (OOM)" : bide_error_text());
    bide__job_over(j);
}

static int on_added(void *owner, uint64_t job, const redisReply *r)
{
    struct redis_client *c = owner;
    struct job *j = bide__job_by_id(c->pool, job);
    struct redis_id id;

    if (r->type == REDIS_REPLY_ERROR) {
        if (j && j->redis.state == REDIS_SENT)
            refused(c, j, r);
        return 0;
    }
    if (!bide__redis_id_read(&id, r))
        return bide_fail(-EBADMSG, "XADD: not an id");
    if (!j) {
        bide__redis_take_back(c, id); /* cancelled meanwhile, or done */
        return 0;
    }
    j->redis.ms = id.ms;
    j->redis.seq = id.seq;
    j->redis.state = REDIS_ADDED;
    return 0;
}

static bool put_job(struct redis_client *c, struct job *j)
{
    struct redis_call call = {.job = j->id,
                              .shape = j->shape,
                              .has_out = j->has_out,
                              .out_len = j->out_len,
                              .timeout_ms = j->timeout_ms,
                              .idempotent = j->idempotent,
                              .wants_progress = j->on_progress};
    struct redis_command x;
    char meta[REDIS_META_MAX];

    memcpy(call.client, c->id, sizeof call.client);
    bide__redis_call_write(meta, sizeof meta, &call);
    x.n = 0;
    REDIS_TEXTS(&x, "XADD", c->jobs_key, "*", "f", j->sent_as, "m", meta, "a");
    bide__redis_arg(&x, j->in, j->in_len);
    return bide__redis_put(&c->link, &x, on_added, j->id);
}

static bool fill(void *owner)
{
    struct redis_client *c = owner;

    bide__stats_publish(c->pool);
    while (!bide__list_is_empty(&c->unsent) && bide__buf_len(&c->link.out) < WRITE_MAX) {
        struct job *j = container_of(c->unsent.next, struct job, node);
        if (!put_job(c, j))
            return false;
        bide__list_remove(&j->node);
        j->redis.state = REDIS_SENT;
    }
    return true;
}

static void lost(void *owner)
{
    struct redis_client *c = owner;

    for (struct list_node *n = c->pool->jobs.next; n != &c->pool->jobs; n = n->next) {
        struct job *j = container_of(n, struct job, all);
        if (j->redis.state == REDIS_SENT)
            bide__redis_unsent(c, j);
    }
}

const struct redis_link_ops bide__redis_client_ops = {.fill = fill, .lost = lost};
