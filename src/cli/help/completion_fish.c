/* SPDX-License-Identifier: MIT */
/*
 * completion_fish.c - the option tables as a completion script for fish: a line for each command, option and topic.
 */
#include <string.h>

#include "cli/option/opt.h"

/* In single quotes; fish knows \' and \\ in them. */
static void print_quoted(const char *text)
{
    putchar('\'');
    for (; *text; text++) {
        if (*text == '\'' || *text == '\\')
            putchar('\\');
        putchar(*text);
    }
    putchar('\'');
}

/* Behind -r, for a value. */
static void print_value(const struct opt *o)
{
    if (o->kind == OPT_KIND_CHOICE) {
        fputs(" -x -a '", stdout);
        for (const char *const *w = o->choices; *w; w++)
            printf("%s%s", w == o->choices ? "" : " ", *w);
        putchar('\'');
    } else if (strncmp(o->arg, "DIR", 3) == 0) {
        fputs(" -x -a '(__fish_complete_directories)'", stdout);
    } else if (strncmp(o->arg, "FILE", 4) == 0) {
        fputs(" -r -F", stdout);
    } else {
        fputs(" -x", stdout);
    }
}

static void print_option(const char *command, const struct opt *o)
{
    printf("complete -c bide -n '__bide_is %s' -l %s", command, o->name);
    if (o->letter)
        printf(" -s %c", o->letter);
    fputs(" -d ", stdout);
    print_quoted(o->help);
    if (o->arg)
        print_value(o);
    putchar('\n');
}

static void print_rows(const char *command, const struct opt *rows)
{
    for (const struct opt *o = rows; o && o->name; o++)
        print_option(command, o);
}

static void print_command(const struct command *c)
{
    printf("complete -c bide -n __bide_none -f -a %s -d ", c->name);
    print_quoted(c->brief);
    putchar('\n');
    print_rows(c->name, c->options);
    print_rows(c->name, common_rows);
    print_option(c->name, &opt_help);
    print_option(c->name, &opt_version);
}

static void print_operands(const char *command, const char *word, const char *about)
{
    printf("complete -c bide -n '__bide_is %s' -f -a %s -d ", command, word);
    print_quoted(about);
    putchar('\n');
}

void completion_print_fish(void)
{
    puts("# fish completion for bide, printed by `bide completion fish`\n"
         "function __bide_command\n"
         "    set -l words (commandline -opc)\n"
         "    test (count $words) -ge 2; or return 1\n"
         "    if string match -q '*://*' -- $words[2]\n"
         "        echo fetch\n"
         "    else\n"
         "        echo $words[2]\n"
         "    end\n"
         "end\n"
         "function __bide_none\n"
         "    test (count (commandline -opc)) -eq 1\n"
         "end\n"
         "function __bide_is\n"
         "    test \"$(__bide_command)\" = $argv[1]\n"
         "end\n"
         "complete -c bide -n __bide_none -l help -s h -d 'explain bide'\n"
         "complete -c bide -n __bide_none -l version -s V -d 'print the version'");
    for (const struct command *const *c = program.commands; *c; c++)
        print_command(*c);
    for (const struct command *const *c = program.commands; *c; c++)
        print_operands("help", (*c)->name, (*c)->brief);
    for (const struct topic *t = topics; t->name; t++)
        print_operands("help", t->name, t->brief);
    print_operands("completion", "'bash zsh fish'", "a shell");
    print_operands("config", "show", "print what counts");
}
