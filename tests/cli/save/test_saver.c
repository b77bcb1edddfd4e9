/* SPDX-License-Identifier: MIT */
/* test_saver.c - many small files, written in batches. */
#include <harness/harness.h>

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bide/file.h>
#include <bide/task.h>

#include "cli/save/saver.h"

#define FILES 200

static struct saver saver;
static int codes[FILES];

static const char *path_of(char *out, const char *directory, int i)
{
    snprintf(out, 256, "%s/%s%d", test_tmpdir(), directory, i);
    return out;
}

static int save(const char *directory, int i)
{
    char path[256], text[32];

    snprintf(text, sizeof text, "file %d", i);
    codes[i] = saver_write(&saver, path_of(path, directory, i), (bide_bytes){text, strlen(text)});
    return codes[i];
}

static void save_all(const char *directory, bide_task **tasks)
{
    for (int i = 0; i < FILES; i++) {
        tasks[i] = bide_create_task(bide_coro(save, directory, i));
        EXPECT_NOT_NULL(tasks[i]);
    }
}

static void release_all(bide_task **tasks)
{
    for (int i = 0; i < FILES; i++)
        bide_release(tasks[i]);
}

static bool is_whole(int i)
{
    char path[256], want[32];
    size_t len = 0;
    char *data = bide_file_read_all(path_of(path, "", i), 1000, &len);
    bool whole = data && strcmp(data, (snprintf(want, sizeof want, "file %d", i), want)) == 0;

    free(data);
    return whole;
}

TEST(saver_writes_all_of_many, .real_time = true)
{
    bide_task *tasks[FILES];

    save_all("", tasks);
    for (int i = 0; i < FILES; i++)
        EXPECT_EQ(bide_await(tasks[i]), 0);
    release_all(tasks);
    for (int i = 0; i < FILES; i++)
        EXPECT_TRUE(is_whole(i));
    EXPECT_EQ(saver.leaders, 0);
    EXPECT_NULL(saver.first);
}

TEST(saver_failure_reaches_each_with_its_own_text, .real_time = true)
{
    bide_task *tasks[FILES];
    char text[32];

    save_all("", tasks);
    for (int i = 0; i < FILES; i++)
        EXPECT_EQ(bide_await(tasks[i]), 0);
    release_all(tasks);
    save_all("0/", tasks); /* that is a file */
    for (int i = 0; i < FILES; i++) {
        EXPECT_ERR(bide_await(tasks[i]), -ENOTDIR);
        snprintf(text, sizeof text, "0/%d", i);
        EXPECT_CONTAINS(bide_error_text(), text);
        bide_error_clear();
    }
    release_all(tasks);
}

TEST(saver_cancelled_ones_do_not_take_the_others_along, .real_time = true)
{
    bide_task *tasks[FILES];

    save_all("", tasks);
    BIDE_IGNORE(bide_sleep_ms(0));
    for (int i = 0; i < FILES; i += 2)
        bide_task_cancel(tasks[i]);
    for (int i = 0; i < FILES; i++) {
        int code = bide_await(tasks[i]);
        EXPECT_TRUE(code == 0 || (code == BIDE_ECANCELED && i % 2 == 0));
        bide_error_clear();
    }
    release_all(tasks);
    for (int i = 1; i < FILES; i += 2)
        EXPECT_TRUE(is_whole(i));
    EXPECT_EQ(saver.leaders, 0);
    EXPECT_NULL(saver.first);
}

TEST(saver_cancelled_leader_leaves_no_one_waiting, .real_time = true)
{
    bide_task *tasks[FILES];

    save_all("", tasks);
    BIDE_IGNORE(bide_sleep_ms(0));
    for (int i = 0; i < FILES; i++)
        bide_task_cancel(tasks[i]);
    for (int i = 0; i < FILES; i++) {
        BIDE_IGNORE(bide_await(tasks[i]));
        bide_error_clear();
    }
    release_all(tasks);
    EXPECT_EQ(saver.leaders, 0);
    EXPECT_NULL(saver.first);
    EXPECT_EQ(saver.waiting, 0);
}
