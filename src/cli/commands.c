/* SPDX-License-Identifier: MIT */
/*
 * commands.c - the table of commands.  Help, man page and completion show them in this order.
 */
#include "cli/cli.h"

extern const struct command command_get, command_fetch, command_serve, command_compare, command_worker, command_doctor, command_ps, command_trace, command_completion,
    command_config, command_help, command_version;

static const struct command *const commands[] = {
    &command_get,    &command_fetch,      &command_serve, &command_compare,
    &command_worker, &command_doctor,     &command_ps,    &command_trace, &command_completion, &command_config, &command_help, &command_version, NULL,
};

void commands_open(void)
{
    program = (struct program){.commands = commands, .help = help_command, .version = version_print};
}
