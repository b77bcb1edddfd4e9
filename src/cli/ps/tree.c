/* SPDX-License-Identifier: MIT */
/*
 * tree.c - which task awaits which, as a tree: tasks that no task awaits are the roots; below each are those that it awaits.
 *
 * A task that several tasks await is shown below the first of them; so is a task of a circle, which is marked.
 */
#include <string.h>

#include "cli/ps/ps.h"

#define DEPTH_MAX 64

enum { NOT_SHOWN, ABOVE, SHOWN }; /* ABOVE: an ancestor of the task that is being shown */

struct tree {
    struct target *target;
    struct text *to;
    uint8_t *shown;
    char indent[DEPTH_MAX * 4 + 1]; /* ASCII, so that it can be cut anywhere */
};

static void add_line(struct tree *tree, const struct seen_task *t, unsigned depth, bool is_last)
{
    if (depth > 0)
        text_format(tree->to, "%.*s%s", (int)(depth - 1) * 3, tree->indent, is_last ? "`- " : "|- ");
    task_add_name(&tree->target->picture, t, tree->to);
    text_format(tree->to, "  %s%s%s", picture_text(&tree->target->picture, t->function), t->function ? "  " : "", task_state(t));
}

static void show(struct tree *tree, uint32_t index, unsigned depth, bool is_last)
{
    const struct picture *p = &tree->target->picture;
    const struct seen_task *t = &p->tasks[index];
    uint8_t before = tree->shown[index];

    add_line(tree, t, depth, is_last);
    if (before != NOT_SHOWN || depth == DEPTH_MAX) {
        text_add_string(tree->to, before == ABOVE ? "  (a circle)\n" : before == SHOWN ? "  (see above)\n" : "  ...\n");
        return;
    }
    if (t->state == SEEN_WAITING || t->doing) {
        struct text wait = {0};
        task_add_wait(tree->target, t, &wait);
        text_add_string(tree->to, t->state == SEEN_WAITING && strncmp(text_string(&wait), "to ", 3) != 0 ? " for " : " ");
        text_add_string(tree->to, text_string(&wait));
        tree->to->no_memory |= wait.no_memory;
        text_free(&wait);
    }
    text_add_char(tree->to, '\n');
    tree->shown[index] = ABOVE;
    if (depth > 0)
        memcpy(tree->indent + (depth - 1) * 3, is_last ? "   " : "|  ", 3);
    for (uint32_t i = 0; i < t->n; i++)
        show(tree, p->edges[t->first + i], depth + 1, i + 1 == t->n);
    tree->shown[index] = SHOWN;
}

void show_tree(struct target *t, struct text *to)
{
    const struct picture *p = &t->picture;
    struct tree tree = {.target = t, .to = to, .shown = calloc(p->ntasks + 1, 1)};
    uint8_t *is_awaited = calloc(p->ntasks + 1, 1);
    to->no_memory |= !tree.shown || !is_awaited;

    for (size_t i = 0; i < p->nedges && !to->no_memory; i++)
        is_awaited[p->edges[i]] = 1;
    for (int pass = 0; pass < 2; pass++) /* in the second pass: circles that no other task awaits */
        for (uint32_t i = 0; i < p->ntasks && !to->no_memory; i++)
            if ((pass == 1 || !is_awaited[i]) && tree.shown[i] == NOT_SHOWN)
                show(&tree, i, 0, true);
    free(tree.shown);
    free(is_awaited);
}
