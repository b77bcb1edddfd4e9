/* SPDX-License-Identifier: MIT */
/*
 * command.c - `bide doctor`: its options, and what it looks at.
 */
#include "cli/doctor/doctor.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define S struct doctor_options

static const struct opt options[] = {
    {"preload", 0, "LIBRARY", OPT_LIST(S, preload), .own = true, .group = "What",
     .help = "as if the program were started with LD_PRELOAD=LIBRARY; may be given several times"},
    {"pid", 0, "PID", OPT_INT(S, pid), .min = 1, .own = true,
     .help = "a process in place of PROGRAM: its program, its LD_PRELOAD, and what it has loaded by now"},
    {"json", 0, NULL, OPT_FLAG(S, json), .own = true, .group = "Output", .help = "all of it as JSON"},
    {0},
};

#undef S

static const char *const examples[] = {
    "do the libraries of ./crawler suspend only their task?", "bide doctor ./crawler",
    "and if libbide-unblock were preloaded?", "bide doctor --preload libbide-unblock.so.0 ./crawler",
    "with a plugin that it loads while it runs", "bide doctor ./crawler ./plugins/postgres.so",
    "a program that runs", "bide doctor --pid $(pidof crawler)",
    NULL,
};

/* A name without a slash is looked up as the shell would, unless such a file lies here. */
static const char *find_program(const char *name, char path[PATH_BYTES])
{
    const char *at = getenv("PATH");
    if (strchr(name, '/') || access(name, F_OK) == 0)
        return name;

    for (; at; at = *at ? at + 1 : NULL) {
        size_t n = strcspn(at, ":");
        int len = snprintf(path, PATH_BYTES, "%.*s/%s", (int)n, at, name);
        if (n > 0 && len > 0 && len < PATH_BYTES && access(path, X_OK) == 0)
            return path;
        at += n;
    }
    return name;
}

static int exit_code_of(enum verdict v)
{
    return v == WORKS ? EXIT_OK : v == WORKS_BUT ? EXIT_SOME_FAILED : EXIT_NOTHING;
}

static int show(const struct closure *p, bool json)
{
    struct judgement j;
    struct text out = {0};
    bool is_done = judge(&j, p);

    if (is_done && json)
        doctor_json(&j, p, &out);
    else if (is_done)
        doctor_report(&j, p, &out);
    is_done = is_done && !out.no_memory;
    int result = is_done ? exit_code_of(j.verdict) : say_no_memory();
    if (is_done)
        fwrite(out.data, 1, out.len, stdout);
    text_free(&out);
    judgement_free(&j);
    return result;
}

static int look_at_program(const struct doctor_options *o, int argc, char **argv)
{
    struct closure p = {.library_path = getenv("LD_LIBRARY_PATH")};
    char path[PATH_BYTES];
    int result = closure_read(&p, find_program(argv[1], path), (char **)o->preload.items, o->preload.len, argv + 2, (size_t)argc - 2);

    if (result == EXIT_OK)
        result = show(&p, o->json);
    closure_free(&p);
    return result;
}

static int look_at_process(const struct doctor_options *o)
{
    struct process process = {0};
    struct closure p = {0};
    int result = process_read(&process, o->pid);

    p.library_path = process.library_path;
    if (result == EXIT_OK)
        result = closure_read(&p, process.exe, process.preload, process.preload_count, process.mapped, process.mapped_count);
    if (result == EXIT_OK)
        result = show(&p, o->json);
    closure_free(&p);
    process_free(&process);
    return result;
}

static int doctor_main(const struct command *self, int argc, char **argv)
{
    struct doctor_options o = {0};
    int result = opt_parse(self, &argc, argv, &o);
    if (result != OPT_GO)
        return result;

    if (o.pid > 0 && (argc > 1 || o.preload.len > 0)) {
        say("--pid says all: neither a program nor --preload goes with it");
        result = EXIT_USAGE;
    } else if (o.pid == 0 && argc < 2) {
        say("expected a program; `bide help doctor` shows how");
        result = EXIT_USAGE;
    } else {
        result = o.pid > 0 ? look_at_process(&o) : look_at_program(&o, argc, argv);
    }
    opt_free(self, &o);
    return result;
}

const struct command command_doctor = {
    .name = "doctor",
    .operands = "PROGRAM [LIBRARY...]",
    .brief = "whether a program's blocking calls suspend only their task",
    .about =
        "Looks at PROGRAM and all shared libraries that it needs, and says whether their blocking calls suspend only the task that makes "
        "them, as libbide-unblock has it, which calls it covers, and which not. LIBRARY is what PROGRAM loads while it runs (dlopen): a "
        "path, or a name that the loader finds. A PROGRAM without a slash is searched in $PATH.\n"
        "\n"
        "The program is not run, nor is the loader: files are read, of x86_64 and aarch64, stripped or not. Libraries are found as "
        "ld.so(8) says, with $LD_LIBRARY_PATH.\n"
        "\n"
        "The verdict comes first. Then there is a table of those that call something that waits:\n"
        "\n"
        "    COVERED    calls that suspend only their task (without libbide-unblock:\n"
        "               that would)\n"
        "    BLOCKS     calls that wait, and keep the thread\n"
        "    MAY BLOCK  kinds of calls that wait now and then: stdio if a FILE is no\n"
        "               file (in the program itself, if it uses stdin or fdopen,\n"
        "               that counts as BLOCKS), output if a pipe is full, locks if\n"
        "               somebody holds them\n"
        "\n"
        "Writing to pipes and terminals is covered with BIDE_UNBLOCK=pipes alone.\n"
        "\n"
        "Below, each kind is explained, with all of its calls. The verdict does not depend on MAY BLOCK. What is imported need not be "
        "called; with BIDE_DEBUG=1 the program itself reports a call that keeps its thread, by library and name.\n"
        "\n"
        "The exit status is 0 if it works; 1 if it works but for calls that are not covered, or libraries that were not found; 4 if it "
        "will block: libbide-unblock is absent, comes too late or behind libc, libc is static, or there is no bide; 2 is wrong usage, "
        "3 a file that cannot be read or is no ELF file of these machines.",
    .examples = examples,
    .options = options,
    .main = doctor_main,
};
