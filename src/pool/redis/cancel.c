/* SPDX-License-Identifier: MIT */
/*
 * cancel.c - a job that runs here is cancelled where it was submitted.
 *
 * Who takes a job back that somebody holds (client.c) says so in a stream that every host reads, on a connection
 * of its own because reading waits in the server.  It is about a thousand entries long: what is missed there, the next
 * renewal of the leases finds out.
 */
#include "pool/redis/redis.h"

/* It leaves the list later, from the loop. */
void bide__redis_take_away(struct held *x)
{
    if (!x->job || x->taken)
        return; /* it waits for room; the next renewal asks again */
    x->taken = true;
    bide_future_cancel(&x->job->future);
}

static void stop_job(struct redis_host *h, const redisReply *id_text)
{
    struct redis_id id;
    if (!bide__redis_id_read(&id, id_text))
        return;

    for (struct list_node *n = h->running.next; n != &h->running; n = n->next) {
        struct held *x = container_of(n, struct held, node);
        if (x->id.ms == id.ms && x->id.seq == id.seq) {
            bide__redis_take_away(x);
            return;
        }
    }
}

int bide__redis_cancel_step(struct redis_host *h, struct redis_conn *conn)
{
    char last[REDIS_ID_MAX];
    struct redis_entry e;
    bide__redis_id_write(last, h->last_cancelled);

    redisReply *r =
        REDIS_ASK(conn, REDIS_QUIET_MS, "XREAD", "COUNT", "512", "BLOCK", REDIS_WAIT_MS, "STREAMS", h->cancelled_key, last);
    if (!r)
        return bide_error_code();
    const redisReply *entries = bide__redis_entries(r);
    for (size_t i = 0; entries && i < entries->elements; i++)
        if (bide__redis_entry_read(&e, entries->element[i])) {
            h->last_cancelled = e.id; /* also of one that is none, or it would come again and again */
            if (e.meta)
                stop_job(h, e.meta);
        }
    freeReplyObject(r);
    return 0;
}
