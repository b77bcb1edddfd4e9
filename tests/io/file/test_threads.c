/* SPDX-License-Identifier: MIT */
/* test_threads.c - files beside blocking calls: each has threads of its own. */
#include <semaphore.h>

#include "files.h"

enum { BLOCKED = 100 }; /* more than there are threads at once */

static sem_t opened;

static int wait_until_opened(void)
{
    while (sem_wait(&opened) < 0)
        ;
    return 0;
}

static int thread_wait(void)
{
    return bide_to_thread(bide_coro(wait_until_opened));
}

static int write_and_read(void)
{
    size_t len;

    BIDE_TRY(bide_make_dirs(at("d/e")));
    BIDE_TRY(bide_file_write_all(at("d/e/a"), "text", 4));
    char *text = bide_file_read_all(at("d/e/a"), 100, &len);
    if (!text)
        return bide_raise();
    free(text);
    return bide_unlink(at("d/e/a"));
}

TEST(file_calls_beside_blocked_threads_go_on, .real_time = true)
{
    bide_task *t[BLOCKED];
    setenv("BIDE_FILES", "threads", 1);
    sem_init(&opened, 0, 0);
    for (int i = 0; i < BLOCKED; i++)
        t[i] = bide_create_task(bide_coro(thread_wait));
    BIDE_IGNORE(bide_sleep_ms(0));
    EXPECT_EQ(bide_wait_for(bide_coro(write_and_read), 5000), 0);
    for (int i = 0; i < BLOCKED; i++)
        sem_post(&opened);
    for (int i = 0; i < BLOCKED; i++) {
        EXPECT_EQ(bide_await(t[i]), 0);
        bide_release(t[i]);
    }
}
