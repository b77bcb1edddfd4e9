/* SPDX-License-Identifier: MIT */
/*
 * layers.c - the value that counts: that of the command line, else of the environment, else of a file, else the default.
 *
 * Layers are applied from the lowest on; each value says where it is from.  A list of a higher layer replaces the one below as a whole,
 * so that what a command line says is all that is sent.
 *
 * Invariants:
 *   L1  a value never replaces one of a higher layer.
 *   L2  of two options that exclude each other, the one from the higher layer counts alone.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/option/config.h"

/* ---- where a row is ---- */

struct opt_origin *opt_origin(struct opt_values *v, const struct opt *row)
{
    return &v->origins[opt_is_common(row) ? OPT_ROWS_MAX + (row - common_rows) : row - v->command->options];
}

void *opt_member(const struct opt_values *v, const struct opt *row)
{
    return (char *)(opt_is_common(row) ? (void *)&common : v->into) + row->offset;
}

/* ---- storing a value ---- */

static void empty_list(struct opt_list *list)
{
    free((void *)list->items);
    *list = (struct opt_list){0};
}

static int add_to_list(struct opt_list *list, const char *text)
{
    const char **items = realloc(list->items, (list->len + 2) * sizeof *items);

    if (!items)
        return say_no_memory();
    items[list->len++] = text;
    items[list->len] = NULL;
    list->items = items;
    return OPT_GO;
}

/* A URL where a file is to stand: -i is no flag here. */
static bool is_misplaced_url(const struct opt *row, const char *text)
{
    return row->arg && strcmp(row->arg, "FILE") == 0 && strstr(text, "://");
}

static int refuse(struct opt_values *v, const struct opt *row, const char *shown, const char *text)
{
    char expected[256], value[512];
    bool is_file = is_misplaced_url(row, text);

    say("%s: expected %s, got '%s'%s", shown, is_file ? "a file" : opt_expected(row, expected, sizeof expected),
        secrets_shown_url(text, value, sizeof value), foreign_hint(v->command, row->letter, text));
    return EXIT_USAGE;
}

static int store(struct opt_values *v, const struct opt *row, const char *shown, const char *text)
{
    void *to = opt_member(v, row);

    if (is_misplaced_url(row, text))
        return refuse(v, row, shown, text);
    if (row->kind == OPT_KIND_LIST)
        return add_to_list(to, text);
    if (opt_store(row, text, (char *)to - row->offset))
        return OPT_GO;
    return refuse(v, row, shown, text);
}

/* Back to the default. */
static int reset(struct opt_values *v, const struct opt *row)
{
    void *to = opt_member(v, row);

    if (row->kind == OPT_KIND_LIST)
        empty_list(to);
    else if (row->def)
        return store(v, row, row->name, row->def);
    else
        opt_clear(row, to);
    return OPT_GO;
}

/* L2 */
static int drop_excluded(struct opt_values *v, const struct opt *row, enum opt_layer layer)
{
    const struct opt *other = row->excludes ? opt_find(v->command, row->excludes, strlen(row->excludes)) : NULL;

    if (!other || opt_origin(v, other)->layer == OPT_DEFAULT || opt_origin(v, other)->layer >= layer)
        return OPT_GO;
    *opt_origin(v, other) = (struct opt_origin){.text = other->def};
    return reset(v, other);
}

/* Its value is to come from this layer. */
static int enter(struct opt_values *v, const struct opt *row, enum opt_layer layer)
{
    bool is_first = opt_origin(v, row)->layer < layer;

    if (is_first && (row->kind == OPT_KIND_LIST || row->kind == OPT_KIND_COUNT))
        OPT_TRY(reset(v, row));
    return drop_excluded(v, row, layer);
}

int opt_assign(struct opt_values *v, const struct opt *row, const struct opt_origin *from, const char *shown)
{
    if (opt_origin(v, row)->layer > from->layer)
        return OPT_GO;
    OPT_TRY(enter(v, row, from->layer));
    OPT_TRY(from->text ? store(v, row, shown, from->text) : reset(v, row));
    *opt_origin(v, row) = *from;
    if (opt_is_common(row))
        colour_choose((enum colour_when)common.color);
    return OPT_GO;
}

int opt_set(struct opt_values *v, const struct opt *row, bool on)
{
    void *to = opt_member(v, row);

    OPT_TRY(enter(v, row, OPT_WORDS));
    if (row->kind == OPT_KIND_COUNT)
        ++*(int *)to;
    else
        *(bool *)to = on;
    *opt_origin(v, row) = (struct opt_origin){.layer = OPT_WORDS, .text = on ? "yes" : "no"};
    return OPT_GO;
}

/* ---- the layers below the command line ---- */

/* A default that its own row refuses is a bug in the table, which a test looks for. */
static int load_defaults(struct opt_values *v, const struct opt *rows)
{
    for (const struct opt *o = rows; o && o->name; o++) {
        struct opt_origin from = {.layer = OPT_DEFAULT, .text = o->def};
        if (o->def)
            OPT_TRY(opt_assign(v, o, &from, o->name));
    }
    return OPT_GO;
}

static int load_entry(struct opt_values *v, const struct config_file *file, const struct config_entry *e)
{
    struct opt_origin from = {file->layer, file->path, e->line, e->value[0] ? e->value : NULL};
    const struct opt *row = opt_find(v->command, e->key, strlen(e->key));
    char shown[512];

    if (!row || (!e->section && row->own) || (e->section && strcmp(e->section, v->command->name) != 0))
        return OPT_GO;
    snprintf(shown, sizeof shown, "%s:%d: %s", file->path, e->line, e->key);
    return opt_assign(v, row, &from, shown);
}

static int load_files(struct opt_values *v)
{
    size_t n;
    const struct config_file *files = config_files(&n);

    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < files[i].n; k++)
            OPT_TRY(load_entry(v, &files[i], &files[i].entries[k]));
    return OPT_GO;
}

/* A list has one item a line. */
static int load_lines(struct opt_values *v, const struct opt *row, char *value, size_t len, const char *name)
{
    struct opt_origin from = {.layer = OPT_ENVIRONMENT};

    for (char *line = value, *end = value + len; line < end; line += strlen(line) + 1) {
        line[strcspn(line, "\n")] = '\0'; /* the second time it is one */
        from.text = line;
        if (line[0])
            OPT_TRY(opt_assign(v, row, &from, name));
    }
    return OPT_GO;
}

static int load_variables(struct opt_values *v, const struct opt *rows)
{
    char name[ENVIRONMENT_NAME], *value;
    size_t len;

    for (const struct opt *o = rows; o && o->name; o++) {
        if (o->own)
            continue;
        OPT_TRY(environment_get(o, &value, &len));
        environment_name(o, name);
        struct opt_origin from = {.layer = OPT_ENVIRONMENT, .text = value};
        if (value && o->kind == OPT_KIND_LIST)
            OPT_TRY(load_lines(v, o, value, len, name));
        else if (value)
            OPT_TRY(opt_assign(v, o, &from, name));
    }
    return OPT_GO;
}

/* The common ones first: they say which files there are. */
int opt_load(struct opt_values *v)
{
    OPT_TRY(load_defaults(v, common_rows));
    OPT_TRY(load_defaults(v, v->command->options));
    OPT_TRY(load_variables(v, common_rows));
    OPT_TRY(config_load(common.no_config, common.config));
    OPT_TRY(load_files(v));
    return load_variables(v, v->command->options);
}

void opt_free(const struct command *command, void *into)
{
    for (const struct opt *o = command->options; o && o->name; o++)
        if (o->kind == OPT_KIND_LIST)
            empty_list((struct opt_list *)((char *)into + o->offset));
}
