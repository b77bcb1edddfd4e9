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
     .help = "as if the program were started with LD_PRELOAD=LIBRARY; may be repeated"},
    {"pid", 0, "PID", OPT_INT(S, pid), .min = 1, .own = true,
     .help = "a process instead of PROGRAM: its executable, its LD_PRELOAD, and the libraries it has loaded"},
    {"json", 0, NULL, OPT_FLAG(S, json), .own = true, .group = "Output", .help = "everything as JSON"},
    {0},
};

#undef S

static const char *const examples[] = {
    "do blocking calls of ./crawler and its libraries suspend only their task?", "bide doctor ./crawler",
    "and if libbide-unblock were preloaded?", "bide doctor --preload libbide-unblock.so.0 ./crawler",
    "with a plugin that it loads with dlopen", "bide doctor ./crawler ./plugins/postgres.so",
    "a running program", "bide doctor --pid $(pidof crawler)",
    NULL,
};

/* A name without a slash is looked up in $PATH, unless there is such a file in the current directory. */
static const char *find_program(const char *name, char path[PATH_BYTES])
{
    const char *at = getenv("PATH");
    if (!*name || strchr(name, '/') || access(name, F_OK) == 0)
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
        say("--pid takes everything from the process: it cannot be combined with a program or --preload");
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
        "Checks PROGRAM and all shared libraries that it needs: with libbide-unblock, do their blocking calls suspend only the task that "
        "makes them, which calls does it cover, and which not? LIBRARY is one that PROGRAM loads with dlopen: a path, or a name that the "
        "loader finds. A PROGRAM without a slash is searched in $PATH.\n"
        "\n"
        "Neither the program nor the loader is run: the files are read. They may be for x86_64 or aarch64, and stripped. Libraries are "
        "searched as ld.so(8) describes, with $LD_LIBRARY_PATH and /etc/ld.so.preload.\n"
        "\n"
        "The verdict comes first. A table lists the files that make blocking calls:\n"
        "\n"
        "    COVERED    calls that suspend only their task (without libbide-unblock:\n"
        "               that would)\n"
        "    BLOCKS     calls that block the thread\n"
        "    MAY BLOCK  kinds of calls that block only sometimes: stdio if the FILE is\n"
        "               not a regular file (if the program itself uses stdin or fdopen,\n"
        "               that counts as BLOCKS), output if a pipe is full, locks if\n"
        "               they are held\n"
        "\n"
        "write() to pipes and terminals is covered only with BIDE_UNBLOCK=pipes.\n"
        "\n"
        "Below the table each kind is explained, with all of its calls. MAY BLOCK does not affect the verdict. A call that is imported "
        "need not be made; with BIDE_DEBUG=1 the running program reports each call that blocks its thread, by library and name.\n"
        "\n"
        "The exit status is 0 if it works; 1 if it works, except for calls that are not covered or libraries that were not found; 4 if "
        "it will block: libbide-unblock is absent, loaded too late or comes after libc, libc is linked statically, or the program does "
        "not use bide; 2: wrong usage; 3: a file cannot be read, or is not an ELF file for these machines.",
    .examples = examples,
    .options = options,
    .main = doctor_main,
};
