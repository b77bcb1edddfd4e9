/* SPDX-License-Identifier: MIT */
/*
 * name.c - what a task is called: by the program, in reports, and in the report of a stack overflow.
 */
#include "core/turn/task.h"

#include <stdio.h>

/* "Task-12", or with a name: "fetch 7 (#12)". */
void bide__task_show(const void *object, char *buf, size_t cap)
{
    const bide_task *t = object;

    if (t->own_name && strncmp(t->own_name, "Task-", 5) != 0)
        snprintf(buf, cap, "%.40s (#%llu)", t->own_name, (unsigned long long)t->id);
    else
        snprintf(buf, cap, "Task-%llu", (unsigned long long)t->id);
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

    if (!self->own_name && (self->own_name = bide__malloc(32)))
        snprintf(self->own_name, 32, "Task-%llu", (unsigned long long)t->id);
    return self->own_name ? self->own_name : "Task-?";
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
    const char *parts[] = {t->own_name ? t->own_name : "Task", " (#", NULL, ", function ", bide__task_top(t)->coroutine.name, ")"};
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
