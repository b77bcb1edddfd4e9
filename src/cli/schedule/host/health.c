/* SPDX-License-Identifier: MIT */
/*
 * health.c - the health of a host: whether it answers, and how fast.
 *
 * Requests that ran at the same time fail for the same cause, and so count once: eight that were refused together say no
 * more than one.  A host that has answered before is believed to be well until several in a row failed, or one after
 * a silence.
 */
#include "cli/schedule/host/health.h"

#include <stdlib.h>
#include <string.h>

#include <bide/backoff.h>

#define DOWN_IN_ROW 3       /* attempts, of a host that has answered before */
#define DOWN_ROUNDS 2
#define SMOOTH      8       /* the latest answer counts an eighth */

void health_answered(struct health *h, int64_t us)
{
    us = us > 0 ? us : 1;
    h->answer_us = h->answer_us == 0 ? us : h->answer_us + (us - h->answer_us) / SMOOTH;
    h->answer_us = h->answer_us > 0 ? h->answer_us : 1;
    h->in_row = h->rounds = 0;
    h->is_down = h->is_silent = false;
}

/* Half of what doubles, and up to as much again. */
static int64_t distance_ms(const struct health_limits *l, unsigned rounds)
{
    int64_t most = bide_backoff_limit_ms((int)rounds, l->backoff_ms, l->backoff_max_ms);
    int64_t ms = most / 2 + bide_jitter_ms(most - most / 2);

    return ms > 0 ? ms : 1; /* a probe is not of the round before */
}

void health_failed(struct health *h, const struct health_limits *l, int64_t began_ms, int64_t now_ms)
{
    h->in_row++;
    if (h->rounds == 0 || began_ms > h->counted_ms) {
        h->rounds++;
        h->counted_ms = now_ms;
        h->probe_ms = now_ms + distance_ms(l, h->rounds);
    }
    h->is_down |= h->answer_us == 0 || h->is_silent || h->in_row >= DOWN_IN_ROW || h->rounds >= DOWN_ROUNDS;
    h->is_lost |= h->rounds >= l->rounds;
}

void health_refused(struct health *h, uint64_t order, uint64_t sent)
{
    if (h->refusals > 0 && order <= h->refused_at)
        return;
    h->refusals++;
    h->refused_at = sent;
}

void health_lose(struct health *h, int kind, const char *why)
{
    h->is_lost = true;
    h->kind = kind;
    free(h->why);
    h->why = strdup(why);
}

void health_free(struct health *h)
{
    free(h->why);
    h->why = NULL;
}
