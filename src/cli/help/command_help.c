/* SPDX-License-Identifier: MIT */
/*
 * command_help.c - `bide help`, `bide help COMMAND`, `bide help TOPIC`, `bide help --man [COMMAND]`.
 */
#include <string.h>

#include "cli/option/opt.h"

struct help_options {
    bool man;
};

static const struct opt options[] = {
    {"man", 0, NULL, OPT_FLAG(struct help_options, man), .help = "print a manual page in roff: bide(1), or that of the command"},
    {0},
};

static const struct topic *find_topic(const char *name)
{
    for (const struct topic *t = topics; t->name; t++)
        if (strcmp(t->name, name) == 0)
            return t;
    return NULL;
}

static int help_about(const char *name)
{
    const struct command *c = command_find(name);
    const struct topic *t = find_topic(name);
    struct nearest n = {.wanted = name};

    if (c)
        return help_command(c, true);
    if (t)
        return help_topic(t);
    for (const struct command *const *each = program.commands; *each; each++)
        nearest_try(&n, (*each)->name);
    for (t = topics; t->name; t++)
        nearest_try(&n, t->name);
    if (n.best)
        say("there is no help about '%s'; did you mean `bide help %s`?", name, n.best);
    else
        say("there is no help about '%s'; `bide help` lists commands and topics", name);
    return EXIT_USAGE;
}

static int help_man(const char *name)
{
    const struct command *c = command_find(name);

    if (!c) {
        say("there is no command '%s' to have a manual page; bide(1) has the topics", name);
        return EXIT_USAGE;
    }
    int code = man_print_command(c);
    return code == EXIT_OK ? say_flush() : code;
}

static int help_main(const struct command *self, int argc, char **argv)
{
    struct help_options o = {0};
    int result = opt_parse(self, &argc, argv, &o);
    if (result != OPT_GO)
        return result;

    if (argc > 2) {
        say("one command or topic at a time, got '%s' and '%s'", argv[1], argv[2]);
        return EXIT_USAGE;
    }
    if (o.man && argc == 2)
        return help_man(argv[1]);
    if (argc == 2)
        return help_about(argv[1]);
    if (o.man)
        result = man_print();
    else
        help_overview(stdout);
    return result > 0 ? result : say_flush();
}

const struct command command_help = {
    .name = "help",
    .operands = "[COMMAND|TOPIC]",
    .brief = "explain a command or a topic",
    .options = options,
    .main = help_main,
};
