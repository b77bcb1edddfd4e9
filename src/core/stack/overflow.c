/* SPDX-License-Identifier: MIT */
/*
 * overflow.c - a stack overflow says whose stack it was.
 *
 * The guard under a stack turns an overflow into a SIGSEGV.  The handler runs on the thread's alternate stack, finds
 * the slot by the fault's address, and prints to stderr which task, how big its stack is, how to get a bigger one,
 * and the first and last frames of the trace.  Then it puts SIG_DFL back and returns, so that the instruction faults
 * again and the process dies of it: a core dump holds the true registers.
 *
 * Nothing here allocates, locks or uses stdio once the handler runs.  The unwinder is loaded and warmed up at install
 * time, because its first use allocates.
 *
 * A frame larger than stack and guard (of code that was not compiled with -fstack-clash-protection) may fault anywhere
 * below, also in the guard of another stack: then the stack that runs is the one to name.
 *
 * A fault that did not hit a guard belongs to somebody else: it is passed to the handler that was there before.
 */
#include <errno.h>
#include <execinfo.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <unwind.h>

#include "base/ledger/ledger.h"
#include "core/stack/arch.h"
#include "core/stack/slab.h"
#include "core/stack/stack.h"

#define ALTERNATE_BYTES ((size_t)64 << 10)
#define STEP_MAX_BYTES STACK_MAX_BYTES /* how far below its stack a frame is looked for */
#define FIRST_FRAMES 24
#define LAST_FRAMES 6
#define MAX_FRAMES 1000000 /* a trace that never ends is a broken stack */

typedef void describe_fn(const void *owner, char *buf, size_t cap);

typedef const struct stack *running_fn(void);

typedef void crashed_fn(int signum);

static _Atomic(describe_fn *) describe_owner;
static _Atomic(running_fn *) find_running;
static _Atomic(crashed_fn *) on_crash;
static void (*_Atomic at_end)(void);

void bide__overflow_set_describe(void (*describe)(const void *owner, char *buf, size_t cap))
{
    atomic_store(&describe_owner, describe);
}

void bide__overflow_set_running(const struct stack *(*running)(void))
{
    atomic_store(&find_running, running);
}

void bide__overflow_set_ended(void (*ended)(void))
{
    atomic_store(&at_end, ended);
}

void bide__overflow_set_crashed(void (*crashed)(int signum))
{
    atomic_store(&on_crash, crashed);
}

/* ---- a line of text, without stdio ---- */

struct line {
    size_t len;
    char text[768];
};

static void put(struct line *l, const char *s)
{
    while (*s && l->len < sizeof l->text)
        l->text[l->len++] = *s++;
}

static void put_number(struct line *l, size_t n)
{
    char digits[24];
    size_t i = sizeof digits;
    digits[--i] = 0;
    do
        digits[--i] = (char)('0' + n % 10);
    while (n /= 10);
    put(l, digits + i);
}

static void flush(struct line *l)
{
    for (size_t done = 0; done < l->len;) {
        ssize_t n = write(STDERR_FILENO, l->text + done, l->len - done);
        if (n < 0 && errno != EINTR)
            break; /* nobody listens; dying goes on */
        done += n > 0 ? (size_t)n : 0;
    }
    l->len = 0;
}

/* ---- the trace ---- */

struct trace {
    uintptr_t low, high; /* frames count from the first one that is on this stack, */
    uintptr_t fault_pc;  /* or where the fault was: for that frame aarch64 gives another stack */
    size_t count;
    void *first[FIRST_FRAMES];
    void *last[LAST_FRAMES]; /* a ring: frame number n is at n % LAST_FRAMES */
};

static _Unwind_Reason_Code visit_frame(struct _Unwind_Context *context, void *arg)
{
    struct trace *t = arg;
    uintptr_t frame = _Unwind_GetCFA(context);
    void *pc = (void *)_Unwind_GetIP(context);
    bool ours = (frame >= t->low && frame <= t->high) || (uintptr_t)pc == t->fault_pc;
    if (!pc || (t->count == 0 && !ours)) /* the handler's own frames come first */
        return _URC_NO_REASON;
    if (t->count < FIRST_FRAMES)
        t->first[t->count] = pc;
    t->last[t->count % LAST_FRAMES] = pc;
    return ++t->count < MAX_FRAMES ? _URC_NO_REASON : _URC_END_OF_STACK;
}

static void print_frame(struct line *l, size_t number, void *pc)
{
    put(l, number < 10 ? "   #" : "  #");
    put_number(l, number);
    put(l, "  ");
    flush(l);
    backtrace_symbols_fd(&pc, 1, STDERR_FILENO);
}

/* Where a stack pointer may be that ran into the guard: a probe comes after the pointer was moved, a guard further. */
static uintptr_t lowest_sp(const struct stack *s)
{
    return (uintptr_t)s->low - 2 * bide__guard_bytes();
}

/* From the frame of the fault on, or (pc unknown, or elsewhere) from the first one between low and high. */
static void print_trace(struct line *l, uintptr_t low, uintptr_t high, uintptr_t fault_pc)
{
    struct trace t = {.low = low, .high = high, .fault_pc = fault_pc};

    _Unwind_Backtrace(visit_frame, &t);

    for (size_t i = 0; i < t.count && i < FIRST_FRAMES; i++)
        print_frame(l, i, t.first[i]);
    size_t next = t.count > FIRST_FRAMES + LAST_FRAMES ? t.count - LAST_FRAMES : FIRST_FRAMES;
    if (next > FIRST_FRAMES) {
        put(l, "   ... ");
        put_number(l, next - FIRST_FRAMES);
        put(l, " frames ...\n");
    }
    for (size_t i = next; i < t.count; i++)
        print_frame(l, i, t.last[i % LAST_FRAMES]);
    flush(l);
}

/* ---- the report ---- */

static void put_bytes(struct line *l, size_t n)
{
    put_number(l, n >= 1 << 20 ? n >> 20 : n >> 10);
    put(l, n >= 1 << 20 ? " MiB" : " KiB");
}

/* "task NAME (#7, function f, stack 64 KiB)": the size goes inside the owner's parenthesis, if it has one. */
static void put_owner(struct line *l, const struct stack *s)
{
    char who[256] = "";
    describe_fn *describe = atomic_load(&describe_owner);
    if (describe && s->owner && s->owner != STACK_MARK)
        describe(s->owner, who, sizeof who);
    size_t len = strnlen(who, sizeof who - 1);
    bool open = len > 0 && who[len - 1] == ')';
    who[open ? len - 1 : len] = 0;
    put(l, len ? "task " : "a coroutine");
    put(l, who);
    put(l, open ? ", stack " : " (stack ");
    put_bytes(l, s->size);
    put(l, ")");
}

enum cause {
    OVERFLOW,  /* it ran into its guard */
    STEP_OVER, /* the stack pointer is below its guard */
    STRAY,     /* something else reached into a guard */
};

static void put_advice(struct line *l, const struct stack *s, enum cause cause)
{
    if (cause == STRAY) {
        put(l, "bide: a wild pointer, or a frame larger than the guard (compile with -fstack-clash-protection)\n");
    } else if (cause == STEP_OVER) {
        put(l, "bide: a frame is larger than the stack and its guard, and may have overwritten others: compile with "
               "-fstack-clash-protection, and keep big arrays off the stack\n");
    } else if (s->size >= STACK_MAX_BYTES) {
        put(l, "bide: that is the largest stack there is; endless recursion?\n");
    } else {
        put(l, "bide: give it more: bide_create_task(..., .stack_size = ");
        put_number(l, s->size * 4 >> 10);
        put(l, " * 1024), at most 64 MiB, or keep big arrays off the stack\n");
    }
}

static void report(const struct stack *s, enum cause cause, uintptr_t pc)
{
    struct line l = {0};

    put(&l, cause == STRAY ? "bide: stray access to the guard under the stack of " : "bide: stack overflow in ");
    put_owner(&l, s);
    put(&l, "\n");
    put_advice(&l, s, cause);
    flush(&l);
    print_trace(&l, lowest_sp(s), (uintptr_t)s, pc);
}

/* A use after release, of an object whose pages the ledger (base/ledger/ledger.c) has closed. */
static void report_released(const void *addr, uintptr_t pc)
{
    struct line l = {0};
    const char *story = bide__ledger_story_at(addr);
    if (!story)
        return;

    put(&l, "bide: use after release: ");
    put(&l, story);
    flush(&l);
    put(&l, "\nbide: it is used here:\n");
    flush(&l);
    print_trace(&l, pc ? UINTPTR_MAX : 0, UINTPTR_MAX, pc);
}

/* The stack that runs here, if the stack pointer is below it and its guard. */
static const struct stack *stepped_over(uintptr_t sp)
{
    running_fn *running = atomic_load(&find_running);
    const struct stack *s = running ? running() : NULL;

    return s && sp < lowest_sp(s) && lowest_sp(s) - sp <= STEP_MAX_BYTES ? s : NULL;
}

/* The stack that is responsible for the fault, and how; NULL: none is. */
static const struct stack *find_cause(const void *addr, uintptr_t sp, enum cause *cause)
{
    const struct stack *guarded = bide__slab_find_guard(addr);
    const struct stack *jumped = sp ? stepped_over(sp) : NULL;

    if (jumped && jumped != guarded) {
        *cause = STEP_OVER;
        return jumped;
    }
    bool own = guarded && (sp == 0 || (sp >= lowest_sp(guarded) && sp <= (uintptr_t)guarded));
    *cause = own ? OVERFLOW : STRAY;
    return guarded;
}

/* ---- the signal ---- */

static struct sigaction previous_segv, previous_bus;
static atomic_flag reporting = ATOMIC_FLAG_INIT;

static void call_at_end(void)
{
    void (*end)(void) = atomic_load(&at_end);

    if (end)
        end();
}

/* Not ours.  Returning to the faulting instruction with SIG_DFL in place is how one dies of it. */
static void pass_on(int sig, siginfo_t *info, void *context)
{
    const struct sigaction *previous = sig == SIGSEGV ? &previous_segv : &previous_bus;
    if (previous->sa_flags & SA_SIGINFO) {
        previous->sa_sigaction(sig, info, context);
    } else if (previous->sa_handler == SIG_IGN && info->si_code <= 0) {
        return; /* sent by kill(); a real fault cannot be ignored */
    } else if (previous->sa_handler == SIG_DFL || previous->sa_handler == SIG_IGN) {
        call_at_end();
        signal(sig, SIG_DFL);
        if (info->si_code <= 0)
            raise(sig); /* nothing will fault again: it stays pending until we return */
    } else {
        previous->sa_handler(sig);
    }
}

static void on_fault(int sig, siginfo_t *info, void *context)
{
    int saved_errno = errno;
    struct interrupted at = bide__signal_interrupted(context);
    enum cause cause;
    const struct stack *s = info->si_code > 0 ? find_cause(info->si_addr, at.sp, &cause) : NULL;
    if (!s) {
        crashed_fn *crashed = info->si_code > 0 ? atomic_load(&on_crash) : NULL;
        if (info->si_code > 0)
            report_released(info->si_addr, at.pc);
        if (crashed)
            crashed(sig);
        pass_on(sig, info, context);
        errno = saved_errno;
        return;
    }
    while (atomic_flag_test_and_set(&reporting))
        pause(); /* another thread is dying of its own overflow, and takes us along */
    report(s, cause, at.pc);
    crashed_fn *crashed = atomic_load(&on_crash);
    if (crashed)
        crashed(0);
    call_at_end();
    signal(sig, SIG_DFL);
}

static _Unwind_Reason_Code visit_nothing(struct _Unwind_Context *context, void *arg)
{
    (void)context, (void)arg;
    return _URC_NO_REASON;
}

static pthread_once_t install_once = PTHREAD_ONCE_INIT;
static bool was_installed;
static int install_result;

static int catch_faults(void)
{
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};

    sigemptyset(&action.sa_mask);
    return sigaction(SIGSEGV, &action, &previous_segv) || sigaction(SIGBUS, &action, &previous_bus) ? -errno : 0;
}

static void install(void)
{
    void *pc[1];
    backtrace(pc, 1); /* loads libgcc_s, which allocates: do it now */
    _Unwind_Backtrace(visit_nothing, NULL);
    install_result = catch_faults();
    was_installed = true;
}

int bide__overflow_install(void)
{
    pthread_once(&install_once, install);
    return install_result;
}

void bide__overflow_after_reset(void)
{
    if (was_installed) /* else the first loop does so */
        catch_faults();
}

/* ---- alternate stacks ---- */

static _Thread_local struct {
    unsigned depth;
    void *memory;
    stack_t previous;
} alternate;

int bide__overflow_thread_enter(void)
{
    if (alternate.depth++ > 0)
        return 0;
    void *memory =
        mmap(NULL, ALTERNATE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (memory == MAP_FAILED) {
        alternate.depth = 0;
        return -errno;
    }
    stack_t mine = {.ss_sp = memory, .ss_size = ALTERNATE_BYTES};
    if (sigaltstack(&mine, &alternate.previous)) {
        int err = errno;
        munmap(memory, ALTERNATE_BYTES);
        alternate.depth = 0;
        return -err;
    }
    alternate.memory = memory;
    return 0;
}

void bide__overflow_thread_leave(void)
{
    if (alternate.depth == 0 || --alternate.depth > 0)
        return;
    sigaltstack(&alternate.previous, NULL);
    munmap(alternate.memory, ALTERNATE_BYTES);
    alternate.memory = NULL;
}
