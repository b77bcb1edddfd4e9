/* SPDX-License-Identifier: MIT */
/*
 * common.c - what all commands share: the table of them, and the options that each has.
 */
#include <string.h>

#include "cli/option/opt.h"

#define S struct common_options

static const char *const colour_choices[] = {"auto", "always", "never", NULL};

struct common_options common;

const struct opt common_rows[] = {
    {"color", 0, "WHEN", OPT_CHOICE(S, color), .choices = colour_choices, .def = "auto", .group = "General", .rare = true,
     .help = "colour in messages; auto: on a terminal, unless NO_COLOR is set or TERM is dumb"},
    {"config", 0, "FILE", OPT_STRING(S, config), .rare = true, .not_in_files = true,
     .help = "read this configuration, too; `bide help config` says which there are"},
    {"no-config", 0, NULL, OPT_FLAG(S, no_config), .rare = true, .not_in_files = true,
     .help = "read none of the files that are there"},
    {0},
};

const struct opt opt_help = {.name = "help", .letter = 'h', .help = "-h: what is needed often; --help: all of it"};
const struct opt opt_version = {.name = "version", .letter = 'V', .help = "print the version"};

static const struct command *const none[] = {NULL};

struct program program = {.commands = none};

const struct command *command_find(const char *name)
{
    for (const struct command *const *c = program.commands; *c; c++)
        if (strcmp((*c)->name, name) == 0)
            return *c;
    return NULL;
}

bool opt_is_common(const struct opt *row)
{
    return row >= common_rows && row < common_rows + OPT_COMMON_MAX;
}

const struct opt *opt_find(const struct command *c, const char *name, size_t len)
{
    const struct opt *tables[] = {c->options, common_rows};

    for (int i = 0; i < 2; i++)
        for (const struct opt *o = tables[i]; o && o->name; o++)
            if (strlen(o->name) == len && memcmp(o->name, name, len) == 0)
                return o;
    return NULL;
}
