/* SPDX-License-Identifier: MIT */
/*
 * switch_state.h - state that C++ and the sanitizers keep for each thread, but that belongs to a stack.
 */
#ifndef BIDE_CORE_SWITCH_STATE_H
#define BIDE_CORE_SWITCH_STATE_H

#include <stdbool.h>
#include <stddef.h>

#define CXX_RUNTIMES_MAX 2 /* libstdc++ and libc++ may be in one process */

/* __cxa_eh_globals of the C++ ABI: the exceptions being handled, and how many are on their way. */
struct cxx_globals {
    void *caught;
    unsigned uncaught;
};

/* All zeros: a stack on which nothing has run. */
struct switch_state {
    struct cxx_globals cxx[CXX_RUNTIMES_MAX];
    void *fake_stack; /* AddressSanitizer */
    void *tsan_fiber; /* ThreadSanitizer */
};

/* The state of the loop's own stack, kept while the thread runs on a task's. */
struct switch_outer {
    struct switch_state state;
    unsigned cxx_count;
    const void *low;
    size_t size;
};

/* Is there anything to carry in this process?  Looks again if libraries were loaded since. */
bool bide__switch_state_wanted(void);

/* Around a switch to the stack [low, low + size) and back; done: it will not be resumed. */
void bide__switch_state_enter(struct switch_outer *outer, struct switch_state *s, const void *low, size_t size);
void bide__switch_state_leave(const struct switch_outer *outer, struct switch_state *s, bool done);

/* Move the thread's present state to s. */
void bide__switch_state_take(struct switch_state *s);

#endif
