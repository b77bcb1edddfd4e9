/* SPDX-License-Identifier: MIT */
/* test_file.c - open files, pipes, cancellation; what happens without descriptors, io_uring or memory. */
#include <signal.h>
#include <sys/resource.h>
#include <sys/time.h>

#include "files.h"

/* ---- an open file ---- */

EVERYWHERE(file_write_read_sync_close)
{
    char text[16] = "";
    bide_file *f = bide_open(at("a"), .flags = O_RDWR | O_CREAT | O_TRUNC, .mode = 0600);
    EXPECT_NOT_NULL(f);

    EXPECT_EQ(bide_file_write(f, "hello", 5, -1), 5);
    EXPECT_EQ(bide_file_write(f, " world", 6, -1), 6);
    EXPECT_EQ(bide_file_write(f, "J", 1, 0), 1);
    EXPECT_EQ(bide_file_write(f, "", 0, -1), 0);
    EXPECT_EQ(bide_file_read(f, text, 5, 0), 5);
    EXPECT_STR(text, "Jello");
    EXPECT_EQ(bide_file_read(f, text, sizeof text, 11), 0);
    EXPECT_EQ(bide_file_read(f, text, sizeof text, -1), 0);
    EXPECT_EQ(bide_file_sync(f), 0);
    EXPECT_EQ(bide_file_close(f), 0);
    expect_file(at("a"), "Jello world");

    struct stat st;
    EXPECT_EQ(stat(at("a"), &st), 0);
    EXPECT_EQ(st.st_mode & 0777, 0600);
}

TEST(file_calls_by_io_uring_use_one_ring_per_loop)
{
    need_uring();
    EXPECT_EQ(rings(), 0);
    bide_auto bide_file *a = bide_open(at("a"), .flags = O_WRONLY | O_CREAT);
    bide_auto bide_file *b = bide_open(at("b"), .flags = O_WRONLY | O_CREAT);
    EXPECT_TRUE(a && b);
    EXPECT_EQ(rings(), 1);
}

static int waits_for_nobody_after_a_file(void)
{
    bide_release(bide_open("/dev/null"));
    bide_auto bide_future *f = bide_future_new();
    return bide_await(f);
}

/* The bell of the ring stays watched, but nobody rings it. */
UNIT(file_that_was_used_before_does_not_hide_a_deadlock)
{
    struct stat st;
    bide_auto bide_loop *loop = bide_loop_new();
    if (bide__signals_may_call_in(loop) || stat("/proc/self/task", &st) < 0 || st.st_nlink != 3) {
        bide_release(bide_take(loop));
        SKIP("somebody else is in this process");
    }
    EXPECT_ERR(bide_run_until_complete(loop, bide_coro(waits_for_nobody_after_a_file)), BIDE_EDEADLOCK);
}

TEST(file_ring_is_not_counted_among_what_is_watched)
{
    need_uring();
    unsigned before = bide__loop_here->watched;
    bide_auto bide_file *a = bide_open(at("a"), .flags = O_WRONLY | O_CREAT);
    EXPECT_NOT_NULL(a);
    EXPECT_EQ(rings(), 1);
    EXPECT_EQ(bide__loop_here->watched, before);
}

EVERYWHERE(file_open_failures_name_the_path)
{
    expect_error(bide_open(at("none")) ? 0 : bide_error_code(), -ENOENT, "/none: No such file");
    expect_error(bide_open(at("none/a"), .flags = O_CREAT | O_WRONLY) ? 0 : bide_error_code(), -ENOENT, "open ");
    put(at("plain"), "x");
    expect_error(bide_open(at("plain/a")) ? 0 : bide_error_code(), -ENOTDIR, "/plain/a");
    expect_error(bide_open(test_tmpdir(), .flags = O_WRONLY) ? 0 : bide_error_code(), -EISDIR, test_tmpdir());
    expect_error(bide_open("") ? 0 : bide_error_code(), -ENOENT, "open");
}

EVERYWHERE(file_released_without_close_is_closed)
{
    put(at("a"), "text");
    {
        bide_auto bide_file *f = bide_open(at("a"));
        EXPECT_NOT_NULL(f);
    }
    EXPECT_EQ(bide_file_close(NULL), 0);
}

/* Release keeps the error that is on record. */
EVERYWHERE(file_release_keeps_the_error)
{
    put(at("a"), "text");
    bide_file *f = bide_open(at("a"));
    EXPECT_ERR(bide_file_write(f, "x", 1, 0), -EBADF);
    bide_release(f);
    expect_error(bide_error_code(), -EBADF, "/a: Bad file descriptor");
}

EVERYWHERE(file_on_a_full_disk_says_so)
{
    bide_file *f = bide_open("/dev/full", .flags = O_WRONLY);
    EXPECT_NOT_NULL(f);
    expect_error(bide_file_write(f, "x", 1, -1), -ENOSPC, "write /dev/full: No space left");
    EXPECT_EQ(bide_file_close(f), 0);
}

/* The kernel takes what fits and would say the rest only to the next call. */
EVERYWHERE(file_short_write_is_continued_until_it_fails)
{
    static char data[100000];
    struct rlimit limit = {65536, 65536};
    struct stat st;
    bide_file *f = bide_open(at("a"), .flags = O_WRONLY | O_CREAT);
    EXPECT_NOT_NULL(f);
    signal(SIGXFSZ, SIG_IGN);
    EXPECT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);

    expect_error(bide_file_write(f, data, sizeof data, -1), -EFBIG, "/a: File too large");
    EXPECT_EQ(bide_file_close(f), 0);
    EXPECT_EQ(stat(at("a"), &st), 0);
    EXPECT_EQ(st.st_size, 65536);

    expect_error(bide_file_write_all(at("b"), data, sizeof data), -EFBIG, "/b: File too large");
    EXPECT_EQ(names_in(test_tmpdir()), 1);
}

static int read_more(bide_file *f, int *reads)
{
    char c;

    for (int i = 0; i < 100; i++, ++*reads)
        BIDE_TRY(bide_file_read(f, &c, 1, 0));
    return 0;
}

/* What the page cache has is read at once; the others get their turn all the same. */
IN_TASKS(file_reading_what_is_cached_lets_others_run)
{
    int a_reads = 0, b_reads = 0;
    put(at("a"), "text");
    bide_auto bide_file *f = bide_open(at("a"));
    bide_auto bide_task *a = bide_create_task(bide_coro(read_more, f, &a_reads));
    bide_auto bide_task *b = bide_create_task(bide_coro(read_more, f, &b_reads));

    while (b_reads == 0)
        EXPECT_EQ(bide_sleep_ms(0), 0);
    EXPECT_LT(a_reads, 100);
    EXPECT_EQ(bide_gather(a, b), 0);
}

static int close_file(bide_file *f)
{
    return bide_file_close(f);
}

static int sync_file(bide_file *f)
{
    return bide_file_sync(f);
}

IN_TASKS(file_released_while_another_task_works_stays_open_for_it)
{
    bide_file *f = bide_open(at("a"), .flags = O_WRONLY | O_CREAT);
    EXPECT_NOT_NULL(f);
    bide_auto bide_task *t = bide_create_task(bide_coro(sync_file, f));
    bide_auto bide_task *closing = bide_create_task(bide_coro(close_file, f));

    EXPECT_EQ(bide_gather(t, closing), 0);
}

/* ---- cancellation ---- */

static int rename_then_sleep(const char *from, const char *to, int *renamed)
{
    *renamed = bide_rename(from, to);
    return bide_sleep_ms(1);
}

IN_TASKS(file_cancelled_before_it_begins_nothing_happens)
{
    put(at("a"), "text");
    bide_task_cancel(bide_current_task());
    EXPECT_ERR(bide_rename(at("a"), at("c")), BIDE_ECANCELED);
    bide_task_cancel(bide_current_task());
    EXPECT_ERR(bide_file_write_all(at("d"), "x", 1), BIDE_ECANCELED);
    bide_task_cancel(bide_current_task());
    EXPECT_NULL(bide_open(at("a")));
    EXPECT_ERR(bide_error_code(), BIDE_ECANCELED);
    bide_timeout(0) {
        EXPECT_ERR(bide_sleep_ms(1), BIDE_ETIMEDOUT);
        EXPECT_ERR(bide_unlink(at("a")), BIDE_ETIMEDOUT);
    }
    EXPECT_EQ(names_in(test_tmpdir()), 1);
}

/* It was in the kernel's hands (or a thread's), with pointers into the frame: it is waited for, and its result kept. */
IN_TASKS(file_cancelled_during_a_call_the_next_wait_says_so)
{
    int renamed = 1;
    put(at("a"), "text");
    bide_auto bide_task *t = bide_create_task(bide_coro(rename_then_sleep, at("a"), at("b"), &renamed));

    BIDE_IGNORE(bide_sleep_ms(0)); /* it has submitted the call */
    BIDE_IGNORE(bide_sleep_ms(0));
    bide_task_cancel(t);
    int code = bide_await(t);
    if (renamed == BIDE_ECANCELED) { /* no thread had taken it yet */
        EXPECT_EQ(code, 0);
        EXPECT_TRUE(exists(at("a")) && !exists(at("b")));
    } else {
        EXPECT_ERR(code, BIDE_ECANCELED);
        EXPECT_EQ(renamed, 0);
        expect_file(at("b"), "text");
    }
}

/* Close gives back; a cancelled task does that like any other, and gets the cancellation at its next wait. */
IN_TASKS(file_close_is_not_a_cancellation_point)
{
    put(at("a"), "text");
    bide_file *f = bide_open(at("a"));
    EXPECT_NOT_NULL(f);
    bide_task_cancel(bide_current_task());
    EXPECT_EQ(bide_file_close(f), 0);
    EXPECT_ERR(bide_sleep_ms(0), BIDE_ECANCELED);
}

/* ---- pipes ---- */

static int tick(int *ticks)
{
    for (;; ++*ticks)
        BIDE_TRY(bide_sleep_ms(1));
}

static int write_later(const char *path, const char *text)
{
    BIDE_TRY(bide_sleep_ms(30));
    bide_auto bide_file *f = bide_open(path, .flags = O_WRONLY);
    if (!f)
        return bide_raise();
    BIDE_TRY(bide_sleep_ms(30));
    BIDE_TRY(bide_file_write(f, text, strlen(text), -1));
    return bide_file_close(bide_take(f));
}

IN_TASKS(file_pipe_is_waited_for_while_others_run, .real_time = true)
{
    char text[16] = "";
    int ticks = 0;
    EXPECT_EQ(mkfifo(at("pipe"), 0600), 0);
    bide_auto bide_task *ticker = bide_create_task(bide_coro(tick, &ticks));
    bide_auto bide_task *writer = bide_create_task(bide_coro(write_later, at("pipe"), "hello"));
    bide_auto bide_file *f = bide_open(at("pipe"));
    EXPECT_NOT_NULL(f);

    EXPECT_EQ(bide_file_read(f, text, sizeof text, -1), 5); /* not 0, although nobody had it open for writing */
    EXPECT_STR(text, "hello");
    EXPECT_EQ(bide_file_read(f, text, sizeof text, -1), 0);
    EXPECT_LT(10, ticks);
    EXPECT_EQ(bide_await(writer), 0);
}

IN_TASKS(file_pipe_cancelled_while_waiting_ends)
{
    char c;
    EXPECT_EQ(mkfifo(at("pipe"), 0600), 0);
    bide_auto bide_file *f = bide_open(at("pipe"));
    EXPECT_NOT_NULL(f);

    bide_timeout(20)
        EXPECT_ERR(bide_file_read(f, &c, 1, -1), BIDE_ETIMEDOUT);
    bide_timeout(20) { /* nobody reads it: open waits, as open(2) does */
        bide_release(bide_take(f));
        EXPECT_NULL(bide_open(at("pipe"), .flags = O_WRONLY));
        EXPECT_ERR(bide_error_code(), BIDE_ETIMEDOUT);
    }
}

static int read_slowly(const char *path, size_t *all)
{
    static char data[20000];
    ssize_t n = 1;
    bide_auto bide_file *f = bide_open(path);

    while (f && n > 0) {
        BIDE_TRY(bide_sleep_ms(1));
        BIDE_TRY(n = bide_file_read(f, data, sizeof data, -1));
        *all += (size_t)n;
    }
    return f ? 0 : bide_raise();
}

IN_TASKS(file_pipe_takes_more_than_it_holds)
{
    static char data[1000000];
    size_t all = 0;
    EXPECT_EQ(mkfifo(at("pipe"), 0600), 0);
    bide_auto bide_task *reader = bide_create_task(bide_coro(read_slowly, at("pipe"), &all));

    EXPECT_EQ(bide_file_write_all(at("pipe"), data, sizeof data), 0);
    EXPECT_EQ(bide_await(reader), 0);
    EXPECT_EQ(all, sizeof data);
    EXPECT_EQ(names_in(test_tmpdir()), 1);
}

EVERYWHERE(file_pipe_without_a_reader_is_an_error_not_a_signal)
{
    EXPECT_EQ(mkfifo(at("pipe"), 0600), 0);
    int reader = open(at("pipe"), O_RDONLY | O_NONBLOCK);
    bide_file *f = bide_open(at("pipe"), .flags = O_WRONLY);
    EXPECT_NOT_NULL(f);
    EXPECT_EQ(bide_file_write(f, "x", 1, -1), 1);
    close(reader);
    expect_error(bide_file_write(f, "x", 1, -1), -EPIPE, "/pipe: Broken pipe");
    EXPECT_EQ(bide_file_close(f), 0);
}

IN_TASKS(file_pipe_is_read_whole)
{
    size_t len = 0;
    EXPECT_EQ(mkfifo(at("pipe"), 0600), 0);
    bide_auto bide_task *writer = bide_create_task(bide_coro(write_later, at("pipe"), "hello"));
    char *data = bide_file_read_all(at("pipe"), 0, &len);

    EXPECT_NOT_NULL(data);
    EXPECT_STR(data, "hello");
    EXPECT_EQ(len, 5);
    free(data);
    EXPECT_EQ(bide_await(writer), 0);
}

static int open_and_close(const char *path)
{
    bide_file *f = bide_open(path);

    return f ? bide_file_close(f) : bide_raise();
}

/* Somebody holds a lease: opening waits until it is given back, as open(2) does; a thread does that. */
IN_TASKS(file_open_waits_for_a_lease, .real_time = true)
{
    put(at("a"), "text");
    signal(SIGIO, SIG_IGN);
    int holder = open(at("a"), O_RDONLY);
    if (fcntl(holder, F_SETLEASE, F_WRLCK) < 0)
        SKIP("no leases here");
    bide_auto bide_task *t = bide_create_task(bide_coro(open_and_close, at("a")));

    EXPECT_EQ(bide_sleep_ms(50), 0);
    EXPECT_FALSE(bide_task_done(t));
    EXPECT_EQ(fcntl(holder, F_SETLEASE, F_UNLCK), 0);
    EXPECT_EQ(bide_await(t), 0);
    close(holder);
}

/* Where the file stands: after what was read or written there, and with O_APPEND at its end. */
EVERYWHERE(file_stands_after_what_was_read_or_written)
{
    char text[16] = "";
    put(at("a"), "0123456789");
    bide_file *f = bide_open(at("a"), .flags = O_RDWR);
    EXPECT_NOT_NULL(f);
    EXPECT_EQ(bide_file_read(f, text, 3, -1), 3);
    EXPECT_EQ(bide_file_read(f, text, 1, 9), 1); /* not moved by this */
    EXPECT_EQ(bide_file_write(f, "xx", 2, -1), 2);
    EXPECT_EQ(bide_file_read(f, text, sizeof text, -1), 5);
    EXPECT_EQ(bide_file_close(f), 0);
    expect_file(at("a"), "012xx56789");

    f = bide_open(at("a"), .flags = O_RDWR | O_APPEND);
    EXPECT_NOT_NULL(f);
    EXPECT_EQ(bide_file_read(f, text, 3, -1), 3);
    EXPECT_EQ(bide_file_write(f, "y", 1, -1), 1);
    EXPECT_EQ(bide_file_write(f, "z", 1, 0), 1); /* the kernel appends this, too */
    EXPECT_EQ(bide_file_read(f, text, sizeof text, -1), 1);
    EXPECT_EQ(bide_file_close(f), 0);
    expect_file(at("a"), "012xx56789yz");
}

static int write_there(bide_file *f, const char *text)
{
    return (int)bide_file_write(f, text, strlen(text), -1);
}

static int read_there(bide_file *f, char *out, size_t cap)
{
    return (int)bide_file_read(f, out, cap, -1);
}

IN_TASKS(file_written_by_two_tasks_has_what_both_wrote)
{
    char one[5] = "", two[9] = "";
    bide_auto bide_file *f = bide_open(at("a"), .flags = O_RDWR | O_CREAT);
    bide_auto bide_task *a = bide_create_task(bide_coro(write_there, f, "first")),
                        *b = bide_create_task(bide_coro(write_there, f, "second"));
    EXPECT_EQ(bide_await(a), 5);
    EXPECT_EQ(bide_await(b), 6);
    EXPECT_EQ(bide_file_write(f, "third", 5, -1), 5);
    expect_file(at("a"), "firstsecondthird");

    bide_auto bide_file *g = bide_open(at("a"));
    bide_auto bide_task *c = bide_create_task(bide_coro(read_there, g, one, sizeof one)),
                        *d = bide_create_task(bide_coro(read_there, g, two, sizeof two));
    EXPECT_EQ(bide_await(c), 5);
    EXPECT_EQ(bide_await(d), 9);
    EXPECT_MEM(one, "first", 5);
    EXPECT_MEM(two, "secondthi", 9);
    EXPECT_EQ(bide_file_read(g, two, sizeof two, -1), 2);
    EXPECT_EQ(bide_file_read(g, two, sizeof two, -1), 0);
    EXPECT_EQ(bide_file_write(f, "!", 1, -1), 1);
    EXPECT_EQ(bide_file_read(g, two, sizeof two, -1), 1); /* the end was no place to stand beyond */
}

/* ---- signals ---- */

static void nothing(int signal)
{
    (void)signal;
}

/* Every 200 microseconds a signal whose handler does not have system calls go on by themselves. */
static void storm(bool on)
{
    struct sigaction action = {.sa_handler = nothing};
    struct itimerval every = {{0, on ? 200 : 0}, {0, on ? 200 : 0}};

    EXPECT_EQ(sigaction(SIGALRM, &action, NULL), 0);
    EXPECT_EQ(setitimer(ITIMER_REAL, &every, NULL), 0);
}

EVERYWHERE(file_calls_in_a_storm_of_signals, .real_time = true)
{
    static char big[300000];
    size_t len;
    memset(big, 'x', sizeof big);
    storm(true);
    for (int i = 0; i < 50; i++) {
        EXPECT_EQ(bide_file_write_all(at("a"), big, sizeof big), 0);
        char *data = bide_file_read_all(at("a"), 0, &len);
        EXPECT_NOT_NULL(data);
        EXPECT_EQ(len, sizeof big);
        free(data);
        bide_file *f = bide_open(at("b"), .flags = O_RDWR | O_CREAT | O_TRUNC);
        EXPECT_NOT_NULL(f);
        EXPECT_EQ(bide_file_write(f, big, sizeof big, -1), sizeof big);
        EXPECT_EQ(bide_file_sync(f), 0);
        EXPECT_EQ(bide_file_close(f), 0);
        EXPECT_EQ(bide_rename(at("b"), at("c")), 0);
        EXPECT_EQ(bide_unlink(at("c")), 0);
    }
    storm(false);
}

/* ---- no descriptor ---- */

static int spare[64], nspare;

static void take_all_descriptors(void)
{
    struct rlimit limit = {40, 40};
    int fd;

    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
    while ((fd = dup(2)) >= 0)
        spare[nspare++] = fd;
}

static int give_one_back_later(int ms)
{
    BIDE_TRY(bide_sleep_ms(ms));
    close(spare[--nspare]);
    return 0;
}

static void give_all_back(void)
{
    while (nspare > 0)
        close(spare[--nspare]);
}

IN_TASKS(file_without_a_descriptor_waits_for_one)
{
    size_t len;
    put(at("a"), "text");
    BIDE_IGNORE(bide_unlink(at("none"))); /* the ring, the threads: what they need they have */
    bide_error_clear();
    take_all_descriptors();

    bide_auto bide_task *a = bide_create_task(bide_coro(give_one_back_later, 100));
    bide_file *f = bide_open(at("a"));
    EXPECT_NOT_NULL(f);
    spare[nspare++] = dup(2);

    bide_auto bide_task *b = bide_create_task(bide_coro(give_one_back_later, 100));
    EXPECT_EQ(bide_file_close(f), 0);
    EXPECT_EQ(bide_file_write_all(at("b"), "x", 1), 0);
    char *data = bide_file_read_all(at("a"), 0, &len);
    EXPECT_NOT_NULL(data);
    free(data);
    EXPECT_EQ(bide_gather(a, b), 0);
    give_all_back();
}

IN_TASKS(file_without_a_descriptor_for_long_fails)
{
    size_t len;
    put(at("a"), "text");
    BIDE_IGNORE(bide_unlink(at("none")));
    bide_error_clear();
    take_all_descriptors();

    expect_error(bide_open(at("a")) ? 0 : bide_error_code(), -EMFILE, "/a: Too many open files");
    expect_error(bide_file_write_all(at("b"), "x", 1), -EMFILE, "/b: Too many open files");
    expect_error(bide_file_read_all(at("a"), 0, &len) ? 0 : bide_error_code(), -EMFILE, "/a: Too many");
    bide_timeout(100) {
        EXPECT_NULL(bide_open(at("a")));
        EXPECT_ERR(bide_error_code(), BIDE_ETIMEDOUT);
    }
    give_all_back();
    EXPECT_FALSE(exists(at("b")));
}

/* Outside of a loop nobody could give one back meanwhile. */
UNIT(file_without_a_descriptor_outside_of_a_loop_fails_at_once)
{
    put(at("a"), "text");
    take_all_descriptors();
    expect_error(bide_open(at("a")) ? 0 : bide_error_code(), -EMFILE, "/a: Too many open files");
    give_all_back();
}

/* ---- no io_uring ---- */

static void everything_once(void)
{
    char c;
    bide_file *f = bide_open(at("a"), .flags = O_RDWR | O_CREAT);
    EXPECT_NOT_NULL(f);
    EXPECT_EQ(bide_file_write(f, "x", 1, 0), 1);
    EXPECT_EQ(bide_file_read(f, &c, 1, 0), 1);
    EXPECT_EQ(bide_file_sync(f), 0);
    EXPECT_EQ(bide_file_close(f), 0);
    EXPECT_EQ(bide_rename(at("a"), at("b")), 0);
    EXPECT_EQ(bide_unlink(at("b")), 0);
    EXPECT_EQ(bide_error_code(), 0);
}

TEST(file_where_the_kernel_refuses_io_uring_threads_do_it)
{
    refuse_syscall(__NR_io_uring_setup, EPERM);
    everything_once();
    EXPECT_EQ(rings(), 0);
}

TEST(file_where_the_kernel_stops_taking_calls_threads_do_it)
{
    need_uring();
    everything_once();
    EXPECT_EQ(rings(), 1);
    refuse_syscall(__NR_io_uring_enter, EAGAIN);
    for (int i = 0; i < 100; i++) /* more than there are places in the queue */
        everything_once();
}

static int move_back_and_forth(long i)
{
    char a[32], b[32];

    snprintf(a, sizeof a, "a%ld", i);
    snprintf(b, sizeof b, "b%ld", i);
    put(a, "x");
    BIDE_TRY(bide_rename(a, b));
    return bide_unlink(b);
}

/* More than the ring can have in flight. */
IN_TASKS(file_calls_thousands_at_once, .seconds = 30)
{
    static bide_task *tasks[3000];
    EXPECT_EQ(chdir(test_tmpdir()), 0);

    for (long i = 0; i < 3000; i++)
        EXPECT_NOT_NULL(tasks[i] = bide_create_task(bide_coro(move_back_and_forth, i), .stack_size = 16384));
    for (long i = 0; i < 3000; i++) {
        EXPECT_EQ(bide_await(tasks[i]), 0);
        bide_release(tasks[i]);
    }
    EXPECT_EQ(names_in("."), 0);
}

/* ---- no memory ---- */

static int open_write_close(void)
{
    bide_auto bide_file *f = bide_open(at("a"), .flags = O_WRONLY | O_CREAT);
    if (!f)
        return bide_error_code();
    BIDE_TRY(bide_file_write(f, "x", 1, 0));
    return bide_file_close(bide_take(f));
}

static int save_twice(void)
{
    BIDE_TRY(bide_file_write_all(at("b"), "x", 1));
    return bide_file_write_all(at("b"), "y", 1);
}

static int read_it(void)
{
    size_t len;
    char *data = bide_file_read_all("/proc/self/maps", 0, &len);

    free(data);
    return data ? 0 : bide_error_code();
}

static int read_pipe(void)
{
    size_t len;
    char *data = bide_file_read_all("/dev/null", 0, &len);

    free(data);
    return data ? 0 : bide_error_code();
}

static int make_them(void)
{
    return bide_make_dirs(at("c/d"));
}

/* With the n-th allocation failing, for every n: done, or BIDE_ENOMEM; nothing leaks and nothing is left half-done. */
static void without_memory(int (*call)(void))
{
    int code = BIDE_ENOMEM, failed = 0;

    for (long n = 0; n < 100; n++) {
        bide__alloc_fail_at(n);
        code = call();
        bide__alloc_fail_at(-1);
        if (code < 0) {
            expect_error(code, BIDE_ENOMEM, "emory");
            failed++;
        }
        bide_error_clear();
    }
    EXPECT_EQ(code, 0);
    EXPECT_LT(0, failed);
}

EVERYWHERE(file_without_memory_every_call_fails_and_leaves_nothing, .seconds = 30)
{
    without_memory(open_write_close);
    without_memory(save_twice);
    without_memory(read_it);
    without_memory(read_pipe);
    without_memory(make_them);
    expect_file(at("b"), "y");
    EXPECT_EQ(names_in(test_tmpdir()), 3);
}
