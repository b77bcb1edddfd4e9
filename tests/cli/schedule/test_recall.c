/* SPDX-License-Identifier: MIT */
/* test_recall.c - hosts that stop to answer, and the places that they hold: recalled for others, on virtual time. */
#include "queue_test.h"

#include <string.h>

#define WORKERS 8
#define SILENT_MS 30000 /* a host that stopped answers after so long */

struct silence {
    struct run_of_test *run;
    size_t body;       /* bytes that a request of a silent host has received before */
    bool drips;        /* the oldest one of each host goes on to receive, 8 KiB each 200 ms */
    int rest_after;    /* so many of the others, their host wants 10 s of rest; 0: it does not */
    int recalled, late, good;
    int64_t good_ms;   /* when the last of the others was done */
};

static bool ends_with(const struct job *job, const char *end)
{
    return strstr(text_string(&job->url), end) != NULL;
}

/* False: it was recalled. */
static bool wait_for_answer(struct silence *s, struct job *job)
{
    struct queue *q = &s->run->queue;
    bool drips = s->drips && ends_with(job, "/3");
    int code = 0;
    if (s->body > 0) {
        silence_received(q, job, 0);
        silence_received(q, job, s->body);
    }
    for (int ms = 0; ms < SILENT_MS && code == 0; ms += drips ? 200 : SILENT_MS) {
        code = bide_sleep_ms(drips ? 200 : SILENT_MS);
        if (code == 0 && drips)
            silence_received(q, job, 8192);
    }
    return !(silence_settle(q, job) && code == BIDE_ECANCELED);
}

static int work(struct silence *s)
{
    struct queue *q = &s->run->queue;
    struct job *job;

    while ((job = queue_take(q))) {
        job->request.task = bide_current_task();
        if (ends_with(job, "good")) {
            BIDE_TRY(bide_sleep_ms(300));
            s->good++;
            s->good_ms = bide_loop_time_ms(q->loop);
            if (s->good == s->rest_after)
                queue_block_host(q, job, 503, 10000);
        } else if (!ends_with(job, "/1") && !ends_with(job, "/2")) {
            bool is_answered = wait_for_answer(s, job);
            EXPECT_EQ(bide_cancelling(bide_current_task()), 0);
            if (!is_answered) {
                s->recalled++;
                queue_put_back(q, job);
                continue;
            }
            s->late++;
        }
        job->request.task = NULL;
        silence_end(q, job, true);
        answer(s->run, job);
    }
    return 0;
}

/* s1 and s2 answer twice, and take all places of those that come after; 100 URLs of another host come behind. */
static struct silence silence_of(const char *method, struct silence s)
{
    struct queue_options o = {.concurrency = WORKERS, .per_host = 4, .no_adaptive = true};
    bide_task *workers[WORKERS];
    s.run = open_run("http://s{1,2}/[1-6]", "http://good/[1-100]", o);
    s.run->request.method = method;
    int64_t began = bide_loop_time_ms(s.run->queue.loop);

    for (int i = 0; i < WORKERS; i++)
        EXPECT_NOT_NULL(workers[i] = bide_create_task(bide_coro(work, &s)));
    for (int i = 0; i < WORKERS; i++) {
        EXPECT_EQ(bide_await(workers[i]), 0);
        bide_release(workers[i]);
    }
    s.good_ms -= began;
    close_run(s.run);
    return s;
}

TEST(recall_silent_hosts_give_others_their_places_and_are_asked_again)
{
    struct silence s = silence_of("GET", (struct silence){0});

    EXPECT_EQ(s.good, 100);
    EXPECT_LT(s.good_ms, SILENT_MS);
    EXPECT_EQ(s.recalled, 6); /* all but the oldest one of each host */
    EXPECT_EQ(s.late, 8);
}

/* The others go on 10 s later, when silent hosts have as many places as they may, with the same requests. */
TEST(recall_of_a_request_happens_once)
{
    struct silence s = silence_of("GET", (struct silence){.rest_after = 50});

    EXPECT_EQ(s.good, 100);
    EXPECT_EQ(s.recalled, 6);
    EXPECT_EQ(s.late, 8);
}

TEST(recall_what_is_not_safe_to_repeat_keeps_its_place)
{
    struct silence s = silence_of("POST", (struct silence){0});

    EXPECT_EQ(s.recalled, 0);
    EXPECT_LE(SILENT_MS, s.good_ms);
    EXPECT_EQ(s.good + s.late, 108);
}

TEST(recall_a_body_of_which_much_has_come_keeps_its_place)
{
    struct silence s = silence_of("GET", (struct silence){.body = 16384});

    EXPECT_EQ(s.recalled, 0);
    EXPECT_EQ(s.good + s.late, 108);
}

TEST(recall_a_body_of_which_little_has_come_is_begun_again)
{
    struct silence s = silence_of("GET", (struct silence){.body = 16383});

    EXPECT_EQ(s.recalled, 6);
    EXPECT_EQ(s.good + s.late, 108);
}

TEST(recall_a_host_that_sends_a_body_is_not_silent)
{
    struct silence s = silence_of("GET", (struct silence){.drips = true});

    EXPECT_EQ(s.recalled, 0);
    EXPECT_EQ(s.good + s.late, 108);
}
