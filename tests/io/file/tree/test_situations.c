/* SPDX-License-Identifier: MIT */
/*
 * test_situations.c - files by name, directories, watches, limiters, intervals: what each function gives in each situation
 * (harness/situations.h).
 */
#include <bide/bide.h>

#include "harness/situations.h"

static struct {
    bide_directory *directory;
    bide_watch *watch;
    bide_limiter limiter;
    bide_interval interval;
} theirs;

static char path[128], other[140], pattern[140];

static int made(void *object)
{
    if (!object)
        return bide_error_code();
    (bide_release)(object);
    return 0;
}

static struct stat st;
static bide_directory_entry entry;

static int stat_(void) { return bide_stat(path, &st); }
static int lstat_(void) { return bide_lstat(path, &st); }
static int truncate_(void) { return bide_truncate(path, 4); }
static int chmod_(void) { return bide_chmod(path, 0600); }
static int link_(void) { return bide_link("/no/such/file", other); }
static int symlink_(void) { return bide_symlink("a", "/no/such/folder/b"); }
static int remove_dir(void) { return bide_remove_dir(other); }
static int read_link(void)
{
    char *text = bide_read_link("/proc/self/exe");
    free(text);
    return text ? 0 : bide_error_code();
}
static int copy_file(void) { return bide_copy_file(path, other); }
static int remove_tree(void) { return bide_remove_tree(other); }
static int temp_dir(void)
{
    snprintf(pattern, sizeof pattern, "%s.XXXXXX", path);
    int code = bide_make_temp_dir(pattern);
    return code < 0 ? code : rmdir(pattern);
}
static int temp_file(void)
{
    snprintf(pattern, sizeof pattern, "%s.XXXXXX", path);
    int code = made(bide_make_temp_file(pattern));
    unlink(pattern);
    return code;
}
static int directory_open(void) { return made(bide_directory_open("/")); }
static int directory_next(void) { return bide_directory_next(theirs.directory, &entry); }
static int watch_open(void) { return made(bide_watch_open("/", BIDE_WATCH_ALL)); }
static int watch_next(void)
{
    bide_watch_event event;
    return bide_watch_next(theirs.watch, &event);
}
static int acquire(void) { return bide_limiter_acquire(&theirs.limiter, 1); }
static int try_(void) { bide_error_clear(); return bide_limiter_try(&theirs.limiter, 1) ? 0 : bide_error_code(); }
static int charge(void) { return bide_limiter_charge(&theirs.limiter, 1); }
static int give_back(void) { return bide_limiter_give_back(&theirs.limiter, 1); }
static int delay_ms(void) { return (int)bide_limiter_delay_ms(&theirs.limiter, 1); }
static int tick(void) { return bide_interval_tick(&theirs.interval); }
static int reset(void) { return bide_interval_reset(&theirs.interval); }
static int until_wall(void) { return bide_sleep_until_wall(0); }

static const struct situation_row rows[] = {
    /* Threads: any; without a loop they block */
    {"bide_stat", stat_, {W, W, W, W, W, W}},
    {"bide_lstat", lstat_, {W, W, W, W, W, W}},
    {"bide_truncate", truncate_, {W, W, W, W, W, W}},
    {"bide_chmod", chmod_, {W, W, W, W, W, W}},
    {"bide_link of nothing", link_, {-ENOENT, -ENOENT, -ENOENT, -ENOENT, -ENOENT, -ENOENT}},
    {"bide_symlink to nowhere", symlink_, {-ENOENT, -ENOENT, -ENOENT, -ENOENT, -ENOENT, -ENOENT}},
    {"bide_remove_dir of nothing", remove_dir, {-ENOENT, -ENOENT, -ENOENT, -ENOENT, -ENOENT, -ENOENT}},
    {"bide_read_link", read_link, {W, W, W, W, W, W}},
    {"bide_copy_file", copy_file, {W, W, W, W, W, W}},
    {"bide_remove_tree", remove_tree, {W, W, W, W, W, W}},
    {"bide_make_temp_dir", temp_dir, {W, W, W, W, W, W}},
    {"bide_make_temp_file", temp_file, {W, W, W, W, W, W}},
    {"bide_directory_open", directory_open, {W, W, W, W, W, W}},
    {"bide_directory_next", directory_next, {NEVER, W, W, BIDE_ESTATE, BIDE_ESTATE, W}},
    /* of the running loop */
    {"bide_watch_open", watch_open, {BIDE_ENOLOOP, W, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ENOLOOP, W}},
    {"bide_watch_next", watch_next, {NEVER, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ESTATE, BIDE_ESTATE, BIDE_ESTATE}},
    /* values: when their loop was closed the next one may have them */
    {"bide_limiter_acquire", acquire, {NEVER, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ESTATE, BIDE_ESTATE, W}},
    {"bide_limiter_try", try_, {NEVER, W, W, BIDE_ESTATE, BIDE_ESTATE, W}},
    {"bide_limiter_charge", charge, {NEVER, W, W, BIDE_ESTATE, BIDE_ESTATE, W}},
    {"bide_limiter_give_back", give_back, {NEVER, W, W, BIDE_ESTATE, BIDE_ESTATE, W}},
    {"bide_limiter_delay_ms", delay_ms, {NEVER, W, W, BIDE_ESTATE, BIDE_ESTATE, W}},
    {"bide_interval_tick", tick, {NEVER, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ESTATE, BIDE_ESTATE, W}},
    {"bide_interval_reset", reset, {NEVER, W, W, BIDE_ESTATE, BIDE_ESTATE, W}},
    {"bide_sleep_until_wall", until_wall, {BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ENOLOOP, W}},
};

static void check_all(enum situation s)
{
    situation_check(rows, sizeof rows / sizeof *rows, s);
}

/* ---- the situations ---- */

static void make_file(void)
{
    snprintf(path, sizeof path, "%s/names", test_tmpdir());
    snprintf(other, sizeof other, "%s.other", path);
    EXPECT_EQ(bide_file_write_all(path, "text", 4), 0);
}

static int make_theirs(void)
{
    make_file();
    theirs.directory = bide_directory_open("/");
    theirs.watch = bide_watch_open(path, BIDE_WATCH_MOVED);
    theirs.limiter = (bide_limiter)BIDE_LIMITER(1e6, 1e6);
    theirs.interval = (bide_interval)BIDE_INTERVAL(1, BIDE_MISSED_SKIP);
    EXPECT_TRUE(theirs.directory && theirs.watch && tick() == 0 && acquire() == 0);
    return 0;
}

static void end_theirs(void)
{
    bide_release(theirs.directory);
    bide_release(theirs.watch);
    EXPECT_EQ(unlink(path), 0);
}

UNIT(path_situation_without_a_loop_follows_the_contracts)
{
    make_file();
    check_all(NO_LOOP);
    EXPECT_EQ(unlink(path), 0);
}

TEST(path_situation_in_a_callback_follows_the_contracts, .real_time = true)
{
    make_theirs();
    situation_check_in_callback(check_all);
    end_theirs();
}

UNIT(path_situation_after_the_loop_was_closed_follows_the_contracts)
{
    EXPECT_EQ(bide_run(bide_coro(make_theirs)), 0);
    check_all(CLOSED);
    end_theirs();
}

UNIT(path_situation_in_a_task_of_another_loop_follows_the_contracts)
{
    EXPECT_EQ(bide_run(bide_coro(make_theirs)), 0);
    situation_check_in_second_loop(check_all);
    end_theirs();
}

TEST(path_situation_in_another_thread_follows_the_contracts, .real_time = true)
{
    make_theirs();
    situation_check_in_thread(check_all);
    end_theirs();
}

TEST(path_situation_in_a_forked_child_follows_the_contracts, .real_time = true)
{
    make_theirs();
    situation_check_in_child(check_all);
    end_theirs();
}
