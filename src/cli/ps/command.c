/* SPDX-License-Identifier: MIT */
/*
 * command.c - `bide ps`: its options.
 */
#include "cli/option/opt.h"
#include "cli/ps/ps.h"

#define S struct ps_options

static const struct opt options[] = {
    {"tree", 't', NULL, OPT_FLAG(S, tree), .group = "What is shown", .help = "who awaits whom, as a tree"},
    {"stacks", 's', NULL, OPT_FLAG(S, stacks),
     .help = "the calls that each task is in, with file and line; tasks that stand at the same place together"},
    {"json", 0, NULL, OPT_FLAG(S, json), .own = true, .help = "all of it as JSON, one document for each look"},
    {"core", 0, "FILE", OPT_STRING(S, core), .help = "a core file in place of a process; PROGRAM behind it if that lies elsewhere by now"},
    {"no-workers", 0, NULL, OPT_FLAG(S, no_workers), .help = "that process alone, without the workers of its pools"},
    {"watch", 'w', NULL, OPT_FLAG(S, watch), .group = "Again and again",
     .help = "look again at each interval; on a terminal like top, and q ends it"},
    {"interval", 'n', "TIME", OPT_DURATION(S, interval_ms), .min = 100, .max = 3600000, .def = "1s", .help = "how often --watch looks"},
    {0},
};

#undef S

static const char *const examples[] = {
    "what are the tasks of process 1234 waiting for?",
    "bide ps 1234",
    "who awaits whom, and where in the code each stands",
    "bide ps --tree --stacks 1234",
    "what did the program that has crashed do?",
    "bide ps --stacks --core core.1234 ./crawler",
    "names of all tasks that wait for longer than a minute has left",
    "bide ps --json 1234 | jq '.processes[].tasks[] | select(.left > 60) | .name'",
    NULL,
};

static int ps_main(const struct command *self, int argc, char **argv)
{
    struct ps_options o = {0};
    int result = opt_parse(self, &argc, argv, &o);
    if (result != OPT_GO)
        return result;

    bool is_enough = o.core || argc > 1;
    if (is_enough && argc <= 2) {
        result = ps_run(&o, argv[1]);
    } else {
        say(is_enough ? "expected one %s, not %d" : "expected a process: bide ps PID", o.core ? "program behind the core file" : "process",
            argc - 1);
        result = EXIT_USAGE;
    }
    opt_free(self, &o);
    return result;
}

const struct command command_ps = {
    .name = "ps",
    .operands = "PID | --core FILE [PROGRAM]",
    .brief = "what the tasks of a running program wait for",
    .about =
        "Looks into another program of bide's from outside. It is neither stopped nor prepared for that, and it answers nothing: its "
        "memory is read (process_vm_readv), so that it works also when its event loop hangs. The workers of its pools are shown "
        "with it.\n"
        "\n"
        "States: \"new\" has not begun, \"ready\" waits for its turn, \"waiting\" for what the last column says, \"running\" is what the "
        "program does right now. AGE is known in debug mode (BIDE_DEBUG=1). What is seen is a picture of a moment; a task that went on "
        "while it was looked at says so.\n"
        "\n"
        "--stacks needs libdw (elfutils). A program without debug information shows functions as FILE+0xOFFSET, which addr2line -fe "
        "takes. Where a task runs that stands in no system call, its thread is stopped for some 0.1 ms.\n"
        "\n"
        "It must be allowed to trace the process: the same user, and not forbidden by Yama (kernel.yama.ptrace_scope), which on some "
        "systems lets only root or a parent look. Then use sudo, or let the program call prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY).",
    .examples = examples,
    .options = options,
    .main = ps_main,
};
