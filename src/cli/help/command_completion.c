/* SPDX-License-Identifier: MIT */
/*
 * command_completion.c - `bide completion bash`, zsh, fish.
 */
#include <string.h>

#include "cli/option/opt.h"

static const struct {
    const char *shell;
    void (*print)(void);
} scripts[] = {
    {"bash", completion_print_bash}, {"zsh", completion_print_zsh}, {"fish", completion_print_fish},
};

static int completion_main(const struct command *self, int argc, char **argv)
{
    int result = opt_parse(self, &argc, argv, NULL);
    if (result != OPT_GO)
        return result;

    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++)
        if (argc == 2 && strcmp(argv[1], scripts[i].shell) == 0) {
            scripts[i].print();
            return say_flush();
        }
    say("expected the name of a shell: bash, zsh or fish");
    return EXIT_USAGE;
}

static const char *const examples[] = {
    "complete commands and options in this bash", "source <(bide completion bash)",
    "in this zsh, after compinit", "source <(bide completion zsh)",
    "in this fish", "bide completion fish | source",
    NULL,
};

const struct command command_completion = {
    .name = "completion",
    .operands = "bash|zsh|fish",
    .brief = "print a completion script for a shell",
    .about = "`make install` puts the scripts where the shells find them by themselves.",
    .examples = examples,
    .main = completion_main,
};
