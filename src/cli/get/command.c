/* SPDX-License-Identifier: MIT */
/*
 * command.c - `bide get`: its options.
 */
#include "cli/get/get.h"

#define S struct get_options

static const struct opt options[] = {
    {"no-glob", 'g', NULL, OPT_FLAG(S, no_glob), .rare = true, .group = "URLs", .help = "[] and {} in URLs are nothing special"},
    {"include", 'i', NULL, OPT_FLAG(S, heads), .group = "Output", .brief = "the head of each answer before its body", .help = "show the head of each answer before its body"},
    {"output", 'o', "FILE", OPT_STRING(S, output), .own = true, .brief = "all bodies into this file; -: stdout, also binary",
     .help = "all bodies into this file, which appears when they are complete; -: to standard output, binary ones to a terminal, too"},
    {"continue", 'C', "N|-", OPT_STRING(S, continue_at), .own = true, .rare = true,
     .help = "go on from byte N, or, with -, behind what is there of --output"},
    {"fail", 'f', NULL, OPT_FLAG(S, fail), .brief = "a status of 400 or more is a failure", .help = "a status of 400 or more is a failure; its body is not shown"},
    {"raw", 0, NULL, OPT_FLAG(S, raw), .rare = true,
     .help = "to a terminal, too, send bodies and heads as they are: it will obey them"},
    {"no-progress", 0, NULL, OPT_FLAG(S, no_progress), .rare = true, .help = "no line that moves while a large body comes"},
    {"verbose", 'v', NULL, OPT_COUNT(S, http.see.verbose), .brief = "show what is sent and comes",
     .help = "show what goes on: connections, TLS, heads as they are sent and come, and what is wrong with an answer that is read all the same"},
    SEE_OPTIONS(S, http.see),
    {"concurrency", 'c', "N", OPT_INT(S, concurrency), .min = 1, .max = 1024, .def = "64", .group = "Together",
     .help = "requests at once"},
    {"max-time", 'm', "TIME", OPT_DURATION(S, max_time_ms), .def = "0",
     .brief = "stop after so long", .help = "stop after so long, whatever is done by then; 0: no limit"},
    HTTP_OPTIONS(S, http),
    {0},
};

#undef S

static const char *const examples[] = {
    "two bodies, one after the other, fetched at the same time", "bide get https://a.example/ https://b.example/",
    "head and body of an answer, redirects not followed", "bide get --include --max-redirs 0 http://a.example/",
    "a large file", "bide get -o disk.img https://a.example/disk.img",
    "send JSON", "bide get --json '{\"id\":1}' https://a.example/items",
    "a server under test, with a certificate of its own", "bide get --cacert ca.pem https://localhost:8443/",
    NULL,
};

static int get_main(const struct command *self, int argc, char **argv)
{
    struct get_options o = {0};
    int result = opt_parse(self, &argc, argv, &o);
    if (result != OPT_GO)
        return result;

    if (argc < 2) {
        say("expected a URL; `bide help get` shows how");
        result = EXIT_USAGE;
    } else {
        result = get_run(&o, argc - 1, argv + 1);
    }
    opt_free(self, &o);
    return result;
}

const struct command command_get = {
    .name = "get",
    .operands = "URL...",
    .brief = "print what URLs answer",
    .about =
        "A URL may stand for many, as in `bide fetch`: [1-100], [001-100], [1-100:10], [a-z], {red,green}; \\[ is a bracket, "
        "and with --no-glob all are.\n"
        "\n"
        "The bodies go to standard output in the order of the URLs, with nothing between them. All are asked for at the "
        "same time, over one session: connections are kept and used again. A body whose turn has not come is held in "
        "memory up to 256 KiB; a longer one waits, unread, so that memory stays flat.\n"
        "\n"
        "An answer is an answer, whatever its status: as in curl, a 404 is printed, and a line on standard error names "
        "it; with --fail it is a failure. Redirects are followed. The exit status is 0 only if every URL was answered in "
        "full: a body that ends early, or a malformed answer, is a failure, and so is a name that is not found or a "
        "certificate that is not acceptable. Each failure is one line on standard error, with the URL and the cause.\n"
        "\n"
        "There is no limit to the time of the whole by default: an answer that stalls ends after --stall, and one that "
        "keeps coming, such as a stream of events or a large file on a slow line, is what was asked for. What must end, in a "
        "script, gets a --max-time; the exit status is 5 then.\n"
        "\n"
        "With --output they go to a file. It gets its name when all bodies are complete, and is not written if one is not. "
        "With --continue - a file of which a part is here is gone on with. What an interrupted --continue - has left is FILE.part: the "
        "server is asked for the rest of just that, and if it has changed, all of it comes anew. If FILE itself is there, its end "
        "is asked for and appended, as in curl: that it is still the same is for you to know. A server that sends something "
        "else is a failure.\n"
        "\n"
        "When bodies go to a file or a pipe, a terminal shows how far a large one is.\n"
        "\n"
        "A terminal gets no binary body, one that has a NUL byte where it begins: it is a failure with exit status 3; -o - "
        "shows it all the same. On a terminal, what it would obey in a server's answer is shown as \\xNN: control characters but for line ends and "
        "tabs, 8-bit ones too, and marks that turn the direction of writing around. --raw sends all of it. A file or a pipe "
        "gets every byte as it came.",
    .examples = examples,
    .options = options,
    .is_client = true,
    .main = get_main,
};
