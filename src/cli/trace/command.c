/* SPDX-License-Identifier: MIT */
/*
 * command.c - `bide trace`: its options.
 */
#include "cli/option/opt.h"
#include "cli/trace/trace.h"

#define S struct trace_options
#define SECONDS_MAX 3600

static const struct opt options[] = {
    {"output", 'o', "FILE", OPT_STRING(S, output), .own = true, .group = "Output",
     .help = "write to FILE; \"-\": standard output. Default: trace-PID.json"},
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
    int64_t ms = 5000;
    if (n == 0 || n > 2) {
        say("expected a process, and for how many seconds: bide trace PID [SECONDS]");
        return EXIT_USAGE;
    }
    if (n == 2 && (!opt_read_duration(operands[1], &ms) || ms < 1 || ms > SECONDS_MAX * 1000)) {
        say("'%s' is no time from 0.001 to %d seconds", operands[1], SECONDS_MAX);
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
        "Records each step of each task, what tasks wait for and who wakes them, requests, exchanges of servers, jobs and calls in threads of "
        "another program of bide's, for SECONDS (5) or until Ctrl-C, and writes a file in the Chrome trace event format, which Perfetto "
        "(https://ui.perfetto.dev) and speedscope open. The program need not be prepared for that, and is not stopped. URLs, without user and "
        "password, and names of tasks are in the file.\n"
        "\n"
        "The program records into its own memory, each thread its newest 8 MiB (BIDE_TRACE_SIZE in its environment); nothing is written but "
        "the switch. If this command is killed, the recording ends within three seconds. A program that ends meanwhile takes what was "
        "recorded with it: BIDE_TRACE=FILE in its environment records until the end. Workers of pools are processes of their own (`bide ps` "
        "has their numbers).\n"
        "\n"
        "A loop sees that a recording has begun when it has asked the kernel next: one that only waits, or that a call keeps, is not in the "
        "file until then.\n"
        "\n"
        "It must be allowed to trace the process: the same user, and not forbidden by Yama (kernel.yama.ptrace_scope), which on some "
        "systems lets only root or a parent look. Then use sudo, or let the program call prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY).",
    .examples = examples,
    .options = options,
    .main = trace_main,
};
