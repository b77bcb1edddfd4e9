/* SPDX-License-Identifier: MIT */
/*
 * name.c - what a task is called: by the program, in reports, and in the report of a stack overflow.
 */
#include "core/turn/task.h"

#include <stdio.h>

static const char *own_name(const bide_task *t)
{
    return t->extra ? t->extra->name : NULL;
}

/* "Task-12", or with a name: "fetch 7 (#12)". */
void bide__task_show(const void *object, char *buf, size_t cap)
{
    const bide_task *t = object;

    const char *name = own_name(t);

    if (name && strncmp(name, "Task-", 5) != 0)
        snprintf(buf, cap, "%.40s (#%llu)", name, (unsigned long long)t->id);
    else
        snprintf(buf, cap, "Task-%llu", (unsigned long long)t->id);
}

/*
 * The call lies with the coroutine, while the stack is there.  One in this library says nothing: a task of its own, or a call at the very
 * end of a function of the program's; what the ledger knows is the program's.
 */
bool bide__task_place(const bide_task *t, char *buf, size_t cap)
{
    bool has_stack = !t->stackless && t->future.state == PENDING;
    const char *after = has_stack ? bide__task_top(t)->made_at : NULL;
    bool is_known = after && !bide__place_is_ours(after - 1);

    if (is_known)
        bide__place_text(buf, cap, &(struct place){.pc = {(void *)(uintptr_t)(after - 1)}});
    else if (bide__ledger_is_kept)
        bide__ledger_made_at(t, buf, cap);
    return is_known || bide__ledger_is_kept;
}

uint64_t bide_task_id(const bide_task *t)
{
    return t ? t->id : 0;
}

/* Most names are never asked for, so the default one is made when it is. */
const char *bide_task_name(const bide_task *t)
{
    bide_task *self = (bide_task *)(uintptr_t)t;
    if (bide__task_check(t, __func__) < 0)
        return "";

    struct task_extra *extra = bide__task_extra(self);
    if (extra && !extra->name && (extra->name = bide__malloc(32)))
        snprintf(extra->name, 32, "Task-%llu", (unsigned long long)t->id);
    return extra && extra->name ? extra->name : "Task-?";
}

/* These two are for the report of a stack overflow, and run in a signal handler. */

const struct stack *bide__task_running_stack(void)
{
    const bide_task *t = bide__task_here();

    return t && !t->stackless ? t->fiber.stack : NULL;
}

void bide__task_describe(const void *owner, char *buf, size_t cap)
{
    const bide_task *t = owner;
    const char *name = own_name(t);
    const char *parts[] = {name ? name : "Task", " (#", NULL, ", function ", bide__task_top(t)->coroutine.name, ")"};
    char digits[24], *d = digits + sizeof digits - 1;
    size_t n = 0;

    *d = '\0';
    for (uint64_t id = t->id; id > 0; id /= 10)
        *--d = (char)('0' + id % 10);
    parts[2] = d;
    for (size_t i = 0; i < array_len(parts); i++)
        for (const char *p = parts[i] ? parts[i] : "?"; *p && n + 1 < cap; p++)
            buf[n++] = *p;
    buf[n] = '\0';
}
