/* SPDX-License-Identifier: MIT */
/*
 * lists.c - what can be known of lists before they are read: --input-format, --columns, what their first lines say.
 *
 * A name in -o is that of a column if --columns has it.  Without --columns, a head line or the members of an object give
 * {name}, and what else is no variable of bide's.  {i} and {n} are always the number of the URL.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/fetch/plan/plan.h"

/* ---- the first lines ---- */

bool fetch_list_is_file(const char *path)
{
    struct stat st;

    return strcmp(path, "-") != 0 && stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

static int look_at(struct fetch *f, struct list *l)
{
    struct list_entry e = {0};
    int got;

    while ((got = list_next(l, &e)) == LIST_MORE || got == LIST_NOTE)
        if (got == LIST_MORE && lines_fill(&l->lines) < 0) {
            say("%s", bide_error_text());
            return bide_error_code() == BIDE_ENOMEM ? EXIT_LOCAL : EXIT_USAGE;
        }
    free(e.extras);
    f->source.has_objects |= l->form == LIST_JSONL;
    if (got != LIST_REFUSED)
        return EXIT_OK;
    say("%s:%llu: %s", l->lines.name, (unsigned long long)e.line, e.fault);
    return e.fault == extras_no_memory ? EXIT_LOCAL : EXIT_USAGE;
}

/* A list that is something else is found before anything is asked for. */
static int probe(struct fetch *f)
{
    struct list *l = malloc(sizeof *l);
    int code = l ? EXIT_OK : say_no_memory();

    for (const char *const *path = f->source.inputs; l && path && *path && code == EXIT_OK; path++) {
        if (!fetch_list_is_file(*path))
            continue;
        code = list_open(l, *path, &f->source.rules) == EXIT_OK ? EXIT_OK : EXIT_USAGE;
        if (code == EXIT_OK) {
            code = look_at(f, l);
            list_close(l);
        }
    }
    free(l);
    return code;
}

/* ---- the options ---- */

static int read_columns(struct list_rules *rules, const char *names)
{
    struct text why = {0};
    const char *fault = columns_parse(&rules->columns, rules, names, strlen(names), ',', &why);

    if (fault)
        say("--columns %s: %s", names, fault);
    int code = !fault ? EXIT_OK : fault == extras_no_memory ? EXIT_LOCAL : EXIT_USAGE;
    text_free(&why);
    return code;
}

int fetch_read_rules(struct fetch *f)
{
    struct list_rules *rules = &f->source.rules;
    const char *names = f->options->columns;

    rules->form = (enum list_form)f->options->input_format;
    if (names && rules->form != LIST_AUTO && rules->form != LIST_TSV) {
        say("--columns is about lists with tabs: --input-format tsv, or auto");
        return EXIT_USAGE;
    }
    int code = names ? read_columns(rules, names) : EXIT_OK;
    if (code == EXIT_OK && names)
        rules->form = LIST_TSV;
    return code == EXIT_OK ? probe(f) : code;
}

/* ---- variables ---- */

static bool has_column(const struct columns *c, const char *name)
{
    for (size_t i = 0; i < c->n; i++)
        if (strcmp(c->at[i].name, name) == 0)
            return true;
    return false;
}

/* May an entry give this one a value? */
static bool may_have(const struct fetch *f, const char *name)
{
    const struct list_rules *rules = &f->source.rules;

    if (rules->columns.n > 0)
        return has_column(&rules->columns, name);
    if (f->source.has_objects || rules->form == LIST_JSONL || rules->form == LIST_TSV)
        return true;
    for (const struct columns *c = rules->heads; c; c = c->next)
        if (has_column(c, name))
            return true;
    return strcmp(name, "name") == 0 && rules->form != LIST_LINES;
}

static bool is_candidate(const struct fetch *f, const struct template_part *p)
{
    if (p->kind == TEMPLATE_TEXT || p->kind == TEMPLATE_I || p->kind == TEMPLATE_N || p->glob > 0)
        return false;
    if (f->source.rules.columns.n == 0 && p->kind != TEMPLATE_GLOB && p->kind != TEMPLATE_NAME)
        return false;
    return may_have(f, p->name);
}

/* The number of the variable, from 1; 0: there are too many. */
static int number_of(struct list_rules *rules, const char *name)
{
    int i = list_variable(rules, name, strlen(name));

    if (i < 0 && rules->nvariables < LIST_VARIABLES) {
        i = rules->nvariables++;
        rules->variables[i] = name;
    }
    return i + 1;
}

/* A list that is not there yet may have anything, but not unasked. */
static int refuse_unknown(const struct fetch *f, const struct template_part *p)
{
    bool is_late = false;

    for (const char *const *path = f->source.inputs; path && *path; path++)
        is_late |= !fetch_list_is_file(*path);
    if (!is_late || f->source.rules.form != LIST_AUTO || p->kind != TEMPLATE_GLOB || p->glob > 0 || f->source.nglobs > 0)
        return EXIT_OK;
    say("--output '%s': {%s} is no variable; if it is a column of the list, --columns names it, or say --input-format tsv or jsonl",
        f->naming.template.source, p->name);
    return EXIT_USAGE;
}

int fetch_bind_columns(struct fetch *f)
{
    struct template *t = &f->naming.template;
    struct list_rules *rules = &f->source.rules;
    int code = EXIT_OK;

    for (size_t i = 0; i < t->nparts && f->options->inputs.len > 0 && code == EXIT_OK; i++) {
        struct template_part *p = &t->parts[i];
        if (is_candidate(f, p))
            p->column = number_of(rules, p->name);
        else
            code = refuse_unknown(f, p);
    }
    for (size_t i = 0; i < rules->columns.n; i++)
        rules->columns.at[i].variable = list_variable(rules, rules->columns.at[i].name, strlen(rules->columns.at[i].name));
    return code;
}
