/* SPDX-License-Identifier: MIT */
/*
 * bottleneck.h - what keeps more requests from being on their way, and for how long it did.
 */
#ifndef BIDE_CLI_SCHEDULE_BOTTLENECK_H
#define BIDE_CLI_SCHEDULE_BOTTLENECK_H

#include <stdbool.h>
#include <stdint.h>

struct queue;
struct text;

enum bottleneck {
    BY_NOTHING, /* there is no more to ask for, or nobody has looked */
    BY_CONCURRENCY, BY_PER_HOST, BY_WINDOW, BY_RATE, BY_RETRY_AFTER, BY_DOWN_HOSTS, BY_SLOW_HOSTS, BY_RETRIES, BY_INPUT,
    BOTTLENECKS
};

struct bottlenecks {
    enum bottleneck now;
    int64_t since_ms;
    int64_t ms[BOTTLENECKS];
    unsigned full;  /* hosts that are */
    int full_size;  /* how many live jobs the one had that was full last */
    bool full_is_growing; /* that is not yet known to be what it can handle */
};

/* A job goes; a worker finds none that may go, rate: because of --rate. */
void bottleneck_note_start(struct queue *q, int64_t now_ms);
void bottleneck_note_wait(struct queue *q, bool rate, int64_t now_ms);
/* The one that lasted longest, and what share of the run, from 0 to 1. */
enum bottleneck bottleneck_of_run(const struct queue *q, double *share);
/* In words, with the option that moves it. */
void bottleneck_describe(const struct queue *q, enum bottleneck b, struct text *to);

#endif
