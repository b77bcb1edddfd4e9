/* SPDX-License-Identifier: MIT */
/*
 * table.c - the tasks as a table, and the line above it.
 */
#include <inttypes.h>
#include <string.h>

#include "cli/ps/ps.h"

#define NAME_MOST 40 /* columns */

void show_heading(const struct target *t, struct text *to)
{
    const struct picture *p = &t->picture;
    size_t states[4] = {0};

    for (size_t i = 0; i < p->ntasks; i++)
        states[p->tasks[i].state]++;
    if (t->pid > 0)
        text_format(to, "%sprocess %d (%s)", t->parent >= 0 ? "worker, " : "", t->pid, t->name);
    else
        text_format(to, "core of %s", t->name);
    text_format(to, ", bide %s: ", p->layout.release);
    text_add_count(to, p->ntasks);
    text_format(to, " task%s in %zu loop%s", p->ntasks == 1 ? "" : "s", p->nloops, p->nloops == 1 ? "" : "s");
    for (int i = SEEN_RUNNING; i >= 0; i--) {
        if (states[i] == 0)
            continue;
        text_add_string(to, ", ");
        text_add_count(to, states[i]);
        text_format(to, " %s", task_state(&(struct seen_task){.state = (uint8_t)i}));
    }
    if (p->is_cut)
        text_add_string(to, " (not all could be read)");
    text_add_char(to, '\n');
}

static void add_padded(struct text *to, const char *text, int columns)
{
    int have = text_columns(text, strlen(text));

    text_add_string(to, text);
    for (; have < columns; have++)
        text_add_char(to, ' ');
}

static void add_age(const struct target *t, const struct seen_task *task, struct text *to)
{
    int64_t ms = task_age_ms(t, task);

    if (ms < 0)
        text_add_char(to, '-');
    else if (ms < 100000)
        text_format(to, "%.1fs", (double)ms / 1000);
    else
        text_format(to, "%" PRId64 "s", ms / 1000);
}

static const char *function_of(const struct picture *p, const struct seen_task *t)
{
    return t->is_stackless ? "(stackless)" : picture_text(p, t->function);
}

struct widths {
    int name, function;
};

static void widen(int *width, const char *text)
{
    int columns = text_columns(text, strlen(text));

    if (columns > *width)
        *width = columns < NAME_MOST ? columns : NAME_MOST;
}

static struct widths measure(const struct picture *p, struct text *scratch)
{
    struct widths w = {.name = 4, .function = 8};

    for (size_t i = 0; i < p->ntasks; i++) {
        text_clear(scratch);
        task_add_name(p, &p->tasks[i], scratch);
        widen(&w.name, text_string(scratch));
        widen(&w.function, function_of(p, &p->tasks[i]));
    }
    return w;
}

void show_table(struct target *t, struct text *to)
{
    const struct picture *p = &t->picture;
    struct text cell = {0};
    struct widths w = measure(p, &cell);
    bool has_loops = p->nloops > 1;

    text_format(to, "%s%-7s  %7s  %-*s  %-*s  %s\n", has_loops ? "LOOP  " : "", "STATE", "AGE", w.name, "NAME", w.function, "FUNCTION",
                "WAITS FOR");
    for (size_t i = 0; i < p->ntasks; i++) {
        const struct seen_task *task = &p->tasks[i];
        if (has_loops)
            text_format(to, "%4" PRIu64 "  ", p->loops[task->loop].id);
        text_clear(&cell);
        add_age(t, task, &cell);
        text_format(to, "%-7s  %7s  ", task_state(task), text_string(&cell));
        text_clear(&cell);
        task_add_name(p, task, &cell);
        add_padded(to, text_string(&cell), w.name);
        text_add_string(to, "  ");
        add_padded(to, function_of(p, task), w.function);
        text_add_string(to, "  ");
        task_add_wait(t, task, to);
        while (text_ends_with(to, ' '))
            to->data[--to->len] = '\0';
        text_add_char(to, '\n');
    }
    to->no_memory |= cell.no_memory;
    text_free(&cell);
}
