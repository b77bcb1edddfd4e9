/* SPDX-License-Identifier: MIT */
/*
 * colour.c - colour: whether a stream may have it.
 *
 * The first of these that says something decides: --color; NO_COLOR (no-color.org: set, and not empty); FORCE_COLOR and
 * CLICOLOR_FORCE (set, not empty and not 0); TERM (dumb, or none); whether the stream is a terminal.  Nothing is said by colour alone.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

static enum colour_when chosen = COLOUR_AUTO;

void colour_choose(enum colour_when when)
{
    chosen = when;
}

static bool is_set(const char *name)
{
    const char *value = getenv(name);

    return value && *value;
}

static bool is_forced(const char *name)
{
    return is_set(name) && strcmp(getenv(name), "0") != 0;
}

bool colour_on(int fd)
{
    const char *term = getenv("TERM");

    if (chosen != COLOUR_AUTO)
        return chosen == COLOUR_ALWAYS;
    if (is_set("NO_COLOR"))
        return false;
    if (is_forced("FORCE_COLOR") || is_forced("CLICOLOR_FORCE"))
        return true;
    return term && *term && strcmp(term, "dumb") != 0 && isatty(fd);
}
