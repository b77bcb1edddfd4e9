/* SPDX-License-Identifier: MIT */
/*
 * answer.c - what became of each URL, in a form that two ways can be compared by.
 *
 * The digest goes over every byte of a body.  The work on an answer is a chain of steps that begins with that digest
 * and ends in the number that is reported: it cannot be skipped, done in another order, or optimized away, and it takes
 * the same number of steps in every mode.
 */
#include "cli/compare/run/run.h"

#include <string.h>
#include <time.h>

#define TRIAL_STEPS 200000
#define TRIALS      5

/* Well mixed bits of n, each depending on each (Steele, Lea, Flood: SplitMix). */
static uint64_t mix(uint64_t n)
{
    n += 0x9e3779b97f4a7c15u;
    n = (n ^ n >> 30) * 0xbf58476d1ce4e5b9u;
    n = (n ^ n >> 27) * 0x94d049bb133111ebu;
    return n ^ n >> 31;
}

static uint64_t work(uint64_t digest, uint64_t steps)
{
    while (steps-- > 0)
        digest = mix(digest);
    return digest;
}

static uint64_t digest_of(bide_bytes b)
{
    uint64_t digest = mix(b.len);
    size_t i = 0;

    for (uint64_t word; i + sizeof word <= b.len; i += sizeof word) {
        memcpy(&word, (const char *)b.data + i, sizeof word);
        digest = mix(digest ^ word);
    }
    for (; i < b.len; i++)
        digest = mix(digest ^ ((const unsigned char *)b.data)[i]);
    return digest;
}

int compare_take(const struct compare *c, bide_response *r, struct compare_answer *a)
{
    bide_bytes body = bide_body(r);
    if (!body.data)
        return bide_raise();

    *a = (struct compare_answer){.status = bide_status(r), .len = body.len};
    a->digest = work(digest_of(body), c->work_steps);
    atomic_fetch_add_explicit(&c->shared->done, 1, memory_order_relaxed);
    return 0;
}

void compare_fail(struct compare *c, int i, int code, const char *why)
{
    c->answers[i] = (struct compare_answer){.status = code};
    if (!c->shared->error[0])
        snprintf(c->shared->error, sizeof c->shared->error, "%s", why);
}

void compare_sum_up(struct compare *c)
{
    struct compare_shared *s = c->shared;

    for (int i = 0; i < c->n; i++) {
        const struct compare_answer *a = &c->answers[i];
        bool is_good = a->status >= 200 && a->status < 400;
        s->failed += !is_good;
        s->bytes += a->len;
        s->digest = mix(mix(s->digest ^ (uint64_t)a->status) ^ a->digest);
        if (!is_good && !s->error[0])
            snprintf(s->error, sizeof s->error, "the server answered %d", a->status);
    }
}

static int64_t cpu_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Of the processor's own time: others who use the machine do not matter.  The fastest trial counts. */
uint64_t compare_steps_per_ms(void)
{
    int64_t best = INT64_MAX;
    volatile uint64_t digest = 0;

    for (int i = 0; i < TRIALS; i++) {
        int64_t begin = cpu_ns();
        digest = work(digest, TRIAL_STEPS);
        int64_t took = cpu_ns() - begin;
        best = took < best ? took : best;
    }
    return (uint64_t)(TRIAL_STEPS * INT64_C(1000000) / (best > 0 ? best : 1));
}
