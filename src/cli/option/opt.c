/* SPDX-License-Identifier: MIT */
/*
 * opt.c - the parser that an option table drives.
 *
 * The words are read twice: first for the options of every command, which say where values come from besides the command line, then for
 * all of them.  words.c cuts them, layers.c stores what they say.
 */
#include "cli/option/opt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/terminal/text.h"

struct parser {
    struct opt_values values;
    const struct command *command;
    char **argv;
    int operands; /* argv[1] to argv[operands] */
};

/* ---- what nobody knows ---- */

/* Another command has it: which; NULL: none. */
static const struct command *owner(const struct opt_word *w)
{
    for (const struct command *const *c = program.commands; *c; c++)
        for (const struct opt *o = (*c)->options; o && o->name; o++)
            if (w->name ? strlen(o->name) == w->len && memcmp(o->name, w->name, w->len) == 0 : o->letter == w->letter)
                return *c;
    return NULL;
}

static void try_rows(struct nearest *n, const struct opt *rows)
{
    for (const struct opt *o = rows; o && o->name; o++)
        nearest_try(n, o->name);
}

static int unknown_name(const struct command *c, const struct opt_word *w)
{
    char wanted[64];
    snprintf(wanted, sizeof wanted, "%.*s", (int)w->len, w->name);
    struct nearest n = {.wanted = wanted};
    const struct command *other = owner(w);

    try_rows(&n, c->options);
    try_rows(&n, common_rows);
    nearest_try(&n, "help");
    if (other)
        say("unknown option --%s; `bide %s` has one", wanted, other->name);
    else if (n.best)
        say("unknown option --%s; did you mean --%s?", wanted, n.best);
    else
        say("unknown option --%s; `bide help %s` lists them", wanted, c->name);
    return EXIT_USAGE;
}

static int unknown_letter(const struct command *c, const struct opt_word *w)
{
    const struct command *other = owner(w);
    char in[80] = "";

    if (w->word[2])
        snprintf(in, sizeof in, " in '%.60s'", w->word);
    if (other)
        say("unknown option -%c%s; `bide %s` has one", w->letter, in, other->name);
    else
        say("unknown option -%c%s; `bide help %s` lists them", w->letter, in, c->name);
    return EXIT_USAGE;
}

/* A word that the user of another tool would write? */
static int unknown(struct parser *p, const struct opt_word *w)
{
    struct text why = {0};
    const struct opt *set = NULL;
    enum foreign is = w->said == SAID_FOREIGN ? foreign_word(p->command, w->word, &why)
                      : w->name               ? foreign_name(p->command, w->name, w->len, &set, &why)
                                              : foreign_letter(p->command, w->letter, w->has_number, &set, &why);
    int code = is == FOREIGN_TAKEN || is == FOREIGN_SET ? OPT_GO : EXIT_USAGE;

    if (why.no_memory)
        code = say_no_memory();
    else if (is == FOREIGN_SET)
        code = opt_set(&p->values, set, true);
    else if (is == FOREIGN_REFUSED)
        say("%s", text_string(&why));
    else if (is == FOREIGN_UNKNOWN)
        code = w->name ? unknown_name(p->command, w) : unknown_letter(p->command, w);
    text_free(&why);
    return code;
}

/* ---- what is known ---- */

/* curl's -OL, -OJ: letters of its options behind -O are no directory. */
static bool is_cluster_of_curl(const struct opt_word *w)
{
    return w->row->bare && w->is_attached && strspn(w->value, "LJRsSfk#") == strlen(w->value);
}

static int assign(struct parser *p, const struct opt_word *w)
{
    struct opt_origin from = {.layer = OPT_WORDS, .text = w->value};

    if (!is_cluster_of_curl(w))
        return opt_assign(&p->values, w->row, &from, w->shown);
    say("%s: -%c takes a directory, and '%s' looks like options of curl; write -%s -%c, or -%c ./%s", w->word, w->letter, w->value, w->value,
        w->letter, w->letter, w->value);
    return EXIT_USAGE;
}

/* "output={name}" is given, unless that option has a value of its own. */
static int assign_bare(struct parser *p, const struct opt_word *w)
{
    const char *mark = strchr(w->row->bare, '=');
    const struct opt *row = opt_find(p->command, w->row->bare, (size_t)(mark - w->row->bare));
    struct opt_origin from = {.layer = OPT_WORDS, .text = mark + 1};
    const struct opt_origin *now = opt_origin(&p->values, row);

    if (now->layer < OPT_WORDS || strcmp(now->text, from.text) == 0)
        return opt_assign(&p->values, row, &from, w->shown);
    say("%s without a directory is --%s '%s', and there is another --%s", w->shown, row->name, from.text, row->name);
    return EXIT_USAGE;
}

static int missing_value(const struct opt_word *w)
{
    char expected[256];

    say("%s needs a value: %s", w->shown, opt_expected(w->row, expected, sizeof expected));
    return EXIT_USAGE;
}

static int obey(struct parser *p, const struct opt_word *w)
{
    switch (w->said) {
    case SAID_OPERAND:
        p->argv[++p->operands] = (char *)(uintptr_t)w->value;
        return OPT_GO;
    case SAID_VALUE:
        return assign(p, w);
    case SAID_FLAG:
        return opt_set(&p->values, w->row, w->on);
    case SAID_BARE:
        return assign_bare(p, w);
    case SAID_MISSING:
        return missing_value(w);
    case SAID_EXTRA:
        say("%s takes no value, got '%s'", w->shown, w->value);
        return EXIT_USAGE;
    case SAID_HELP:
        return program.help(p->command, w->on);
    case SAID_VERSION:
        return program.version();
    case SAID_UNKNOWN:
    case SAID_FOREIGN:
        break;
    }
    return unknown(p, w);
}

/* ---- the words ---- */

/* The options of every command, as far as the words can be read; what is wrong with others is said later. */
static int read_common(struct parser *p, struct opt_reader r)
{
    struct opt_word w;

    while (opt_next(&r, &w)) {
        if (w.said == SAID_UNKNOWN || w.said == SAID_FOREIGN)
            return OPT_GO;
        if (w.said == SAID_HELP || w.said == SAID_VERSION || (w.row && opt_is_common(w.row)))
            OPT_TRY(obey(p, &w));
    }
    return OPT_GO;
}

static int read_all(struct parser *p, struct opt_reader r)
{
    struct opt_word w;

    while (opt_next(&r, &w))
        OPT_TRY(obey(p, &w));
    if (p->command->operands || p->operands == 0)
        return OPT_GO;
    say("takes no operand, got '%s'", p->argv[1]);
    return EXIT_USAGE;
}

static int parse(struct parser *p, int argc)
{
    struct opt_reader r = {.command = p->command, .argc = argc, .at = 1, .argv = p->argv};

    OPT_TRY(read_common(p, r));
    OPT_TRY(opt_load(&p->values));
    return read_all(p, r);
}

static void reset_common(void)
{
    common = (struct common_options){0};
    colour_choose(COLOUR_AUTO);
}

int opt_peek(const struct command *command, int argc, char **argv, void *into)
{
    struct parser p = {.values = {.command = command, .into = into}, .command = command, .argv = argv};
    struct opt_reader r = {.command = command, .argc = argc, .at = 1, .argv = argv};

    reset_common();
    OPT_TRY(read_common(&p, r));
    return opt_load(&p.values);
}

int opt_parse(const struct command *command, int *argc, char **argv, void *into)
{
    struct parser p = {.values = {.command = command, .into = into}, .command = command, .argv = argv};

    reset_common();
    int result = parse(&p, *argc);
    if (result != OPT_GO) {
        opt_free(command, into);
        return result;
    }
    *argc = p.operands + 1;
    argv[*argc] = NULL;
    return OPT_GO;
}

/* ---- a look ---- */

static void look_at_row(struct opt_glance *g, const struct opt *row)
{
    const struct opt *first = opt_find(g->first, row->name, strlen(row->name));
    const struct opt *second = opt_find(g->second, row->name, strlen(row->name));

    g->needs_first |= (first && !second) || strcmp(row->name, "output") == 0;
    g->needs_second |= second && !first;
    g->is_literal |= strcmp(row->name, "no-glob") == 0;
}

void opt_look(struct opt_glance *g, int argc, char **argv)
{
    struct opt_reader r = {.command = g->first, .other = g->second, .argc = argc, .at = 1, .argv = argv};
    struct opt_word w;

    while (opt_next(&r, &w))
        if (w.said == SAID_OPERAND && g->operands++ == 0)
            g->operand = w.value;
        else if (w.row)
            look_at_row(g, w.row);
}
