/* SPDX-License-Identifier: MIT */
/*
 * stopped.c - a run that was stopped, as by Ctrl-C: what is not done, and how to go on.
 *
 * URLs that were begun, or waited in memory, are counted as skipped; behind them, the input has not been looked at.
 */
#include "cli/fetch/report/report.h"

static void add_urls(struct text *t, uint64_t n)
{
    text_format(t, "%llu URL%s", (unsigned long long)n, n == 1 ? "" : "s");
}

/* Where the input goes on with what nobody has looked at; nothing if there is none. */
static void add_rest(const struct fetch *f, struct text *t)
{
    const struct source *s = &f->source;
    bool is_list = s->list || (s->inputs && *s->inputs);

    if (s->is_complete || (s->number > 0 && f->stats.is_total_known && s->number >= f->stats.total))
        return;
    text_add_string(t, t->len > 0 ? ", and all " : "all ");
    if (s->list) {
        uint64_t line;
        list_place(s->list, &line);
        text_format(t, "behind %s:%llu", s->list->lines.name, (unsigned long long)line - 1);
    } else if (is_list) {
        text_format(t, "of %s", *s->inputs);
    } else {
        text_format(t, "from number %llu on", (unsigned long long)s->number + 1);
    }
}

void report_stopped(struct fetch *f)
{
    const struct naming *n = &f->naming;
    struct text t = {0};

    if (f->stats.skipped + f->queue.behind > 0)
        add_urls(&t, f->stats.skipped + f->queue.behind);
    add_rest(f, &t);
    if (t.len == 0)
        return;
    report_say(f, "stopped before these were done: %s", text_string(&t));
    text_free(&t);
    if (naming_saves(n) && !n->direct && !(n->has_template && n->template.needs_end))
        report_say(f, "to go on, give the same command with --skip-existing");
    else
        report_say(f, "the same command begins with the first URL again");
}
