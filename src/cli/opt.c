/* SPDX-License-Identifier: MIT */
/*
 * opt.c - the parser that an option table drives.
 *
 * It reads what people type: --name=V, --name V, -nV, -n V, -abc, --no-name, "--" and then operands only.  Options and
 * operands may be mixed; "-" is an operand.  Names are not abbreviated, so that a new option breaks no script.
 */
#include "cli/opt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct parser {
    const struct command *command;
    void *into;
    int argc, at; /* argv[at] is read next */
    char **argv;
    int operands; /* argv[1] to argv[operands] */
};

/* ---- finding a row ---- */

static const struct opt *find_name(const struct command *c, const char *name, size_t len)
{
    for (const struct opt *o = c->options; o && o->name; o++)
        if (strlen(o->name) == len && memcmp(o->name, name, len) == 0)
            return o;
    return NULL;
}

static const struct opt *find_letter(const struct command *c, char letter)
{
    for (const struct opt *o = c->options; o && o->name; o++)
        if (o->letter == letter)
            return o;
    return NULL;
}

static int unknown_name(const struct command *c, const char *name, size_t len)
{
    char wanted[64];
    snprintf(wanted, sizeof wanted, "%.*s", (int)len, name);
    struct nearest n = {.wanted = wanted};

    for (const struct opt *o = c->options; o && o->name; o++)
        nearest_try(&n, o->name);
    nearest_try(&n, "help");
    if (n.best)
        say("unknown option --%s; did you mean --%s?", wanted, n.best);
    else
        say("unknown option --%s; `bide help %s` lists them", wanted, c->name);
    return EXIT_USAGE;
}

static int unknown_letter(const struct command *c, char letter, const char *word)
{
    if (word[2])
        say("unknown option -%c in '%s'; `bide help %s` lists them", letter, word, c->name);
    else
        say("unknown option -%c; `bide help %s` lists them", letter, c->name);
    return EXIT_USAGE;
}

/* ---- storing a value ---- */

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

/* shown is how the user wrote the option. */
static int store(struct parser *p, const struct opt *row, const char *shown, const char *text)
{
    char expected[256];

    if (row->kind == OPT_KIND_LIST)
        return add_to_list((struct opt_list *)((char *)p->into + row->offset), text);
    if (opt_store(row, text, p->into))
        return OPT_GO;
    say("%s: expected %s, got '%s'", shown, opt_expected(row, expected, sizeof expected), text);
    return EXIT_USAGE;
}

/* One without an argument. */
static int set(struct parser *p, const struct opt *row, bool on)
{
    void *to = (char *)p->into + row->offset;

    if (row->kind == OPT_KIND_COUNT)
        ++*(int *)to;
    else
        *(bool *)to = on;
    return OPT_GO;
}

/* Its value is the next word of the command line. */
static int store_next(struct parser *p, const struct opt *row, const char *shown)
{
    char expected[256];

    if (p->at < p->argc)
        return store(p, row, shown, p->argv[p->at++]);
    say("%s needs a value: %s", shown, opt_expected(row, expected, sizeof expected));
    return EXIT_USAGE;
}

/* ---- the words ---- */

/* The flag that a word takes back: --no-NAME one that is called NAME, --NAME one that is called no-NAME. */
static const struct opt *find_opposite(const struct command *command, const char *name, size_t len)
{
    char opposite[64];

    if (len > 3 && memcmp(name, "no-", 3) == 0)
        return find_name(command, name + 3, len - 3);
    int n = snprintf(opposite, sizeof opposite, "no-%.*s", (int)len, name);
    return len < sizeof opposite && (size_t)n < sizeof opposite ? find_name(command, opposite, (size_t)n) : NULL;
}

static int parse_negated(struct parser *p, const char *name, size_t len)
{
    const struct opt *row = find_opposite(p->command, name, len);

    if (row && row->kind == OPT_KIND_FLAG)
        return set(p, row, false);
    return unknown_name(p->command, name, len);
}

static int parse_long(struct parser *p, const char *word)
{
    const char *name = word + 2, *value = strchr(name, '=');
    size_t len = value ? (size_t)(value - name) : strlen(name);
    const struct opt *row = find_name(p->command, name, len);
    char shown[64];

    if (!row && len == 4 && memcmp(name, "help", 4) == 0)
        return help_command(p->command, true);
    if (!row)
        return parse_negated(p, name, len);
    snprintf(shown, sizeof shown, "--%s", row->name);
    if (row->arg)
        return value ? store(p, row, shown, value + 1) : store_next(p, row, shown);
    if (!value)
        return set(p, row, true);
    say("%s takes no value, got '%s'", shown, value + 1);
    return EXIT_USAGE;
}

static int parse_letters(struct parser *p, const char *word)
{
    int result = OPT_GO;

    for (const char *l = word + 1; *l && result == OPT_GO; l++) {
        const struct opt *row = find_letter(p->command, *l);
        const char shown[] = {'-', *l, '\0'};
        if (!row && *l == 'h')
            return help_command(p->command, false);
        if (!row)
            return unknown_letter(p->command, *l, word);
        if (row->arg)
            return l[1] ? store(p, row, shown, l + 1) : store_next(p, row, shown);
        result = set(p, row, true);
    }
    return result;
}

static void add_operand(struct parser *p, char *word)
{
    p->argv[++p->operands] = word;
}

static int parse_words(struct parser *p)
{
    int result = OPT_GO;

    while (p->at < p->argc && result == OPT_GO) {
        char *word = p->argv[p->at++];
        if (word[0] != '-' || word[1] == '\0')
            add_operand(p, word);
        else if (strcmp(word, "--") == 0)
            while (p->at < p->argc)
                add_operand(p, p->argv[p->at++]);
        else
            result = word[1] == '-' ? parse_long(p, word) : parse_letters(p, word);
    }
    return result;
}

/* A default that its own row refuses is a bug in the table, which a test looks for. */
static int set_defaults(struct parser *p)
{
    int result = OPT_GO;

    for (const struct opt *o = p->command->options; o && o->name && result == OPT_GO; o++)
        if (o->def)
            result = store(p, o, o->name, o->def);
    return result;
}

int opt_parse(const struct command *command, int *argc, char **argv, void *into)
{
    struct parser p = {.command = command, .into = into, .argc = *argc, .at = 1, .argv = argv};
    int result = set_defaults(&p);

    if (result == OPT_GO)
        result = parse_words(&p);
    if (result == OPT_GO && !command->operands && p.operands > 0) {
        say("takes no operand, got '%s'", argv[1]);
        result = EXIT_USAGE;
    }
    if (result != OPT_GO) {
        opt_free(command, into);
        return result;
    }
    *argc = p.operands + 1;
    argv[*argc] = NULL;
    return OPT_GO;
}

void opt_free(const struct command *command, void *into)
{
    for (const struct opt *o = command->options; o && o->name; o++)
        if (o->kind == OPT_KIND_LIST) {
            struct opt_list *list = (struct opt_list *)((char *)into + o->offset);
            free((void *)list->items);
            *list = (struct opt_list){0};
        }
}
