/* SPDX-License-Identifier: MIT */
/* test_window.c - the window of a host: how many requests at once it can handle.  Against simulated servers, on simulated time. */
#include <harness/harness.h>

#include <string.h>

#include "cli/schedule/host/window.h"

#define MOST 64

static const struct window_limits limits = {.most = MOST, .is_adaptive = true};

/* A server, and a client that keeps as many requests on their way as the window allows. */
struct simulation {
    struct window_limits limits;
    struct window window;
    int workers;           /* that serve; what finds none free waits in a queue */
    int refuses;           /* 429 when there are so many on their way already; 0: never */
    int64_t us;            /* that a request takes a worker */
    uint64_t spread;       /* and up to so much more, at random */
    int64_t now_us, free_us[1024];
    struct {
        int64_t sent_us, done_us;
        bool is_refused;
    } live[1024];
    int nlive, most_live, refused;
    uint64_t random;
};

static uint64_t draw(struct simulation *s)
{
    s->random = s->random * 6364136223846793005u + 1442695040888963407u;
    return s->random >> 33;
}

static void send_one(struct simulation *s)
{
    int w = 0, n = s->nlive++;

    s->live[n].sent_us = s->now_us;
    s->live[n].is_refused = s->refuses > 0 && n >= s->refuses;
    s->live[n].done_us = s->now_us + 1000;
    s->most_live = s->nlive > s->most_live ? s->nlive : s->most_live;
    if (s->live[n].is_refused)
        return;
    for (int i = 1; i < s->workers; i++)
        w = s->free_us[i] < s->free_us[w] ? i : w;
    int64_t begin = s->free_us[w] > s->now_us ? s->free_us[w] : s->now_us;
    s->free_us[w] = begin + s->us + (s->spread ? (int64_t)(draw(s) % s->spread) : 0);
    s->live[n].done_us = s->free_us[w];
}

static void end_one(struct simulation *s)
{
    int first = 0;

    for (int i = 1; i < s->nlive; i++)
        first = s->live[i].done_us < s->live[first].done_us ? i : first;
    int64_t sent_us = s->live[first].sent_us;
    s->now_us = s->live[first].done_us;
    if (s->live[first].is_refused) {
        s->refused++;
        window_refused(&s->window, &s->limits, s->nlive, sent_us / 1000, s->now_us / 1000);
    } else {
        window_answered(&s->window, &s->limits, s->nlive, sent_us / 1000, s->now_us / 1000, s->now_us - sent_us);
    }
    s->live[first] = s->live[--s->nlive];
}

static struct simulation *begin(int workers, int64_t us)
{
    static struct simulation s;

    s = (struct simulation){.limits = limits, .workers = workers, .us = us, .now_us = 1000000, .random = 1};
    return &s;
}

/* So many answers; most_live is of them. */
static int size_after(struct simulation *s, int answers)
{
    s->most_live = s->refused = 0;
    for (int i = 0; i < answers; i++) {
        while (s->nlive < window_size(&s->window, &s->limits))
            send_one(s);
        end_one(s);
    }
    return window_size(&s->window, &s->limits);
}

UNIT(window_of_a_host_that_bears_all_grows_to_the_most)
{
    struct simulation *s = begin(1000, 50000);

    EXPECT_EQ(window_size(&s->window, &limits), 8);
    EXPECT_EQ(size_after(s, 8), 10);
    EXPECT_EQ(size_after(s, 400), MOST);
    EXPECT_EQ(size_after(s, 3592), MOST);
    EXPECT_LE(s->now_us - 1000000, 3600000); /* 4000 URLs of 50 ms */
    EXPECT_EQ(s->most_live, MOST);
}

UNIT(window_never_exceeds_what_is_allowed)
{
    for (int most = 1; most <= 20; most++) {
        struct simulation *s = begin(1000, 50000);
        s->limits.most = most;
        size_after(s, 1000);
        EXPECT_EQ(s->most_live, most);
    }
}

UNIT(window_that_does_not_adapt_is_fixed)
{
    struct simulation *s = begin(2, 50000);

    s->limits.is_adaptive = false;
    s->refuses = 10;
    EXPECT_EQ(window_size(&s->window, &s->limits), MOST);
    EXPECT_EQ(size_after(s, 1000), MOST);
}

UNIT(window_stays_near_the_workers_of_a_server_that_queues)
{
    static const int64_t times_us[] = {20000, 50000, 300000};

    for (size_t i = 0; i < 3; i++)
        for (uint64_t spread = 0; spread < 3; spread++) {
            struct simulation *s = begin(10, times_us[i]);
            s->spread = spread * (uint64_t)s->us / 2;
            int size = size_after(s, 4000);
            EXPECT_LE(10, size);
            EXPECT_LE(size, 24);
            EXPECT_LE(s->most_live, 40);
        }
}

UNIT(window_of_a_host_that_becomes_slow_shrinks_to_where_it_began)
{
    struct simulation *s = begin(1000, 50000);

    EXPECT_EQ(size_after(s, 1000), MOST);
    s->us = 250000;
    size_after(s, 2 * MOST);
    EXPECT_EQ(size_after(s, 200), WINDOW_START);
    EXPECT_EQ(size_after(s, 200), WINDOW_START);
    s->us = 50000;
    EXPECT_LT(32, size_after(s, 2000));
}

/* A page that takes longer is not a sign of too many requests forever. */
UNIT(window_compares_with_the_last_five_minutes)
{
    struct simulation *s = begin(1000, 50000);

    size_after(s, 1000);
    s->us = 500000;
    size_after(s, 1000);
    EXPECT_EQ(size_after(s, 100), WINDOW_START);
    size_after(s, 310 * 2 * WINDOW_START); /* five minutes */
    EXPECT_LT(32, size_after(s, 3000));
}

UNIT(window_is_halved_once_for_what_was_sent_before)
{
    struct window w = {0};

    for (int i = 0; i < 1000; i++)
        window_answered(&w, &limits, MOST, 100 + i, 101 + i, 1000);
    EXPECT_EQ(w.size, MOST);
    for (int i = 0; i < MOST; i++)
        window_refused(&w, &limits, MOST - i, 2000, 2001 + i);
    EXPECT_EQ(w.size, MOST / 2);
    window_refused(&w, &limits, 20, 2100, 2101); /* of those that there were */
    EXPECT_EQ(w.size, 10);
    for (int i = 0; i < 9; i++)
        window_refused(&w, &limits, w.size, 3000 + 10 * i, 3001 + 10 * i);
    EXPECT_EQ(w.size, 1);
}

UNIT(window_finds_how_many_a_server_takes_that_refuses_the_others)
{
    for (int refuses = 1; refuses < 60; refuses += 6) {
        struct simulation *s = begin(1000, 50000);
        s->refuses = refuses;
        size_after(s, 2000);
        int size = size_after(s, 2000);
        EXPECT_LE(size, refuses + 1);
        EXPECT_LE(s->refused, 60); /* of 2000: 3 % */
    }
}

UNIT(window_that_nobody_fills_does_not_grow)
{
    struct window w = {0};

    for (int i = 0; i < 1000; i++)
        window_answered(&w, &limits, 4, 100 + i, 101 + i, 1000);
    EXPECT_EQ(w.size, WINDOW_START);
}

/* What a busy client adds to the answers of a fast host. */
UNIT(window_of_a_fast_host_stays_wide_when_this_machine_is_busy)
{
    struct window w = {0};
    uint64_t random = 7;

    for (int i = 0; i < 10000; i++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        int64_t us = 200 + 70 * (w.size ? w.size : 8) + (int64_t)((random >> 33) % 8000);
        window_answered(&w, &limits, MOST, 100 + i, 101 + i, us);
    }
    EXPECT_EQ(w.size, MOST);
}

/* One answer in five takes fifty times as long: that is the pages, not their number. */
UNIT(window_is_not_narrowed_by_pages_that_differ)
{
    struct simulation *s = begin(1000, 20000);
    int narrow = 0;

    for (int i = 0; i < 8000; i++) {
        s->us = i % 5 == (i / 7) % 5 ? 1000000 : 20000;
        narrow += size_after(s, 1) < WINDOW_START;
    }
    EXPECT_EQ(narrow, 0);
}

UNIT(window_bears_any_time)
{
    struct window w = {0};

    window_answered(&w, &limits, 8, 1, 2, -5);
    window_answered(&w, &limits, 8, 1, 2, INT64_MAX - 100000);
    window_answered(&w, &limits, 8, 1, 2, 0);
    EXPECT_LE(WINDOW_START, window_size(&w, &limits));
}
