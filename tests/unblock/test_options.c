/* SPDX-License-Identifier: MIT */
/* test_options.c - the options: thread-specific data per task, writes to pipes; and what debug mode reports. */
#include <openssl/err.h>
#include <pthread.h>
#include <stdlib.h>

#include <bide/unblock.h>

#include "unblock.h"

/* ---- thread-specific data ---- */

static pthread_key_t key;
static int destroyed;

static void destroy(void *value)
{
    EXPECT_TRUE(value == (void *)&destroyed || value == (void *)&key);
    if (++destroyed == 1)
        pthread_setspecific(key, &key); /* a destructor may set it again: a second round */
}

static int use_key(void)
{
    EXPECT_NULL(pthread_getspecific(key));
    EXPECT_EQ(pthread_setspecific(key, &destroyed), 0);
    EXPECT_EQ(bide_sleep_ms(1), 0);
    EXPECT_TRUE(pthread_getspecific(key) == &destroyed);
    return 0;
}

TEST(options_tsd_gives_each_task_values_of_its_own)
{
    EXPECT_EQ(bide_unblock_set(BIDE_UNBLOCK_TSD), 0);
    EXPECT_EQ(pthread_key_create(&key, destroy), 0);

    EXPECT_EQ(bide_gather(bide_coro(use_key), bide_coro(use_key)), 0);
    EXPECT_EQ(destroyed, 3);
    EXPECT_NULL(pthread_getspecific(key));
    EXPECT_EQ(pthread_key_delete(key), 0);
}

TEST(options_tsd_of_a_key_that_was_made_anew_is_empty)
{
    pthread_key_t again;
    EXPECT_EQ(bide_unblock_set(BIDE_UNBLOCK_TSD), 0);

    EXPECT_EQ(pthread_key_create(&key, NULL), 0);
    EXPECT_EQ(pthread_setspecific(key, &again), 0);
    EXPECT_EQ(pthread_key_delete(key), 0);
    EXPECT_EQ(pthread_key_create(&again, NULL), 0);
    EXPECT_NULL(pthread_getspecific(again));
    EXPECT_EQ(pthread_key_delete(again), 0);
}

static int fail_and_wait(unsigned long expected)
{
    EXPECT_EQ(ERR_peek_error(), 0ul);
    ERR_put_error(ERR_LIB_USER, 0, (int)expected, __FILE__, __LINE__);
    EXPECT_EQ(usleep(1000), 0);
    EXPECT_EQ((unsigned long)ERR_GET_REASON(ERR_get_error()), expected);
    EXPECT_EQ(ERR_peek_error(), 0ul);
    return 0;
}

/* With a shared queue, SSL_get_error in one task would report the failure of another. */
TEST(options_tsd_keeps_the_error_queues_of_OpenSSL_apart)
{
    EXPECT_EQ(bide_unblock_set(BIDE_UNBLOCK_TSD), 0);
    EXPECT_EQ(bide_gather(bide_coro(fail_and_wait, 101ul), bide_coro(fail_and_wait, 102ul), bide_coro(fail_and_wait, 103ul)), 0);
}

TEST(options_without_tsd_leave_values_to_the_thread)
{
    EXPECT_EQ(pthread_key_create(&key, NULL), 0);
    EXPECT_EQ(pthread_setspecific(key, &key), 0);
    EXPECT_EQ(bide_sleep_ms(1), 0);
    EXPECT_TRUE(pthread_getspecific(key) == &key);
    EXPECT_EQ(pthread_key_delete(key), 0);
}

/* ---- pipes ---- */

static int drain(int fd, size_t all)
{
    static char part[4096];
    size_t sum = 0;

    BIDE_TRY(bide_sleep_ms(5));
    while (sum < all) {
        ssize_t n = read(fd, part, sizeof part);
        EXPECT_LT(0, n);
        sum += (size_t)n;
    }
    return 0;
}

TEST(options_pipes_wait_until_all_is_written, .real_time = true)
{
    enum { MUCH = 300000 };
    static char much[MUCH];
    int fd[2];
    EXPECT_EQ(bide_unblock_set(BIDE_UNBLOCK_PIPES), 0);
    EXPECT_EQ(pipe(fd), 0);
    bide_auto bide_task *t = bide_create_task(bide_coro(drain, fd[0], (size_t)MUCH));

    EXPECT_EQ(write(fd[1], much, MUCH), MUCH);
    EXPECT_EQ(bide_await(t), 0);
    bide_timeout(20)
    {
        ssize_t n = write(fd[1], much, MUCH);
        EXPECT_TRUE(n > 0 && n < MUCH);
        EXPECT_EQ(write(fd[1], much, MUCH), -1);
        EXPECT_EQ(errno, ECANCELED);
    }
    close_both(fd);
}

TEST(options_unknown_are_refused)
{
    EXPECT_ERR(bide_unblock_set(1u << 20), -EINVAL);
    EXPECT_CONTAINS(bide_error_text(), "bide_unblock_set: 0x100000");
}

/* ---- debug mode ---- */

static char reported[512];

static void note_report(bide_loop *loop, const char *message, void *arg)
{
    (void)loop, (void)arg;
    snprintf(reported, sizeof reported, "%s", message);
}

static int log_slowly(pthread_mutex_t *lock)
{
    EXPECT_EQ(pthread_mutex_lock(lock), 0);
    EXPECT_EQ(usleep(1000), 0);
    EXPECT_EQ(pthread_mutex_unlock(lock), 0);
    return 0;
}

TEST(options_debug_reports_who_waits_with_a_lock)
{
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    const char *debug = getenv("BIDE_DEBUG");
    if (!debug || strcmp(debug, "1") != 0)
        SKIP("needs BIDE_DEBUG=1 in its environment: programs/test_debug.sh");
    bide_loop_set_exception_handler(bide_get_event_loop(), note_report, NULL);

    EXPECT_EQ(usleep(1000), 0);
    EXPECT_STR(reported, "");
    EXPECT_EQ(bide_gather(bide_coro(log_slowly, &lock)), 0);
    EXPECT_EQ(bide_sleep_ms(1), 0);
    EXPECT_CONTAINS(reported, "is suspended in usleep() while it holds 1 lock: ");
}
