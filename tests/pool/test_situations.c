/* SPDX-License-Identifier: MIT */
/*
 * test_situations.c - pools, their jobs and streams: what each function gives in each situation (harness/situations.h).
 *
 * "No loop" has no objects of a loop: for them see "a closed loop".  The functions of a worker are looked at outside of one; in one
 * see worker/test_progress.c.
 */
#include "harness/situations.h"
#include "pool_test.h"

/* What belongs to the loop of the test.  The pool is open in each situation but where its loop was closed. */
static struct {
    bide_pool *pool;
    bide_future *done, *failed;
    bide_pool_stream *stream;
    void *buffer;
} theirs;

static int made(void *object)
{
    if (!object)
        return bide_error_code();
    (bide_release)(object);
    return 0;
}

static int no_source(void *arg, bide_job *job)
{
    (void)arg;
    (void)job;
    return 0;
}

/* It gives nothing, false, 0 or NULL where it fails, and what is on record says why. */
#define RECORD(name, call) static int name(void) { BIDE_IGNORE(call); return bide_error_code(); }
#define CODE(name, call) static int name(void) { return (int)(call); }
#define MADE(name, call) static int name(void) { return made(call); }

CODE(default_workers, bide_pool_default_workers() > 0 ? 0 : -1)
CODE(inspect, bide_pool_inspect(1 << 30, &(bide_pool_stats){0}, 1))
MADE(pool_new, bide_pool_new(.kind = BIDE_POOL_THREAD, .workers = 1))
CODE(serve, bide_pool_serve("unix:/here/is/nothing", "t", .pool = theirs.pool))

CODE(call, bide_pool_call(theirs.pool, bide_job(job_nothing)))
MADE(submit, bide_pool_submit(theirs.pool, bide_job(job_nothing)))
CODE(map, bide_pool_map(theirs.pool, bide_jobs(job_return, ((int[]){1})), 1))
CODE(each, bide_pool_each(theirs.pool, bide_job(job_nothing)))
MADE(imap, bide_pool_imap(theirs.pool, no_source, NULL))
CODE(next, bide_pool_next(theirs.stream, &(bide_pool_item){0}))
static int buffer(void)
{
    void *bytes = bide_pool_buffer(theirs.pool, 10);
    if (!bytes)
        return bide_error_code();
    bide_pool_put(theirs.pool, bytes);
    return 0;
}
CODE(resize, bide_pool_resize(theirs.pool, 1))
CODE(size, bide_pool_size(theirs.pool))
CODE(pid, bide_pool_pid(theirs.pool, 0))
static int stats(void)
{
    static _Thread_local bide_pool_stats s;
    bide_pool_stats_get(theirs.pool, &s);
    return s.done > 0 ? 0 : BIDE_ESTATE; /* all zeros, and a line on standard error */
}
RECORD(result, bide_pool_result(theirs.done).len)
RECORD(failure_of, bide_pool_failure_of(theirs.failed))
static int take_fd(void)
{
    int fd = bide_pool_take_fd(theirs.done, 0);
    return fd == -1 ? 0 : fd; /* there is none */
}
CODE(kill_, bide_pool_kill(theirs.pool))
CODE(close_, bide_pool_close(theirs.pool, 0, NULL))

/* Outside of a worker */
CODE(worker_index, bide_worker_index() == -1 ? 0 : -1)
CODE(worker_attempt, bide_worker_attempt() == 0 ? 0 : -1)
CODE(worker_state, bide_worker_state() ? -1 : 0)
CODE(worker_reply, bide_worker_reply("a", 1))
RECORD(worker_reserve, bide_worker_reserve(1))
CODE(worker_progress, bide_worker_progress(1, 2))
CODE(worker_emit, bide_worker_emit("a", 1))
CODE(worker_fd, bide_worker_fd(0) == -1 ? 0 : -1)
CODE(worker_reply_fd, bide_worker_reply_fd(0))

#define SAME(code) {code, code, code, code, code, code}
#define OWN {NEVER, W, W, BIDE_ESTATE, BIDE_ESTATE, W}
#define OPEN_LOOP {NEVER, W, BIDE_ESTATE, BIDE_ESTATE, BIDE_ESTATE, BIDE_ESTATE}     /* it does something */
#define WAITS {NEVER, BIDE_ENOLOOP, BIDE_ESTATE, BIDE_ESTATE, BIDE_ESTATE, BIDE_ESTATE}
#define ENDS {NEVER, BIDE_ESTATE, BIDE_ESTATE, BIDE_ESTATE, BIDE_ESTATE, BIDE_ESTATE}

static const struct situation_row rows[] = {
    {"bide_pool_default_workers", default_workers, SAME(W)},
    {"bide_pool_inspect", inspect, SAME(-ESRCH)},
    {"bide_worker_index", worker_index, SAME(W)},
    {"bide_worker_attempt", worker_attempt, SAME(W)},
    {"bide_worker_state", worker_state, SAME(W)},
    {"bide_worker_reply", worker_reply, SAME(BIDE_ESTATE)},
    {"bide_worker_reserve", worker_reserve, SAME(BIDE_ESTATE)},
    {"bide_worker_progress", worker_progress, SAME(BIDE_ESTATE)},
    {"bide_worker_emit", worker_emit, SAME(BIDE_ESTATE)},
    {"bide_worker_fd", worker_fd, SAME(W)},
    {"bide_worker_reply_fd", worker_reply_fd, SAME(BIDE_ESTATE)},
    {"bide_pool_size", size, OWN},
    {"bide_pool_pid", pid, OWN},
    {"bide_pool_stats_get", stats, OWN},
    {"bide_pool_result", result, OWN},
    {"bide_pool_take_fd", take_fd, OWN},
    {"bide_pool_failure_of", failure_of, OWN},
    {"bide_pool_buffer", buffer, OPEN_LOOP},
    {"bide_pool_submit", submit, OPEN_LOOP},
    {"bide_pool_imap", imap, OPEN_LOOP},
    {"bide_pool_new", pool_new, {BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ENOLOOP, W}},
    {"bide_pool_call", call, WAITS},
    {"bide_pool_map", map, WAITS},
    {"bide_pool_each", each, WAITS},
    {"bide_pool_next", next, WAITS},
    {"bide_pool_serve", serve, WAITS},
    {"bide_pool_resize", resize, WAITS},
    {"bide_pool_close", close_, ENDS},
    {"bide_pool_kill", kill_, ENDS},
};

static void check_all(enum situation s)
{
    situation_check(rows, sizeof rows / sizeof *rows, s);
}

/* ---- the situations ---- */

static void make_theirs(void)
{
    theirs.pool = OPEN(.kind = BIDE_POOL_PROCESS, .workers = 1);
    theirs.done = bide_pool_submit(theirs.pool, bide_job(job_nothing));
    theirs.failed = bide_pool_submit(theirs.pool, bide_job(job_fail, "wrong"));
    theirs.stream = bide_pool_imap(theirs.pool, no_source, NULL);
    EXPECT_TRUE(theirs.done && theirs.failed && theirs.stream);
    EXPECT_EQ(bide_await(theirs.done), 0);
    EXPECT_LT(bide_await(theirs.failed), 0);
}

static void end_theirs(void)
{
    bide_release(theirs.stream);
    bide_release(theirs.done);
    bide_release(theirs.failed);
    bide_release(theirs.pool);
}

UNIT(pool_situation_without_a_loop_follows_the_contracts)
{
    check_all(NO_LOOP);
}

TEST(pool_situation_in_a_callback_follows_the_contracts, .real_time = true)
{
    needs_processes();
    make_theirs();
    situation_check_in_callback(check_all);
    end_theirs();
}

static int makes_theirs(void)
{
    make_theirs();
    return 0;
}

UNIT(pool_situation_after_the_loop_was_closed_follows_the_contracts)
{
    needs_processes();
    EXPECT_EQ(bide_run(bide_coro(makes_theirs)), 0);
    check_all(CLOSED);
    end_theirs();
}

UNIT(pool_situation_in_a_task_of_another_loop_follows_the_contracts)
{
    needs_processes();
    EXPECT_EQ(bide_run(bide_coro(makes_theirs)), 0);
    situation_check_in_second_loop(check_all);
    end_theirs();
}

TEST(pool_situation_in_another_thread_follows_the_contracts, .real_time = true)
{
    needs_processes();
    make_theirs();
    situation_check_in_thread(check_all);
    end_theirs();
}

TEST(pool_situation_in_a_forked_child_follows_the_contracts, .real_time = true)
{
    needs_processes();
    make_theirs();
    situation_check_in_child(check_all);
    end_theirs();
}
