/* SPDX-License-Identifier: MIT */
/*
 * command.c - `bide compare`: its options.
 */
#include "cli/compare/compare.h"
#include "cli/compare/run/run.h"
#include "cli/option/opt.h"

#define S struct compare_options

static const struct opt options[] = {
    {"requests", 'n', "N", OPT_INT(S, n), .min = 1, .max = 100000, .def = "100", .group = "What",
     .help = "requests in a run"},
    {"concurrency", 'c', "N", OPT_INT(S, at_once), .min = 1, .max = 1000, .def = "100",
     .help = "requests at once, in the modes that can"},
    {"workers", 'p', "N", OPT_STRING(S, workers), .def = "auto",
     .help = "processes in a pool; auto: as many as there are processors"},
    {"delay", 0, "TIME", OPT_STRING(S, delay),
     .help = "the built-in server answers after so long (default: 100ms); with 0 there is --work 5ms"},
    {"work", 0, "TIME", OPT_STRING(S, work), .help = "compute so long on each answer (default: 0)"},
    {"timeout", 0, "TIME", OPT_TIMEOUT(S, timeout_ms), .def = "30s", .help = "for one request as a whole; 0: no limit"},
    {"modes", 0, "LIST", OPT_STRING(S, modes), .group = "How",
     .help = "only these, with commas between them (default: all)"},
    {"repeat", 0, "N", OPT_INT(S, repeat), .min = 1, .max = 1000, .def = "5", .help = "runs of each mode, in turns"},
    {"budget", 0, "TIME", OPT_DURATION(S, budget_ms), .def = "3s",
     .help = "a mode is run again only while its runs together take no longer; 0: no limit"},
    {"json", 0, "FILE", OPT_STRING(S, json), .own = true, .group = "Output",
     .help = "write every run as JSON; -: to standard output, in place of the table"},
    {"svg", 0, "FILE", OPT_STRING(S, svg), .help = "draw the table as a picture; -: likewise"},
    {"quiet", 'q', NULL, OPT_FLAG(S, quiet), .help = "no progress line"},
    {0},
};

#undef S

static const char *const examples[] = {
    "what waiting costs, in half a minute", "bide compare",
    "what computing costs: here processes win", "bide compare --delay 0 --work 10ms",
    "two ways to fetch a site, and a picture of it",
    "bide compare --modes sequential,async --svg a.svg 'http://a.example/[1-9]'",
    NULL,
};

static int compare_main(const struct command *self, int argc, char **argv)
{
    struct compare_options o = {0};
    if (compare_is_preloaded())
        return compare_run_preloaded();
    int result = opt_parse(self, &argc, argv, &o);
    if (result != OPT_GO)
        return result;

    if (argc > 2) {
        say("expected one URL, got also '%s'; globs make many of one: 'http://a.example/[1-100]'", argv[2]);
        result = EXIT_USAGE;
    } else {
        o.url = argc == 2 ? argv[1] : NULL;
        result = compare_run_command(&o);
    }
    opt_free(self, &o);
    return result;
}

const struct command command_compare = {
    .name = "compare",
    .operands = "[URL]",
    .brief = "the same requests in different ways, and what each costs",
    .about =
        "Fetches the same URLs in different ways and shows time, CPU time and memory of each. Without a URL it starts "
        "the server of `bide serve` and asks for page lists that take 100 ms each. With one, globs are read as `bide "
        "fetch` reads them, and used in turn until there are N requests.\n"
        "\n"
        "  sequential       blocking requests, one after the other\n"
        "  fake-async       blocking requests inside coroutines: each stops all\n"
        "  unblocked        the same, with libbide-unblock: each stops only itself\n"
        "  async            coroutines that await: one thread, all requests at once\n"
        "  processes        a process pool of blocking requests\n"
        "  async-processes  a process pool with an event loop in each worker\n"
        "  threads          a thread pool of blocking requests, a thread for each\n"
        "  write            async; each answer written with stdio; nothing else runs\n"
        "  awaited-write    async; each answer's writing awaited\n"
        "\n"
        "Every run is a process of its own. Its time begins when the first request could be sent and includes opening "
        "and closing a pool; CPU time and peak memory include the workers, pages that they share counted once. Modes "
        "take turns; a slow one runs less often. The time shown is the median; the spread is half of what lies between "
        "the fastest and the slowest run. A blocking request makes a connection of its own, coroutines share a "
        "session. `unblocked` is `fake-async` in a program started with LD_PRELOAD=libbide-unblock.so.0; it is left out where "
        "that is not installed beside libbide. A mode that may not have the descriptors for so many at once (ulimit -n) has fewer, and says so.\n"
        "\n"
        "No speed-up is shown for a mode that does not do the same: whose answers (status and a digest of the bodies, "
        "in order) differ, of which a request failed, or of which the built-in server saw more or fewer requests than "
        "there were. The exit status is 1 then.",
    .examples = examples,
    .options = options,
    .main = compare_main,
};
