/* SPDX-License-Identifier: MIT */
/*
 * shutdown.c - the orderly end of a worker host.
 *
 * Jobs that had not begun go back at once, so that other hosts take them; those that run are given close_ms, and their
 * number is reported; in the end everything that is still ours in Redis goes back, and our name there goes.
 */
#include <stdio.h>

#include "pool/redis/redis.h"

/* ---- those that had not begun ---- */

static bool has_begun(const struct held *x)
{
    return x->job && x->job->stage > JOB_QUEUED; /* a worker has it; it may wait there, but not for long */
}

/* They leave the list later, from the loop (running.c). */
static unsigned stop_waiting(struct redis_host *h)
{
    unsigned nbegun = 0;

    for (struct list_node *n = h->running.next, *next; n != &h->running; n = next) {
        struct held *x = container_of(n, struct held, node);
        next = n->next;
        nbegun += has_begun(x);
        if (!x->job || has_begun(x))
            continue;
        x->unwanted = true;
        bide_future_cancel(&x->job->future);
    }
    return nbegun;
}

#define BACK_BATCH 300

/* To a name that is nobody's: as idle as a lease, so the next look of any host finds it, and as if never delivered. */
static bool put_back(struct redis_host *h, unsigned n, char (*ids)[REDIS_ID_MAX])
{
    struct redis_command c;

    c.n = 0;
    REDIS_TEXTS(&c, "XCLAIM", h->jobs_key, REDIS_GROUP, "-", "0");
    for (unsigned i = 0; i < n; i++)
        bide__redis_text(&c, ids[i]);
    REDIS_TEXTS(&c, "IDLE", h->lease, "RETRYCOUNT", "0", "JUSTID");
    return bide__redis_put(&h->link, &c, NULL, 0);
}

static void give_back_left(struct redis_host *h)
{
    char ids[BACK_BATCH][REDIS_ID_MAX];

    while (!bide__list_is_empty(&h->left)) {
        unsigned n = 0;
        for (struct list_node *at = h->left.next; at != &h->left && n < BACK_BATCH; at = at->next)
            bide__redis_id_write(ids[n++], container_of(at, struct held, node)->id);
        if (!put_back(h, n, ids))
            return; /* not connected: their leases will end */
        while (n-- > 0)
            bide__redis_held_free(container_of(h->left.next, struct held, node));
    }
}

/* ---- the rest ---- */

/*
 * KEYS: jobs; ARGV: group, our name, lease.  Everything that is pending for us, also what was delivered with a reply
 * that we never read, goes back as above.  Then our name goes.
 */
static const char give_back_script[] =
    "repeat "
    "  local p = redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', 1000, ARGV[2]) "
    "  for _, e in ipairs(p) do "
    "    redis.call('XCLAIM', KEYS[1], ARGV[1], '-', 0, e[1], 'IDLE', ARGV[3], 'RETRYCOUNT', 0, 'JUSTID') "
    "  end "
    "until #p < 1000 "
    "if #redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', 1, ARGV[2]) == 0 then "
    "  redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2]) "
    "end "
    "return 0";

static void give_back_all(struct redis_host *h)
{
    REDIS_PUT(&h->link, NULL, 0, "EVAL", give_back_script, "1", h->jobs_key, REDIS_GROUP, h->id, h->lease);
    bide__redis_settle(&h->link, 1000);
}

/* ---- leaving ---- */

static void report_end(struct redis_host *h, unsigned nbegun)
{
    char text[160], until[48] = "";

    if (h->args.close_ms != BIDE_FOREVER)
        snprintf(until, sizeof until, ", for at most %lld ms", (long long)h->args.close_ms);
    snprintf(text, sizeof text, "stopping: %u %s%s", nbegun, nbegun == 1 ? "job still runs" : "jobs still run", until);
    if (h->args.on_event && nbegun > 0)
        h->args.on_event(&(bide_pool_event){.kind = BIDE_POOL_ENDING, .text = text}, h->args.arg);
}

static bool has_jobs(const struct redis_host *h)
{
    return !bide__list_is_empty(&h->running) || !bide__list_is_empty(&h->finished) || !bide__list_is_empty(&h->sent);
}

static void wait_for_jobs(struct redis_host *h)
{
    report_end(h, stop_waiting(h));
    bide__timeout(h->args.close_ms)
    {
        while (has_jobs(h) && h->code == 0) {
            give_back_left(h);
            if (bide__wait_in(&h->changed, NULL) < 0)
                break;
        }
    }
}

void bide__redis_shutdown(struct redis_host *h)
{
    h->leaving = true;
    bide_release(h->fetcher);
    h->fetcher = NULL;
    if (h->code == 0)
        wait_for_jobs(h);
    bide_release(h->leaser);
    bide_release(h->listener);
    h->leaser = h->listener = NULL;
    bide__redis_fill_answers(h);
    bide__redis_settle(&h->link, 1000);
    give_back_all(h);
    bide__redis_link_stop(&h->link);
}
