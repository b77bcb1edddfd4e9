/* SPDX-License-Identifier: MIT */
/* test_situations.c - processes: what each function gives in each situation (harness/situations.h). */
#include "harness/situations.h"
#include "process.h"

static struct {
    bide_process *running, *ended;
} theirs;

static int made(void *object)
{
    if (!object)
        return bide_error_code();
    (bide_release)(object);
    return 0;
}

static int there(const void *pointer)
{
    return pointer ? 0 : -1;
}

static int spawn(void) { return made(bide_process_spawn(BIDE_ARGS("true"))); }
static int spawn_nothing(void) { return made(bide_process_spawn(BIDE_ARGS("/no/such"))); }
static int run(void) { return made(bide_process_run(BIDE_ARGS("true"))); }
static int wait_(void) { return bide_process_wait(theirs.ended); }
static int await_(void) { return bide_await(bide_process_awaitable(theirs.ended)); }
static int communicate(void) { return bide_process_communicate(theirs.ended, (bide_bytes){NULL, 0}, NULL, NULL); }
static int pid(void) { return bide_process_pid(theirs.running); }
static int exit_code(void) { return bide_process_exit_code(theirs.ended); }
static int signal_(void) { return bide_process_exit_signal(theirs.ended); }
static int send_signal(void) { return bide_process_send_signal(theirs.running, 0); }
static int terminate(void) { return bide_process_terminate(theirs.running); }
static int stdin_(void) { return there(bide_process_stdin(theirs.ended)); }
static int stdout_(void) { return there(bide_process_stdout(theirs.ended)); }
static int stderr_(void) { return there(bide_process_stderr(theirs.ended)); }
static int terminal(void) { return bide_process_terminal(theirs.ended) ? -1 : 0; }
static int resize(void) { return bide_process_resize(theirs.ended, 24, 80); }
static int output(void) { return there(bide_process_output(theirs.ended).data); }
static int errors(void) { return there(bide_process_error_output(theirs.ended).data); }

static const struct situation_row rows[] = {
    /* They start a process of the running loop. */
    {"bide_process_spawn", spawn, {BIDE_ENOLOOP, W, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ENOLOOP, W}},
    {"bide_process_spawn of nothing", spawn_nothing, {BIDE_ENOLOOP, -ENOENT, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ENOLOOP, -ENOENT}},
    {"bide_process_run", run, {BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ENOLOOP, W}},
    /* They suspend. */
    {"bide_process_wait", wait_, {NEVER, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ESTATE, BIDE_ESTATE, BIDE_ESTATE}},
    {"bide_process_awaitable", await_, {NEVER, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ESTATE, BIDE_ESTATE, BIDE_ESTATE}},
    {"bide_process_communicate", communicate, {NEVER, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ESTATE, BIDE_ESTATE, BIDE_ESTATE}},
    /* Closing the loop has ended them. */
    {"bide_process_exit_code", exit_code, {NEVER, W, W, BIDE_ESTATE, BIDE_ESTATE, W}},
    {"bide_process_exit_signal", signal_, {NEVER, W, W, BIDE_ESTATE, BIDE_ESTATE, W}},
    {"bide_process_send_signal", send_signal, {NEVER, W, -ESRCH, BIDE_ESTATE, BIDE_ESTATE, -ESRCH}},
    {"bide_process_terminate", terminate, {NEVER, W, -ESRCH, BIDE_ESTATE, BIDE_ESTATE, -ESRCH}},
    /* What never changes. */
    {"bide_process_pid", pid, {NEVER, W, W, W, W, W}},
    {"bide_process_stdin", stdin_, {NEVER, W, W, W, W, W}},
    {"bide_process_stdout", stdout_, {NEVER, W, W, W, W, W}},
    {"bide_process_stderr", stderr_, {NEVER, W, W, W, W, W}},
    {"bide_process_terminal of none", terminal, {NEVER, W, W, W, W, W}},
    {"bide_process_resize of none", resize, {NEVER, BIDE_ESTATE, BIDE_ESTATE, BIDE_ESTATE, BIDE_ESTATE, BIDE_ESTATE}},
    {"bide_process_output", output, {NEVER, W, W, W, W, W}},
    {"bide_process_error_output", errors, {NEVER, W, W, W, W, W}},
};

static void check_all(enum situation s)
{
    situation_check(rows, sizeof rows / sizeof *rows, s);
}

/* ---- the situations ---- */

static int make_theirs(void)
{
    theirs.running = bide_process_spawn(BIDE_ARGS("sleep", "100"));
    theirs.ended = bide_process_spawn(BIDE_ARGS("true"), .stdin_from = BIDE_PIPE, .stdout_to = BIDE_PIPE, .stderr_to = BIDE_PIPE);
    EXPECT_TRUE(theirs.running && bide_process_wait(theirs.ended) == 0);
    return 0;
}

static void end_theirs(void)
{
    bide_release(theirs.running);
    bide_release(theirs.ended);
}

UNIT(process_situation_without_a_loop_follows_the_contracts)
{
    check_all(NO_LOOP);
}

TEST(process_situation_in_a_callback_follows_the_contracts, .real_time = true)
{
    make_theirs();
    situation_check_in_callback(check_all);
    end_theirs();
}

UNIT(process_situation_after_the_loop_was_closed_follows_the_contracts)
{
    EXPECT_EQ(bide_run(bide_coro(make_theirs)), 0);
    check_all(CLOSED);
    end_theirs();
}

UNIT(process_situation_in_a_task_of_another_loop_follows_the_contracts)
{
    EXPECT_EQ(bide_run(bide_coro(make_theirs)), 0);
    situation_check_in_second_loop(check_all);
    end_theirs();
}

TEST(process_situation_in_another_thread_follows_the_contracts, .real_time = true)
{
    make_theirs();
    situation_check_in_thread(check_all);
    end_theirs();
}

TEST(process_situation_in_a_forked_child_follows_the_contracts, .real_time = true)
{
    make_theirs();
    situation_check_in_child(check_all);
    end_theirs();
}
