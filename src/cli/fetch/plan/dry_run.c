/* SPDX-License-Identifier: MIT */
/*
 * dry_run.c - --dry-run: what would be done.
 */
#include <stdio.h>
#include <string.h>

#include <bide/text.h>

#include "cli/fetch/plan/plan.h"
#include "cli/fetch/report/report.h"

/* Names and URLs may come from anywhere. */
static void print_clean(const char *text)
{
    char out[256];

    for (size_t left = strlen(text), n; left > 0; text += n, left -= n) {
        n = bide_printable(out, sizeof out, text, left);
        fputs(out, stdout);
    }
}

/* false: there is no memory for it. */
static bool print_one(struct fetch *f, const char *label, int pattern, uint64_t k, uint64_t number)
{
    struct job job = {.pattern = pattern, .k = k, .number = number};
    struct text name = {0};

    glob_add_nth(&f->source.globs[pattern], k, &job.url);
    const char *fault = naming_saves(&f->naming) ? fetch_name(f, &job, NULL, &name) : NULL;
    struct text shown = {0};
    report_add_url(&shown, text_string(&job.url));
    bool complete = !job.url.no_memory && !shown.no_memory && fault != fetch_no_memory;
    printf("%-6s ", label);
    print_clean(text_string(&shown));
    text_free(&shown);
    if (fault) {
        printf("  (%s)", fault);
    } else if (name.len > 0) {
        fputs("  ->  ", stdout);
        print_clean(text_string(&name));
    }
    putchar('\n');
    text_free(&job.url);
    text_free(&name);
    return complete;
}

static void print_where(const struct fetch *f)
{
    const struct naming *n = &f->naming;

    if (n->to_stdout)
        puts("body   to standard output");
    else if (!naming_saves(n))
        puts("bodies are not kept");
    else if (n->is_proven || (n->are_checked && f->stats.is_total_known) || (n->directory && f->options->inputs.len == 0))
        puts("names  all different");
    else
        puts("names  of the list are compared as it is read; the later of two equal ones fails");
}

int fetch_print_plan(struct fetch *f)
{
    const struct source *s = &f->source;
    uint64_t of_patterns = 0;
    bool complete = true;

    for (int i = 0; i < s->nglobs; i++)
        of_patterns += s->globs[i].count;
    if (f->stats.is_total_known)
        printf("%llu %s\n", (unsigned long long)f->stats.total, f->stats.total == 1 ? "url" : "urls");
    else
        printf("%llu urls, and what the list gives\n", (unsigned long long)of_patterns);
    if (s->nglobs > 0)
        complete = print_one(f, "first", 0, 0, 0);
    if (of_patterns > 1)
        complete &= print_one(f, "last", s->nglobs - 1, s->globs[s->nglobs - 1].count - 1, of_patterns - 1);
    print_where(f);
    return complete ? EXIT_OK : say_no_memory();
}
