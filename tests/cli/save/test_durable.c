/* SPDX-License-Identifier: MIT */
/*
 * test_durable.c - --durability: what is synced, and in which order, by the calls that are made.
 *
 * fsync(2) and linkat(2) are ours here, and keep a list: "file" for one without a name, a directory by its name below the
 * test's, "+NAME" for a name that is given.
 */
#include <harness/harness.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bide/file.h>
#include <bide/task.h>

#include "cli/save/durable.h"
#include "cli/save/jsonl.h"
#include "cli/save/saver.h"

static char calls[4096];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void note(const char *sign, const char *what)
{
    pthread_mutex_lock(&lock);
    size_t len = strlen(calls);
    snprintf(calls + len, sizeof calls - len, "%s%s ", sign, what);
    pthread_mutex_unlock(&lock);
}

/* What the descriptor is, below the test's directory. */
static const char *name_of(int fd, char out[PATH_MAX])
{
    char link[64];
    size_t root = strlen(test_tmpdir());

    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, out, PATH_MAX - 1);
    out[n > 0 ? n : 0] = '\0';
    if (strstr(out, "(deleted)"))
        return "file";
    if (strncmp(out, test_tmpdir(), root) != 0)
        return "above";
    return out[root] ? out + root + 1 : ".";
}

static const char *broken = ""; /* what cannot be synced */

int fsync(int fd)
{
    char name[PATH_MAX];
    const char *what = name_of(fd, name);

    note("", what);
    if (strcmp(what, broken) == 0) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(SYS_fsync, fd);
}

int linkat(int from_dir, const char *from, int to_dir, const char *to, int flags)
{
    int result = (int)syscall(SYS_linkat, from_dir, from, to_dir, to, flags);

    if (result == 0)
        note("+", to);
    return result;
}

static int root;

static void open_root(struct saver *s, enum durability durability)
{
    *s = (struct saver){.durability = durability};
    root = s->root = open(test_tmpdir(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    EXPECT_TRUE(s->root >= 0);
    calls[0] = '\0';
}

static int save(struct saver *s, const char *name)
{
    return saver_write(s, name, (bide_bytes){name, strlen(name)});
}

TEST(saver_without_durability_syncs_nothing, .real_time = true)
{
    struct saver s;

    open_root(&s, DURABILITY_NONE);
    EXPECT_EQ(save(&s, "a"), 0);
    EXPECT_STR(calls, "+a ");
    close(root);
}

TEST(saver_each_syncs_file_then_name_then_all_new_directories, .real_time = true)
{
    struct saver s;

    open_root(&s, DURABILITY_EACH);
    EXPECT_EQ(save(&s, "x/y/a"), 0);
    EXPECT_STR(calls, "file +a x/y x . ");
    calls[0] = '\0';
    EXPECT_EQ(save(&s, "x/y/b"), 0);
    EXPECT_STR(calls, "file +b x/y ");
    calls[0] = '\0';
    EXPECT_EQ(save(&s, "c"), 0);
    EXPECT_STR(calls, "file +c . ");
    close(root);
}

/* The first one leads at once; what waits behind it goes together. */
TEST(saver_batch_syncs_a_directory_once_and_after_all_names, .real_time = true)
{
    struct saver s;
    open_root(&s, DURABILITY_BATCH);

    int code = bide_gather(bide_coro(save, &s, "0"), bide_coro(save, &s, "d/1"), bide_coro(save, &s, "d/2"),
                           bide_coro(save, &s, "3"));

    EXPECT_EQ(code, 0);
    const char *rest = strstr(calls, "file +1");
    EXPECT_TRUE(strncmp(calls, "file +0 . ", 10) == 0 && rest != NULL);
    EXPECT_STR(rest, "file +1 file +2 file +3 d . . ");
    close(root);
}

/* Not on the disk: no name.  No name on the disk: no success. */
TEST(saver_sync_fails_is_a_failure, .real_time = true)
{
    struct saver s;

    for (int how = DURABILITY_BATCH; how <= DURABILITY_EACH; how++) {
        open_root(&s, (enum durability)how);
        broken = "file";
        EXPECT_EQ(save(&s, "a"), -EIO);
        EXPECT_STR(calls, "file ");
        broken = ".";
        EXPECT_EQ(save(&s, "b"), -EIO);
        EXPECT_TRUE(strstr(bide_error_text(), "Input/output error") != NULL);
        close(root);
    }
}

static int open_and_write(struct jsonl *j, const char *path)
{
    BIDE_TRY(jsonl_open(j, path, JSONL_APPEND, true));
    text_add_string(&j->lines, "{\"a\":1");
    jsonl_end_line(j, 0);
    jsonl_finish(j);
    return jsonl_writer(j);
}

TEST(jsonl_with_durability_syncs_its_directory_and_each_batch, .real_time = true)
{
    struct jsonl j;
    char path[PATH_MAX];

    setenv("BIDE_FILES", "threads", 1); /* where fsync can be seen */
    snprintf(path, sizeof path, "%s/log", test_tmpdir());
    calls[0] = '\0';
    EXPECT_EQ(open_and_write(&j, path), 0);
    EXPECT_EQ(j.written, 1);
    EXPECT_TRUE(strncmp(calls, ". above ", 8) == 0);
    EXPECT_STR(calls + strlen(calls) - 4, "log ");
    jsonl_free(&j);
}
