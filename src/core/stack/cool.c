/* SPDX-License-Identifier: MIT */
/*
 * cool.c - the memory of stacks that nobody uses goes back to the system.
 *
 * A program that had a hundred thousand tasks alive may have them again in a moment: then stacks that were given back cost
 * a page fault each, many times what it takes to start a task.  So they stay hot until a while has passed in which they were
 * not touched.  No clock and no counter is needed on the way of a stack: the list is last in, first out, so all below a
 * hot stack are unused for as long as that one is.  It is marked; when its mark still stands a second later, what lies
 * below it goes back, some at a time, so that the loop is not kept.
 */
#include <string.h>

#include "base/base.h"
#include "core/stack/sanitize.h"
#include "core/stack/slab.h"

#define IDLE_MS 1000
#define PORTION 1024 /* stacks given back in one call: about a millisecond */
#define PAUSE_MS 4

static void mark_for_release(struct stack_pool *pool, struct stack *s)
{
    if (pool->valgrind)
        bide__valgrind_deregister(s->valgrind_id);
    s->slab->to_release[s->slot / 64] |= (uint64_t)1 << s->slot % 64;
    s->slab->release = true;
}

static void release_marked(struct stack_class *class)
{
    for (struct slab *slab = class->slabs; slab; slab = slab->next)
        if (slab->release)
            class->cold_count += bide__slab_release(slab);
}

/* Keep the first keep stacks of the list, which are the warmest, and make the others cold. */
static void trim(struct stack_pool *pool, struct stack_class *class, size_t keep)
{
    struct stack **end = &class->hot;
    size_t kept = 0;
    for (; *end && kept < keep; kept++)
        end = &(*end)->next;
    for (struct stack *s = *end; s; s = s->next)
        mark_for_release(pool, s);
    *end = NULL;
    class->hot_count = (uint32_t)kept;
    class->mark = NULL;
    release_marked(class);
}

void bide__stack_pool_trim(struct stack_pool *pool, size_t keep)
{
    for (unsigned c = 0; c < STACK_CLASSES; c++)
        if (pool->classes[c].hot_count > keep)
            trim(pool, &pool->classes[c], keep);
}

/* Some of those that are below a mark that still stands.  Returns: was there one? */
static bool release_idle(struct stack_pool *pool, struct stack_class *class)
{
    if (class->hot_count <= class->keep || !class->mark || class->mark->owner != STACK_MARK || class->idle_count == 0)
        return false;
    uint32_t n = class->hot_count - class->keep;
    if (n > PORTION)
        n = PORTION;
    if (n > class->idle_count)
        n = class->idle_count;
    for (uint32_t i = 0; i < n; i++) {
        struct stack *s = class->mark->next;
        class->mark->next = s->next;
        mark_for_release(pool, s);
    }
    class->hot_count -= n;
    class->idle_count -= n;
    release_marked(class);
    return true;
}

/* Returns: does it have more than it keeps? */
static bool mark_first(struct stack_class *class)
{
    if (class->hot_count <= class->keep)
        return false;
    class->mark = class->hot;
    class->mark->owner = STACK_MARK;
    class->idle_count = class->hot_count - 1;
    return true;
}

int bide__stack_pool_cool(struct stack_pool *pool)
{
    bool released = false;

    for (unsigned c = 0; c < STACK_CLASSES; c++)
        released |= release_idle(pool, &pool->classes[c]);
    if (released)
        return PAUSE_MS;
    pool->has_excess = false;
    for (unsigned c = 0; c < STACK_CLASSES; c++)
        pool->has_excess |= mark_first(&pool->classes[c]);
    return pool->has_excess ? IDLE_MS : 0;
}
