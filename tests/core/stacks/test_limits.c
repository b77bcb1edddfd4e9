/* SPDX-License-Identifier: MIT */
/* test_limits.c - stacks until there is no room, 200,000 of them, and the choice of guards: what must choose anew runs in a child. */
#include <errno.h>
#include <stdlib.h>
#include <sys/sysinfo.h>

#include "child.h"
#include "stacks.h"

static void hold_stack_and_destroy(void)
{
    EXPECT_EQ(bide__stack_pool_init(&pool), 0);
    struct stack *held = get(0), *other = get(0);
    bide__stack_put(&pool, other);
    bide__stack_put(&pool, get(1024 * KIB));
    bide__stack_pool_destroy(&pool);
    memset(held->low, 1, held->size);
    EXPECT_EQ(bide__stacks_live(), 1);
}

UNIT(pool_destroyed_with_a_live_stack_leaves_it_mapped)
{
    EXPECT_EQ(run_child(hold_stack_and_destroy), 0);
}

static void lack_address_space(void)
{
    EXPECT_EQ(bide__stack_pool_init(&pool), 0);
    struct rlimit little = {256 << 20, 256 << 20};
    EXPECT_EQ(setrlimit(RLIMIT_AS, &little), 0);
    EXPECT_EQ(getrlimit(RLIMIT_AS, &little), 0);
    if (little.rlim_cur != 256 << 20)
        _exit(77); /* qemu-user only pretends */
    struct stack *s;
    size_t n = 0;
    while ((s = bide__stack_get(&pool, 0)))
        n++;
    EXPECT_EQ(errno, ENOMEM);
    fprintf(stderr, "%s", bide__stack_error());
    EXPECT_TRUE(n > 500); /* slabs get smaller before giving up */
    EXPECT_EQ(bide__stacks_live(), n);
}

UNIT(stack_without_memory_fails_with_a_text)
{
    if (instrumented())
        SKIP("sanitizers and valgrind need the address space");
    int status = run_child(lack_address_space);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        SKIP("RLIMIT_AS has no effect here");
    EXPECT_EQ(status, 0);
    EXPECT_TRUE(child_said("cannot map a stack of 64 KiB: Cannot allocate memory"));
}

/* ---- many ---- */

static long resident_bytes(void)
{
    long total, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    EXPECT_TRUE(f != NULL);
    EXPECT_EQ(fscanf(f, "%ld %ld", &total, &resident), 2);
    fclose(f);
    return resident * sysconf(_SC_PAGESIZE);
}

#define MANY 200000

UNIT(stacks_200000_live_and_guarded, .seconds = 60)
{
    struct sysinfo info;
    if (instrumented())
        SKIP("too many for sanitizers and valgrind");
    if (sysinfo(&info) || info.freeram * info.mem_unit < ((size_t)2 << 30))
        SKIP("needs 2 GiB of free memory");
    EXPECT_EQ(bide__stack_pool_init(&pool), 0);
    struct stack **all = malloc(MANY * sizeof *all);
    EXPECT_TRUE(all != NULL);
    memset(all, 0, MANY * sizeof *all);
    long before = resident_bytes();
    for (size_t i = 0; i < MANY; i++) {
        all[i] = bide__stack_get(&pool, 0);
        if (!all[i] && strstr(bide__stack_error(), "vm.max_map_count"))
            SKIP("this kernel has no MADV_GUARD_INSTALL");
        EXPECT_TRUE(all[i] != NULL);
    }
    long each = (resident_bytes() - before) / MANY;
    EXPECT_TRUE(each <= sysconf(_SC_PAGESIZE) + 64);
    EXPECT_EQ(bide__stacks_live(), MANY);
    int pipe_fds[2]; /* a system call into a guard says EFAULT: every 1000th is really there */
    EXPECT_EQ(pipe(pipe_fds), 0);
    for (size_t i = 0; i < MANY; i += 1000) {
        EXPECT_EQ(write(pipe_fds[1], all[i]->low - 1, 1), -1);
        EXPECT_EQ(errno, EFAULT);
    }
    close(pipe_fds[0]);
    close(pipe_fds[1]);
    for (size_t i = 0; i < MANY; i++)
        bide__stack_put(&pool, all[i]);
    EXPECT_EQ(bide__stack_pool_cached(&pool), MANY); /* until they were idle for a second */
    free(all);
    bide__stack_pool_destroy(&pool);
}

static void exhaust_maps(void)
{
    setenv("BIDE_GUARD", "mprotect", 1);
    EXPECT_EQ(bide__stack_pool_init(&pool), 0);
    size_t n = 0;
    while (bide__stack_get(&pool, 16 * KIB))
        n++;
    EXPECT_EQ(errno, ENOMEM);
    EXPECT_EQ(bide__stacks_live(), n);
    void *still = malloc((size_t)1 << 20); /* others can still map memory */
    EXPECT_TRUE(still != NULL);
    free(still);
    fprintf(stderr, "%zu stacks: %s", n, bide__stack_error());
}

UNIT(mprotect_guards_at_the_limit_name_vm_max_map_count)
{
    long limit = 0;
    FILE *f = fopen("/proc/sys/vm/max_map_count", "r");
    if (!f || fscanf(f, "%ld", &limit) != 1 || limit > 200000)
        SKIP("vm.max_map_count is unknown or too high to reach");
    fclose(f);
    if (instrumented())
        SKIP("too many stacks for sanitizers and valgrind");
    EXPECT_EQ(run_child(exhaust_maps), 0);
    EXPECT_TRUE(child_said("sysctl -w vm.max_map_count="));
    EXPECT_EQ(strtol(child_text, NULL, 10), limit / 20 * 9);
}

static void choose_wrong_guard(void)
{
    setenv("BIDE_GUARD", "maybe", 1);
    EXPECT_EQ(bide__stack_pool_init(&pool), -EINVAL);
    fprintf(stderr, "%s", bide__stack_error());
}

UNIT(guard_unknown_word_is_refused)
{
    EXPECT_EQ(run_child(choose_wrong_guard), 0);
    EXPECT_TRUE(child_said("BIDE_GUARD must be madvise, mprotect or none"));
}
