/* SPDX-License-Identifier: MIT */
/*
 * capture.c - the registers and the stack of a thread that is not disturbed by that.
 *
 * A thread in a system call is not touched: /proc/self/task/TID/syscall has its stack pointer and program counter, and its stack does not
 * change meanwhile.  A signal would end its nanosleep or poll early with EINTR.  Only a running thread gets a signal, whose handler
 * copies registers and stack and does nothing else.
 */
#include "inspect/kept/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#define PAGE 4096
#define ANSWER_MS 200 /* until the handler must have run; it does not if the thread blocks the signal */

#if defined(__x86_64__)
enum { DWARF_SP = 7, DWARF_PC = 16 };
#elif defined(__aarch64__)
enum { DWARF_SP = 31, DWARF_PC = 32 }; /* pc has no number there */
#else
enum { DWARF_SP = 0, DWARF_PC = 32 };
#endif

static void set(struct snapshot *s, unsigned number, uintptr_t value)
{
    if (number >= array_len(s->registers))
        return;
    s->registers[number] = value;
    s->known |= (uint64_t)1 << number;
}

/* What lies from sp on, up to high or the most that we copy.  A page that is not there ends it; async-signal-safe. */
static void copy_stack(struct snapshot *s, uintptr_t high)
{
    uintptr_t at = s->sp, end = s->sp + STACK_COPY_MAX;
    if (high > at && high < end)
        end = high;

    s->len = 0;
    while (at < end) {
        size_t n = PAGE - at % PAGE;
        if (n > end - at)
            n = end - at;
        struct iovec to = {s->stack + s->len, n}, from = {(void *)at, n};
        if (process_vm_readv(getpid(), &to, 1, &from, 1, 0) != (ssize_t)n)
            return;
        at += n;
        s->len += n;
    }
}

static void set_place(struct snapshot *s, uintptr_t sp, uintptr_t pc)
{
    s->known = 0;
    s->is_in_call = false;
    s->sp = sp;
    s->pc = pc;
    set(s, DWARF_SP, sp);
    set(s, DWARF_PC, pc);
}

/* ---- of a task that waits ---- */

#if defined(__x86_64__) && !defined(BIDE_SWITCH_UCONTEXT)
bool bide__capture_parked(struct snapshot *s, const struct context *c, uintptr_t high)
{
    enum { DWARF_BP = 6 };

    set_place(s, (uintptr_t)c->sp, (uintptr_t)c->pc);
    set(s, DWARF_BP, (uintptr_t)c->bp);
    copy_stack(s, high);
    return s->len > 0;
}
#elif defined(__aarch64__) && !defined(BIDE_SWITCH_UCONTEXT)
bool bide__capture_parked(struct snapshot *s, const struct context *c, uintptr_t high)
{
    set_place(s, (uintptr_t)c->sp, (uintptr_t)&bide__switch_resume);
    copy_stack(s, high);
    return s->len > 0;
}
#else
bool bide__capture_parked(struct snapshot *s, const struct context *c, uintptr_t high)
{
    (void)s, (void)c, (void)high;
    return false;
}
#endif

/* ---- in a system call ---- */

/* "202 0x.. 0x.. 0x.. 0x.. 0x.. 0x.. SP PC"; "-1 SP PC": it waits, but not in a call; "running". */
static bool read_call(pid_t thread, char *text, size_t cap)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/self/task/%d/syscall", (int)thread);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, cap - 1);
    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = '\0';
    return n > 0;
}

static bool parse_call(const char *text, uintptr_t *sp, uintptr_t *pc)
{
    unsigned long words[9];
    int n = sscanf(text, "%li %lx %lx %lx %lx %lx %lx %lx %lx", (long *)&words[0], &words[1], &words[2], &words[3], &words[4], &words[5],
                   &words[6], &words[7], &words[8]);
    if (n != 9 && n != 3)
        return false;
    *sp = words[n - 2];
    *pc = words[n - 1];
    return true;
}

static enum captured capture_call(struct snapshot *s, pid_t thread, uintptr_t high)
{
    char before[256], after[256];
    uintptr_t sp, pc;
    if (!read_call(thread, before, sizeof before))
        return NOT_CAPTURED;
    if (!parse_call(before, &sp, &pc))
        return strncmp(before, "running", 7) == 0 ? IT_RUNS : NOT_CAPTURED;

    set_place(s, sp, pc);
    s->is_in_call = true;
    copy_stack(s, high);
    return read_call(thread, after, sizeof after) && strcmp(before, after) == 0 ? CAPTURED : NOT_CAPTURED; /* it went on meanwhile */
}

/* ---- running ---- */

static struct sigaction handler_before;
static bool is_installed;

static struct {
    struct snapshot *snapshot; /* NULL: nobody asks */
    uintptr_t high;
    sem_t done;
    int is_written; /* orders the snapshot before its reader for ThreadSanitizer, too, which does not know sem_clockwait */
} request;

static void set_registers(struct snapshot *s, const ucontext_t *uc)
{
#if defined(__x86_64__)
    /* By DWARF number: rax rdx rcx rbx rsi rdi rbp rsp r8 to r15, and the return address. */
    static const int order[] = {REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI, REG_RBP, REG_RSP, REG_R8,
                                REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15, REG_RIP};
    for (unsigned i = 0; i < array_len(order); i++)
        set(s, i, (uintptr_t)uc->uc_mcontext.gregs[order[i]]);
#elif defined(__aarch64__)
    for (unsigned i = 0; i < 31; i++)
        set(s, i, (uintptr_t)uc->uc_mcontext.regs[i]);
#else
    (void)s;
    (void)uc;
#endif
}

void bide__capture_context(struct snapshot *s, const void *context, uintptr_t high)
{
    struct interrupted at = bide__signal_interrupted(context);

    set_place(s, at.sp, at.pc);
    set_registers(s, context);
    copy_stack(s, high);
}

static void hand_on(int signal, siginfo_t *info, void *context)
{
    if (handler_before.sa_flags & SA_SIGINFO)
        handler_before.sa_sigaction(signal, info, context);
    else if (handler_before.sa_handler != SIG_DFL && handler_before.sa_handler != SIG_IGN)
        handler_before.sa_handler(signal);
}

static void on_signal(int signal, siginfo_t *info, void *context)
{
    struct snapshot *s = __atomic_exchange_n(&request.snapshot, NULL, __ATOMIC_ACQ_REL);
    int saved = errno;
    if (!s) {
        hand_on(signal, info, context);
        return;
    }
    bide__capture_context(s, context, request.high);
    __atomic_store_n(&request.is_written, 1, __ATOMIC_RELEASE);
    sem_post(&request.done);
    errno = saved;
}

void bide__capture_begin(void)
{
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK};

    sem_init(&request.done, 0, 0);
    is_installed = sigaction(CAPTURE_SIGNAL, &action, &handler_before) == 0;
}

void bide__capture_end(void)
{
    struct sigaction now;

    if (is_installed && sigaction(CAPTURE_SIGNAL, NULL, &now) == 0 && now.sa_sigaction == on_signal)
        sigaction(CAPTURE_SIGNAL, &handler_before, NULL);
    is_installed = false;
    sem_destroy(&request.done);
}

static enum captured capture_running(struct snapshot *s, pid_t thread, uintptr_t high)
{
    struct timespec until;
    int code;
    if (!is_installed)
        return NOT_CAPTURED;

    request.high = high;
    __atomic_store_n(&request.is_written, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&request.snapshot, s, __ATOMIC_RELEASE);
    if (syscall(SYS_tgkill, getpid(), thread, CAPTURE_SIGNAL) == 0) {
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += ANSWER_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        do
            code = sem_clockwait(&request.done, CLOCK_MONOTONIC, &until);
        while (code < 0 && errno == EINTR);
        if (code == 0)
            return __atomic_load_n(&request.is_written, __ATOMIC_ACQUIRE) ? CAPTURED : NOT_CAPTURED;
    }
    if (__atomic_exchange_n(&request.snapshot, NULL, __ATOMIC_ACQ_REL))
        return NOT_CAPTURED; /* the thread has it blocked */
    while (sem_wait(&request.done) < 0) /* its handler is at work just now */
        ;
    return CAPTURED;
}

enum captured bide__capture(struct snapshot *s, pid_t thread, uintptr_t high)
{
    enum captured c = NOT_CAPTURED;

    for (int tries = 0; tries < 3 && c == NOT_CAPTURED; tries++) {
        c = capture_call(s, thread, high);
        if (c == IT_RUNS)
            c = capture_running(s, thread, high);
    }
    return c;
}
