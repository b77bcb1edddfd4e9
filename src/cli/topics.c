/* SPDX-License-Identifier: MIT */
/*
 * topics.c - what `bide help TOPIC` explains that belongs to no command alone.
 */
#include "cli/cli.h"

const struct topic topics[] = {
    {"exit-codes", "what the exit status says",
     "    0    all went well: every URL was answered\n"
     "    1    finished, but some URLs failed for good\n"
     "    2    wrong usage, or an option that cannot be met: nothing was done\n"
     "    3    this machine: cannot write, disk full, port in use; a body that\n"
     "         is binary, and would go to a terminal\n"
     "    4    no URL succeeded\n"
     "    5    stopped by a limit that was set: --max-time of `bide get`, \n"
     "         --fail-fast and --max-errors of `bide fetch`\n"
     "    6    Redis cannot be reached, or does not let us in\n"
     "    130  stopped by Ctrl-C (SIGINT)\n"
     "    141  the reader of standard output has gone (SIGPIPE)\n"
     "    143  stopped by SIGTERM\n"
     "\n"
     "The last three are how a shell shows that a signal ended the program. Causes are on standard error, one line for "
     "each URL that failed."},
    {NULL, NULL, NULL},
};
