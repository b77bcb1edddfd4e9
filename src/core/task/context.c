/* SPDX-License-Identifier: MIT */
/*
 * context.c - values that a task has and the tasks that it makes inherit: bide_context_set.
 *
 * A context is an array that never changes: setting a value makes a new one.  So a child, a call for the loop and one for a thread
 * share that of who asked for them, as it was then.  Programs that set no value pay nothing: tasks look only once a loop has one.
 */
#include <bide/context.h>

#include "core/task/await.h"

static struct context_entry *find(struct task_context *c, const void *key)
{
    for (size_t i = 0; c && i < c->n; i++)
        if (c->all[i].key == key)
            return &c->all[i];
    return NULL;
}

/* All of `old` but the key, and that with a value (NULL: not at all). */
static struct task_context *with(const struct task_context *old, const void *key, struct context_value *value)
{
    size_t n = old ? old->n : 0;
    struct task_context *c = bide__malloc(sizeof *c + (n + 1) * sizeof *c->all);
    if (!c)
        return NULL;

    c->refs = 1;
    c->n = 0;
    for (size_t i = 0; i < n; i++) {
        if (old->all[i].key == key)
            continue;
        c->all[c->n] = old->all[i];
        c->all[c->n++].value->refs++;
    }
    if (value)
        c->all[c->n++] = (struct context_entry){key, value};
    return c;
}

static struct context_value *value_new(void *value, void (*value_free)(void *value))
{
    struct context_value *v = bide__malloc(sizeof *v);

    if (v)
        *v = (struct context_value){1, value, value_free};
    return v;
}

static int set(bide_task *t, const void *key, void *value, void (*value_free)(void *value))
{
    struct task_extra *extra = bide__task_extra(t);
    struct context_value *v = value && extra ? value_new(value, value_free) : NULL;
    struct task_context *old = extra ? extra->context : NULL;
    struct task_context *c = extra && (v || !value) ? with(old, key, v) : NULL;
    if (!c) {
        bide__free(v);
        return bide__fail_nomem("bide_context_set");
    }
    t->future.loop->has_contexts = true;
    extra->context = c;
    if (old)
        bide__context_unref(old);
    return 0;
}

static int check(const bide_task *t, const void *key)
{
    struct task_context *c = bide__context_here();

    if (!t)
        return bide_fail(BIDE_ENOLOOP, "bide_context_set: not inside a task");
    if (!key)
        return bide_fail(-EINVAL, "bide_context_set: the key is NULL");
    if (c && c->n >= BIDE_CONTEXT_MAX && !find(c, key))
        return bide_fail(BIDE_ELIMIT, "bide_context_set: the task has %d values already", BIDE_CONTEXT_MAX);
    return 0;
}

int bide_context_set_taking(const void *key, void *value, void (*value_free)(void *value))
{
    bide_task *t = bide__task_here();
    int code = check(t, key);

    if (code == 0)
        code = set(t, key, value, value_free);
    if (code < 0)
        bide__free_user(value, value_free);
    return code;
}

int bide_context_set(const void *key, void *value)
{
    return bide_context_set_taking(key, value, NULL);
}

void *bide_context_get(const void *key)
{
    const struct context_entry *e = find(bide__context_here(), key);

    return e ? e->value->value : NULL;
}
