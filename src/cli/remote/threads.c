/* SPDX-License-Identifier: MIT */
/*
 * threads.c - where a thread of another process is.
 *
 * One that stands in a system call is not touched: the kernel says in /proc where its stack pointer and its instruction are.  One that
 * runs is stopped for as long as its registers and its stack are copied, by ptrace without a signal (SEIZE, INTERRUPT), some 0.1 ms.
 */
#include "cli/remote/stacks.h"

#include <elf.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>

#define STOP_TRIES 2000 /* of 100 us */

static void set_place(struct stance *at, uint64_t sp, uint64_t pc)
{
    *at = (struct stance){.sp = sp, .pc = pc, .top = at->top};
    stance_set(at, DWARF_SP, sp);
    stance_set(at, DWARF_PC, pc);
}

/* On its task's stack up to the top; on another one, what there is. */
static bool copy_stack(struct stance *at, struct memory *m, char *stack)
{
    if (at->top <= at->sp || at->top - at->sp > STACKS_BYTES_MAX)
        at->top = at->sp + STACKS_BYTES_MAX;
    at->stack = stack;
    while (at->len < at->top - at->sp) {
        size_t n = PAGE_BYTES - (at->sp + at->len) % PAGE_BYTES;
        n = n > at->top - at->sp - at->len ? (size_t)(at->top - at->sp - at->len) : n;
        if (!memory_copy(m, at->sp + at->len, stack + at->len, n))
            break;
        at->len += n;
    }
    return at->len > 0;
}

/* ---- in a system call ---- */

/* "202 0x.. 0x.. 0x.. 0x.. 0x.. 0x.. SP PC"; "-1 SP PC": it waits, but not in a call; "running". */
static bool read_call(int pid, int thread, char *text, int size)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/%d/task/%d/syscall", pid, thread);
    FILE *f = fopen(path, "re");
    bool is_there = f && fgets(text, size, f);
    if (f)
        fclose(f);
    return is_there;
}

static bool parse_call(const char *text, uint64_t *sp, uint64_t *pc)
{
    unsigned long w[9];
    int n = sscanf(text, "%li %lx %lx %lx %lx %lx %lx %lx %lx", (long *)&w[0], &w[1], &w[2], &w[3], &w[4], &w[5], &w[6], &w[7], &w[8]);
    if (n != 9 && n != 3)
        return false;

    *sp = w[n - 2];
    *pc = w[n - 1];
    return true;
}

/* ---- running ---- */

static bool take_registers(struct stance *at, int thread)
{
#if defined(__x86_64__)
    struct user_regs_struct r;
    struct iovec v = {&r, sizeof r};
    if (ptrace(PTRACE_GETREGSET, thread, (void *)NT_PRSTATUS, &v) != 0)
        return false;
    const unsigned long long order[] = {r.rax, r.rdx, r.rcx, r.rbx, r.rsi, r.rdi, r.rbp, r.rsp, r.r8,
                                        r.r9,  r.r10, r.r11, r.r12, r.r13, r.r14, r.r15, r.rip};
    set_place(at, r.rsp, r.rip);
    for (unsigned i = 0; i < sizeof order / sizeof order[0]; i++)
        stance_set(at, i, order[i]);
    return true;
#elif defined(__aarch64__)
    struct user_regs_struct r;
    struct iovec v = {&r, sizeof r};
    if (ptrace(PTRACE_GETREGSET, thread, (void *)NT_PRSTATUS, &v) != 0)
        return false;
    set_place(at, r.sp, r.pc);
    for (unsigned i = 0; i < 31; i++)
        stance_set(at, i, r.regs[i]);
    return true;
#else
    (void)at;
    (void)thread;
    return false;
#endif
}

static bool wait_for_stop(int thread)
{
    const struct timespec pause = {.tv_nsec = 100000};
    int status, code = 0;

    for (int i = 0; i < STOP_TRIES && code == 0; i++) {
        code = waitpid(thread, &status, WNOHANG | __WALL);
        if (code == 0)
            nanosleep(&pause, NULL);
    }
    return code == thread && WIFSTOPPED(status);
}

/* The kernel detaches what is still stopped when this program ends. */
static bool stop_and_take(struct stance *at, struct memory *m, int thread, char *stack)
{
    if (ptrace(PTRACE_SEIZE, thread, NULL, NULL) != 0)
        return false;
    bool is_taken = ptrace(PTRACE_INTERRUPT, thread, NULL, NULL) == 0 && wait_for_stop(thread) && take_registers(at, thread) &&
                    copy_stack(at, m, stack);

    ptrace(PTRACE_DETACH, thread, NULL, NULL);
    return is_taken;
}

bool thread_stance(struct stance *at, struct memory *m, int pid, int thread, uint64_t top, char *stack)
{
    char before[256], after[256];
    uint64_t sp, pc;

    *at = (struct stance){.top = top};
    if (!read_call(pid, thread, before, sizeof before))
        return false;
    if (!parse_call(before, &sp, &pc))
        return strncmp(before, "running", 7) == 0 && stop_and_take(at, m, thread, stack);
    set_place(at, sp, pc);
    return copy_stack(at, m, stack) && read_call(pid, thread, after, sizeof after) && strcmp(before, after) == 0;
}
