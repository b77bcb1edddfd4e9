/* SPDX-License-Identifier: MIT */
/*
 * command.c - `bide fetch`: its options.
 */
#include "cli/fetch/fetch.h"

#define S struct fetch_options

static const char *const progress_choices[] = {"auto", "bar", "plain", "json", "none", NULL}; /* enum progress_mode */

/* In the order of enum jsonl_mode, enum durability. */
static const char *const jsonl_modes[] = {"append", "refuse", "replace", NULL};
static const char *const durabilities[] = {"none", "batch", "each", NULL};
static const char *const dups_choices[] = {"auto", "once", "each", "error", NULL}; /* enum repeats_how */
static const char *const input_formats[] = {"auto", "lines", "aria2", "tsv", "jsonl", NULL}; /* enum list_form */

static const struct opt options[] = {
    {"input", 'i', "FILE", OPT_LIST(S, inputs), .group = "URLs",
     .brief = "URLs in a file, one a line; -: stdin",
     .help = "and the URLs in this file, one a line or as in `bide help lists`; -: standard input; lines with # in front are passed over"},
    {"input-format", 0, "FORM", OPT_CHOICE(S, input_format), .choices = input_formats, .def = "auto", .rare = true,
     .help = "form of the lists: a URL a line; aria2's options below it; fields with tabs between; an object of JSON a line"},
    {"columns", 0, "NAMES", OPT_STRING(S, columns), .rare = true,
     .help = "fields of a list with tabs between: url,name,dir,method,header,body,body_b64,json, header:X-Name, or any name for -o"},
    {"no-glob", 'g', NULL, OPT_FLAG(S, no_glob), .rare = true, .help = "[] and {} in URLs are nothing special"},
    {"dups", 0, "HOW", OPT_CHOICE(S, dups), .choices = dups_choices, .def = "auto", .rare = true,
     .help = "a URL that stands there again, with the same method, headers and body, whatever its name: once: is asked for once, and recorded for each; each: is asked for each time; "
             "error: fails; auto: once, but each with methods such as POST"},
    {"dry-run", 'n', NULL, OPT_FLAG(S, dry_run), .brief = "show what would be done, ask for nothing",
     .help = "show what would be done: how many URLs, first and last file"},
    {"output", 'o', "NAME", OPT_STRING(S, output), .group = "Files", .excludes = "output-dir",
     .brief = "a file for each: '{i}', '{1}'; -: stdout",
     .help = "save each body under this name, with {1} {i} {host} {path} {name} {stem} {ext} and others filled in; -: standard output"},
    {"output-dir", 'O', "DIR", OPT_STRING(S, output_dir), .bare = "output={name}", .excludes = "output",
     .brief = "files below this directory, named by URL", .help = "save below this directory, under names made of the URLs"},
    {"skip-existing", 0, NULL, OPT_FLAG(S, skip_existing), .brief = "do not ask for what is there already",
     .help = "URLs whose file is there already are not asked for"},
    {"continue", 'C', "-", OPT_STRING(S, continue_at), .own = true, .rare = true,
     .help = "go on with what an interrupted run with this option has left of a file (NAME.part); needs --output"},
    {"raw", 0, NULL, OPT_FLAG(S, raw), .rare = true,
     .help = "-o - sends a body as it is to a terminal, too: it will obey it"},
    {"durability", 0, "HOW", OPT_CHOICE(S, durability), .choices = durabilities, .def = "none", .rare = true,
     .help = "what survives a power loss: batch, each: all that a record speaks of, synced together or one by one; none: what the system had written"},
    {"jsonl", 0, "FILE", OPT_STRING(S, jsonl), .group = "Records",
     .brief = "a line of JSON for each URL; -: stdout",
     .help = "one line of JSON for each URL, behind those that are there; -: to standard output"},
    {"jsonl-mode", 0, "HOW", OPT_CHOICE(S, jsonl_mode), .choices = jsonl_modes, .def = "append", .rare = true,
     .help = "records of an earlier run: append: keep them; refuse: do nothing then; replace: throw them away"},
    {"summary-line", 0, NULL, OPT_FLAG(S, summary_line), .rare = true,
     .help = "the last line of --jsonl is a summary, with failures by cause"},
    {"no-sha256", 0, NULL, OPT_FLAG(S, no_sha256), .rare = true, .help = "no digests of bodies in records: less work"},
    {"report", 0, "FILE", OPT_STRING(S, report), .rare = true,
     .help = "the summary, as JSON, also of a run that was stopped; -: to standard output"},
    {"concurrency", 'c', "N", OPT_INT(S, concurrency), .min = 1, .max = 10000, .def = "64", .group = "Speed",
     .help = "requests at once"},
    {"per-host", 0, "N", OPT_INT(S, per_host), .min = 0, .max = 10000, .def = "0",
     .brief = "of them to one host at most", .help = "of them to one host at most; 0: all, if it can handle them"},
    {"no-adaptive", 0, NULL, OPT_FLAG(S, no_adaptive), .rare = true,
     .help = "as many to a host as --per-host allows from the beginning on, in place of 8 and then as many as it can handle"},
    {"rate", 'r', "N/s", OPT_RATE(S, rate), .def = "0", .brief = "requests started per second, /m, /h", .help = "requests started per second, minute (/m) or hour (/h); 0: no limit"},
    {"retries", 0, "N", OPT_INT(S, retries), .min = 0, .max = 1000, .def = "4", .group = "Failures",
     .brief = "further attempts after a failure", .help = "further attempts after 408, 429, 5xx and errors of the network"},
    {"backoff", 0, "TIME", OPT_DURATION(S, backoff_ms), .rare = true, .def = "1s",
     .help = "wait up to so long before the second attempt, twice that before the third, and so on"},
    {"backoff-max", 0, "TIME", OPT_DURATION(S, backoff_max_ms), .rare = true, .def = "60s", .help = "but no longer than this"},
    {"retry-after-max", 0, "TIME", OPT_DURATION(S, retry_after_max_ms), .rare = true, .def = "10m",
     .help = "give up when a server asks to wait longer (Retry-After)"},
    {"host-errors", 0, "N", OPT_INT(S, host_errors), .min = 0, .max = 1000000, .rare = true, .def = "0",
     .help = "give a host up when it did not answer N times in a row: all its URLs fail; 0: after --retries, but 5 at least"},
    {"fail-fast", 0, NULL, OPT_FLAG(S, fail_fast), .rare = true, .help = "stop at the first URL that failed for good (exit 5)"},
    {"max-errors", 0, "N|P%", OPT_STRING(S, max_errors),
     .brief = "stop when more than so many failed", .help = "stop when more than N URLs, or P% of a hundred and more, failed for good (exit 5)"},
    {"grace", 0, "TIME", OPT_DURATION(S, grace_ms), .rare = true, .def = "10s", .help = "after Ctrl-C, time for requests that run"},
    HTTP_OPTIONS(S, http),
    {"progress", 0, "HOW", OPT_CHOICE(S, progress), .choices = progress_choices, .def = "auto", .group = "Messages",
     .rare = true, .help = "bar: a line that moves; plain: a line now and then; json: the same for programs (`bide help progress`); auto: what fits; none"},
    {"stats-interval", 0, "TIME", OPT_DURATION(S, stats_interval_ms), .rare = true, .def = "10s",
     .help = "between two lines of plain and json; 0: none between the first and the last"},
    {"quiet", 'q', NULL, OPT_FLAG(S, quiet), .help = "only what failed: no progress, no summary"},
    {"verbose", 'v', NULL, OPT_COUNT(S, http.see.verbose), .brief = "what is sent and comes, each URL, each attempt",
     .help = "a line for each URL and each new attempt, and what goes on: connections, TLS, heads as they are sent and come"},
    SEE_OPTIONS(S, http.see),
    {0},
};

#undef S

static const char *const examples[] = {
    "the pages of an API, as many at once as it can handle, into test/1.json to test/100.json",
    "bide fetch 'https://a.example/page?id=[1-100]' -o 'test/{1}.json'",
    "what would that do?", "bide fetch -n 'https://a.example/page?id=[1-100]' -o 'test/{1}.json'",
    "a list of URLs, names made of them, gently", "bide fetch -i urls.txt -O out --per-host 2 --rate 20/s",
    "URLs from another program, and a record of each", "find-urls | bide fetch -i - -O out --jsonl log.jsonl",
    "a name and a header for each, between tabs", "bide fetch -i urls.tsv --columns url,name,header:X-Token -o 'img/{name}.jpg'",
    "only the records", "bide fetch 'https://{www,api}.example/health' --jsonl - | jq .status",
    NULL,
};

static int fetch_main(const struct command *self, int argc, char **argv)
{
    struct fetch_options o = {0};
    int result = opt_parse(self, &argc, argv, &o);
    if (result != OPT_GO)
        return result;

    result = fetch_run(&o, argc - 1, argv + 1);
    opt_free(self, &o);
    return result;
}

const struct command command_fetch = {
    .name = "fetch",
    .operands = "URL...",
    .brief = "get many URLs at once, into files",
    .about =
        "A URL may stand for many: [1-100] and [001-100] are numbers, [1-100:10] every tenth of them, [9-1] falls, [a-z] "
        "are letters, {red,green} texts. With several of them in a URL the last one changes fastest. [<page>1-9] gives one a "
        "name. \\[ is a bracket; with --no-glob all are. URLs of --input are taken as they are; "
        "`bide help lists` says what may stand beside them.\n"
        "\n"
        "In the NAME of --output stand for parts of the URL:\n"
        "\n"
        "    {1} {2} ...  values of the globs; {page}: of the one with this name\n"
        "                 (also #1 and #<page>, as curl has them; ##1 is a text then)\n"
        "    {i} {n}      the number of the URL, from 0 and from 1\n"
        "    {host}       example.com, or example.com:8080\n"
        "    {path}       a/b.html, of http://example.com/a/b.html?q=1\n"
        "    {name}       b.html; index.html when the path ends in a slash\n"
        "    {stem}       b\n"
        "    {ext}        html; of a URL without one, that of the answer's type, or bin\n"
        "    {query}      q=1; what cannot stand in a file's name as %XX\n"
        "    {date}       2026-11-29, the day on which the run began, here\n"
        "    {status}     200, of the answer\n"
        "    {sha256}     of the body, 64 hexadecimal digits\n"
        "    {i:06}       zeros in front; for numbers\n"
        "    {{ }}        a brace\n"
        "\n"
        "A name that they make longer than file systems have it is cut, and a hash stands for the rest. Directories are "
        "made as needed; nothing in a URL leads out of the directory that stands before the first variable. A file "
        "appears under its name only when it is complete (after a power loss, that takes --durability; see `bide help durability`). "
        "What has the name already is replaced, be it a file, whose "
        "permissions the new one keeps, or a link; with --skip-existing such a URL is not asked for, counted as skipped, and "
        "recorded with \"skipped\":\"exists\". Where the extension is that of the answer, which is not known yet, a file with any "
        "extension that a type can give counts. With {status} and {sha256} it cannot be known.\n"
        "\n"
        "With --continue - a body that breaks off, or is stopped, leaves NAME.part, and with the same option the next attempt, or the "
        "next run, asks for the rest of just that; what has changed meanwhile comes anew. A file that is there already is asked for again, unless "
        "--skip-existing passes it over.\n"
        "\n"
        "--output-dir makes names of its own, which any file system can have:\n"
        "\n"
        "    https://a.example/            a.example/index.html\n"
        "    https://a.example/b/c.png     a.example/b/c.png\n"
        "    https://a.example/docs        a.example/docs@.html, when the answer is HTML\n"
        "    https://a.example/docs/x      a.example/docs/x@.html\n"
        "    https://a.example/api?aid=7   a.example/api@aid=7.json, when it is JSON\n"
        "    http://a.example/c.php?x=1    a.example+80/c.php@x=1.php\n"
        "\n"
        "They are made of the URL and the answer's type alone. Files have an extension (the URL's; or @, the query and the "
        "extension of the type, .bin if it is not known), directories have none (c.php@/ for one that is called c.php), and "
        "a name that says too little has a hash: so different URLs have different names, whichever comes first, and the next "
        "run has the same ones.\n"
        "\n"
        "A URL that stands there more than once, perhaps with another #fragment or in another spelling, is asked for once. Each "
        "line is counted and recorded, with the number of the one that was asked for as same_as. Lines whose names differ, as with {i} or in a list that gives names, get a copy each; lines that differ in method, headers or body are different requests. "
        "It is so for the first 786,432 URLs (196,608 with {sha256}), and for the first 8 MiB of names that lists give; those behind them are asked for each time. --dups chooses otherwise; "
        "POST, PATCH and methods of your own are sent for each line unless it says once.\n"
        "\n"
        "That -o or a list gives different URLs the same name, one that no file can have, or one below another (a and a/b), is found before the first request for the first "
        "32,768 of them. Those behind, and all of standard input, are compared as they come: the later of two fails (of names that a list gives, the later line), which "
        "is certain for the first 786,432 names, or half as many that lists give; {i} in the name needs no such look. --dry-run looks at all.\n"
        "\n"
        "Statuses 2xx and 304 are successes; other bodies are not kept. What may be better the next time is tried again: "
        "statuses 408, 429, 500, 502, 503, 504, 522 and 524, names that a server could not look up, refused and broken "
        "connections, time-outs; only with methods that may be sent twice. Before each new attempt there is a wait, random "
        "between zero and a limit that doubles, and new URLs go first. Retry-After is obeyed, for the whole host.\n"
        "\n"
        "To each host there are 8 requests at once in the beginning, and more as long as it answers as fast as before; half as "
        "many when it answers 429 or 503, breaks connections, does not answer, or takes twice as long as in the last five "
        "minutes. --per-host is the most that there may be, --concurrency the most to all hosts.\n"
        "\n"
        "A host that has not answered yet, that takes more than a second or does not answer has few of the places, so that it "
        "does not hold up the others. One that does not answer gets single requests, each twice as far from the last as the one "
        "before (--backoff), and is given up after --host-errors of them: its other URLs fail then without a request, with "
        "its cause in their records. Requests that fail at the same time count once. A name that does not exist is looked up once. "
        "Status lines name the host that is waited for next, why, for how long, and how many URLs wait for it.\n"
        "\n"
        "A line of --jsonl says all about one URL: where it stands in its list, what became of it, the file, its SHA-256, times. "
        "It is added to the lines that are there, as soon as the file is. --report and --summary-line count "
        "failures by cause. `bide help jsonl` has the members.\n"
        "\n"
        "The summary at the end says what limited the run, and for how long: --concurrency, --per-host or what a host can handle, "
        "--rate, hosts that do not answer or asked to wait, waits before further attempts, a list that came slowly, or the "
        "processor of this machine.\n"
        "\n"
        "A line on standard error reports each URL that failed, up to twenty; -v shows all.\n"
        "\n"
        "Memory does not grow with the number of URLs. The first Ctrl-C lets running requests end, the second drops them. "
        "SIGUSR1 prints a line of status. `bide help progress` has the lines for programs (--progress json).",
    .examples = examples,
    .options = options,
    .is_client = true,
    .main = fetch_main,
};
