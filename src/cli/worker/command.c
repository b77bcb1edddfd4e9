/* SPDX-License-Identifier: MIT */
/*
 * command.c - `bide worker`: its options.
 */
#include "cli/option/opt.h"
#include "cli/worker/worker.h"

#define S struct worker_options

static const struct opt options[] = {
    {"workers", 'w', "N", OPT_INT(S, workers), .min = 0, .max = 1024, .def = "0", .group = "Work",
     .help = "workers of the program's pool; 0: one for each processor, or what the program says"},
    {"name", 0, "NAME", OPT_STRING(S, name), .help = "name of the queue; default: the third part of the URL"},
    {"unchecked", 0, NULL, OPT_FLAG(S, unchecked), .help = "start the program without a look at Redis first"},
    {0},
};

#undef S

static const char *const examples[] = {
    "serve the queue \"pages\" with the functions of ./crawler",
    "bide worker redis://10.0.0.5/0/pages ./crawler",
    "a program with options of its own, four workers",
    "bide worker -w 4 redis://10.0.0.5/0/pages -- ./crawler --verbose",
    "TLS and a user; the password is not on the command line",
    "BIDE_REDIS_PASSWORD=... bide worker rediss://crawler@redis.example/0/pages ./crawler",
    NULL,
};

static int worker_main(const struct command *self, int argc, char **argv)
{
    struct worker_options o = {0};
    int result = opt_parse(self, &argc, argv, &o);
    if (result != OPT_GO)
        return result;

    if (argc < 3) {
        say("expected a URL and a program; `bide help worker` shows how");
        result = EXIT_USAGE;
    } else {
        result = worker_run(&o, argv[1], argv + 2);
    }
    opt_free(self, &o);
    return result;
}

const struct command command_worker = {
    .name = "worker",
    .operands = "URL PROGRAM [ARG...]",
    .brief = "run a program as a host for jobs that come through Redis",
    .about =
        "PROGRAM must be made for it: its functions are registered with BIDE_POOL_TASK, and it calls "
        "bide_pool_serve(NULL, NULL, ...), which takes the queue from here. Any other program just runs. Options of "
        "PROGRAM stand behind \"--\".\n"
        "\n"
        "URL is redis://[USER:PASSWORD@]HOST[:PORT]/DB/NAME; rediss:// speaks TLS (SSL_CERT_FILE says whom to trust). "
        "Without a password in it, $BIDE_REDIS_PASSWORD is used: a command line can be read by every user of a "
        "machine.\n"
        "\n"
        "Redis is looked at first: 6.2 or newer, not one that throws keys away when it is full. If it cannot be "
        "reached, the exit status is 6. Then this process becomes PROGRAM; the exit status is its own. Ctrl-C and "
        "SIGTERM give back what has not begun, and let the jobs that run end, for 10 s unless PROGRAM says otherwise; "
        "the second time it ends at once.\n"
        "\n"
        "Jobs run at least once: one whose host dies runs again on another.",
    .examples = examples,
    .options = options,
    .main = worker_main,
};
