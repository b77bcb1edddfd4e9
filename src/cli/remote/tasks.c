/* SPDX-License-Identifier: MIT */
/*
 * tasks.c - which loops and tasks there are.
 *
 * Tasks are allocated in chunks that are not freed while their loop lives, so a chunk is read as a whole: each task in it has a word that
 * tells whether it is alive.  In debug mode (and under sanitizers) tasks are allocated one by one, and the loop's list of them is
 * followed, which may change while it is read.
 */
#include "cli/remote/picture.h"

#include <stdlib.h>
#include <string.h>

#include "inspect/root.h"

#define LIVE 0xb1de0b1eu /* OBJECT_LIVE of base/object.h: the same in all versions */

/* ---- one ---- */

static struct seen_task *add(struct picture *p)
{
    if (p->ntasks == PICTURE_TASKS_MAX) {
        p->is_cut = true;
        return NULL;
    }
    if (p->ntasks == p->tasks_cap) {
        size_t cap = p->tasks_cap ? p->tasks_cap * 2 : 256;
        struct seen_task *tasks = realloc(p->tasks, cap * sizeof *tasks);
        if (!tasks) {
            p->no_memory = true;
            return NULL;
        }
        p->tasks = tasks;
        p->tasks_cap = cap;
    }
    p->tasks[p->ntasks] = (struct seen_task){.fd = -1};
    return &p->tasks[p->ntasks++];
}

static enum seen_state state_of(const struct layout *l, const struct seen_loop *loop, uint64_t address, const char *copy)
{
    if (loop->runs && loop->current == address)
        return SEEN_RUNNING;
    if (layout_has(l, M_TASK_STARTED) && !layout_take(l, copy, M_TASK_STARTED))
        return SEEN_NEW;
    return layout_take(l, copy, M_TASK_PLACE) ? SEEN_READY : SEEN_WAITING;
}

/* From its copy, which waits.c compares with the task once more. */
static void take(struct picture *p, struct memory *m, uint64_t address, const char *copy)
{
    const struct layout *l = &p->layout;
    const struct seen_loop *loop = &p->loops[p->nloops];
    if (layout_take(l, copy, M_TASK_WORD) != LIVE || layout_take(l, copy, M_TASK_LOOP) != loop->address ||
        layout_take(l, copy, M_TASK_STATE) != 0)
        return;
    struct seen_task *t = add(p);
    if (!t)
        return;

    t->address = address;
    t->loop = (uint32_t)p->nloops;
    t->id = layout_take(l, copy, M_TASK_ID);
    t->state = state_of(l, loop, address, copy);
    t->is_stackless = layout_take(l, copy, M_TASK_STACKLESS) != 0;
    t->is_cancelled = layout_take(l, copy, M_TASK_MUST_CANCEL) != 0;
    t->name = picture_keep_at(p, m, layout_fetch(l, m, layout_take(l, copy, M_TASK_EXTRA), M_EXTRA_NAME));
    if (p->layout.is_alone && layout_has(l, M_LONE_MADE))
        t->made_ns = (int64_t)layout_fetch(l, m, address, M_LONE_MADE);
    if (t->is_stackless)
        return;
    t->stack = layout_take(l, copy, M_TASK_STACK);
    t->sp = layout_take(l, copy, M_TASK_SP);
    t->pc = layout_take(l, copy, M_TASK_PC);
    t->fp = layout_take(l, copy, M_TASK_FP);
    t->wait = layout_take(l, copy, M_TASK_WAIT);
}

/* ---- all of a loop ---- */

static void take_chunks(struct picture *p, struct memory *m, uint64_t chunk)
{
    const struct layout *l = &p->layout;
    uint32_t size = l->members[M_CHUNK].size, each = l->members[M_TASK].size, n = l->members[M_CHUNK_TASKS].size / each;
    char *copy = malloc(size);
    if (!copy) {
        p->no_memory = true;
        return;
    }

    while (chunk != 0 && !p->no_memory) {
        p->looked += n + 1;
        if (p->looked > PICTURE_LOOKS_MAX || !memory_copy(m, chunk, copy, size)) {
            p->is_cut = true;
            break;
        }
        for (uint32_t k = 0; k < n; k++) {
            uint64_t at = l->members[M_CHUNK_TASKS].offset + (uint64_t)k * each;
            take(p, m, chunk + at, copy + at);
        }
        chunk = layout_take(l, copy, M_CHUNK_NEXT);
    }
    free(copy);
}

static void take_list(struct picture *p, struct memory *m, uint64_t head, uint64_t node)
{
    const struct layout *l = &p->layout;
    char *copy = malloc(l->members[M_TASK].size);
    if (!copy) {
        p->no_memory = true;
        return;
    }

    while (node != head && !p->no_memory) {
        uint64_t task = node - l->members[M_TASK_ALL].offset;
        if (++p->looked > PICTURE_LOOKS_MAX || !memory_copy(m, task, copy, l->members[M_TASK].size) ||
            layout_take(l, copy, M_TASK_WORD) != LIVE) {
            p->is_cut = true;
            break;
        }
        take(p, m, task, copy);
        node = layout_take(l, copy, M_TASK_ALL);
    }
    free(copy);
}

static int in_order(const void *a, const void *b)
{
    const struct seen_task *s = a, *t = b;

    return s->id < t->id ? -1 : s->id > t->id;
}

/* The same task twice: a list that ran in a circle while it was changed. */
static void order(struct picture *p, struct seen_loop *loop)
{
    size_t kept = loop->first;

    if (p->ntasks > loop->first)
        qsort(p->tasks + loop->first, p->ntasks - loop->first, sizeof *p->tasks, in_order);
    for (size_t i = loop->first; i < p->ntasks; i++)
        if (kept == loop->first || p->tasks[i].id != p->tasks[kept - 1].id)
            p->tasks[kept++] = p->tasks[i];
    p->ntasks = kept;
    loop->n = (uint32_t)(kept - loop->first);
}

/* ---- the loops ---- */

static void take_loop(struct picture *p, struct memory *m, uint64_t address, const char *copy)
{
    const struct layout *l = &p->layout;
    if (layout_has(l, M_LOOP_PROCESS) && layout_take(l, copy, M_LOOP_PROCESS) != l->process) {
        p->inherited++;
        return;
    }

    struct seen_loop *loop = &p->loops[p->nloops];
    *loop = (struct seen_loop){.address = address,
                               .id = layout_take(l, copy, M_LOOP_ID),
                               .current = layout_take(l, copy, M_LOOP_CURRENT),
                               .now_ns = layout_take(l, copy, M_LOOP_NOW),
                               .thread = (int)layout_take(l, copy, M_LOOP_THREAD),
                               .runs = layout_take(l, copy, M_LOOP_RUNNER) != 0,
                               .is_virtual = layout_take(l, copy, M_LOOP_VIRTUAL) != 0,
                               .first = (uint32_t)p->ntasks};
    if (l->is_alone)
        take_list(p, m, address + l->members[M_LOOP_TASKS].offset, layout_take(l, copy, M_LOOP_TASKS));
    else
        take_chunks(p, m, layout_take(l, copy, M_LOOP_CHUNKS));
    order(p, loop);
    p->nloops++;
}

bool picture_tasks(struct picture *p, struct memory *m)
{
    const struct layout *l = &p->layout;
    uint64_t node;
    char *copy = malloc(l->members[M_LOOP].size);
    p->loops = calloc(PICTURE_LOOPS_MAX, sizeof *p->loops);
    if (!p->loops || !copy || !memory_number(m, l->loops, 8, &node)) {
        p->is_cut = true;
        free(copy);
        return p->loops && copy;
    }

    for (size_t i = 0; node != l->loops && !p->no_memory; i++) {
        uint64_t loop = node - l->members[M_LOOP_ALIVE].offset;
        if (i == PICTURE_LOOPS_MAX || !memory_copy(m, loop, copy, l->members[M_LOOP].size) || layout_take(l, copy, M_LOOP_WORD) != LIVE) {
            p->is_cut = true;
            break;
        }
        take_loop(p, m, loop, copy);
        node = layout_take(l, copy, M_LOOP_ALIVE);
    }
    free(copy);
    return !p->no_memory;
}
