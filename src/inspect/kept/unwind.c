/* SPDX-License-Identifier: MIT */
/*
 * unwind.c - the calls on a captured stack, by libdw, to which it is presented as the only thread of a process.
 */
#include <sys/uio.h>
#include <unistd.h>

#include "inspect/inspect.h"
#include "inspect/modules.h"

struct unwinding {
    const struct libdw *dw;
    const struct snapshot *snapshot;
    uintptr_t *pcs;
    size_t n, cap;
};

static pid_t next_thread(Dwfl *dwfl, void *arg, void **thread_arg)
{
    (void)dwfl;
    if (*thread_arg)
        return 0;
    *thread_arg = arg;
    return getpid();
}

static bool get_thread(Dwfl *dwfl, pid_t id, void *arg, void **thread_arg)
{
    (void)dwfl;
    *thread_arg = arg;
    return id == getpid();
}

/* From the captured stack; everything else from the memory as it is now, if it is mapped. */
static bool memory_read(Dwfl *dwfl, uint64_t at, uint64_t *word, void *arg)
{
    const struct snapshot *s = ((struct unwinding *)arg)->snapshot;
    struct iovec to = {word, sizeof *word}, from = {(void *)(uintptr_t)at, sizeof *word};
    (void)dwfl;

    if (at >= s->sp && s->len >= sizeof *word && at - s->sp <= s->len - sizeof *word) {
        memcpy(word, s->stack + (at - s->sp), sizeof *word);
        return true;
    }
    return process_vm_readv(getpid(), &to, 1, &from, 1, 0) == (ssize_t)sizeof *word;
}

static bool set_registers(Dwfl_Thread *thread, void *arg)
{
    const struct unwinding *u = arg;

    for (int i = 0; i < (int)array_len(u->snapshot->registers); i++) {
        uint64_t value = u->snapshot->registers[i];
        if (u->snapshot->known >> i & 1 && !u->dw->dwfl_thread_state_registers(thread, i, 1, &value))
            return false;
    }
    u->dw->dwfl_thread_state_register_pc(thread, u->snapshot->pc);
    return true;
}

static int take_frame(Dwfl_Frame *frame, void *arg)
{
    struct unwinding *u = arg;
    uint64_t pc;
    bool is_activation;
    if (u->n == u->cap || !u->dw->dwfl_frame_pc(frame, &pc, &is_activation))
        return 1;

    u->pcs[u->n++] = (uintptr_t)(is_activation ? pc : pc - 1); /* the call, not what comes after it */
    return 0;
}

/* A Dwfl can be attached to only once, so the callbacks always read from the same struct. */
size_t bide__unwind(const struct snapshot *s, uintptr_t *pcs, size_t cap)
{
    static struct unwinding u; /* libdw keeps the pointer; under its lock */
    static const struct dwfl_thread_callbacks callbacks = {.next_thread = next_thread,
                                                           .get_thread = get_thread,
                                                           .memory_read = memory_read,
                                                           .set_initial_registers = set_registers};
    Dwfl *dwfl;
    const struct libdw *dw = bide__libdw_lock(&dwfl);
    if (!dw)
        return 0;

    u = (struct unwinding){.dw = dw, .snapshot = s, .pcs = pcs, .cap = cap};
    dw->dwfl_attach_state(dwfl, NULL, getpid(), &callbacks, &u); /* fails if it is attached already: with the same arguments */
    dw->dwfl_getthread_frames(dwfl, getpid(), take_frame, &u);
    size_t n = u.n;
    bide__libdw_unlock();
    return n;
}
