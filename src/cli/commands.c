/* SPDX-License-Identifier: MIT */
/*
 * commands.c - which commands there are.  Help, man page and completion show them in this order.
 */
#include <string.h>

#include "cli/cli.h"

extern const struct command command_get, command_fetch, command_serve, command_compare, command_worker, command_completion,
    command_config, command_help, command_version;

const struct command *const commands[] = {
    &command_get,    &command_fetch,      &command_serve, &command_compare,
    &command_worker, &command_completion, &command_config, &command_help, &command_version, NULL,
};

const struct command *command_find(const char *name)
{
    for (const struct command *const *c = commands; *c; c++)
        if (strcmp((*c)->name, name) == 0)
            return *c;
    return NULL;
}
