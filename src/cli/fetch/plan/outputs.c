/* SPDX-License-Identifier: MIT */
/*
 * outputs.c - where bodies, records and the summary go: may they go there, and not into each other?
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/fetch/plan/plan.h"

/* ---- what excludes each other ---- */

static bool is_same_file(const char *one, const char *other)
{
    struct stat a, b;

    if (stat(one, &a) < 0 || stat(other, &b) < 0)
        return strcmp(one, other) == 0;
    return S_ISREG(a.st_mode) && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* A list that is written to while it is read has no end. */
static int check_not_a_list(const struct fetch_options *o, const char *option, const char *path)
{
    for (size_t i = 0; path && i < o->inputs.len; i++)
        if (strcmp(o->inputs.items[i], "-") != 0 && is_same_file(path, o->inputs.items[i])) {
            say("%s %s: it is also a list of --input", option, path);
            return EXIT_USAGE;
        }
    return EXIT_OK;
}

static bool is_named(const char *name, const char *output)
{
    const char *slash = strrchr(output, '/'), *last = strrchr(name, '/');

    return strcmp(slash ? slash + 1 : output, last ? last + 1 : name) == 0 && is_same_file(name, output);
}

const char *fetch_output_in_way(const struct fetch_options *o, const char *name)
{
    if (o->jsonl && is_named(name, o->jsonl))
        return "it is the file of --jsonl";
    if (o->report && is_named(name, o->report))
        return "it is the file of --report";
    for (size_t i = 0; i < o->inputs.len; i++)
        if (is_named(name, o->inputs.items[i]))
            return "it is a list of --input";
    return NULL;
}

/* What keeps it from being obeyed; NULL: nothing. */
static const char *fault_of_continue(const struct fetch_options *o)
{
    if (strcmp(o->continue_at, "-") != 0)
        return "a number is for one URL: `bide get` takes it; - goes on with all files";
    if (!o->output || output_is_stdout(o->output))
        return "it needs --output NAME: names that are made of the URLs alone";
    return o->durability ? "it excludes --durability: what it goes on with may not be on the disk" : NULL;
}

static int check_options(const struct fetch_options *o)
{
    const char *fault = o->continue_at ? fault_of_continue(o) : NULL;

    if (fault)
        say("--continue %s: %s", o->continue_at, fault);
    else if (o->summary_line && !o->jsonl)
        say("--summary-line is the last line of --jsonl, which is missing; --report FILE needs no records");
    else if (o->report && o->jsonl && is_same_file(o->report, o->jsonl))
        say("--report %s would replace the records of --jsonl; --summary-line adds to them", o->report);
    else if (o->output && fetch_output_in_way(o, o->output))
        say("--output %s: %s", o->output, fetch_output_in_way(o, o->output));
    else
        return EXIT_OK;
    return EXIT_USAGE;
}

/* Only on standard output is text made fit for a terminal. */
static int check_no_terminal(const char *option, const char *path)
{
    if (!path || !output_is_terminal(path))
        return EXIT_OK;
    say("%s %s: a terminal; %s - writes there what is fit for it", option, path, option);
    return EXIT_USAGE;
}

int fetch_check_outputs(const struct fetch_options *o, bool bodies_to_stdout)
{
    bool records_to_stdout = o->jsonl && output_is_stdout(o->jsonl);
    bool report_to_stdout = o->report && output_is_stdout(o->report);
    const char *other = records_to_stdout ? "--jsonl" : "--report";

    if (bodies_to_stdout && (records_to_stdout || report_to_stdout)) {
        say("%s and %s - would run into each other on standard output; -o FILE or -O DIR save bodies",
            o->output ? "--output -" : "bodies", other);
        return EXIT_USAGE;
    }
    if (records_to_stdout && report_to_stdout) {
        say("--jsonl - and --report - would run into each other on standard output; --summary-line adds to the records");
        return EXIT_USAGE;
    }
    int code = check_options(o);
    if (code == EXIT_OK)
        code = check_no_terminal("--jsonl", records_to_stdout ? NULL : o->jsonl);
    if (code == EXIT_OK)
        code = check_no_terminal("--report", report_to_stdout ? NULL : o->report);
    if (code == EXIT_OK)
        code = check_not_a_list(o, "--jsonl", records_to_stdout ? NULL : o->jsonl);
    return code == EXIT_OK ? check_not_a_list(o, "--report", report_to_stdout ? NULL : o->report) : code;
}

/* ---- --report ---- */

int report_check(const struct fetch_options *o)
{
    struct stat st;
    const char *slash = o->report ? strrchr(o->report, '/') : NULL;
    if (!o->report || output_is_stdout(o->report) || output_names_descriptor(o->report))
        return EXIT_OK;

    bool is_there = stat(o->report, &st) == 0;
    if (is_there && S_ISDIR(st.st_mode)) {
        say("--report %s: %s", o->report, strerror(EISDIR));
        return EXIT_LOCAL;
    }
    if (is_there && !S_ISREG(st.st_mode))
        return EXIT_OK;
    char *directory = slash ? strndup(o->report, (size_t)(slash - o->report) + 1) : strdup(".");
    if (!directory)
        return say_no_memory();
    int code = faccessat(AT_FDCWD, directory, W_OK | X_OK, AT_EACCESS) == 0 ? EXIT_OK : EXIT_LOCAL;
    if (code != EXIT_OK)
        say("--report %s: %s", o->report, strerror(errno));
    free(directory);
    return code;
}
