/* SPDX-License-Identifier: MIT */
/*
 * call.c - the call of a job's function, which may end its thread.
 *
 * In a process that is the kernel's business.  A worker that is a thread has a loop, with tasks of other jobs: when a function
 * calls pthread_exit, or its thread is cancelled, glibc unwinds the stack, which is that of a task.  This file alone is compiled
 * with -fexceptions: so the frame below the function is asked on the way, and leaves the unwinding there.  The task ends, the
 * loop goes on, and the worker ends in order (worker.c).  Where nobody asks this frame (the function made a task, and that
 * one ended the thread; or it has no tables to unwind it with), the thread ends at once, and fork_exec_thread.c says so.
 *
 * Invariant: a worker's thread can be cancelled while a job's function runs or awaits, and not while the loop asks the kernel.
 */
#include <alloca.h>
#include <pthread.h>

#include "pool/worker/worker.h"

_Static_assert(__EXCEPTIONS, "this file needs -fexceptions");

static int call(const struct job_call *c)
{
    switch (c->shape) {
    case BIDE_JOB_NONE:
        return ((int (*)(void))c->fn)();
    case BIDE_JOB_BYTES:
        return ((int (*)(bide_bytes))c->fn)((bide_bytes){c->arg, c->len});
    case BIDE_JOB_FIXED:
    case BIDE_JOB_TEXT:
        return c->out ? ((int (*)(const void *, void *))c->fn)(c->arg, c->out) : ((int (*)(const void *))c->fn)(c->arg);
    }
    return bide_fail(-EINVAL, "not a shape of a job");
}

/*
 * When the function is unwound, what its frames had is not overwritten yet, but the next call would do that; and the bide_timeout
 * blocks in them are in the loop's lists.  So there is room between our frame and theirs (call_below), and here the stack is
 * moved below the lowest of them before it is touched.  AddressSanitizer has marked what lies around the variables of those
 * frames: the marks are removed.
 */
#define ROOM_BYTES 2048

static __attribute__((noinline, no_sanitize("address", "undefined"))) void drop_frames(bide_task *t)
{
    const char *here = __builtin_frame_address(0), *lowest = here;
    for (const struct scope *s = t->scopes; s; s = s->outer)
        if ((const char *)s < lowest && (const char *)s > t->fiber.stack->low) /* a sanitizer may have it elsewhere */
            lowest = (const char *)s;
    void *gap = alloca((size_t)(here - lowest) + 16);

    __asm__ volatile("" : : "r"(gap) : "memory");
    bide__memory_shared(t->fiber.stack->low, (size_t)(here - t->fiber.stack->low));
    bide__scopes_drop(t);
}

/* Called when the frame is left, in whatever way. */
static void leave(const volatile bool *returned)
{
    if (!*returned)
        drop_frames(bide__task_here());
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, NULL);
    if (!*returned)
        bide__worker_here->thread_ended(bide__worker_here);
}

static __attribute__((noinline)) int call_below(const struct job_call *c)
{
    void *room = alloca(ROOM_BYTES);

    __asm__ volatile("" : : "r"(room) : "memory");
    int code = call(c);
    __asm__ volatile("" : : "r"(room) : "memory"); /* no tail call */
    return code;
}

static int call_in_thread(const struct job_call *c)
{
    __attribute__((cleanup(leave))) volatile bool returned = false; /* also read when the stack is unwound */

    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
    int code = call_below(c);
    pthread_testcancel();
    returned = true;
    return code;
}

int bide__call_job(const struct job_call *c)
{
    const struct worker *w = bide__worker_here;
    bool in_thread = w && w->birth.kind == BIDE_POOL_THREAD;

    return in_thread ? call_in_thread(c) : call(c);
}
