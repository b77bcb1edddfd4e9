/* SPDX-License-Identifier: MIT */
/*
 * unwind.c - the calls on a copied stack, by libdw, to which each stack is presented as the only thread of the process.
 *
 * Many tasks have the same stack.  libdw requests each word that it needs, so it is known where it found the return addresses; a stack with
 * the same depth and pc, and the same return addresses in the same places, has the same frames, and is not unwound again.
 */
#include "cli/remote/stacks.h"

#include <stdlib.h>
#include <string.h>

#define READS_MAX 64 /* remembered from one frame to the next */

struct unwinding {
    const struct stance *at;
    struct stack_kind *kind;
    struct {
        uint64_t at, value;
    } reads[READS_MAX];
    unsigned nreads;
};

static uint64_t word_of(const struct stance *at, uint64_t place)
{
    uint64_t value = 0;

    if (place >= at->sp && at->len >= 8 && place - at->sp <= at->len - 8)
        memcpy(&value, at->stack + (place - at->sp), 8);
    return value;
}

/* ---- callbacks of libdw ---- */

static pid_t next_thread(Dwfl *dwfl, void *arg, void **thread_arg)
{
    const struct stacks *s = arg;
    (void)dwfl;
    if (*thread_arg)
        return 0;
    *thread_arg = arg;
    return s->pid;
}

static bool get_thread(Dwfl *dwfl, pid_t id, void *arg, void **thread_arg)
{
    const struct stacks *s = arg;
    (void)dwfl;

    *thread_arg = arg;
    return id == s->pid;
}

static bool memory_read(Dwfl *dwfl, uint64_t at, uint64_t *word, void *arg)
{
    struct stacks *s = arg;
    struct unwinding *u = s->now;
    const struct stance *a = u->at;
    (void)dwfl;

    if (at >= a->sp && a->len >= 8 && at - a->sp <= a->len - 8)
        *word = word_of(a, at);
    else if (!memory_number(s->memory, at, 8, word))
        return false;
    if (u->nreads < READS_MAX) {
        u->reads[u->nreads].at = at;
        u->reads[u->nreads++].value = *word;
    }
    return true;
}

static bool set_registers(Dwfl_Thread *thread, void *arg)
{
    const struct stacks *s = arg;
    const struct stance *at = s->now->at;

    for (int i = 0; i < 32; i++) {
        uint64_t value = at->registers[i];
        if (at->known >> i & 1 && !s->dw->dwfl_thread_state_registers(thread, i, 1, &value))
            return false;
    }
    s->dw->dwfl_thread_state_register_pc(thread, at->pc);
    return true;
}

static const struct dwfl_thread_callbacks callbacks = {
    .next_thread = next_thread, .get_thread = get_thread, .memory_read = memory_read, .set_initial_registers = set_registers};

/* Where this return address was read just now. */
static uint32_t slot_of(const struct unwinding *u, uint64_t pc)
{
    for (unsigned i = u->nreads; i > 0; i--)
        if (u->reads[i - 1].value == pc && u->reads[i - 1].at < u->at->top && u->at->top - u->reads[i - 1].at <= STACKS_BYTES_MAX)
            return (uint32_t)(u->at->top - u->reads[i - 1].at);
    return 0;
}

static int take_frame(Dwfl_Frame *frame, void *arg)
{
    struct stacks *s = arg;
    struct stack_kind *k = s->now->kind;
    uint64_t pc;
    bool is_activation;
    if (!s->dw->dwfl_frame_pc(frame, &pc, &is_activation))
        return 1;
    if (k->n == STACKS_FRAMES_MAX) {
        k->is_cut = true;
        return 1;
    }

    k->slots[k->n] = k->n > 0 ? slot_of(s->now, pc) : 0;
    k->frames[k->n++] = is_activation ? pc : pc - 1; /* the call, not what comes after it */
    s->now->nreads = 0;
    return 0;
}

/* ---- kinds ---- */

static uint64_t fp_of(const struct stance *at)
{
    return at->top - at->registers[DWARF_FP];
}

static bool is_of_kind(const struct stance *at, const struct stack_kind *k)
{
    if (k->function != at->function || k->pc != at->pc || k->depth != at->top - at->sp || k->fp != fp_of(at))
        return false;
    for (uint32_t i = 1; i < k->n; i++)
        if (k->slots[i] == 0 || word_of(at, at->top - k->slots[i]) != k->frames[i] + 1)
            return false;
    return true;
}

static bool has_same_frames(const struct stack_kind *a, const struct stack_kind *b)
{
    return a->n == b->n && a->function == b->function && memcmp(a->frames, b->frames, a->n * sizeof a->frames[0]) == 0;
}

static struct stack_kind *new_kind(struct stacks *s, const struct stance *at)
{
    if (s->nkinds == s->kinds_cap) {
        size_t cap = s->kinds_cap ? s->kinds_cap * 2 : 64;
        struct stack_kind *kinds = realloc(s->kinds, cap * sizeof *kinds);
        if (!kinds)
            return NULL;
        s->kinds = kinds;
        s->kinds_cap = cap;
    }
    struct stack_kind *k = &s->kinds[s->nkinds];
    *k = (struct stack_kind){.pc = at->pc, .fp = fp_of(at), .depth = (uint32_t)(at->top - at->sp), .function = at->function,
                             .same_as = (uint32_t)s->nkinds};
    return k;
}

/* Latest first, and only so many: if all stacks are different, comparing would take longer than unwinding. */
#define KINDS_COMPARED 64

static uint32_t find_kind(const struct stacks *s, const struct stance *at)
{
    for (size_t i = s->nkinds, n = 0; i > 0 && n < KINDS_COMPARED; i--, n++)
        if (is_of_kind(at, &s->kinds[i - 1]))
            return (uint32_t)(i - 1);
    return NO_STACK;
}

uint32_t stacks_follow(struct stacks *s, const struct stance *at)
{
    struct unwinding u = {.at = at};
    uint32_t found = find_kind(s, at);
    if (found != NO_STACK)
        return s->kinds[found].same_as;
    if (!s->dwfl || !(u.kind = new_kind(s, at)))
        return NO_STACK;

    s->now = &u;
    s->dw->dwfl_attach_state(s->dwfl, s->elf, s->pid, &callbacks, s); /* fails if it is attached already: with the same arguments */
    int end = s->dw->dwfl_getthread_frames(s->dwfl, s->pid, take_frame, s);
    s->now = NULL;
    u.kind->is_cut |= end != 0;
    for (size_t i = 0; i < s->nkinds && i < KINDS_COMPARED * 16; i++)
        if (has_same_frames(&s->kinds[i], u.kind)) {
            u.kind->same_as = (uint32_t)i;
            break;
        }
    s->nkinds++;
    return u.kind->same_as;
}
