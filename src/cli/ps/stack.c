/* SPDX-License-Identifier: MIT */
/*
 * stack.c - the stacks: equal ones once, with all their tasks, and those with the most tasks first.
 */
#include <inttypes.h>

#include "cli/ps/ps.h"

#define NAMES_SHOWN 4

static const struct stacks *sorted_by;

static int most_first(const void *a, const void *b)
{
    const struct stack_kind *k = sorted_by->kinds + *(const uint32_t *)a, *l = sorted_by->kinds + *(const uint32_t *)b;

    return k->tasks != l->tasks ? (k->tasks > l->tasks ? -1 : 1) : k < l ? -1 : k > l;
}

static void add_tasks(const struct target *t, uint32_t kind, struct text *to)
{
    const struct picture *p = &t->picture;
    const char *function = picture_text(p, t->stacks.kinds[kind].function);
    uint32_t n = t->stacks.kinds[kind].tasks, shown = 0;

    if (n > 1)
        text_format(to, "%u tasks%s%s: ", n, *function ? " of " : "", function);
    for (size_t i = 0; i < p->ntasks && shown < NAMES_SHOWN; i++) {
        if (t->stacks.of[i] != kind)
            continue;
        text_add_string(to, shown++ > 0 ? ", " : "");
        task_add_name(p, &p->tasks[i], to);
        if (n == 1)
            text_format(to, "%s%s, %s", *function ? ", " : "", function, task_state(&p->tasks[i]));
    }
    text_add_string(to, n > NAMES_SHOWN ? ", ...\n" : "\n");
}

static void add_frames(struct target *t, const struct stack_kind *k, struct text *to)
{
    for (uint32_t i = 0; i < k->n; i++)
        text_format(to, "    %s\n", stacks_name(&t->stacks, k->frames[i]));
    if (k->is_cut || k->n == 0)
        text_add_string(to, "    ... (cannot be unwound any further)\n");
}

void show_stacks(struct target *t, struct text *to)
{
    struct stacks *s = &t->stacks;
    uint32_t *kinds = calloc(s->nkinds + 1, sizeof *kinds), n = 0;
    size_t without = 0;
    if (!kinds) {
        to->no_memory = true;
        return;
    }

    for (uint32_t i = 0; i < s->nkinds; i++)
        if (s->kinds[i].tasks > 0)
            kinds[n++] = i;
    sorted_by = s;
    if (n > 0)
        qsort(kinds, n, sizeof *kinds, most_first);
    for (uint32_t i = 0; i < n; i++) {
        text_add_char(to, '\n');
        add_tasks(t, kinds[i], to);
        add_frames(t, &s->kinds[kinds[i]], to);
    }
    for (size_t i = 0; i < t->picture.ntasks; i++)
        without += s->of[i] == NO_STACK;
    if (!s->dwfl)
        text_add_string(to, "\nno stacks: libdw is not installed (package libdw1)\n");
    else if (without > 0)
        text_format(to, "\n%zu task%s without a stack: new, stackless, %s\n", without, without == 1 ? "" : "s",
                    t->pid > 0 ? "or changed while they were read" : "or their stacks are not in the core file");
    free(kinds);
}
