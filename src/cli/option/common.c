/* SPDX-License-Identifier: MIT */
/*
 * common.c - the options that every command has.
 */
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
