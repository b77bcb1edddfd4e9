/* SPDX-License-Identifier: MIT */
/*
 * threads.c - where a thread of another process is.
 *
 * A thread in a system call is not touched: /proc/PID/task/TID/syscall has its stack pointer and program counter.  A running one is
 * stopped while its registers and stack are copied, about 0.1 ms, by ptrace without a signal (PTRACE_SEIZE, PTRACE_INTERRUPT).  So is one
 * that was stopped already (SIGSTOP), which stays stopped.
 *
 * That is done in a thread of our own: the kernel detaches what a thread traces when it ends, also what did not stop in time.
 */
#include "cli/remote/stacks.h"

#include <elf.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>

#define STOP_TRIES 2000 /* of 100 us */

#if defined(__x86_64__)
/* By DWARF number: the index of the register in the kernel's order. */
static const uint8_t order[] = {10, 12, 11, 5, 13, 14, 4, 19, 9, 8, 7, 6, 3, 2, 1, 0, 16};
enum { KERNEL_SP = 19, KERNEL_PC = 16 };
#elif defined(__aarch64__)
static const uint8_t order[] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
                                16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30};
enum { KERNEL_SP = 31, KERNEL_PC = 32 };
#else
static const uint8_t order[] = {0};
enum { KERNEL_SP = 0, KERNEL_PC = 0 };
#endif

static void set_place(struct stance *at, uint64_t sp, uint64_t pc)
{
    *at = (struct stance){.sp = sp, .pc = pc, .top = at->top};
    stance_set(at, DWARF_SP, sp);
    stance_set(at, DWARF_PC, pc);
}

/* Up to the top if it is on its task's stack; on another stack, as much as is mapped. */
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

enum call { IN_CALL, NO_CALL, IS_RUNNING };

static enum call parse_call(const char *text, uint64_t *sp, uint64_t *pc)
{
    unsigned long w[9];
    int n = sscanf(text, "%li %lx %lx %lx %lx %lx %lx %lx %lx", (long *)&w[0], &w[1], &w[2], &w[3], &w[4], &w[5], &w[6], &w[7], &w[8]);
    if (n != 9 && n != 3)
        return strncmp(text, "running", 7) == 0 ? IS_RUNNING : NO_CALL;

    *sp = w[n - 2];
    *pc = w[n - 1];
    return n == 9 ? IN_CALL : NO_CALL;
}

/* ---- running ---- */

static void set_registers(struct stance *at, const uint64_t registers[34])
{
    set_place(at, registers[KERNEL_SP], registers[KERNEL_PC]);
    for (unsigned i = 0; i < sizeof order; i++)
        stance_set(at, i, registers[order[i]]);
}

static bool take_registers(struct stance *at, int thread)
{
    uint64_t registers[34] = {0};
    struct iovec v = {registers, sizeof registers};
    if (ptrace(PTRACE_GETREGSET, thread, (void *)NT_PRSTATUS, &v) != 0)
        return false;

    set_registers(at, registers);
    return true;
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

struct stop {
    struct stance *at;
    struct memory *memory;
    int thread;
    char *stack;
    bool is_taken;
};

static void *stop_and_take(void *arg)
{
    struct stop *s = arg;
    if (ptrace(PTRACE_SEIZE, s->thread, NULL, NULL) != 0)
        return NULL;

    s->is_taken = ptrace(PTRACE_INTERRUPT, s->thread, NULL, NULL) == 0 && wait_for_stop(s->thread) && take_registers(s->at, s->thread) &&
                  copy_stack(s->at, s->memory, s->stack);
    ptrace(PTRACE_DETACH, s->thread, NULL, NULL);
    return NULL;
}

static bool take_stopped(struct stance *at, struct memory *m, int thread, char *stack)
{
    struct stop s = {.at = at, .memory = m, .thread = thread, .stack = stack};
    pthread_t tracer;
    if (pthread_create(&tracer, NULL, stop_and_take, &s) != 0)
        return false;

    pthread_join(tracer, NULL);
    return s.is_taken;
}

bool thread_stance(struct stance *at, struct memory *m, int pid, int thread, uint64_t top, char *stack)
{
    char before[256], after[256];
    uint64_t sp = 0, pc = 0;

    *at = (struct stance){.top = top};
    if (!read_call(pid, thread, before, sizeof before))
        return false;
    enum call call = parse_call(before, &sp, &pc);
    if (call != IN_CALL && take_stopped(at, m, thread, stack))
        return true;
    if (call == IS_RUNNING || sp == 0) /* else it waits where there is no call: for its page, or stopped and traced by somebody */
        return false;
    *at = (struct stance){.top = top};
    set_place(at, sp, pc);
    return copy_stack(at, m, stack) && read_call(pid, thread, after, sizeof after) && strcmp(before, after) == 0;
}

bool core_stance(struct stance *at, struct memory *m, const struct core_thread *t, uint64_t top, char *stack)
{
    *at = (struct stance){.top = top};
    set_registers(at, t->registers);
    return copy_stack(at, m, stack);
}
