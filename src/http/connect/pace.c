/* SPDX-License-Identifier: MIT */
/*
 * pace.c - token buckets on the loop's clock (GCRA): a bucket knows when the bytes that it gave out have had their time, and the next
 * who takes a turn waits until then.
 *
 *     free_ns:   now ----- turn of a ----- turn of b ----- free for c
 *
 * Turns follow one another in the order in which they are taken, so that none of many connections is left out.  A turn is a
 * sixteenth of a second's worth of bytes; what of it is not used, because no more had come, goes back.  Nothing is saved up while
 * nothing moves.
 */
#include <bide/task.h>

#include "http/connect/connect.h"
#include "http/connect/pace.h"

#define TURNS_PER_SECOND 16
#define SLEEP_LEAST_NS NS_PER_MS /* less is made up for in a later turn */

static int64_t ns_of(const struct pace *p, size_t n)
{
    double ns = (double)n * 1e9 / (double)p->rate;

    return ns < 4e18 ? (int64_t)ns : (int64_t)4e18;
}

static size_t turn_of(const struct pace *p, size_t most)
{
    int64_t n = p->rate / TURNS_PER_SECOND > 0 ? p->rate / TURNS_PER_SECOND : 1;

    return (uint64_t)n < most ? (size_t)n : most;
}

/* When the turn of n bytes begins; no bucket is more than a few centuries behind. */
static int64_t reserve(struct pace *p, int64_t now_ns, size_t n)
{
    int64_t begin_ns = p->free_ns > now_ns ? p->free_ns : now_ns, ns = ns_of(p, n);

    p->free_ns = begin_ns > INT64_MAX - ns ? INT64_MAX : begin_ns + ns;
    return begin_ns;
}

/* The time in which nothing was asked for is not the peer's. */
static void stop_windows(struct deadline *d, int64_t ns)
{
    if (d->rate.since_ns != 0)
        d->rate.since_ns += ns;
}

/* Until then, or until the request has to be over. */
static int wait_until(struct deadline *d, int64_t ns)
{
    int64_t begun_ns = d->loop->now_ns, until_ns = ns < d->when_ns ? ns : d->when_ns;
    if (until_ns - begun_ns < SLEEP_LEAST_NS && until_ns == ns)
        return 0;

    int64_t ns_more = until_ns == ns ? 0 : NS_PER_MS - 1; /* the end of the request is not to be a little too early */
    int code = bide_sleep_ms((until_ns - begun_ns + ns_more) / NS_PER_MS);
    stop_windows(d, d->loop->now_ns - begun_ns);
    return code < 0 || until_ns == ns ? code : BIDE_ETIMEDOUT;
}

/* Both buckets, if they have a rate: how many there are. */
static int buckets(struct paces *p, enum pace_way way, struct pace *out[2])
{
    int n = 0;

    if (p->own[way].rate > 0)
        out[n++] = &p->own[way];
    if (p->all && p->all[way].rate > 0)
        out[n++] = &p->all[way];
    return n;
}

/* When a turn of at most so many bytes begins: p->given. */
static int64_t reserve_in_all(struct paces *p, enum pace_way way, int64_t now_ns, size_t most)
{
    struct pace *of[2];
    int n = buckets(p, way, of);
    int64_t begin_ns = now_ns;

    p->given = most;
    for (int i = 0; i < n; i++)
        p->given = turn_of(of[i], p->given);
    for (int i = 0; i < n; i++) {
        int64_t ns = reserve(of[i], now_ns, p->given);
        begin_ns = ns > begin_ns ? ns : begin_ns;
    }
    return begin_ns;
}

int bide__pace_take(struct paces *p, enum pace_way way, struct deadline *d, size_t *most)
{
    int code = p->given == 0 ? wait_until(d, reserve_in_all(p, way, d->loop->now_ns, *most)) : 0;

    *most = *most < p->given ? *most : p->given;
    if (code < 0)
        bide__pace_end(p, way, 0);
    return code;
}

void bide__pace_end(struct paces *p, enum pace_way way, size_t n)
{
    struct pace *of[2];
    int count = buckets(p, way, of);

    for (int i = 0; i < count && n < p->given; i++)
        of[i]->free_ns -= ns_of(of[i], p->given - n);
    p->given = 0;
}
