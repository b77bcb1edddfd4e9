/* SPDX-License-Identifier: MIT */
/*
 * health.h - the health of a host: whether it answers, and how fast.  Pure functions of what became of attempts.
 *
 *     unknown ---answer---> well ---no answer, several times---> down ---answer---> well
 *        \------------------no answer-----------------------------^  \---N times---> lost
 *
 * A host that is down is asked by one request at a time, the next one farther off each time.  Lost is lost: what is left
 * of its URLs fails with it.
 */
#ifndef BIDE_CLI_SCHEDULE_HOST_HEALTH_H
#define BIDE_CLI_SCHEDULE_HOST_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#define HEALTH_SLOW_US 1000000 /* to the first byte */

struct health_limits {
    unsigned rounds; /* lost after so many */
    int64_t backoff_ms, backoff_max_ms; /* distance of the first two probes; of any two */
};

struct health {
    unsigned in_row;    /* attempts without an answer since the latest answer */
    unsigned rounds;    /* the same, but those that ran at the same time are one */
    int64_t counted_ms; /* when the latest round was counted */
    int64_t probe_ms;   /* when it is down: nothing is asked for before */
    unsigned refusals;  /* rounds of answers with Retry-After since the latest other answer */
    uint64_t refused_at; /* how many requests had been sent when the latest of them was counted */
    int64_t answer_us;  /* smoothed time to the first byte of an answer; 0: it has never answered */
    int kind;           /* enum fail, of the latest failure */
    bool is_down, is_lost;
    bool is_silent;     /* it is asked, and has said nothing for a while: schedule/silence.c */
    char *why;          /* the latest failure in words, when it is lost; owned; NULL: no memory for it */
};

/* It answered, whatever the status, after so long. */
void health_answered(struct health *h, int64_t us);

/*
 * An attempt got no answer.
 *
 * began_ms:  when it began: what failed since then, or in the same millisecond, belongs to the same round.  Hosts that went
 *            down together are not asked together
 */
void health_failed(struct health *h, const struct health_limits *l, int64_t began_ms, int64_t now_ms);

/*
 * It answered that it has too much to do, and for how long.
 *
 * order:  which of all requests it was; `sent`: how many there were until now.  One that was sent before the latest round was
 *         counted belongs to that round.  Times would not do: a near host refuses several rounds in a millisecond
 */
void health_refused(struct health *h, uint64_t order, uint64_t sent);

/* No attempt will help. */
void health_lose(struct health *h, int kind, const char *why);

/* May requests to it hang?  It is unknown, down, silent, or takes its time. */
static inline bool health_is_slow(const struct health *h)
{
    return !h->is_lost && (h->is_down || h->is_silent || h->answer_us == 0 || h->answer_us > HEALTH_SLOW_US);
}

void health_free(struct health *h);

#endif
