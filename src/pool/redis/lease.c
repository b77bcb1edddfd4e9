/* SPDX-License-Identifier: MIT */
/*
 * lease.c - jobs in hand stay ours while we say so; those of hosts that fell silent become ours.
 *
 * Three times within each lease, a host resets the idle time of what it holds (XCLAIM JUSTID: that counts as no
 * delivery), however long the jobs take, and looks for entries that nobody has touched for a whole lease (XAUTOCLAIM).
 * A job that is ours no more, because it was taken back by who submitted it or done by another, is stopped.
 *
 * On a connection of its own: behind a large result that the network takes its time for, a renewal would come too late.
 */
#include <stdio.h>
#include <stdlib.h>

#include "pool/redis/redis.h"

#define RENEW_BATCH 300
#define LOOK_MS     1000

/* ---- renewing ---- */

static int compare_ids(const void *a, const void *b)
{
    const struct redis_id *x = a, *y = b;

    if (x->ms != y->ms)
        return x->ms < y->ms ? -1 : 1;
    return x->seq < y->seq ? -1 : x->seq > y->seq;
}

static size_t read_ids(struct redis_id *out, size_t cap, const redisReply *r)
{
    size_t n = 0;

    for (size_t i = 0; r->type == REDIS_REPLY_ARRAY && i < r->elements && n < cap; i++)
        n += bide__redis_id_read(&out[n], r->element[i]);
    qsort(out, n, sizeof *out, compare_ids);
    return n;
}

/* What was asked for in this round, runs, and did not come back: not ours. */
static int take_renewed(struct redis_host *h, uint64_t round, const redisReply *r)
{
    struct redis_id ids[RENEW_BATCH];
    if (r->type != REDIS_REPLY_ARRAY)
        return bide_fail(-EBADMSG, "XCLAIM: not a list");

    size_t n = read_ids(ids, RENEW_BATCH, r);
    for (struct list_node *at = h->running.next; at != &h->running; at = at->next) {
        struct held *x = container_of(at, struct held, node);
        if (x->round == round && !bsearch(&x->id, ids, n, sizeof *ids, compare_ids))
            bide__redis_take_away(x);
    }
    return 0;
}

struct renewal {
    const char *texts[RENEW_BATCH + 8];
    char ids[RENEW_BATCH][REDIS_ID_MAX];
    unsigned n;
};

/* Those of a list that were not asked for since `first`, as many as there is room for. */
static void add_list(struct redis_host *h, struct renewal *w, struct list_node *list, uint64_t first)
{
    for (struct list_node *at = list->next; at != list && w->n < RENEW_BATCH; at = at->next) {
        struct held *x = container_of(at, struct held, node);
        if (x->round >= first)
            continue;
        x->round = h->round;
        bide__redis_id_write(w->ids[w->n++], x->id);
    }
}

static redisReply *ask_to_renew(struct redis_host *h, struct redis_conn *conn, struct renewal *w)
{
    const char *const before[] = {"XCLAIM", h->jobs_key, REDIS_GROUP, h->id, "0"};
    size_t n = array_len(before);

    memcpy(w->texts, before, sizeof before);
    for (unsigned i = 0; i < w->n; i++)
        w->texts[n++] = w->ids[i];
    w->texts[n++] = "JUSTID";
    w->texts[n] = NULL;
    return bide__redis_ask(conn, w->texts, REDIS_QUIET_MS);
}

/* Those that were sent are as good as done: a claim would come after their end. */
static int renew_batch(struct redis_host *h, struct redis_conn *conn, struct renewal *w, uint64_t first)
{
    uint64_t round = h->round;
    w->n = 0;
    add_list(h, w, &h->running, first);
    add_list(h, w, &h->finished, first);
    h->round++;
    if (w->n == 0)
        return 0;

    redisReply *r = ask_to_renew(h, conn, w);
    int code = r ? take_renewed(h, round, r) : bide_error_code();
    if (r)
        freeReplyObject(r);
    return code;
}

static int renew(struct redis_host *h, struct redis_conn *conn)
{
    uint64_t first = h->round;
    int code = 0;
    struct renewal *w = bide__malloc(sizeof *w);
    if (!w)
        return bide__fail_nomem("renewing leases");

    do
        code = renew_batch(h, conn, w, first);
    while (code == 0 && w->n == RENEW_BATCH);
    bide__free(w);
    return code;
}

/* ---- taking over ---- */

/*
 * KEYS: jobs; ARGV: group, our name, lease, how many at most.  Returns entries and how often each was delivered.
 * Entries that were deleted come back as nothing (6.2) or not at all.
 */
static const char claim_script[] =
    "local out, cursor, want = {}, '0-0', tonumber(ARGV[4]) "
    "repeat "
    "  local r = redis.call('XAUTOCLAIM', KEYS[1], ARGV[1], ARGV[2], ARGV[3], cursor, 'COUNT', want - #out) "
    "  cursor = r[1] "
    "  for _, e in ipairs(r[2]) do "
    "    if e and e[2] then "
    "      local p = redis.call('XPENDING', KEYS[1], ARGV[1], e[1], e[1], 1) "
    "      out[#out + 1] = {e[1], e[2], p[1] and p[1][4] or 1} "
    "    end "
    "  end "
    "until cursor == '0-0' or #out >= want "
    "return out";

static int claim(struct redis_host *h, struct redis_conn *conn)
{
    char want[16];
    struct redis_entry e;
    unsigned slots = (unsigned)h->args.slots;
    if (h->nheld >= slots || !h->link.open || h->leaving)
        return 0;

    snprintf(want, sizeof want, "%u", slots - h->nheld);
    redisReply *r = REDIS_ASK(conn, REDIS_QUIET_MS, "EVAL", claim_script, "1", h->jobs_key, REDIS_GROUP, h->id, h->lease, want);
    if (!r)
        return bide_error_code();
    for (size_t i = 0; r->type == REDIS_REPLY_ARRAY && i < r->elements && !h->leaving; i++)
        if (bide__redis_entry_read(&e, r->element[i]))
            bide__redis_take(h, &e);
    freeReplyObject(r);
    return 0;
}

/* Looking is cheap and is done more often: what another host gave back shall not wait for long. */
int bide__redis_lease_step(struct redis_host *h, struct redis_conn *conn)
{
    int64_t pause_ms = h->args.lease_ms / 3 < LOOK_MS ? h->args.lease_ms / 3 : LOOK_MS, now = bide__clock_ns();

    if (now - h->renewed_ns >= (h->args.lease_ms / 3 - pause_ms / 2) * 1000000) {
        BIDE_TRY(renew(h, conn));
        h->renewed_ns = now;
    }
    BIDE_TRY(claim(h, conn));
    return bide_sleep_ms(pause_ms);
}
