/* SPDX-License-Identifier: MIT */
/*
 * wheel.c - the loop's timer wheel against a heap: a random timer is cancelled and armed anew; then all are fired.
 *
 *     bench-wheel [wheel|heap [TIMERS [OPERATIONS]]]      wheel, 100,000 outstanding, 2,000,000 operations
 *
 * Times are spread over ten minutes.  The heap is a four-ary one of (time, timer), the best of the usual ones.  One
 * operation is a cancel and an insert.  The line before the last says what firing cost.
 */
#include "bench.h"

#include "core/core.h"

#define SPREAD_MS 600000

struct entry {
    struct timer timer;
    size_t place; /* in the heap */
};

static struct entry *entries;
static long outstanding, fired;
static unsigned long state = 88172645463325252;

static unsigned long any(unsigned long below)
{
    state = state * 6364136223846793005 + 1442695040888963407;
    return (state >> 33) % below;
}

/* ---- the heap ---- */

struct slot {
    int64_t when;
    struct entry *entry;
};

static struct slot *heap;
static size_t heap_count;

static void set(size_t i, struct slot s)
{
    heap[i] = s;
    s.entry->place = i;
}

static void sift_up(size_t i, struct slot s)
{
    for (; i > 0 && heap[(i - 1) / 4].when > s.when; i = (i - 1) / 4)
        set(i, heap[(i - 1) / 4]);
    set(i, s);
}

static void sift_down(size_t i, struct slot s)
{
    for (;;) {
        size_t first = i * 4 + 1, best = first;
        if (first >= heap_count)
            break;
        for (size_t c = first + 1; c < first + 4 && c < heap_count; c++)
            if (heap[c].when < heap[best].when)
                best = c;
        if (heap[best].when >= s.when)
            break;
        set(i, heap[best]);
        i = best;
    }
    set(i, s);
}

static void heap_arm(struct entry *e, int64_t when)
{
    sift_up(heap_count++, (struct slot){when, e});
}

static void heap_disarm(struct entry *e)
{
    size_t i = e->place;
    struct slot last = heap[--heap_count];
    if (i == heap_count)
        return;
    if (i > 0 && heap[(i - 1) / 4].when > last.when)
        sift_up(i, last);
    else
        sift_down(i, last);
}

/* ---- both ---- */

static struct wheel wheel;

static void fire(struct timer *t)
{
    (void)t;
    fired++;
}

static void cancel_and_arm(bool use_heap, long operations)
{
    for (long i = 0; i < operations; i++) {
        struct entry *e = &entries[any((unsigned long)outstanding)];
        int64_t when = 1 + (int64_t)any(SPREAD_MS);
        if (use_heap) {
            heap_disarm(e);
            heap_arm(e, when);
        } else {
            bide__wheel_disarm(&wheel, &e->timer);
            bide__wheel_arm(&wheel, &e->timer, when);
        }
    }
}

static void fire_all(bool use_heap)
{
    for (int64_t now = 0; now <= SPREAD_MS; now += 10) {
        while (use_heap && heap_count > 0 && heap[0].when <= now) {
            struct entry *e = heap[0].entry;
            heap_disarm(e);
            fire(&e->timer);
        }
        if (!use_heap)
            bide__wheel_advance(&wheel, now);
    }
}

int main(int argc, char **argv)
{
    struct bench b;
    bool use_heap = argc > 1 && strcmp(argv[1], "heap") == 0;
    outstanding = bench_arg(argc, argv, 2, 100000);
    long operations = bench_arg(argc, argv, 3, 2000000);
    entries = calloc((size_t)outstanding, sizeof *entries);
    heap = calloc((size_t)outstanding + 1, sizeof *heap);
    if (!entries || !heap)
        return 1;

    bide__wheel_init(&wheel, 0);
    for (long i = 0; i < outstanding; i++) {
        bide__timer_init(&entries[i].timer, fire);
        if (use_heap)
            heap_arm(&entries[i], 1 + (int64_t)any(SPREAD_MS));
        else
            bide__wheel_arm(&wheel, &entries[i].timer, 1 + (int64_t)any(SPREAD_MS));
    }
    cancel_and_arm(use_heap, operations / 10); /* warm */
    bench_begin(&b);
    cancel_and_arm(use_heap, operations);
    double wall = bench_seconds(CLOCK_MONOTONIC) - b.wall, cpu = bench_seconds(CLOCK_PROCESS_CPUTIME_ID) - b.cpu;

    double firing = -bench_seconds(CLOCK_PROCESS_CPUTIME_ID);
    fire_all(use_heap);
    firing += bench_seconds(CLOCK_PROCESS_CPUTIME_ID);
    if (fired != outstanding)
        return 1;
    printf("%s, %ld timers: %.1f ns to fire one\n", use_heap ? "heap" : "wheel", outstanding, firing * 1e9 / (double)fired);
    bench_report(operations, wall, cpu, bench_peak_rss_kb());
    free(entries);
    free(heap);
    return 0;
}
