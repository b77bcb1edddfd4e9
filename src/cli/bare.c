/* SPDX-License-Identifier: MIT */
/*
 * bare.c - `bide URL`: which command that is.
 *
 * `bide get`, if there is one URL and nothing says that it is to be saved; else `bide fetch`, also when an option is among the
 * words that only fetch has.  Several bodies are never printed into each other that way: fetch refuses, and says what to write.
 */
#include <string.h>

#include "cli/fetch/context.h"

extern const struct command command_get, command_fetch;

/* Is it one URL, and no pattern for many?  What cannot be read is: the command says why. */
static bool is_one(const struct opt_glance *g)
{
    struct glob glob;
    struct text why = {0};

    if (g->operands != 1)
        return false;
    bool is_many = glob_parse(&glob, g->operand, g->is_literal, &why) == EXIT_OK && glob.count > 1;
    glob_free(&glob);
    text_free(&why);
    return !is_many;
}

/* Do a file or the environment say where bodies go? */
static int ask_settings(int argc, char **argv, bool *is_saved)
{
    struct fetch_options o = {0};
    int code = opt_peek(&command_fetch, argc, argv, &o);

    *is_saved = o.output || o.output_dir || o.jsonl || o.inputs.len > 0;
    opt_free(&command_fetch, &o);
    return code;
}

int bare_command(int argc, char **argv, const struct command **out)
{
    struct opt_glance g = {.first = &command_fetch, .second = &command_get};
    bool is_saved = false;
    int code = OPT_GO;

    opt_look(&g, argc, argv);
    *out = &command_fetch;
    if (g.needs_first || !is_one(&g))
        return OPT_GO;
    code = ask_settings(argc, argv, &is_saved);
    if (!is_saved)
        *out = &command_get;
    return code;
}

const char *bare_operand(int argc, char **argv)
{
    struct opt_glance g = {.first = &command_fetch, .second = &command_get};

    opt_look(&g, argc, argv);
    return g.operand;
}
