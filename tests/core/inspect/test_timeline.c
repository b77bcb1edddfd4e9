/* SPDX-License-Identifier: MIT */
/* test_timeline.c - a timeline of this process: what stands in its file, and that it is written however the process ends. */
#include <bide/debug.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/core.h"
#include "harness/harness.h"
#include "trace.h"

static char path[512], text[8 << 20];

static const char *file(const char *name)
{
    snprintf(path, sizeof path, "%s/%s", test_tmpdir(), name);
    return path;
}

static void load(const char *from)
{
    FILE *f = fopen(from, "r");
    EXPECT_NOT_NULL(f);
    size_t n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    EXPECT_LT(n, sizeof text - 1);
    text[n] = '\0';
}

static int count(const char *part)
{
    int n = 0;

    for (const char *p = text; (p = strstr(p, part)); p++)
        n++;
    return n;
}

static void expect_whole(void)
{
    EXPECT_MEM(text, "{\"traceEvents\":[", 16);
    EXPECT_MEM(text + strlen(text) - 3, "}}\n", 3);
    EXPECT_EQ(count("\"ph\":\"b\""), count("\"ph\":\"e\""));
    EXPECT_EQ(count("\"ph\":\"s\""), count("\"ph\":\"f\""));
    EXPECT_EQ(count("{"), count("}"));
}

static int nap(int ms)
{
    BIDE_TRY(bide_sleep_ms(ms));
    return 7;
}

static int fails(void)
{
    return bide_fail(-EIO, "no");
}

static int waits_for(bide_task *t)
{
    return bide_await(t);
}

TEST(timeline_of_tasks_has_their_names_and_waits)
{
    EXPECT_EQ(bide_trace_start(file("t.json")), 0);
    bide_auto bide_task *worker = bide_create_task(bide_coro(nap, 5), .name = "a \"worker\"\n\xff");
    bide_auto bide_task *plain = bide_create_task(bide_coro(fails));
    bide_auto bide_task *waiter = bide_create_task(bide_coro(waits_for, worker));
    EXPECT_EQ(bide_await(waiter), 7);
    EXPECT_EQ(bide_await(plain), -EIO);
    EXPECT_EQ(bide_trace_stop(), 0);

    load(path);
    expect_whole();
    EXPECT_CONTAINS(text, "\"name\":\"a \\\"worker\\\"\\u000a? (#");
    EXPECT_CONTAINS(text, "\"args\":{\"function\":\"nap\",\"created by task\":");
    EXPECT_CONTAINS(text, "\"name\":\"awaits Task-");
    EXPECT_CONTAINS(text, "\"args\":{\"result\":7}");
    EXPECT_CONTAINS(text, "(fails)");
    EXPECT_CONTAINS(text, "\"name\":\"sleeps\"");
    EXPECT_CONTAINS(text, "\"args\":{\"error\":\"Input/output error\"}");
    EXPECT_CONTAINS(text, "\"ph\":\"X\"");
    EXPECT_CONTAINS(text, "\"overwritten entries\":0");
}

/* As another process does it, which then says nothing more. */
TEST(timeline_asked_for_from_outside_ends_by_itself)
{
    atomic_store(&bide__timeline.until_ns, (uint64_t)bide__clock_ns() + 3600 * UINT64_C(1000000000));
    atomic_store(&bide__timeline.on, 0x80000001);
    EXPECT_EQ(bide_sleep_ms(1), 0);
    EXPECT_NOT_NULL(bide__loop_here->track);
    EXPECT_EQ(bide_trace_start(file("t.json")), BIDE_ESTATE);
    atomic_store(&bide__timeline.until_ns, (uint64_t)bide__clock_ns());
    EXPECT_EQ(bide_sleep_ms(1), 0);
    EXPECT_EQ(bide__timeline_on(), 0);
    EXPECT_NULL(bide__loop_here->track);

    atomic_store(&bide__timeline.on, 0x80000002); /* its time is over before a loop has seen it */
    EXPECT_EQ(bide_trace_start(file("t.json")), 0);
    EXPECT_TRUE(bide__timeline_on() < 1000);
    EXPECT_EQ(bide_sleep_ms(1), 0);
    EXPECT_EQ(bide_trace_stop(), 0);
}

static int nests(void)
{
    bide_auto bide_task *inner = bide_create_task(bide_coro(nap, 0), .eager = true);

    return bide_await(inner);
}

TEST(timeline_of_eager_tasks_and_generators_is_whole)
{
    EXPECT_EQ(bide_trace_start(file("t.json")), 0);
    bide_auto bide_task *outer = bide_create_task(bide_coro(nests), .eager = true);
    EXPECT_EQ(bide_await(outer), 7);
    EXPECT_EQ(bide_gather(bide_coro(nap, 1), bide_coro(nests)), 0);
    EXPECT_EQ(bide_trace_stop(), 0);

    load(path);
    expect_whole();
    EXPECT_CONTAINS(text, "\"name\":\"nests\"");
    EXPECT_CONTAINS(text, "awaits several");
}

TEST(timeline_that_overflows_says_so)
{
    atomic_store(&bide__timeline.track_bytes, TRACK_BYTES_MIN);
    bide_auto bide_task *long_one = bide_create_task(bide_coro(nap, 100000), .name = "long");
    EXPECT_EQ(bide_trace_start(file("t.json")), 0);
    for (int i = 0; i < 5000; i++)
        EXPECT_EQ(bide_sleep_ms(0), 0);
    EXPECT_EQ(bide_trace_stop(), 0);

    load(path);
    expect_whole();
    EXPECT_CONTAINS(text, " older entries were overwritten (BIDE_TRACE_SIZE)");
    EXPECT_EQ(count("\"overwritten entries\":0,"), 0);
    EXPECT_LE(count("\"ph\":\"X\""), (int)(TRACK_BYTES_MIN / 32 / 2));
    EXPECT_LT(100, count("\"ph\":\"X\""));
    bide_task_cancel(long_one);
}

TEST(timeline_is_refused_with_a_reason)
{
    EXPECT_ERR(bide_trace_start(NULL), -EINVAL);
    EXPECT_ERR(bide_trace_start(""), -EINVAL);
    EXPECT_ERR(bide_trace_start("/no/such/folder/t.json"), -ENOENT);
    EXPECT_CONTAINS(bide_error_text(), "cannot be written to /no/such/folder/t.json: No such file or directory");
    EXPECT_ERR(bide_trace_stop(), BIDE_ESTATE);
    EXPECT_EQ(bide_trace_start(file("t.json")), 0);
    EXPECT_ERR(bide_trace_start("/tmp/another"), BIDE_ESTATE);
    EXPECT_EQ(bide_trace_stop(), 0);
}

TEST(timeline_on_a_full_disk_is_reported)
{
    EXPECT_EQ(bide_trace_start("/dev/full"), 0);
    EXPECT_EQ(bide_sleep_ms(1), 0);
    EXPECT_ERR(bide_trace_stop(), -ENOSPC);
    EXPECT_CONTAINS(bide_error_text(), "incomplete: /dev/full");
}

TEST(timeline_ends_and_can_begin_again)
{
    bide_loop *loop = bide_get_event_loop();
    EXPECT_EQ(bide_trace_start(file("1.json")), 0);
    EXPECT_TRUE(loop->track && !loop->plain_run);
    EXPECT_EQ(bide_trace_stop(), 0);
    EXPECT_NULL(loop->track);
    EXPECT_TRUE(loop->plain_run || bide__carries_state);
    EXPECT_EQ(bide_sleep_ms(1), 0);
    bide_auto bide_task *between = bide_create_task(bide_coro(nap, 1), .name = "between");
    EXPECT_EQ(bide_await(between), 7);
    EXPECT_EQ(bide_trace_start(file("2.json")), 0);
    bide_auto bide_task *after = bide_create_task(bide_coro(nap, 1), .name = "after");
    EXPECT_EQ(bide_await(after), 7);
    EXPECT_EQ(bide_trace_stop(), 0);

    load(path);
    expect_whole();
    EXPECT_EQ(count("between"), 0);
    EXPECT_CONTAINS(text, "after");
}

static int in_thread(int *where)
{
    *where = gettid();
    return 3;
}

TEST(timeline_has_calls_in_threads)
{
    int where = 0;
    char tid[32];
    EXPECT_EQ(bide_trace_start(file("t.json")), 0);
    EXPECT_EQ(bide_to_thread(bide_coro(in_thread, &where)), 3);
    EXPECT_EQ(bide_trace_stop(), 0);

    load(path);
    expect_whole();
    snprintf(tid, sizeof tid, "\"tid\":%d,", where);
    EXPECT_CONTAINS(text, tid);
    EXPECT_CONTAINS(text, "\"name\":\"in_thread\"");
}

/* ---- several threads ---- */

static atomic_bool stops;

static int spins(void)
{
    while (!atomic_load(&stops))
        BIDE_TRY(bide_sleep_ms(0));
    return 0;
}

static void *run_spins(void *arg)
{
    EXPECT_EQ(bide_run(bide_coro(spins)), 0);
    return arg;
}

/* Another thread writes its track while it is copied. */
UNIT(timeline_of_another_thread_is_whole)
{
    pthread_t other;
    atomic_store(&bide__timeline.track_bytes, TRACK_BYTES_MIN);
    EXPECT_EQ(bide_trace_start(file("t.json")), 0);
    EXPECT_EQ(pthread_create(&other, NULL, run_spins, NULL), 0);
    for (int i = 0; i < 20; i++) {
        usleep(1000);
        EXPECT_EQ(bide_trace_stop(), 0);
        load(path);
        expect_whole();
        EXPECT_EQ(bide_trace_start(path), 0);
    }
    atomic_store(&stops, true);
    pthread_join(other, NULL);
    EXPECT_EQ(bide_trace_stop(), 0);
}

/* ---- the end of a process ---- */

static int aborts(void)
{
    BIDE_TRY(bide_sleep_ms(1));
    abort();
}

static int ended_by(pid_t pid)
{
    int status = 0;

    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) ? WTERMSIG(status) : -WEXITSTATUS(status);
}

UNIT(timeline_is_written_by_exit_and_by_abort)
{
    if (bide__asan_runs() || is_tsan())
        SKIP("a sanitizer has the signals");
    file("t.json");
    pid_t pid = fork();
    if (pid == 0) {
        if (bide_trace_start(path) == 0)
            BIDE_IGNORE(bide_run(bide_coro(aborts)));
        _exit(1);
    }
    EXPECT_EQ(ended_by(pid), SIGABRT);
    load(path);
    expect_whole();
    EXPECT_CONTAINS(text, "\"name\":\"aborts\"");
    EXPECT_CONTAINS(text, "\"unfinished\":true");

    pid = fork();
    if (pid == 0) {
        setenv("BIDE_TRACE", path, 1);
        exit(bide_run(bide_coro(nap, 1)));
    }
    EXPECT_EQ(ended_by(pid), -7);
    load(path);
    expect_whole();
    EXPECT_CONTAINS(text, "\"name\":\"nap\"");
}

static int forks(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        int code = bide_trace_stop() == BIDE_ESTATE && bide_trace_start(path) == 0 ? bide_run(bide_coro(nap, 1)) : 1;
        _exit(code == 7 && bide_trace_stop() == 0 ? 0 : 1);
    }
    EXPECT_EQ(ended_by(pid), 0);
    return (int)pid;
}

UNIT(timeline_of_a_forked_child_is_its_own)
{
    char own[600];
    if (is_tsan())
        SKIP("fork in a task");
    EXPECT_EQ(bide_trace_start(file("t.json")), 0);
    int pid = bide_run(bide_coro(forks));
    EXPECT_EQ(bide_trace_stop(), 0);
    load(path);
    expect_whole();
    EXPECT_CONTAINS(text, "\"name\":\"forks\"");
    snprintf(own, sizeof own, "%s.%d", path, pid);
    load(own);
    expect_whole();
    EXPECT_CONTAINS(text, "\"name\":\"nap\"");
    EXPECT_EQ(count("forks"), 0);
}

UNIT(timeline_path_has_the_process_in_it)
{
    char name[64], expected[600];
    EXPECT_EQ(bide_trace_start(file("a%p%%b")), 0);
    EXPECT_EQ(bide_trace_stop(), 0);
    snprintf(name, sizeof name, "a%d%%b", getpid());
    snprintf(expected, sizeof expected, "%s/%s", test_tmpdir(), name);
    EXPECT_EQ(access(expected, R_OK), 0);
}
