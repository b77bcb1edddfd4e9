/* SPDX-License-Identifier: MIT */
/* 13_queues.c - queues and workers: who hands what to whom, and how it ends. */
#include <bide/bide.h>
#include <stdio.h>

struct job {
    int number, ms;
};
BIDE_QUEUE_TYPE(job_queue, struct job);

static bide_lock printing;

/* One line at a time, although writing it waits. */
static int say(const char *name, int number)
{
    int code;
    bide_lock_hold(&printing, &code) {
        printf("%s: job ", name);
        code = bide_sleep_ms(1);
        printf("%d\n", number);
    }
    return code;
}

static int worker(job_queue *jobs, const char *name)
{
    struct job job;
    int code;

    while ((code = bide_queue_get(jobs, &job)) == 0) {
        BIDE_TRY(bide_sleep_ms(job.ms));
        BIDE_TRY(say(name, job.number));
        bide_queue_task_done(jobs);
    }
    return code == BIDE_ECLOSED ? 0 : code; /* shut down, and empty */
}

static int two_workers(void)
{
    bide_auto job_queue *jobs = BIDE_TRY_PTR(bide_queue_new(job_queue, 2));
    bide_auto bide_task *a = BIDE_TRY_PTR(bide_create_task(bide_coro(worker, jobs, "a")));
    bide_auto bide_task *b = BIDE_TRY_PTR(bide_create_task(bide_coro(worker, jobs, "b")));

    for (int i = 1; i <= 5; i++) /* waits while two are in the queue */
        BIDE_TRY(bide_queue_put(jobs, &(struct job){.number = i, .ms = 20 * i}));
    BIDE_TRY(bide_queue_join(jobs));
    printf("all five are done\n");

    bide_queue_shutdown(jobs);
    return bide_gather(a, b);
}

static int by_time(const void *a, const void *b)
{
    return ((const struct job *)a)->ms - ((const struct job *)b)->ms;
}

static int smallest_first(void)
{
    bide_auto job_queue *jobs = BIDE_TRY_PTR(bide_queue_new(job_queue, 10, .compare = by_time));
    struct job job;

    for (int i = 1; i <= 3; i++)
        BIDE_TRY(bide_queue_put(jobs, &(struct job){.number = i, .ms = 100 - 20 * i}));
    while (bide_queue_get_nowait(jobs, &job) == 0)
        printf("job %d takes %d ms\n", job.number, job.ms);
    return 0;
}

/* The first that can be done is; the others have lost nothing. */
static int first_of_three(void)
{
    bide_auto job_queue *jobs = BIDE_TRY_PTR(bide_queue_new(job_queue, 10));
    bide_event stop = {0};
    struct job job;

    for (int i = 0; i < 3; i++) {
        switch (bide_select(NULL, bide_event_awaitable(&stop), bide_queue_get_awaitable(jobs, &job), bide_sleep_awaitable(30))) {
        case 0:
            printf("told to stop, with %zu job in the queue\n", bide_queue_len(jobs));
            break;
        case 1:
            printf("job %d\n", job.number);
            BIDE_TRY(bide_queue_put(jobs, &job));
            bide_event_set(&stop);
            break;
        case 2:
            printf("no job in 30 ms\n");
            BIDE_TRY(bide_queue_put(jobs, &(struct job){.number = 7}));
            break;
        default:
            return bide_raise();
        }
    }
    return 0;
}

static int app(void)
{
    BIDE_TRY(two_workers());
    BIDE_TRY(smallest_first());
    return first_of_three();
}

int main(void)
{
    return bide_main(bide_coro(app));
}
