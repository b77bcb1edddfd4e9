/* SPDX-License-Identifier: MIT */
/* test_life.c - from opening to the end: init and fini, close, kill, scopes, signals, the death of the program itself. */
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "pool_test.h"

/* ---- init and fini ---- */

struct setup {
    int start;
    char path[200];
};

static int init_state(const struct setup *s)
{
    struct setup *state = malloc(sizeof *state); /* begins with the number that job_state counts */
    BIDE_TRY(bide_sleep_ms(5)); /* it may await */
    if (!state)
        return BIDE_ENOMEM;
    *state = *s;
    bide_worker_set_state(state);
    return 0;
}
BIDE_POOL_TASK(init_state);

static int fini_state(void)
{
    struct setup *state = bide_worker_state();

    BIDE_TRY(bide_sleep_ms(5));
    int fd = open(state->path, O_CREAT | O_WRONLY | O_APPEND, 0600);
    if (write(fd, "x", 1) != 1)
        return -errno;
    close(fd);
    free(state);
    return 0;
}
BIDE_POOL_TASK(fini_state);

/* pool no. 40: init and fini of each worker may await; its state is there for every job */
KINDS(every_worker_has_its_init_and_fini)
{
    struct setup s = {.start = 100};
    struct stat st;
    int codes[2];

    snprintf(s.path, sizeof s.path, "%s/fini", test_tmpdir());
    {
        bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 2, .init = bide_job(init_state, &s), .fini = bide_job(fini_state));
        for (int round = 1; round < 4; round++) {
            EXPECT_OK(bide_pool_each(p, bide_job(job_state), .codes = codes));
            EXPECT_EQ(codes[0], 100 + round);
            EXPECT_EQ(codes[1], 100 + round);
        }
    }
    EXPECT_EQ(stat(s.path, &st), 0);
    EXPECT_EQ(st.st_size, 2);
}

/* ---- close and kill ---- */

/* pool no. 41: running and queued jobs finish, and are counted; later ones are refused */
KINDS(close_lets_jobs_finish)
{
    int ms = 50;
    bide_pool_counts counts;
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1, .concurrency = 2);
    bide_future *f[5];

    for (int i = 0; i < 5; i++)
        f[i] = bide_pool_submit(p, bide_job(job_sleep, &ms));
    EXPECT_OK(bide_pool_close(p, BIDE_FOREVER, &counts));
    EXPECT_EQ(counts.finished, 5);
    EXPECT_EQ(counts.cancelled, 0);
    EXPECT_EQ(counts.killed, 0);
    for (int i = 0; i < 5; i++) {
        EXPECT_EQ(bide_await(f[i]), 50);
        bide_release(f[i]);
    }
    EXPECT_ERR(CALL(p, bide_job(job_nothing)), BIDE_ECLOSED);
    bide_error_clear();
    EXPECT_OK(bide_pool_close(p, 1, NULL)); /* twice is once */
}

/* pool no. 41: after the grace they are cancelled; those that do not yield are killed */
PROCESS_KINDS(close_cancels_then_kills)
{
    int long_ms = 60000;
    bide_pool_counts counts;
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 2, .concurrency = 4, .grace_ms = 150);
    bide_auto bide_future *sleeps = bide_pool_submit(p, bide_job(job_sleep, &long_ms), .key = 1);
    BIDE_IGNORE(bide_sleep_ms(20));
    bide_auto bide_future *blocks = bide_pool_submit(p, bide_job(job_block, &long_ms), .key = 1);
    int64_t start = now_us();
    BIDE_IGNORE(bide_sleep_ms(20));

    EXPECT_OK(bide_pool_close(p, 30, &counts));
    EXPECT_LT(now_us() - start, 3000000);
    EXPECT_LE(1, counts.killed);
    EXPECT_EQ(counts.finished + counts.cancelled + counts.killed, 2);
    EXPECT_ERR(bide_await(blocks), BIDE_ECLOSED);
    bide_error_clear();
    EXPECT_LT(bide_await(sleeps), 0);
    bide_error_clear();
}

KINDS(close_cancels_what_awaits)
{
    int long_ms = 60000;
    bide_pool_counts counts;
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1, .concurrency = 1);
    bide_auto bide_future *runs = bide_pool_submit(p, bide_job(job_sleep, &long_ms));
    bide_auto bide_future *queued = bide_pool_submit(p, bide_job(job_nothing));
    BIDE_IGNORE(bide_sleep_ms(20));

    EXPECT_OK(bide_pool_close(p, 30, &counts));
    EXPECT_EQ(counts.cancelled, 2);
    EXPECT_EQ(counts.killed, 0);
    EXPECT_ERR(bide_await(runs), BIDE_ECANCELED);
    EXPECT_ERR(bide_await(queued), BIDE_ECLOSED);
    bide_error_clear();
}

/* Is this process gone?  A zombie of somebody else counts as gone. */
static bool is_gone(int pid)
{
    char path[64], state = 'Z';
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *f = fopen(path, "r");
    if (!f)
        return true;
    if (fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
        state = 'Z';
    fclose(f);
    return state == 'Z' || state == 'X';
}

/* pool no. 42: all workers gone within 100 ms, all futures failed, no zombies */
PROCESS_KINDS(kill_ends_all_at_once)
{
    int long_ms = 60000, pids[3];
    bide_future *f[9];
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 3, .concurrency = 1);

    for (int i = 0; i < 9; i++)
        f[i] = i % 2 ? bide_pool_submit(p, bide_job(job_block, &long_ms)) : bide_pool_submit(p, bide_job(job_sleep, &long_ms));
    BIDE_IGNORE(bide_sleep_ms(20));
    for (int i = 0; i < 3; i++)
        pids[i] = bide_pool_pid(p, i);
    int64_t start = now_us();
    EXPECT_OK(bide_pool_kill(p));
    EXPECT_LT(now_us() - start, 100000 * SLOW);
    for (int i = 0; i < 3; i++) {
        EXPECT_EQ(kill(pids[i], 0), -1); /* not even a zombie */
        EXPECT_EQ(errno, ESRCH);
    }
    for (int i = 0; i < 9; i++) {
        EXPECT_ERR(bide_await(f[i]), BIDE_ECLOSED);
        bide_error_clear();
        bide_release(f[i]);
    }
}

static int scope_with(enum bide_pool_kind kind, int end, bide_future **f, int64_t *took)
{
    int ms = 300;
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1);

    *f = bide_pool_submit(p, bide_job(job_sleep, &ms));
    BIDE_TRY(bide_sleep_ms(20));
    *took = now_us();
    return end < 0 ? bide_fail(end, "the scope is left with an error") : 0;
}

static int scope_that_is_cancelled(enum bide_pool_kind kind, bide_future **f, int64_t *took)
{
    int ms = 300;
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1);

    *f = bide_pool_submit(p, bide_job(job_sleep, &ms));
    int r = bide_sleep_ms(10000);
    *took = now_us();
    return r;
}

/* pool no. 43: the end of the scope waits for the jobs; if its task was cancelled, it cancels them */
KINDS(scope_closes_in_order_and_cancels_when_its_task_was_cancelled)
{
    bide_future *f;
    int64_t start;

    EXPECT_OK(scope_with(kind, 0, &f, &start));
    EXPECT_LE(250000, now_us() - start);
    EXPECT_EQ(bide_await(f), 300);
    bide_release(f);

    EXPECT_ERR(scope_with(kind, -EPROTO, &f, &start), -EPROTO);
    EXPECT_STR(bide_error_text(), "the scope is left with an error"); /* closing has not hidden it */
    EXPECT_EQ(bide_await(f), 300);                                    /* nor lost what was under way */
    bide_release(f);

    bide_auto bide_task *t = bide_create_task(bide_coro(scope_that_is_cancelled, kind, &f, &start));
    EXPECT_OK(bide_sleep_ms(100));
    bide_task_cancel(t);
    EXPECT_ERR(bide_await(t), BIDE_ECANCELED);
    EXPECT_LT(now_us() - start, 250000);
    EXPECT_ERR(bide_await(f), BIDE_ECANCELED);
    bide_release(f);
    bide_error_clear();
}

/* ---- a program of its own: signals and sudden death ---- */

struct program {
    pid_t pid;
    int out;      /* what it says: pids, then a byte for each step */
    int pids[3];  /* workers, helper */
};

static int program_app(int out, enum bide_pool_kind kind, bool burns)
{
    int pids[3], ms = 60000;
    bide_auto bide_pool *p = bide_pool_new(.kind = kind, .workers = 2);
    if (!p)
        return bide_raise();
    bide_auto bide_future *a = burns ? bide_pool_submit(p, bide_job(job_burn, &ms)) : bide_pool_submit(p, bide_job(job_sleep, &ms));
    bide_auto bide_future *b = bide_pool_submit(p, bide_job(job_block, &ms));

    BIDE_TRY(bide_sleep_ms(50));
    pids[0] = bide_pool_pid(p, 0);
    pids[1] = bide_pool_pid(p, 1);
    pids[2] = kind == BIDE_POOL_PROCESS ? bide__zygote_pid() : pids[0];
    if (write(out, pids, sizeof pids) != sizeof pids)
        return -errno;
    return bide_await(a);
}

static struct program run_program(enum bide_pool_kind kind, bool burns)
{
    int ends[2];
    struct program g = {0};
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    g.pid = fork();
    EXPECT_LE(0, g.pid);
    if (g.pid == 0) {
        setpgid(0, 0);
        close(ends[0]);
        signal(SIGINT, SIG_DFL);
        _exit(bide_run(bide_coro(program_app, ends[1], kind, burns)) < 0);
    }
    close(ends[1]);
    g.out = ends[0];
    EXPECT_EQ(read(g.out, g.pids, sizeof g.pids), sizeof g.pids);
    return g;
}

static void expect_all_gone(struct program *g, int within_ms)
{
    bool gone = false;

    for (int i = 0; i < within_ms / 5 && !gone; i++) {
        usleep(5000);
        gone = is_gone(g->pids[0]) && is_gone(g->pids[1]) && is_gone(g->pids[2]);
    }
    close(g->out);
    while (waitpid(-1, NULL, WNOHANG | __WALL) > 0)
        ;
    EXPECT_TRUE(gone);
}

static int count_entries(const char *dir)
{
    int n = 0;
    DIR *d = opendir(dir);
    for (struct dirent *e; d && (e = readdir(d));)
        n += strstr(e->d_name, "bide-worker") || strstr(e->d_name, "bide-arena") || strstr(e->d_name, "bide-pool") ||
             strncmp(e->d_name, "sem.bide", 8) == 0;
    if (d)
        closedir(d);
    return n;
}

static void program_is_killed(enum bide_pool_kind kind, bool burns)
{
    struct program g = run_program(kind, burns);
    int status;

    EXPECT_EQ(kill(g.pid, SIGKILL), 0);
    EXPECT_EQ(waitpid(g.pid, &status, 0), g.pid);
    expect_all_gone(&g, 1000 * SLOW);
    /* pool no. 46: nothing with a name is left */
    EXPECT_EQ(count_entries("/dev/shm"), 0);
    EXPECT_EQ(count_entries("/tmp"), 0);
}

/* pool no. 45, 46: when the program dies, its workers end within a second, even those that loop forever */
UNIT(death_of_the_program_ends_its_workers_process)
{
    needs_processes();
    program_is_killed(BIDE_POOL_PROCESS, true);
    program_is_killed(BIDE_POOL_PROCESS, false);
}
UNIT(death_of_the_program_ends_its_workers_fork)
{
    needs_processes();
    program_is_killed(BIDE_POOL_FORK, true);
}
UNIT(death_of_the_program_ends_its_workers_exec)
{
    needs_processes();
    program_is_killed(BIDE_POOL_EXEC, true);
}

static void *pool_in_a_thread(void *arg)
{
    int out = *(int *)arg;
    BIDE_IGNORE(bide_run(bide_coro(program_app, out, BIDE_POOL_PROCESS, true)));
    return NULL;
}

/* pool no. 45: also when the pool, and its helper, belong to another thread than the first */
UNIT(death_of_the_program_ends_workers_of_any_thread)
{
    needs_processes();
    int ends[2];
    struct program g = {0};
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    g.pid = fork();
    if (g.pid == 0) {
        pthread_t t;
        pthread_create(&t, NULL, pool_in_a_thread, &ends[1]);
        pthread_join(t, NULL);
        _exit(1);
    }
    close(ends[1]);
    g.out = ends[0];
    EXPECT_EQ(read(g.out, g.pids, sizeof g.pids), sizeof g.pids);
    kill(g.pid, SIGKILL);
    waitpid(g.pid, NULL, 0);
    expect_all_gone(&g, 1000 * SLOW);
}

/* pool no. 44: Ctrl-C goes to the whole group: workers ignore it, the program ends by it, and nobody is left */
UNIT(ctrl_c_ends_the_program_and_with_it_the_workers)
{
    needs_processes();
    struct program g = run_program(BIDE_POOL_PROCESS, false);
    int status;

    EXPECT_EQ(kill(g.pids[0], SIGINT), 0);
    usleep(50000);
    EXPECT_FALSE(is_gone(g.pids[0])); /* alone, it means nothing to a worker */
    EXPECT_EQ(kill(-g.pid, SIGINT), 0);
    EXPECT_EQ(waitpid(g.pid, &status, 0), g.pid);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
    expect_all_gone(&g, 1000 * SLOW);
}

static int drain_app(int out)
{
    int ms = 300, pids[3];
    bide_pool_counts counts = {0};
    bide_auto bide_signals *s = bide_signals_open((int[]){SIGINT, 0});
    bide_auto bide_pool *p = bide_pool_new(.workers = 2);
    if (!p || !s)
        return bide_raise();
    bide_auto bide_future *f = bide_pool_submit(p, bide_job(job_sleep, &ms));

    BIDE_TRY(bide_sleep_ms(50));
    for (int i = 0; i < 3; i++)
        pids[i] = i < 2 ? bide_pool_pid(p, i) : bide__zygote_pid();
    if (write(out, pids, sizeof pids) != sizeof pids)
        return -EIO;
    BIDE_TRY(bide_signals_wait(s));
    bide_auto bide_task *drain = bide_create_task(bide_coro(bide_pool_close, p, BIDE_FOREVER, &counts));
    bide_auto bide_task *second = bide_create_task(bide_coro(bide_signals_wait, s));
    bide_task *both[] = {drain, second};
    BIDE_TRY(bide_wait(both, 2, .until = BIDE_FIRST_COMPLETED));
    if (bide_task_done(second))
        BIDE_TRY(bide_pool_kill(p));
    return counts.finished == 1 && bide_await(f) == 300 ? 130 : 131;
}

static int interrupt_program(int times)
{
    int ends[2], status;
    struct program g = {0};
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    g.pid = fork();
    if (g.pid == 0) {
        setpgid(0, 0);
        _exit(bide_run(bide_coro(drain_app, ends[1])));
    }
    close(ends[1]);
    g.out = ends[0];
    EXPECT_EQ(read(g.out, g.pids, sizeof g.pids), sizeof g.pids);
    for (int i = 0; i < times; i++) {
        EXPECT_EQ(kill(-g.pid, SIGINT), 0);
        usleep(60000);
    }
    EXPECT_EQ(waitpid(g.pid, &status, 0), g.pid);
    expect_all_gone(&g, 1000 * SLOW);
    EXPECT_TRUE(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* pool no. 44: a program that catches it drains at the first, and kills at the second */
UNIT(ctrl_c_drains_and_the_second_one_kills)
{
    needs_processes();
    EXPECT_EQ(interrupt_program(1), 130);
    EXPECT_EQ(interrupt_program(2), 131);
}

/* A program that forgets its pool: the workers go with its loop. */
static int open_and_forget(bide_pool **out)
{
    *out = OPEN(.workers = 2);
    return 0;
}

UNIT(end_of_the_loop_ends_a_forgotten_pool)
{
    needs_processes();
    bide_pool *p = NULL;

    EXPECT_OK(bide_run(bide_coro(open_and_forget, &p)));
    EXPECT_EQ(p->state, POOL_CLOSED);
    bide_release(p);
}

/* ---- what workers inherit ---- */

static int job_list_fds(void)
{
    int n = 0;
    char target[256], path[64];

    for (int fd = 3; fd < 256; fd++) {
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        ssize_t len = readlink(path, target, sizeof target - 1);
        if (len < 0)
            continue;
        target[len] = '\0';
        n++;
        if (strstr(target, "secret") || strstr(target, "tcp"))
            return -EPERM;
    }
    return n;
}
BIDE_POOL_TASK(job_list_fds);

/* pool no. 47: descriptors that are not meant for workers are closed in them */
PROCESS_KINDS(workers_do_not_inherit_descriptors)
{
    char path[256];
    snprintf(path, sizeof path, "%s/secret", test_tmpdir());
    int before = open(path, O_CREAT | O_RDWR, 0600); /* without O_CLOEXEC, as careless code does */
    bide_auto bide_listener *l = bide_listen_with(BIDE__ARGS(bide_listen_args, .host = "127.0.0.1"));
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1);

    if (kind != BIDE_POOL_EXEC || before >= 0) {
        int n = CALL(p, bide_job(job_list_fds));
        EXPECT_OK(n);
        EXPECT_LE(n, 12);
    }
    close(before);
}

static void *wait_for_byte(void *arg)
{
    char byte;
    ssize_t n = read(*(int *)arg, &byte, 1);
    (void)n;
    return NULL;
}

/* pool no. 48: a fork is refused while there are threads; the zygote does not mind */
TEST(fork_is_refused_with_threads_and_a_zygote_is_not, .real_time = true)
{
    needs_processes();
    int ends[2];
    pthread_t t;
    EXPECT_OK(bide_pool_prepare());
    EXPECT_EQ(pipe(ends), 0);
    EXPECT_EQ(pthread_create(&t, NULL, wait_for_byte, &ends[0]), 0);

    EXPECT_NULL(bide_pool_new(.kind = BIDE_POOL_FORK, .workers = 1));
    EXPECT_EQ(bide_error_code(), -EBUSY);
    EXPECT_CONTAINS(bide_error_text(), "BIDE_POOL_PROCESS");
    bide_error_clear();
    {
        bide_auto bide_pool *p = OPEN(.workers = 2);
        EXPECT_OK(CALL(p, bide_job(job_nothing)));
    }
    EXPECT_EQ(write(ends[1], "x", 1), 1);
    pthread_join(t, NULL);
    close(ends[0]);
    close(ends[1]);
}

static int job_pool_inside(const int *nested)
{
    int n[10], codes[10], sum = 0;
    bide_auto bide_pool *p = bide_pool_new(.workers = 0, .nested = *nested);
    if (!p)
        return bide_raise();

    for (int i = 0; i < 10; i++)
        n[i] = i;
    BIDE_TRY(bide_pool_map(p, bide_jobs(job_return, n), 10, .codes = codes));
    for (int i = 0; i < 10; i++)
        sum += codes[i];
    return sum * 100 + bide_pool_size(p);
}
BIDE_POOL_TASK(job_pool_inside);

/* pool no. 49: a pool inside a worker only if asked for; it gets its share of the processors */
PROCESS_KINDS(pool_inside_a_worker_must_be_asked_for)
{
    int no = 0, yes = 1;
    unsetenv("BIDE_WORKERS");
    int cpus = bide__cpus_usable(), share = cpus / 2 > 0 ? cpus / 2 : 1;
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 2);

    EXPECT_ERR(CALL(p, bide_job(job_pool_inside, &no)), BIDE_ESTATE);
    EXPECT_CONTAINS(bide_error_text(), ".nested = true");
    bide_error_clear();
    EXPECT_EQ(CALL(p, bide_job(job_pool_inside, &yes)), 4500 + share);
}

static int job_loop_inside(void)
{
    return bide_run(bide_coro(job_nothing));
}
BIDE_POOL_TASK(job_loop_inside);

/* pool no. 49: a loop inside a loop is an error with a clear text */
KINDS(loop_inside_a_job_is_an_error)
{
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1);

    EXPECT_ERR(CALL(p, bide_job(job_loop_inside)), BIDE_ERUNNING);
    EXPECT_CONTAINS(bide_error_text(), "an event loop is running in this thread already");
}

/* ---- misuse ---- */

TEST(pool_used_after_fork_is_an_error, .real_time = true)
{
    needs_processes();
    int status;
    bide_auto bide_pool *p = OPEN(.workers = 1);

    pid_t pid = fork();
    if (pid == 0) {
        bool ok = CALL(p, bide_job(job_nothing)) == BIDE_ESTATE && strstr(bide_error_text(), "the process that opened it") &&
                  bide_pool_close(p, 0, NULL) == BIDE_ESTATE;
        bide_release(p); /* does not touch the parent's workers */
        _exit(ok ? 0 : 1);
    }
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_EQ(status, 0);
    EXPECT_OK(CALL(p, bide_job(job_nothing)));
}

static int use_elsewhere(bide_pool *p)
{
    return CALL(p, bide_job(job_nothing));
}

struct elsewhere {
    bide_pool *pool;
    int code;
    char text[200];
};

static void *in_another_thread(void *arg)
{
    struct elsewhere *e = arg;

    e->code = bide_run(bide_coro(use_elsewhere, e->pool));
    snprintf(e->text, sizeof e->text, "%s", bide_error_text());
    return NULL;
}

TEST(pool_used_from_another_thread_is_an_error, .real_time = true)
{
    pthread_t t;
    bide_auto bide_pool *p = OPEN(.kind = BIDE_POOL_THREAD, .workers = 1);
    struct elsewhere e = {.pool = p};

    EXPECT_EQ(pthread_create(&t, NULL, in_another_thread, &e), 0);
    pthread_join(t, NULL);
    EXPECT_ERR(e.code, BIDE_ESTATE);
    EXPECT_CONTAINS(e.text, "another thread");
}

UNIT(pool_outside_a_task_is_an_error)
{
    EXPECT_NULL(bide_pool_new());
    EXPECT_EQ(bide_error_code(), BIDE_ENOLOOP);
}

/* One task waits for the jobs, another releases the pool meanwhile. */
KINDS(pool_killed_and_released_while_another_task_closes_it)
{
    int ms = 60000;
    bide_pool *p = OPEN(.kind = kind, .workers = 1);
    bide_auto bide_future *f = bide_pool_submit(p, bide_job(job_sleep, &ms));
    bide_auto bide_task *closing = bide_create_task(bide_coro(bide_pool_close, p, (int64_t)60000, NULL));

    BIDE_IGNORE(bide_sleep_ms(20));
    EXPECT_OK(bide_pool_kill(p));
    bide_release(p);
    EXPECT_OK(bide_await(closing));
    EXPECT_TRUE(bide_await(f) < 0);
    bide_error_clear();
}

/* Stopped by somebody while it had nothing to do: what it was given since goes to another one. */
PROCESS_KINDS(worker_that_is_stopped_while_idle_is_replaced_at_a_deadline)
{
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1, .grace_ms = 100);

    BIDE_IGNORE(bide_sleep_ms(20));
    EXPECT_EQ(kill(bide_pool_pid(p, 0), SIGSTOP), 0);
    BIDE_IGNORE(bide_sleep_ms(20));
    EXPECT_OK(CALL(p, bide_job(job_nothing), .timeout_ms = 50));
}

/* Also those that the queue finds cancelled before the news has reached the pool. */
KINDS(every_cancelled_job_is_counted)
{
    int ms = 60000;
    bide_future *f[100];
    bide_pool_counts counts;
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1, .concurrency = 4);

    for (int i = 0; i < 100; i++)
        f[i] = bide_pool_submit(p, bide_job(job_sleep, &ms));
    BIDE_IGNORE(bide_sleep_ms(20));
    for (int i = 0; i < 100; i++) {
        if (i % 2)
            bide_future_cancel(f[i]);
        bide_release(f[i]);
    }
    EXPECT_OK(bide_pool_close(p, 5000, &counts));
    EXPECT_EQ(counts.cancelled, 100);
}
