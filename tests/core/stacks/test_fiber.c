/* SPDX-License-Identifier: MIT */
/*
 * test_fiber.c - the stack switch: values go across, registers survive, traces end at the entry.
 */
#include <execinfo.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/stack/fiber.h"
#include "harness/harness.h"

static struct stack_pool pool;
static struct fiber thread, fiber;

static void start(void (*entry)(void *))
{
    EXPECT_EQ(bide__stack_pool_init(&pool), 0);
    struct stack *s = bide__stack_get(&pool, 0);
    EXPECT_TRUE(s != NULL);
    bide__fiber_init(&thread, NULL, NULL);
    bide__fiber_init(&fiber, s, entry);
}

static void finish(void)
{
    struct stack *s = fiber.stack;
    bide__fiber_destroy(&fiber);
    bide__fiber_destroy(&thread);
    bide__stack_put(&pool, s);
    bide__stack_pool_destroy(&pool);
}

/* ---- arguments ---- */

static void count_up(void *arg)
{
    uintptr_t n = (uintptr_t)arg;
    while (n < 1000)
        n = (uintptr_t)bide__fiber_switch(&fiber, &thread, (void *)(n + 1));
    bide__fiber_switch_final(&fiber, &thread, NULL);
}

UNIT(switch_passes_the_argument_both_ways)
{
    start(count_up);
    uintptr_t n = 1;
    for (uintptr_t next; (next = (uintptr_t)bide__fiber_switch(&thread, &fiber, (void *)n)) != 0; n = next + 1)
        EXPECT_EQ(next, n + 1);
    EXPECT_EQ(n, 1001);
    finish();
}

static int words_seen[7];

static int take0(void) { return 100; }
static int take1(int a) { words_seen[0] = a; return 101; }
static int take2(int a, int b) { take1(a); words_seen[1] = b; return 102; }
static int take3(int a, int b, int c) { take2(a, b); words_seen[2] = c; return 103; }
static int take4(int a, int b, int c, int d) { take3(a, b, c); words_seen[3] = d; return 104; }
static int take5(int a, int b, int c, int d, int e) { take4(a, b, c, d); words_seen[4] = e; return 105; }
static int take6(int a, int b, int c, int d, int e, int f) { take5(a, b, c, d, e); words_seen[5] = f; return -106; }

UNIT(call_words_every_count_loads_the_arguments)
{
    void (*const fns[])(void) = {
        (void (*)(void))take0, (void (*)(void))take1, (void (*)(void))take2, (void (*)(void))take3,
        (void (*)(void))take4, (void (*)(void))take5, (void (*)(void))take6,
    };
    for (unsigned argc = 0; argc <= 6; argc++) {
        /* exactly argc words, so that AddressSanitizer sees a read of one more */
        uintptr_t *words = malloc(argc ? argc * sizeof *words : 1);
        EXPECT_TRUE(words != NULL);
        memset(words_seen, 0, sizeof words_seen);
        for (unsigned i = 0; i < argc; i++)
            words[i] = 10 * argc + i + 1;
        int r = bide__call_words(fns[argc], argc, words);
        EXPECT_EQ(r, argc == 6 ? -106 : 100 + (int)argc);
        for (unsigned i = 0; i < argc; i++)
            EXPECT_EQ(words_seen[i], 10 * argc + i + 1);
        EXPECT_EQ(words_seen[argc], 0);
        free(words);
    }
}

static int take_pointers(const char *text, size_t *len)
{
    *len = strlen(text);
    return 0;
}

UNIT(call_words_pointers_arrive_whole)
{
    size_t len = 0;
    const uintptr_t words[] = {(uintptr_t)"hello", (uintptr_t)&len};
    EXPECT_EQ(bide__call_words((void (*)(void))take_pointers, 2, words), 0);
    EXPECT_EQ(len, 5);
}

/* ---- registers ---- */

/* Put other values into every register that a callee must keep. */
static void spoil_registers(void)
{
#if defined(__x86_64__)
    __asm__ volatile("mov $-1, %%rbx; mov %%rbx, %%r12; mov %%rbx, %%r13; mov %%rbx, %%r14; mov %%rbx, %%r15"
                     ::: "rbx", "r12", "r13", "r14", "r15");
#elif defined(__aarch64__)
    __asm__ volatile("mov x19, #-1; mov x20, x19; mov x21, x19; mov x22, x19; mov x23, x19; mov x24, x19;"
                     "mov x25, x19; mov x26, x19; mov x27, x19; mov x28, x19;"
                     "fmov d8, x19; fmov d9, x19; fmov d10, x19; fmov d11, x19;"
                     "fmov d12, x19; fmov d13, x19; fmov d14, x19; fmov d15, x19"
                     ::: "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27", "x28",
                     "d8", "d9", "d10", "d11", "d12", "d13", "d14", "d15");
#endif
}

static void spoil(void *arg)
{
    for (int i = 0; i < 10; i++) {
        spoil_registers();
        arg = bide__fiber_switch(&fiber, &thread, arg);
    }
    bide__fiber_switch_final(&fiber, &thread, arg);
}

UNIT(switch_keeps_callee_saved_registers)
{
    start(spoil);
    volatile long seed = 3;
    volatile double fseed = 1.5;
    /* more values than there are callee-saved registers, all alive over each switch */
    long a = seed, b = a * 3, c = b * 3, d = c * 3, e = d * 3, f = e * 3, g = f * 3, h = g * 3, i = h * 3, j = i * 3;
    double p = fseed, q = p * 2, r = q * 2, s = r * 2, t = s * 2, u = t * 2, v = u * 2, w = v * 2;
    for (int n = 0; n < 10; n++) {
        bide__fiber_switch(&thread, &fiber, NULL);
        a++, b++, c++, d++, e++, f++, g++, h++, i++, j++;
        p++, q++, r++, s++, t++, u++, v++, w++;
    }
    bide__fiber_switch(&thread, &fiber, NULL);
    EXPECT_EQ(a + b + c + d + e + f + g + h + i + j, 3 * 29524 + 100);
    EXPECT_TRUE(p + q + r + s + t + u + v + w == 1.5 * 255 + 80);
    finish();
}

static void use_aligned_stack(void *arg)
{
    char *text = arg;
    _Alignas(16) char block[32];
    EXPECT_EQ((uintptr_t)block % 16, 0);
    snprintf(block, sizeof block, "%.3f", 2.5); /* saves vector registers with aligned stores */
    strcpy(text, block);
    bide__fiber_switch_final(&fiber, &thread, NULL);
}

UNIT(entry_runs_on_an_aligned_stack)
{
    char text[32] = "";
    start(use_aligned_stack);
    bide__fiber_switch(&thread, &fiber, text);
    EXPECT_TRUE(strcmp(text, "2.500") == 0);
    finish();
}

/* ---- many ---- */

#define MANY 500

static struct worker {
    struct fiber fiber;
    unsigned id, sum;
    bool done;
} workers[MANY];

static unsigned add_deeply(struct worker *w, unsigned depth)
{
    unsigned mine = w->id + depth;
    if (depth > 0)
        mine += add_deeply(w, depth - 1);
    bide__fiber_switch(&w->fiber, &thread, NULL);
    return mine;
}

static void work(void *arg)
{
    struct worker *w = arg;
    w->sum = add_deeply(w, 20);
    w->done = true;
    bide__fiber_switch_final(&w->fiber, &thread, NULL);
}

static void start_worker(unsigned id)
{
    struct stack *s = bide__stack_get(&pool, 0);
    EXPECT_TRUE(s != NULL);
    workers[id] = (struct worker){.id = id};
    bide__fiber_init(&workers[id].fiber, s, work);
}

static void end_worker(struct worker *w)
{
    struct stack *s = w->fiber.stack;
    EXPECT_EQ(w->sum, 21 * w->id + 210);
    bide__fiber_destroy(&w->fiber);
    bide__stack_put(&pool, s);
}

UNIT(many_fibers_in_random_order_keep_their_frames)
{
    EXPECT_EQ(bide__stack_pool_init(&pool), 0);
    bide__fiber_init(&thread, NULL, NULL);
    for (int round = 0; round < 3; round++) { /* later rounds run on recycled stacks */
        for (unsigned i = 0; i < MANY; i++)
            start_worker(i);
        unsigned left = MANY, random = 12345;
        while (left > 0) {
            random = random * 1103515245 + 12345;
            struct worker *w = &workers[(random >> 16) % MANY];
            if (w->done)
                continue;
            bide__fiber_switch(&thread, &w->fiber, w);
            if (w->done) {
                end_worker(w);
                left--;
            }
        }
    }
    bide__fiber_destroy(&thread);
    EXPECT_EQ(bide__stacks_live(), 0);
    bide__stack_pool_destroy(&pool);
}

static void switch_to_second(void *arg)
{
    bide__fiber_switch(&workers[0].fiber, &workers[1].fiber, arg);
    bide__fiber_switch_final(&workers[0].fiber, &thread, arg);
}

static void switch_to_first(void *arg)
{
    bide__fiber_switch_final(&workers[1].fiber, &workers[0].fiber, arg);
}

UNIT(fibers_switch_to_each_other_without_the_thread)
{
    EXPECT_EQ(bide__stack_pool_init(&pool), 0);
    struct stack *a = bide__stack_get(&pool, 0), *b = bide__stack_get(&pool, 16384);
    EXPECT_TRUE(a && b);
    bide__fiber_init(&thread, NULL, NULL);
    bide__fiber_init(&workers[0].fiber, a, switch_to_second);
    bide__fiber_init(&workers[1].fiber, b, switch_to_first);
    int token;
    EXPECT_TRUE(bide__fiber_switch(&thread, &workers[0].fiber, &token) == &token);
    bide__fiber_destroy(&workers[0].fiber);
    bide__fiber_destroy(&workers[1].fiber);
    bide__stack_put(&pool, a);
    bide__stack_put(&pool, b);
    bide__stack_pool_destroy(&pool);
}

/* ---- traces ---- */

#define ENTRY_BYTES 256 /* more than bide__fiber_entry has on any machine */

static void *frames[64];
static int frame_count;

static __attribute__((noinline)) void trace_here(int depth)
{
    if (depth > 0)
        trace_here(depth - 1);
    else
        frame_count = backtrace(frames, 64);
    __asm__ volatile("" ::: "memory"); /* no tail call */
}

static void trace(void *arg)
{
    trace_here(3);
    bide__fiber_switch_final(&fiber, &thread, arg);
}

static bool is_entry(const void *pc)
{
    return (uintptr_t)pc - (uintptr_t)bide__fiber_entry < ENTRY_BYTES;
}

UNIT(backtrace_in_a_fiber_ends_at_its_entry)
{
    start(trace);
    bide__fiber_switch(&thread, &fiber, NULL);
    finish();
    int last = frame_count - 1;
    /* libgcc on aarch64 adds a frame at address 0; makecontext has a frame of its own */
    for (int beyond = 0; beyond < 2 && last > 0 && !is_entry(frames[last]); beyond++)
        last--;
    if (!is_entry(frames[last]))
        backtrace_symbols_fd(frames, frame_count, STDERR_FILENO);
    EXPECT_TRUE(is_entry(frames[last]));
    EXPECT_TRUE(last >= 5 && last <= 8); /* trace_here x 4, trace, perhaps a sanitizer's frames, the entry */
}

static __attribute__((noinline)) void sleep_in_a_fiber(const int *ready)
{
    if (write(ready[1], "x", 1) == 1)
        pause();
    __asm__ volatile("" ::: "memory");
}

static void sleeper(void *arg)
{
    sleep_in_a_fiber(arg);
    bide__fiber_switch_final(&fiber, &thread, arg);
}

static pid_t fork_sleeper(void (*body)(void *ready))
{
    int ready[2];
    char byte;
    EXPECT_EQ(pipe(ready), 0);
    pid_t pid = fork();
    EXPECT_TRUE(pid >= 0);
    if (pid == 0) {
        alarm(60);
        prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
        start(body);
        bide__fiber_switch(&thread, &fiber, ready);
        sleep_in_a_fiber(ready); /* body is suspended */
        _exit(1);
    }
    EXPECT_EQ(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(ready[1]);
    return pid;
}

static char gdb_said[65536];

/* What gdb says about the process, which it kills; ends the test where gdb cannot see one of our stacks. */
static void ask_gdb(pid_t pid, const char *commands)
{
    char command[1024];
    snprintf(command, sizeof command,
             "gdb -nx -batch -iex 'set debuginfod enabled off' -p %d %s -ex 'bt -30' 2>&1 </dev/null", (int)pid, commands);
    FILE *f = popen(command, "r");
    EXPECT_TRUE(f != NULL);
    size_t len = fread(gdb_said, 1, sizeof gdb_said - 1, f);
    gdb_said[len] = 0;
    pclose(f);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    if (strstr(gdb_said, "ptrace: "))
        SKIP("ptrace is not permitted here");
    if (strstr(gdb_said, "cpu_loop"))
        SKIP("gdb sees the emulator, not us");
}

static void need_gdb(void)
{
    if (system("gdb --version >/dev/null 2>&1") != 0)
        SKIP("gdb is not installed");
    if (bide__valgrind_runs())
        SKIP("gdb would see valgrind's stack, not ours");
}

static void expect_trace_ends_at_entry(const char *innermost)
{
    /* gdb may show bide__fiber_entry as bide.fiber_entry, taking the name for one of Ada's */
    const char *inner = strstr(gdb_said, innermost), *entry = strstr(gdb_said, "fiber_entry");
    if (!inner || !entry)
        fputs(gdb_said, stderr);
    EXPECT_TRUE(inner != NULL && entry != NULL && inner < entry);
#if defined(BIDE_SWITCH_UCONTEXT)
    SKIP("past the entry are makecontext's frames");
#endif
    EXPECT_TRUE(strstr(entry, "\n#") == NULL); /* nothing after the entry, */
    EXPECT_TRUE(strstr(gdb_said, "Backtrace stopped") == NULL); /* and gdb is content with where it stopped */
}

UNIT(gdb_backtrace_in_a_fiber_ends_at_its_entry)
{
    need_gdb();
    ask_gdb(fork_sleeper(sleeper), "");
    expect_trace_ends_at_entry("sleep_in_a_fiber");
}

static __attribute__((noinline)) void park_in_a_fiber(void *arg)
{
    bide__fiber_switch(&fiber, &thread, arg);
    __asm__ volatile("" ::: "memory");
}

static void parker(void *arg)
{
    park_in_a_fiber(arg);
    bide__fiber_switch_final(&fiber, &thread, arg);
}

/* What a debugger needs to see a suspended fiber: docs/design/runtime.md. */
#if defined(BIDE_SWITCH_UCONTEXT) || BIDE_SANITIZED
#define GO_TO_FIBER ""
#elif defined(__x86_64__)
#define GO_TO_FIBER                                                                                \
    "-ex 'set $c = *context_for_gdb' -ex 'set $sp = $c.sp' -ex 'set $rbp = $c.bp' -ex 'set $pc = $c.pc'"
#else
#define GO_TO_FIBER "-ex 'set $sp = context_for_gdb->sp' -ex 'set $pc = (long)&bide__switch_resume'"
#endif

const struct context *const volatile context_for_gdb = &fiber.context;

UNIT(gdb_backtrace_of_a_suspended_fiber_ends_at_its_entry)
{
    need_gdb();
    if (!*GO_TO_FIBER)
        SKIP("where a suspended context goes on is known to the assembly switch alone");
    ask_gdb(fork_sleeper(parker), GO_TO_FIBER);
    expect_trace_ends_at_entry("park_in_a_fiber");
}
