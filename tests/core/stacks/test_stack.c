/* SPDX-License-Identifier: MIT */
/*
 * test_stack.c - stacks: sizes, recycling, guards, limits, and what an overflow says before it kills.
 *
 * What must die, or must choose its guards anew, runs in a child of its own.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/stack/fiber.h"
#include "core/stack/slab.h"
#include "harness/harness.h"

#define KIB ((size_t)1024)

static struct stack_pool pool;

static struct stack *get(size_t size)
{
    struct stack *s = bide__stack_get(&pool, size);
    if (!s)
        fprintf(stderr, "%s\n", bide__stack_error());
    EXPECT_TRUE(s != NULL);
    return s;
}

/* Of a stack whose record may be gone: low is what it said. */
static size_t resident_pages(struct stack *s, char *low)
{
    static unsigned char pages[65536];
    size_t page = (size_t)sysconf(_SC_PAGESIZE), n = 0;
    size_t bytes = (size_t)((char *)(s + 1) - low);
    EXPECT_EQ(mincore(low, bytes, pages), 0);
    for (size_t i = 0; i < (bytes + page - 1) / page; i++)
        n += pages[i] & 1;
    return n;
}

static bool instrumented(void)
{
    return BIDE_SANITIZED || bide__valgrind_runs();
}

/* ---- sizes ---- */

UNIT(stack_default_is_64_kib_all_of_it_usable)
{
    EXPECT_EQ(bide__stack_pool_init(&pool), 0);
    struct stack *s = get(0);
    EXPECT_EQ(s->size, 64 * KIB);
    EXPECT_TRUE((size_t)((char *)bide__stack_top(s) - s->low) >= s->size);
    EXPECT_EQ((uintptr_t)bide__stack_top(s) % 64, 0);
    EXPECT_TRUE(s->owner == NULL);
    memset(s->low, 0xa5, (size_t)((char *)bide__stack_top(s) - s->low));
    bide__stack_put(&pool, s);
    bide__stack_pool_destroy(&pool);
}

UNIT(stack_size_is_rounded_up_to_a_power_of_two)
{
    static const struct { size_t asked, got; } cases[] = {
        {1, 16 * KIB},
        {16 * KIB, 16 * KIB},
        {16 * KIB + 1, 32 * KIB},
        {64 * KIB - 1, 64 * KIB},
        {64 * KIB + 1, 128 * KIB},
        {1024 * KIB, 1024 * KIB},
        {3000 * KIB, 4096 * KIB},
        {65536 * KIB, 65536 * KIB},
    };
    EXPECT_EQ(bide__stack_pool_init(&pool), 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct stack *s = get(cases[i].asked);
        EXPECT_EQ(s->size, cases[i].got);
        s->low[0] = 1; /* the far end is there */
        EXPECT_TRUE((uintptr_t)s->slab->stride % (2048 * KIB) != 0); /* huge pages stay away */
        bide__stack_put(&pool, s);
    }
    bide__stack_pool_destroy(&pool);
}

UNIT(stack_above_64_mib_is_refused_with_a_text)
{
    EXPECT_EQ(bide__stack_pool_init(&pool), 0);
    errno = 0;
    EXPECT_TRUE(bide__stack_get(&pool, 65536 * KIB + 1) == NULL);
    EXPECT_EQ(errno, EINVAL);
    EXPECT_TRUE(strstr(bide__stack_error(), "64 MiB") != NULL);
    bide__stack_pool_destroy(&pool);
}

UNIT(stack_tops_do_not_share_cache_sets)
{
    EXPECT_EQ(bide__stack_pool_init(&pool), 0);
    struct stack *a = get(0), *b = get(0);
    EXPECT_TRUE((uintptr_t)a % 4096 != (uintptr_t)b % 4096);
    EXPECT_TRUE((uintptr_t)a % 4096 >= 3072 && (uintptr_t)b % 4096 >= 3072); /* most of the page is below them */
    bide__stack_put(&pool, a);
    bide__stack_put(&pool, b);
    bide__stack_pool_destroy(&pool);
}

UNIT(stack_unused_takes_one_page)
{
    EXPECT_EQ(bide__stack_pool_init(&pool), 0);
    for (int i = 0; i < 100; i++) {
        struct stack *s = get(i % 2 ? 0 : 1024 * KIB);
        EXPECT_EQ(resident_pages(s, s->low), 1);
        s->owner = s; /* stays live */
    }
    EXPECT_EQ(bide__stacks_live(), 100);
    for (unsigned c = 0; c < STACK_CLASSES; c++)
        for (struct slab *slab = pool.classes[c].slabs; slab; slab = slab->next)
            for (uint32_t i = 0; i < slab->used; i++)
                bide__stack_put(&pool, bide__slab_record(slab, i));
    EXPECT_EQ(bide__stacks_live(), 0);
    bide__stack_pool_destroy(&pool);
}

/* ---- recycling ---- */

UNIT(stack_put_then_get_is_last_in_first_out)
{
    EXPECT_EQ(bide__stack_pool_init(&pool), 0);
    struct stack *a = get(0), *b = get(0), *c = get(0), *small = get(16 * KIB);
    EXPECT_TRUE(a != b && b != c && a != c);
    bide__stack_put(&pool, a);
    bide__stack_put(&pool, b);
    bide__stack_put(&pool, small);
    EXPECT_TRUE(get(0) == b); /* sizes do not mix */
    EXPECT_TRUE(get(0) == a);
    EXPECT_TRUE(get(16 * KIB) == small);
    EXPECT_EQ(bide__stacks_live(), 4);
    bide__stack_put(&pool, a);
    bide__stack_put(&pool, b);
    bide__stack_put(&pool, c);
    bide__stack_put(&pool, small);
    EXPECT_EQ(bide__stack_pool_cached(&pool), 4);
    bide__stack_pool_destroy(&pool);
}

UNIT(stack_trim_gives_cold_memory_back_and_keeps_the_stacks)
{
    enum { N = 200 };
    struct stack *all[N];
    char *low[N];
    EXPECT_EQ(bide__stack_pool_init(&pool), 0);
    for (int i = 0; i < N; i++) {
        all[i] = get(0);
        low[i] = all[i]->low;
        memset(low[i], 1, 64 * KIB);
    }
    EXPECT_TRUE(resident_pages(all[0], low[0]) > 16);
    for (int i = 0; i < N; i++)
        bide__stack_put(&pool, all[i]);

    bide__stack_pool_trim(&pool, 10);
    EXPECT_EQ(bide__stack_pool_cached(&pool), 10);
    EXPECT_TRUE(resident_pages(all[N - 1], low[N - 1]) > 16); /* the last ones in are the warm ones */
    EXPECT_EQ(resident_pages(all[0], low[0]), 0);

    struct slab *newest = pool.classes[2].slabs;
    uint32_t used = newest->used;
    for (int i = 0; i < N; i++) { /* all of them come back, and no new one */
        all[i] = get(0);
        all[i]->low[0] = 2;
    }
    EXPECT_TRUE(pool.classes[2].slabs == newest && newest->used == used);
    for (int i = 0; i < N; i++)
        bide__stack_put(&pool, all[i]);
    EXPECT_EQ(bide__stacks_live(), 0);
    bide__stack_pool_destroy(&pool);
}

/* Many more than PORTION of cool.c, so that they go in several calls. */
#define HELD 3000

static struct stack *many[HELD];
static char *lows[HELD]; /* the record of a cold stack is gone */

static void get_all(void)
{
    for (int i = 0; i < HELD; i++) {
        many[i] = get(0);
        many[i]->owner = many[i]; /* as its user does */
        lows[i] = many[i]->low;
    }
}

static void put_all(void)
{
    for (int i = 0; i < HELD; i++)
        bide__stack_put(&pool, many[i]);
}

UNIT(stacks_above_the_limit_stay_hot_while_they_are_used)
{
    EXPECT_EQ(bide__stack_pool_init(&pool), 0);
    pool.classes[2].keep = 64;
    get_all();
    EXPECT_TRUE(!pool.has_excess);
    put_all();
    EXPECT_TRUE(pool.has_excess);
    for (int round = 0; round < 5; round++) {
        EXPECT_EQ(bide__stack_pool_cool(&pool), 1000);
        EXPECT_EQ(bide__stack_pool_cached(&pool), HELD);
        get_all(); /* the mark is gone with them */
        put_all();
    }
    EXPECT_TRUE(resident_pages(many[0], lows[0]) > 0);
    bide__stack_pool_destroy(&pool);
}

UNIT(stacks_above_the_limit_that_nobody_used_are_given_back_in_portions)
{
    EXPECT_EQ(bide__stack_pool_init(&pool), 0);
    pool.classes[2].keep = 64;
    get_all();
    put_all();
    EXPECT_EQ(bide__stack_pool_cool(&pool), 1000);
    struct stack *last = get(0); /* the marked one */
    EXPECT_TRUE(last == many[HELD - 1]);
    last->owner = last;
    bide__stack_put(&pool, last);
    EXPECT_EQ(bide__stack_pool_cool(&pool), 1000); /* marked anew */

    int calls = 0;
    size_t before = HELD, now;
    for (int ms; (ms = bide__stack_pool_cool(&pool)) > 0; calls++, before = now) {
        now = bide__stack_pool_cached(&pool);
        EXPECT_TRUE(now < before && before - now <= 1024);
        EXPECT_EQ(ms, 4);
    }
    EXPECT_EQ(calls, 3);
    EXPECT_EQ(bide__stack_pool_cached(&pool), 64);
    EXPECT_TRUE(!pool.has_excess);
    EXPECT_EQ(resident_pages(many[HELD - 2], lows[HELD - 2]), 0); /* below the mark */
    EXPECT_TRUE(resident_pages(many[0], lows[0]) > 0);            /* the last of the list is kept */

    get_all(); /* hot ones, then the cold ones again */
    put_all();
    EXPECT_EQ(bide__stacks_live(), 0);
    bide__stack_pool_destroy(&pool);
}

UNIT(stacks_of_two_sizes_cool_each_by_its_own_mark)
{
    EXPECT_EQ(bide__stack_pool_init(&pool), 0);
    pool.classes[0].keep = pool.classes[2].keep = 0;
    struct stack *small = get(16 * KIB), *small2 = get(16 * KIB), *large = get(0), *large2 = get(0);
    bide__stack_put(&pool, small);
    bide__stack_put(&pool, small2);
    bide__stack_put(&pool, large);
    bide__stack_put(&pool, large2);
    EXPECT_EQ(bide__stack_pool_cool(&pool), 1000);
    struct stack *again = get(0);
    again->owner = again;
    bide__stack_put(&pool, again);
    EXPECT_EQ(bide__stack_pool_cool(&pool), 4); /* one of the small ones */
    EXPECT_EQ(pool.classes[0].hot_count, 1);
    EXPECT_EQ(pool.classes[2].hot_count, 2);
    bide__stack_pool_trim(&pool, 0);
    EXPECT_EQ(bide__stack_pool_cool(&pool), 0);
    EXPECT_EQ(bide__stack_pool_cached(&pool), 0);
    bide__stack_pool_destroy(&pool);
}

static void *use_a_pool(void *arg)
{
    struct stack_pool mine;
    struct stack *held[64];
    (void)arg;
    EXPECT_EQ(bide__stack_pool_init(&mine), 0);
    for (int round = 0; round < 50; round++) {
        for (int i = 0; i < 64; i++) {
            held[i] = bide__stack_get(&mine, i % 3 ? 0 : 256 * KIB);
            EXPECT_TRUE(held[i] != NULL);
        }
        EXPECT_TRUE(bide__stacks_live() >= 64);
        for (int i = 0; i < 64; i++)
            bide__stack_put(&mine, held[i]);
        bide__stack_pool_trim(&mine, 5);
    }
    bide__stack_pool_destroy(&mine);
    return NULL;
}

UNIT(stack_pools_of_two_threads_do_not_meet)
{
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        EXPECT_EQ(pthread_create(&threads[i], NULL, use_a_pool, NULL), 0);
    for (int i = 0; i < 2; i++)
        EXPECT_EQ(pthread_join(threads[i], NULL), 0);
    EXPECT_EQ(bide__stacks_live(), 0);
}

/* ---- children ---- */

static char child_text[65536];

/* Run body in a child; its stderr lands in child_text.  Returns its wait status. */
static int run_child(void (*body)(void))
{
    int out[2];
    EXPECT_EQ(pipe(out), 0);
    fflush(NULL);
    pid_t pid = fork();
    EXPECT_TRUE(pid >= 0);
    if (pid == 0) {
        struct rlimit no_core = {0, 0};
        setrlimit(RLIMIT_CORE, &no_core);
        alarm(60);
        dup2(out[1], STDERR_FILENO);
        close(out[0]);
        close(out[1]);
        body();
        _exit(0);
    }
    close(out[1]);
    size_t len = 0;
    for (ssize_t n; (n = read(out[0], child_text + len, sizeof child_text - 1 - len)) > 0;)
        len += (size_t)n;
    child_text[len] = 0;
    close(out[0]);
    int status;
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    return status;
}

static bool child_said(const char *text)
{
    if (strstr(child_text, text))
        return true;
    fprintf(stderr, "not said: %s\nbut: %s\n", text, child_text);
    return false;
}

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

/* ---- overflow ---- */

static struct fiber thread, fiber;
static volatile int zero;

static __attribute__((noinline)) int recurse(int n)
{
    volatile char frame[100];
    frame[0] = (char)n;
    if (n < 0)
        return 0;
    return recurse(n + 1 + zero) + frame[zero];
}

static __attribute__((noinline)) int use_200_kib(void)
{
    volatile char frame[200 * 1024];
    for (size_t i = 0; i < sizeof frame; i += 512)
        frame[i] = (char)i;
    return frame[zero];
}

static void overflow_deeply(void *arg)
{
    fprintf(stderr, "%d", recurse(1));
    bide__fiber_switch_final(&fiber, &thread, arg);
}

static void overflow_at_once(void *arg)
{
    fprintf(stderr, "%d", use_200_kib());
    bide__fiber_switch_final(&fiber, &thread, arg);
}

static void describe(const void *owner, char *buf, size_t cap)
{
    size_t len = strlen(owner);
    EXPECT_TRUE(len < cap);
    memcpy(buf, owner, len + 1);
}

static char name[] = "parser (#7, function parse_page)";

static void run_in_fiber(void (*entry)(void *))
{
    EXPECT_EQ(bide__overflow_install(), 0);
    EXPECT_EQ(bide__overflow_thread_enter(), 0);
    bide__overflow_set_describe(describe);
    EXPECT_EQ(bide__stack_pool_init(&pool), 0);
    get(0), get(0);
    struct stack *s = get(0);
    s->owner = name;
    bide__fiber_init(&thread, NULL, NULL);
    bide__fiber_init(&fiber, s, entry);
    bide__fiber_switch(&thread, &fiber, NULL);
}

static void overflow_by_recursion(void)
{
    run_in_fiber(overflow_deeply);
}

static void overflow_by_frame(void)
{
    run_in_fiber(overflow_at_once);
}

static void expect_overflow_report(int status)
{
    EXPECT_TRUE(child_said("bide: stack overflow in task parser (#7, function parse_page, stack 64 KiB)\n"));
    EXPECT_TRUE(child_said(".stack_size = 256 * 1024"));
    EXPECT_TRUE(child_said("   #0  "));
    EXPECT_TRUE(child_said("   #2  "));
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

UNIT(overflow_by_recursion_names_the_task_and_dies_of_sigsegv)
{
    expect_overflow_report(run_child(overflow_by_recursion));
    EXPECT_TRUE(child_said("frames ...\n")); /* only the first and the last are shown */
}

UNIT(overflow_by_one_big_frame_names_the_task_and_dies_of_sigsegv)
{
    expect_overflow_report(run_child(overflow_by_frame));
}

static void overflow_with_mprotect(void)
{
    setenv("BIDE_GUARD", "mprotect", 1);
    overflow_by_recursion();
}

UNIT(overflow_with_mprotect_guards_reports_the_same)
{
    expect_overflow_report(run_child(overflow_with_mprotect));
}

static void *overflow_thread(void *arg)
{
    overflow_by_recursion();
    return arg;
}

static void overflow_in_thread(void)
{
    pthread_t t;
    EXPECT_EQ(bide__overflow_thread_enter(), 0);
    bide__overflow_thread_leave();
    EXPECT_EQ(pthread_create(&t, NULL, overflow_thread, NULL), 0);
    pthread_join(t, NULL);
}

UNIT(overflow_in_another_thread_reports_the_same)
{
    expect_overflow_report(run_child(overflow_in_thread));
}

static void overflow_after_trim(void)
{
    EXPECT_EQ(bide__stack_pool_init(&pool), 0);
    struct stack *s = get(0);
    bide__stack_put(&pool, s);
    bide__stack_pool_trim(&pool, 0);
    EXPECT_TRUE(get(0) == s);
    EXPECT_EQ(bide__overflow_install(), 0);
    EXPECT_EQ(bide__overflow_thread_enter(), 0);
    bide__fiber_init(&thread, NULL, NULL);
    bide__fiber_init(&fiber, s, overflow_deeply);
    bide__fiber_switch(&thread, &fiber, NULL);
}

UNIT(overflow_on_a_stack_that_was_cold_is_still_caught)
{
    int status = run_child(overflow_after_trim);
    EXPECT_TRUE(child_said("bide: stack overflow in a coroutine (stack 64 KiB)\n")); /* it has no owner */
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

static void touch_guard(void)
{
    EXPECT_EQ(bide__overflow_install(), 0);
    EXPECT_EQ(bide__overflow_thread_enter(), 0);
    bide__overflow_set_describe(describe);
    EXPECT_EQ(bide__stack_pool_init(&pool), 0);
    struct stack *s = get(0);
    s->owner = name;
    *(volatile char *)(s->low - 100) = 1;
}

UNIT(guard_touched_from_elsewhere_is_distinguished_from_an_overflow)
{
    int status = run_child(touch_guard);
    EXPECT_TRUE(child_said("bide: stray access to the guard under the stack of task parser (#7"));
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

UNIT(guard_is_256_kib_wide)
{
    EXPECT_EQ(bide__stack_pool_init(&pool), 0);
    struct stack *lower = get(0), *s = get(0);
    int pipe_fds[2]; /* a system call into a guard says EFAULT */
    EXPECT_EQ(pipe(pipe_fds), 0);
    for (size_t below = 1; below <= 256 * KIB; below += 4095) {
        EXPECT_EQ(write(pipe_fds[1], s->low - below, 1), -1);
        EXPECT_EQ(errno, EFAULT);
        EXPECT_TRUE(bide__slab_find_guard(s->low - below) == s);
    }
    EXPECT_TRUE(bide__slab_find_guard(s->low - 256 * KIB - 1) == NULL); /* the record of the stack below */
    close(pipe_fds[0]);
    close(pipe_fds[1]);
    bide__stack_put(&pool, lower);
    bide__stack_put(&pool, s);
    bide__stack_pool_destroy(&pool);
}

static int *volatile nowhere;

static void fault_elsewhere(void)
{
    signal(SIGSEGV, SIG_DFL); /* a sanitizer's handler would exit */
    EXPECT_EQ(bide__overflow_install(), 0);
    EXPECT_EQ(bide__overflow_thread_enter(), 0);
    *nowhere = 1;
}

UNIT(fault_that_is_no_overflow_dies_in_silence)
{
    if (instrumented())
        SKIP("sanitizers have their own handler, valgrind counts the fault as an error");
    int status = run_child(fault_elsewhere);
    EXPECT_EQ(strstr(child_text, "bide: ") != NULL, 0);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

static void kill_self(void)
{
    EXPECT_EQ(bide__overflow_install(), 0);
    kill(getpid(), SIGSEGV);
    pause();
}

UNIT(sigsegv_sent_by_kill_kills)
{
    if (BIDE_SANITIZED)
        SKIP("sanitizers have their own handler");
    int status = run_child(kill_self);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

static void own_handler(int sig)
{
    _exit(40 + (sig == SIGSEGV));
}

/* UBSan would stop before the fault */
__attribute__((no_sanitize("undefined"))) static void fault_with_own_handler(void)
{
    signal(SIGSEGV, own_handler);
    EXPECT_EQ(bide__overflow_install(), 0);
    EXPECT_EQ(bide__overflow_install(), 0); /* twice is once */
    EXPECT_EQ(bide__overflow_thread_enter(), 0);
    *nowhere = 1;
}

UNIT(fault_that_is_no_overflow_goes_to_the_handler_before_ours)
{
    if (bide__valgrind_runs())
        SKIP("valgrind counts the fault as an error");
    int status = run_child(fault_with_own_handler);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 41);
}

UNIT(alternate_stack_nests_and_puts_the_previous_back)
{
    stack_t before, inside, after;
    EXPECT_EQ(sigaltstack(NULL, &before), 0);
    EXPECT_EQ(bide__overflow_thread_enter(), 0);
    EXPECT_EQ(bide__overflow_thread_enter(), 0);
    bide__overflow_thread_leave();
    EXPECT_EQ(sigaltstack(NULL, &inside), 0);
    EXPECT_TRUE(!(inside.ss_flags & SS_DISABLE) && inside.ss_size >= 64 * KIB);
    bide__overflow_thread_leave();
    EXPECT_EQ(sigaltstack(NULL, &after), 0);
    EXPECT_EQ(after.ss_flags, before.ss_flags);
    EXPECT_TRUE((after.ss_flags & SS_DISABLE) || after.ss_sp == before.ss_sp);
}
