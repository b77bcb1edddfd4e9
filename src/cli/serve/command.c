/* SPDX-License-Identifier: MIT */
/*
 * command.c - `bide serve`: its options.
 */
#include "cli/option/opt.h"
#include "cli/serve/serve.h"

#include <bide/thread.h>

#define S struct serve_options

static const struct opt options[] = {
    {"port", 'p', "N", OPT_INT(S, port), .min = 0, .max = 65535, .def = "8080", .group = "Where",
     .help = "port to listen on; 0: any that is free"},
    {"host", 0, "ADDRESS", OPT_STRING(S, host), .def = "127.0.0.1",
     .help = "address to listen on; 0.0.0.0 lets other machines in"},
    {"cert", 0, "FILE", OPT_STRING(S, cert_file), .help = "speak https, with this certificate chain (PEM)"},
    {"key", 0, "FILE", OPT_STRING(S, key_file), .help = "its private key (PEM); default: in the same file"},
    {"threads", 0, "N", OPT_INT(S, threads), .min = 0, .max = BIDE_THREADS_MAX, .def = "1",
     .help = "answer in so many threads; 0: one for each processor"},
    {"delay", 0, "MS", OPT_MILLISECONDS(S, delay_ms), .max = 3600000, .group = "What",
     .help = "wait so long before every answer but /stats: 100, 100ms, 1.5s"},
    {"root", 0, "DIR", OPT_STRING(S, root), .help = "serve the files below this directory, and the endpoints too"},
    {"verbose", 'v', NULL, OPT_FLAG(S, verbose), .group = "Messages",
     .help = "a line for each request: client, method, target, status, time"},
    {0},
};

#undef S

static const char *const examples[] = {
    "an API that answers after 100 ms, on any free port", "bide serve --port 0 --delay 100",
    "the files of a directory, to every machine", "bide serve --host 0.0.0.0 --root public",
    "on all processors", "bide serve --threads 0",
    "https", "bide serve --cert cert.pem --key key.pem",
    NULL,
};

static int serve_main(const struct command *self, int argc, char **argv)
{
    struct serve_options o = {0};
    int result = opt_parse(self, &argc, argv, &o);
    if (result != OPT_GO)
        return result;

    if (o.key_file && !o.cert_file) {
        say("--key needs --cert");
        result = EXIT_USAGE;
    } else {
        result = serve_run(&o);
    }
    opt_free(self, &o);
    return result;
}

const struct command command_serve = {
    .name = "serve",
    .brief = "a server to try clients against",
    .about =
        "The first line on standard output is its URL. Ctrl-C lets the requests that run end, a second one drops "
        "them.\n"
        "\n"
        "  /delay/MS                    answers after MS milliseconds\n"
        "  /status/CODE[?retry_after=S] answers with that status\n"
        "  /bytes/N                     N bytes, always the same\n"
        "  /json                        a small JSON document\n"
        "  /echo                        the request, as JSON\n"
        "  /redirect/N                  N redirects, then /json\n"
        "  /stream/N                    N lines of JSON, chunked\n"
        "  /gzip                        JSON, compressed\n"
        "  /stats                       what this server has done\n"
        "  /x/player/pagelist?aid=N     a page list, made up from N\n"
        "\n"
        "Files and /bytes can be asked for in parts (Range, If-Range) and on a condition (If-None-Match, If-Modified-Since, "
        "If-Match, If-Unmodified-Since); several ranges at once are answered with the whole.\n"
        "\n"
        "With --root every other path is that of a file; \"/\" is the directory's index.html. Neither \"..\" nor a "
        "symbolic link leads out of the directory. Names that begin with a dot (.git, .env) are hidden, and what is not served "
        "is answered as what is not there: 404.",
    .examples = examples,
    .options = options,
    .main = serve_main,
};
