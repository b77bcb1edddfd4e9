/* SPDX-License-Identifier: MIT */
/*
 * command.c - `bide trace`: its options.
 */
#include "cli/option/opt.h"
#include "cli/trace/trace.h"

#define S struct trace_options
#define SECONDS_MAX 3600
#define DEFAULT_MS 5000 /* as .about says */

static const struct opt options[] = {
    {"output", 'o', "FILE", OPT_STRING(S, output), .own = true, .group = "Output",
     .help = "write to FILE (\"-\": standard output). Default: trace-PID.json"},
    {0},
};

#undef S

static const char *const examples[] = {
    "what does process 1234 do in the next five seconds?",
    "bide trace 1234",
    "a tenth of a second of a busy server",
    "bide trace -o busy.json 1234 0.1",
    "which requests took longer than a second?",
    "bide trace -o - 1234 30 | jq '.traceEvents[] | select(.cat == \"request\")'",
    NULL,
};

static int run(const struct trace_options *o, int n, char **operands)
{
    int64_t ms = DEFAULT_MS;
    if (n == 0 || n > 2) {
        say("expected a process ID, and a number of seconds: bide trace PID [SECONDS]");
        return EXIT_USAGE;
    }
    if (n == 2 && (!opt_read_duration(operands[1], &ms) || ms < 1 || ms > SECONDS_MAX * 1000)) {
        say("'%s': expected a time from 0.001 to %d seconds", operands[1], SECONDS_MAX);
        return EXIT_USAGE;
    }
    return trace_run(o, operands[0], ms);
}

static int trace_main(const struct command *self, int argc, char **argv)
{
    struct trace_options o = {0};
    int result = opt_parse(self, &argc, argv, &o);
    if (result != OPT_GO)
        return result;

    result = run(&o, argc - 1, argv + 1);
    opt_free(self, &o);
    return result;
}

const struct command command_trace = {
    .name = "trace",
    .operands = "PID [SECONDS]",
    .brief = "record what a running program does, as a timeline",
    .about =
        "Records what another program that uses bide does, for SECONDS (default: 5) or until Ctrl-C: each step of each task, what "
        "tasks wait for and what wakes them, requests, exchanges of servers, jobs, and calls in threads. The file is in the Chrome "
        "trace event format, which Perfetto (https://ui.perfetto.dev) and speedscope open. The program needs no preparation, and is not "
        "stopped. The file contains URLs, without user and password, and the names of tasks.\n"
        "\n"
        "The program records into its own memory: each thread keeps its newest 8 MiB (BIDE_TRACE_SIZE in its environment). This command "
        "writes nothing there except the flag that turns recording on; if it is killed, the recording ends within three seconds. If the "
        "program ends meanwhile, what was recorded is lost; BIDE_TRACE=FILE in its environment records until its end. Workers of pools are "
        "processes of their own (`bide ps` shows their process IDs).\n"
        "\n"
        "An event loop starts recording after its next poll of the kernel: a loop that is waiting for events, or blocked in a call, "
        "records nothing until then.\n"
        "\n"
        "It needs the permission to trace the process: as the same user, and if Yama (kernel.yama.ptrace_scope) allows it; on some "
        "systems only root or the parent process may. Then use sudo, or let the program call prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY).",
    .examples = examples,
    .options = options,
    .main = trace_main,
};
