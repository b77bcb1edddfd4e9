/* SPDX-License-Identifier: MIT */
/* commands.c - the tests know all commands, as main() does. */
#include "cli/cli.h"

__attribute__((constructor)) static void open_commands(void)
{
    commands_open();
}
