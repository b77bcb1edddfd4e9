/* SPDX-License-Identifier: MIT */
/* test_kills.c - workers are killed from outside, at moments that nobody chose, under every sort of job. */
#include <dirent.h>
#include <sys/wait.h>

#include "kills.h"

#define HELPER_FDS 6 /* 0 to 2, its socket, the life pipe twice */

static int entries_of(const char *path)
{
    int n = 0;
    DIR *dir = opendir(path);
    for (struct dirent *e; dir && (e = readdir(dir));)
        n += e->d_name[0] != '.';
    if (dir)
        closedir(dir);
    return n;
}

/* Nobody has a job any more: then the memory for large ones is free, all of it, and every place in the table. */
static void expect_nothing_kept(const bide_pool *p)
{
    for (size_t i = 0; i < p->arena.nblocks; i++)
        EXPECT_EQ(p->arena.blocks[i]->owner, BLOCK_FREE);
    EXPECT_EQ(p->pending, 0);
    EXPECT_EQ(p->pending_bytes, 0);
    EXPECT_EQ(p->nfree, p->table_cap);
}

/* The helper, which serves all pools of the program, may stay; and it has kept nothing. */
static void expect_nobody_left(void)
{
    pid_t left[16];
    char path[64];
    int zygote = bide__zygote_pid(), n = children_of(getpid(), left, 16);

    for (int i = 0; i < n; i++)
        if (left[i] != zygote)
            FAIL("process %d is left, of %d", left[i], n);
    snprintf(path, sizeof path, "/proc/%d/fd", zygote);
    for (int i = 0; i < 500 && zygote && entries_of(path) > HELPER_FDS; i++)
        usleep(10000); /* it may still be closing those of its last birth */
    EXPECT_LE(zygote ? entries_of(path) : 0, HELPER_FDS);
}

static int end_of_kills(struct load *load)
{
    while (kills_ledger->kills < kills_ledger->wanted)
        BIDE_TRY(bide_sleep_ms(2));
    load->stop = true;
    return 0;
}

static int kills_wanted(enum bide_pool_kind kind)
{
    const char *wish = getenv("BIDE_POOL_KILLS");
    int n = wish ? atoi(wish) : 1000;

    return kind == BIDE_POOL_EXEC ? n / 5 : n; /* another program takes longer to start */
}

/*
 * pool no. 32: workers are killed at random, at every instruction that there is; every future is settled, with the right
 * result or the right error, and nothing ran once too often.  1,000 kills; BIDE_POOL_KILLS=10000 asks for more, and
 * BIDE_POOL_SEED=N for the same choices.
 */
PROCESS_KINDS(kills_at_random_moments_neither_hang_nor_confuse_the_pool, .seconds = 600)
{
    char path[256];
    struct load load = {.seed = kills_seed()};

    snprintf(path, sizeof path, "%s/ledger", test_tmpdir());
    kills_map(path);
    EXPECT_NOT_NULL(kills_ledger);
    pid_t killer = killer_start(load.seed, kills_wanted(kind));
    load.pool = opened(kills_open(kind, path));
    kills_ledger->go = 1;
    bide_auto bide_task *end = bide_create_task(bide_coro(end_of_kills, &load));
    EXPECT_OK(kills_run_load(&load));
    EXPECT_OK(bide_await(end));
    EXPECT_EQ(waitpid(killer, NULL, 0), killer);

    EXPECT_OK(CALL(load.pool, bide_job(job_nothing)));
    expect_nothing_kept(load.pool);
    EXPECT_OK(bide_pool_close(load.pool, 5000, NULL));
    bide_release(load.pool);
    kills_check_runs(&load);
    expect_nobody_left();
    printf("%d kills, %d of them of the helper; %llu jobs settled: %llu done, %llu killed their worker, %llu were lost with it, %llu late, %llu cancelled; "
           "%llu resizes\n",
           kills_ledger->kills, kills_ledger->zygotes_killed, (unsigned long long)load.settled, (unsigned long long)load.done,
           (unsigned long long)load.culprits, (unsigned long long)load.lost, (unsigned long long)load.late,
           (unsigned long long)load.cancelled, (unsigned long long)load.resizes);
    EXPECT_LT(0, load.done);
}
