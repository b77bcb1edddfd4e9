/* SPDX-License-Identifier: MIT */
/*
 * sqlite.c - SQLite, FOLDER [SLOW]: a database in a file, written by a hundred tasks of one thread.
 *
 * It waits for nobody but in its busy handler, which sleeps: that suspends the task alone.  Its locks are fcntl's, which it tries
 * and never waits for.  What it reads and writes are files: that takes the thread, as it always does.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <bide/bide.h>

#define TASKS   100
#define HELD_MS 300

#define FAIL(...) (printf("FAILED: " __VA_ARGS__), printf("\n"), exit(1))

static char path[300];
static double slow = 1;

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static sqlite3 *open_db(int busy_ms)
{
    sqlite3 *db;
    if (sqlite3_open(path, &db) != SQLITE_OK)
        FAIL("opening %s: %s", path, sqlite3_errmsg(db));

    sqlite3_busy_timeout(db, busy_ms);
    sqlite3_exec(db, "pragma synchronous = off", NULL, NULL, NULL); /* the disk is not what is tested */
    return db;
}

static int run(sqlite3 *db, const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

static void must(sqlite3 *db, const char *sql)
{
    if (run(db, sql) != SQLITE_OK)
        FAIL("%s: %s", sql, sqlite3_errmsg(db));
}

static long long number(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *s;
    if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK || sqlite3_step(s) != SQLITE_ROW)
        FAIL("%s: %s", sql, sqlite3_errmsg(db));

    long long n = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    return n;
}

/* A connection of its own, as it should be; all of them write the same row. */
static int add(int i)
{
    char sql[100];
    sqlite3 *db = open_db(60000);

    snprintf(sql, sizeof sql, "insert into numbers values(%d)", i);
    must(db, "begin immediate");
    must(db, "update sum set n = n + 1");
    must(db, sql);
    must(db, "commit");
    sqlite3_close(db);
    return 0;
}

/* Others wait meanwhile, and neither they nor this one keep the thread. */
static int hold(void)
{
    sqlite3 *db = open_db(60000);

    must(db, "begin immediate");
    BIDE_IGNORE(bide_sleep_ms(HELD_MS));
    must(db, "commit");
    sqlite3_close(db);
    return 0;
}

static int tick(int *ticks)
{
    for (; bide_sleep_ms(10) == 0; ++*ticks)
        ;
    return 0;
}

static void check_writers(void)
{
    bide_awaitable all[TASKS + 1] = {BIDE_AW(bide_coro(hold))};
    int ticks = 0;
    bide_auto bide_task *ticker = bide_create_task(bide_coro(tick, &ticks));
    double start = now();

    for (int i = 0; i < TASKS; i++)
        all[i + 1] = BIDE_AW(bide_coro(add, i));
    if (bide_gather_n(all, TASKS + 1) < 0)
        FAIL("the writers");
    printf("%d writers behind one that held the file for %d ms: %.3f s, %d ticks of 10 ms\n", TASKS, HELD_MS, now() - start, ticks);
    bide_task_cancel(ticker);
    BIDE_IGNORE(bide_await(ticker));
    if (ticks < HELD_MS / 10 / 6 / slow)
        FAIL("they kept the thread");

    sqlite3 *db = open_db(0);
    if (number(db, "select n from sum") != TASKS || number(db, "select count(distinct n) from numbers") != TASKS)
        FAIL("%lld of %d written", number(db, "select n from sum"), TASKS);
    sqlite3_close(db);
}

static int wait_for_it(int *code)
{
    sqlite3 *db = open_db(5000);

    *code = run(db, "begin immediate");
    sqlite3_close(db);
    return 0;
}

/* Its busy handler hears nothing of the error of a sleep: it goes on until it has slept often enough, which is soon. */
static void check_cancel(void)
{
    int code = SQLITE_OK;
    sqlite3 *holder = open_db(0);
    must(holder, "begin immediate");
    bide_auto bide_task *t = bide_create_task(bide_coro(wait_for_it, &code));
    BIDE_IGNORE(bide_sleep_ms(50));
    double start = now();
    bide_task_cancel(t);
    if (bide_await(t) != BIDE_ECANCELED || code != SQLITE_BUSY)
        FAIL("cancelled, it said %d", code);
    printf("cancelled: ended after %.1f ms\n", (now() - start) * 1000);
    if (now() - start > 0.03 * slow)
        FAIL("that is too late");
    must(holder, "commit");

    must(holder, "begin immediate");
    start = now();
    bide_timeout(100)
        BIDE_IGNORE(wait_for_it(&code));
    printf("out of time: ended after %.1f ms\n", (now() - start) * 1000 - 100);
    if (code != SQLITE_BUSY || now() - start > 0.1 + 0.03 * slow)
        FAIL("out of time, it said %d", code);
    must(holder, "commit");
    sqlite3_close(holder);
}

static int app(void)
{
    sqlite3 *db = open_db(0);

    must(db, "create table numbers(n); create table sum(n); insert into sum values(0)");
    sqlite3_close(db);
    check_writers();
    check_cancel();
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return 2;
    snprintf(path, sizeof path, "%s/db", argv[1]);
    slow = argc > 2 ? atof(argv[2]) : 1;
    return bide_main(bide_coro(app));
}
