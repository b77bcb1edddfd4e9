/* SPDX-License-Identifier: MIT */
/*
 * command_version.c - `bide version`, `bide --version`.
 */
#include <bide/version.h>

#include "cli/opt.h"

static int version_main(const struct command *self, int argc, char **argv)
{
    int result = opt_parse(self, &argc, argv, NULL);
    if (result != OPT_GO)
        return result;

    printf("bide %s\n", BIDE_VERSION);
    return say_flush();
}

const struct command command_version = {
    .name = "version",
    .brief = "print the version",
    .main = version_main,
};
