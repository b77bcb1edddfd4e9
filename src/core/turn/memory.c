/* SPDX-License-Identifier: MIT */
/*
 * memory.c - where tasks lie: in chunks of the loop's, which are used again; alone, where each use after release is to be seen; and
 * what few of them have besides.
 */
#include "core/turn/task.h"

struct doing bide__for_thread;

_Thread_local struct task_context *bide__context_outside __attribute__((tls_model("initial-exec")));

/* ---- what few have ---- */

struct task_context *bide__context_ref(struct task_context *c)
{
    if (c)
        c->refs++;
    return c;
}

void bide__context_unref(struct task_context *c)
{
    if (--c->refs > 0)
        return;
    for (size_t i = 0; i < c->n; i++) {
        struct context_value *v = c->all[i].value;
        if (--v->refs > 0)
            continue;
        bide__free_user(v->value, v->value_free);
        bide__free(v);
    }
    bide__free(c);
}

struct task_extra *bide__task_extra(bide_task *t)
{
    if (!t->extra)
        t->extra = bide__calloc(1, sizeof *t->extra);
    return t->extra;
}

void bide__task_extra_free(struct task_extra *extra)
{
    if (extra->context)
        bide__context_unref(extra->context);
    bide__free(extra->name);
    bide__free(extra->reason);
    bide__free(extra);
}

/* ---- chunks ---- */

static int add_chunk(bide_loop *loop)
{
    struct task_chunk *c = bide__malloc(sizeof *c);
    if (!c)
        return bide__fail_nomem("a task");

    c->next = loop->chunks;
    loop->chunks = c;
    for (size_t i = 0; i < CHUNK_TASKS; i++) {
        c->tasks[i].future.object = (struct object){.word = OBJECT_DEAD};
        c->tasks[i].is_alone = false;
        bide__list_append(&loop->free_tasks, &c->tasks[i].all);
    }
    return 0;
}

void bide__task_chunks_free(bide_loop *loop)
{
    for (struct task_chunk *c = loop->chunks, *next; c; c = next) {
        next = c->next;
        bide__free(c);
    }
    loop->chunks = NULL;
}

/* Not in a chunk: its memory goes back at once, so that who still uses it is seen. */
static bide_task *alloc_alone(void)
{
    struct lone_task *l = bide__object_alloc(sizeof *l);
    if (!l) {
        bide__fail_nomem("a task");
        return NULL;
    }
    l->made_ns = bide__clock_ns();
    l->task.is_alone = true;
    bide__list_init(&l->task.all);
    return &l->task;
}

bide_task *bide__task_alloc_slow(bide_loop *loop)
{
    if (bide__no_recycling)
        return alloc_alone();
    return add_chunk(loop) < 0 ? NULL : bide__task_alloc(loop);
}

void bide__task_chunks_each(bide_loop *loop, void (*visit)(void *arg, void *object), void *arg)
{
    for (struct task_chunk *c = loop->chunks; c; c = c->next)
        for (size_t i = 0; i < CHUNK_TASKS; i++)
            visit(arg, &c->tasks[i].future.object);
}
