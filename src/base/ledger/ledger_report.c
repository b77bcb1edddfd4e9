/* SPDX-License-Identifier: MIT */
/*
 * ledger_report.c - the report of objects that were not released: how many of each type, and where they were made.
 *
 * Objects of one type that were made by one call are a group, and a line.  Of many groups the largest are shown.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/ledger/ledger_entry.h"

#define GROUPS_SHOWN 10
#define GROUPS_TRIED 256
#define TYPES_SHOWN 12
#define LINE_BYTES (PLACE_TEXT_MAX + LABEL_MAX + 136)

struct group {
    const struct ledger_entry *first;
    size_t count;
    bool has_one_caller; /* the calls came from one place */
};

struct groups {
    size_t n, others; /* others: objects that found no group */
    struct group all[GROUPS_TRIED];
};

static const char *type_of(const struct ledger_entry *e)
{
    return ((const struct object *)e->object)->type->name;
}

static bool are_alike(const struct ledger_entry *a, const struct ledger_entry *b)
{
    return type_of(a) == type_of(b) && bide__place_is_same_call(&a->made, &b->made) && strcmp(a->note, b->note) == 0;
}

static void add(struct groups *g, const struct ledger_entry *e)
{
    size_t i = 0;

    while (i < g->n && !are_alike(g->all[i].first, e))
        i++;
    if (i == GROUPS_TRIED) {
        g->others++;
        return;
    }
    if (i == g->n)
        g->all[g->n++] = (struct group){.first = e, .has_one_caller = true};
    g->all[i].count++;
    g->all[i].has_one_caller &= memcmp(&g->all[i].first->made, &e->made, sizeof e->made) == 0;
}

static int larger_first(const void *a, const void *b)
{
    size_t m = ((const struct group *)a)->count, n = ((const struct group *)b)->count;

    return m < n ? 1 : m > n ? -1 : 0;
}

/* "3 tasks"; some names are plural. */
static int put_count(char *buf, size_t cap, size_t n, const char *name)
{
    bool as_it_is = n == 1 || name[strlen(name) - 1] == 's';

    return snprintf(buf, cap, "%zu %s%s", n, name, as_it_is ? "" : "s");
}

static size_t count_of_type(const struct groups *g, const char *type)
{
    size_t count = 0;

    for (size_t i = 0; i < g->n; i++)
        if (type_of(g->all[i].first) == type)
            count += g->all[i].count;
    return count;
}

static bool is_first_of_type(const struct groups *g, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (type_of(g->all[i].first) == type_of(g->all[at].first))
            return false;
    return true;
}

/* "not released when the event loop was closed: 1000 tasks, 1 future" */
static void sum_line(const struct groups *g, char *line)
{
    size_t len = (size_t)snprintf(line, LINE_BYTES, "not released when the event loop was closed");
    size_t types = 0, left = g->others;

    for (size_t i = 0; i < g->n; i++)
        left += g->all[i].count;
    for (size_t i = 0; i < g->n && types < TYPES_SHOWN && len < LINE_BYTES - 60; i++) {
        const char *type = type_of(g->all[i].first);
        if (!is_first_of_type(g, i))
            continue;
        len += (size_t)snprintf(line + len, LINE_BYTES - len, types++ ? ", " : ": ");
        len += (size_t)put_count(line + len, LINE_BYTES - len, count_of_type(g, type), type);
        left -= count_of_type(g, type);
    }
    if (left > 0)
        snprintf(line + len, LINE_BYTES - len, ", and %zu more", left);
}

/* "not released: ... and 2 more places" */
static void rest_line(const struct groups *g, size_t shown, char *line)
{
    size_t n = g->n - shown;

    snprintf(line, LINE_BYTES, "not released: ... and %s%zu more place%s", g->others > 0 ? "at least " : "", n, n == 1 ? "" : "s");
}

/* What the first of them says of itself: " (GET http://a/)", " (the first: GET http://a/)"; of tasks the note says enough. */
static void put_description(const struct group *g, char *buf, size_t cap)
{
    const struct object *o = g->first->object;
    char label[LABEL_MAX] = "";

    buf[0] = '\0';
    if (!g->first->note[0] && o->type->describe)
        o->type->describe(o, label, sizeof label);
    if (label[0])
        snprintf(buf, cap, " (%s%s)", g->count > 1 ? "the first: " : "", label);
}

static void group_line(const struct group *g, char *line)
{
    char place[PLACE_TEXT_MAX], described[LABEL_MAX + 16];
    struct place made = g->first->made;

    if (!g->has_one_caller)
        made.pc[1] = NULL;
    bide__place_text(place, sizeof place, &made);
    put_description(g, described, sizeof described);
    size_t len = (size_t)snprintf(line, LINE_BYTES, "not released: ");
    len += (size_t)put_count(line + len, LINE_BYTES - len, g->count, type_of(g->first));
    snprintf(line + len, LINE_BYTES - len, "%s%s%s, made at %s", g->first->note[0] ? " of " : "", g->first->note, described, place);
}

/* Returns how many lines. */
static size_t write_lines(const void *loop, char lines[][LINE_BYTES])
{
    static struct groups g; /* under lock */

    g.n = g.others = 0;
    for (struct list_node *n = bide__ledger.living.next; n != &bide__ledger.living; n = n->next) {
        const struct ledger_entry *e = container_of(n, struct ledger_entry, node);
        if (bide__ledger_is_left(e, loop))
            add(&g, e);
    }
    if (g.n == 0)
        return 0;
    qsort(g.all, g.n, sizeof *g.all, larger_first);
    sum_line(&g, lines[0]);
    size_t shown = g.n < GROUPS_SHOWN ? g.n : GROUPS_SHOWN;
    for (size_t i = 0; i < shown; i++)
        group_line(&g.all[i], lines[i + 1]);
    if (shown == g.n)
        return shown + 1;
    rest_line(&g, shown, lines[shown + 1]);
    return shown + 2;
}

void bide__ledger_report(const void *loop, void (*say)(void *arg, const char *line), void *arg)
{
    char lines[GROUPS_SHOWN + 2][LINE_BYTES]; /* the sum, the places, and how many are not shown */

    pthread_mutex_lock(&bide__ledger.lock);
    size_t n = write_lines(loop, lines);
    pthread_mutex_unlock(&bide__ledger.lock);
    for (size_t i = 0; i < n; i++)
        say(arg, lines[i]);
}
