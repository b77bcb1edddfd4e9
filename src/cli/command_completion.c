/* SPDX-License-Identifier: MIT */
/*
 * command_completion.c - `bide completion bash`.
 */
#include <string.h>

#include "cli/opt.h"

static int completion_main(const struct command *self, int argc, char **argv)
{
    int result = opt_parse(self, &argc, argv, NULL);
    if (result != OPT_GO)
        return result;

    if (argc != 2 || strcmp(argv[1], "bash") != 0) {
        say("expected the name of a shell: bash");
        return EXIT_USAGE;
    }
    completion_print_bash();
    return say_flush();
}

static const char *const examples[] = {
    "complete commands and options in this shell", "source <(bide completion bash)",
    NULL,
};

const struct command command_completion = {
    .name = "completion",
    .operands = "bash",
    .brief = "print a completion script for a shell",
    .about = "`make install` puts it where bash finds it by itself.",
    .examples = examples,
    .main = completion_main,
};
