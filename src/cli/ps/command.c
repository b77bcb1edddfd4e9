/* SPDX-License-Identifier: MIT */
/*
 * command.c - `bide ps`: its options.
 */
#include "cli/option/opt.h"
#include "cli/ps/ps.h"

#define S struct ps_options

static const struct opt options[] = {
    {"tree", 't', NULL, OPT_FLAG(S, tree), .group = "What is shown", .help = "which task awaits which, as a tree"},
    {"stacks", 's', NULL, OPT_FLAG(S, stacks),
     .help = "the calls that each task is in, with file and line; tasks with the same stack together"},
    {"json", 0, NULL, OPT_FLAG(S, json), .own = true, .help = "everything as JSON, one document for each look"},
    {"core", 0, "FILE", OPT_STRING(S, core),
     .help = "a core file instead of a process; PROGRAM after it if the executable has moved since"},
    {"no-workers", 0, NULL, OPT_FLAG(S, no_workers), .help = "only that process, without the workers of its pools"},
    {"watch", 'w', NULL, OPT_FLAG(S, watch), .group = "Watching",
     .help = "look again at each interval; on a terminal like top, q quits"},
    {"interval", 'n', "TIME", OPT_DURATION(S, interval_ms), .min = 100, .max = 3600000, .def = "1s", .help = "how often --watch looks"},
    {0},
};

#undef S

static const char *const examples[] = {
    "what are the tasks of process 1234 waiting for?",
    "bide ps 1234",
    "which task awaits which, and their stacks",
    "bide ps --tree --stacks 1234",
    "what were the tasks of a program that has crashed doing?",
    "bide ps --stacks --core core.1234 ./crawler",
    "names of the tasks that wait for a timer of more than a minute",
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
        say(is_enough ? "expected one %s, not %d" : "expected a process: bide ps PID", o.core ? "program after the core file" : "process",
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
        "Shows the tasks of another program that uses bide. Its memory is read from outside (process_vm_readv): the program is not "
        "stopped, needs no preparation and does not have to respond, so this works also when its event loop hangs. The workers of its "
        "pools are shown with it.\n"
        "\n"
        "States: a task that is \"new\" has not begun, \"ready\" waits for its turn, \"waiting\" waits for what the last column says, "
        "\"running\" is what the program executes now. AGE is the time since a task was made; of a stackless one it is "
        "known only in debug mode (BIDE_DEBUG=1). The tasks are read while the "
        "program runs; a task that changed while it was read is marked.\n"
        "\n"
        "--json prints {\"v\": 1, \"processes\": [{\"pid\", \"name\", \"release\", \"worker_of\", \"complete\", \"loops\", \"tasks\"}]}; a task has id, "
        "name, function, loop, state, waits (the kind of wait), text, awaits (task IDs), and where they are known age, doing and of (a request "
        "in progress), fd, peer, left and timeout (seconds), holder, stack.\n"
        "\n"
        "--stacks needs libdw (elfutils). Without debug information, a function is shown as FILE+0xOFFSET, for addr2line -fe. To read "
        "the stack of a running task that is not in a system call, its thread is stopped for about 0.1 ms.\n"
        "\n"
        "It needs the permission to trace the process: as the same user, and if Yama (kernel.yama.ptrace_scope) allows it; on some "
        "systems only root or the parent process may. Then use sudo, or let the program call prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY).",
    .examples = examples,
    .options = options,
    .main = ps_main,
};
