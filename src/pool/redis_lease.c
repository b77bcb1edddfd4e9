/* SPDX-License-Identifier: MIT */
/*
 * redis_lease.c - jobs in hand stay ours while we say so; those of hosts that fell silent become ours.
 *
 * Three times within each lease, a host resets the idle time of what it holds (XCLAIM JUSTID: that counts as no
 * delivery), however long the jobs take, and looks for entries that nobody has touched for a whole lease (XAUTOCLAIM).
 * A job that is ours no more, because it was taken back by who submitted it or done by another, is stopped.
 */
#include <stdio.h>
#include <stdlib.h>

#include "pool/redis.h"

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
static int on_renewed(void *owner, uint64_t round, const redisReply *r)
{
    struct redis_host *h = owner;
    struct redis_id ids[RENEW_BATCH];
    if (r->type != REDIS_REPLY_ARRAY)
        return bide__redis_code(&h->address, r, "XCLAIM");

    size_t n = read_ids(ids, RENEW_BATCH, r);
    for (struct list_node *at = h->running.next; at != &h->running; at = at->next) {
        struct held *x = container_of(at, struct held, node);
        if (x->round == round && !bsearch(&x->id, ids, n, sizeof *ids, compare_ids))
            bide__redis_take_away(x);
    }
    return 0;
}

struct renewal {
    struct redis_command command;
    char ids[RENEW_BATCH][REDIS_ID_MAX];
    unsigned n;
};

static void begin_renewal(const struct redis_host *h, struct renewal *w)
{
    const char *const words[] = {"XCLAIM", h->jobs_key, REDIS_GROUP, h->id, "0"};

    w->n = 0;
    w->command.n = 0;
    for (size_t i = 0; i < array_len(words); i++)
        bide__redis_text(&w->command, words[i]);
}

static bool send_renewal(struct redis_host *h, struct renewal *w)
{
    if (w->n == 0)
        return true;
    bide__redis_text(&w->command, "JUSTID");
    bool sent = bide__redis_put(&h->link, &w->command, on_renewed, h->round++);
    begin_renewal(h, w);
    return sent;
}

static bool renew_list(struct redis_host *h, struct renewal *w, struct list_node *list)
{
    for (struct list_node *at = list->next; at != list; at = at->next) {
        struct held *x = container_of(at, struct held, node);
        x->round = h->round;
        bide__redis_id_write(w->ids[w->n], x->id);
        bide__redis_text(&w->command, w->ids[w->n++]);
        if (w->n == RENEW_BATCH && !send_renewal(h, w))
            return false;
    }
    return true;
}

/* Those that were sent are as good as done: a claim would come after their end. */
static void renew(struct redis_host *h)
{
    struct renewal *w = bide__malloc(sizeof *w);
    if (!w)
        return; /* two more chances before the lease ends */

    begin_renewal(h, w);
    if (renew_list(h, w, &h->running) && renew_list(h, w, &h->finished))
        send_renewal(h, w);
    bide__free(w);
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

static int on_claimed(void *owner, uint64_t arg, const redisReply *r)
{
    struct redis_host *h = owner;
    struct redis_entry e;
    (void)arg;

    for (size_t i = 0; r->type == REDIS_REPLY_ARRAY && i < r->elements && !h->leaving; i++)
        if (bide__redis_entry_read(&e, r->element[i]))
            bide__redis_take(h, &e);
    return bide__redis_code(&h->address, r, "XAUTOCLAIM");
}

static void claim(struct redis_host *h)
{
    char want[16];
    unsigned slots = (unsigned)h->args.slots;
    if (h->nheld >= slots)
        return;

    snprintf(want, sizeof want, "%u", slots - h->nheld);
    REDIS_PUT(&h->link, on_claimed, 0, "EVAL", claim_script, "1", h->jobs_key, REDIS_GROUP, h->id, h->lease, want);
}

/* Looking is cheap and is done more often: what another host gave back shall not wait for long. */
int bide__redis_lease_main(struct redis_host *h)
{
    int64_t pause_ms = h->args.lease_ms / 3 < LOOK_MS ? h->args.lease_ms / 3 : LOOK_MS, renewed_ns = 0;

    for (;;) {
        int64_t now = bide__clock_ns();
        if (h->link.open && now - renewed_ns >= (h->args.lease_ms / 3 - pause_ms / 2) * 1000000) {
            renew(h);
            renewed_ns = now;
        }
        if (h->link.open && !h->leaving)
            claim(h);
        int code = bide_sleep_ms(pause_ms);
        if (code < 0)
            return code;
    }
}
