/* SPDX-License-Identifier: MIT */
/*
 * target.c - the process that is looked at, and the workers below it.
 *
 * Each file that is mapped into the process (/proc/PID/maps) is checked for an ELF header; one of them has bide's note.  Workers are all
 * descendants that have event loops of their own; the zygote between them has none.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <bide/text.h>

#include "cli/ps/ps.h"

#define HEADERS_MAX 4096
#define WORKERS_MAX 1024
#define PROCESSES_MAX 200000
#define GENERATIONS_MAX 8 /* between a process and its workers */

int target_read_pid(const char *text)
{
    char *end;

    errno = 0;
    long n = isdigit((unsigned char)text[0]) ? strtol(text, &end, 10) : 0;
    return n > 0 && n <= INT_MAX && errno == 0 && *end == '\0' ? (int)n : 0;
}

/* ---- what /proc says of it ---- */

static FILE *open_proc(int pid, const char *name)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
    return fopen(path, "re");
}

/* "PID (NAME) STATE PARENT ...": the name may have anything in it. */
static bool read_stat(int pid, char name[32], char *state, int *parent)
{
    char line[512];
    FILE *f = open_proc(pid, "stat");
    bool is_there = f && fgets(line, sizeof line, f);
    if (f)
        fclose(f);
    char *open = is_there ? strchr(line, '(') : NULL, *close = is_there ? strrchr(line, ')') : NULL;
    if (!open || !close || close < open || sscanf(close + 1, " %c %d", state, parent) != 2)
        return false;

    bide_printable(name, 32, open + 1, (size_t)(close - open - 1));
    return true;
}

bool target_name(int pid, char name[32])
{
    char state;
    int parent;

    return read_stat(pid, name, &state, &parent);
}

/* The process that a thread of this number belongs to; a process is its own. */
static int process_of(int pid)
{
    char line[256];
    int process = pid;
    FILE *f = open_proc(pid, "status");

    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "Tgid: %d", &process) == 1)
            break;
    if (f)
        fclose(f);
    return process > 0 ? process : pid;
}

static int yama_scope(void)
{
    int scope = 0;
    FILE *f = fopen("/proc/sys/kernel/yama/ptrace_scope", "re");

    if (f && fscanf(f, "%d", &scope) != 1)
        scope = 0;
    if (f)
        fclose(f);
    return scope;
}

static void say_refused(int pid)
{
    char path[32];
    struct stat st;

    snprintf(path, sizeof path, "/proc/%d", pid);
    if (stat(path, &st) == 0 && st.st_uid != geteuid() && geteuid() != 0)
        say("%d: not permitted: it belongs to user %u; run this as that user, or as root", pid, (unsigned)st.st_uid);
    else if (yama_scope() > 0)
        say("%d: not permitted: kernel.yama.ptrace_scope is %d, so that only %s: use sudo, let the program call "
            "prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY), or set kernel.yama.ptrace_scope to 0", pid, yama_scope(),
            yama_scope() == 1 ? "its parent and root may read it" : "root may read it, or nobody");
    else
        say("%d: not permitted: the kernel refuses access to its memory (it may have capabilities, be in another user namespace, or be "
            "undumpable)", pid);
}

/* ---- opening ---- */

/* Addresses where an ELF file may begin.  Returns how many; 0: none, and errno says why. */
static size_t find_headers(int pid, uint64_t *headers)
{
    char line[PATH_MAX + 256];
    size_t n = 0;
    FILE *f = open_proc(pid, "maps");
    if (!f)
        return 0;

    errno = 0;
    while (n < HEADERS_MAX && fgets(line, sizeof line, f)) {
        unsigned long long from, offset, inode;
        char mode[5];
        if (sscanf(line, "%llx-%*x %4s %llx %*s %llu", &from, mode, &offset, &inode) == 4 && mode[0] == 'r' && offset == 0 && inode != 0)
            headers[n++] = from;
    }
    int error = errno;
    fclose(f);
    errno = error;
    return n;
}

static void say_why_not(struct target *t, enum layout_found found)
{
    if (t->memory.error == EPERM || t->memory.error == EACCES)
        say_refused(t->pid);
    else if (t->memory.error == ESRCH)
        say("%d: it has ended", t->pid);
    else if (t->memory.error != 0)
        say("%d: its memory cannot be read: %s", t->pid, strerror(t->memory.error));
    else if (found == LAYOUT_UNKNOWN)
        say("%d (%s): it uses bide %s, whose layout has version %u, and this program reads version 1: use the `bide` command of that "
            "version", t->pid, t->name, t->picture.layout.release, t->picture.layout.version);
    else if (found == LAYOUT_BROKEN)
        say("%d (%s): the description of its bide in its memory is inconsistent", t->pid, t->name);
    else if (found == LAYOUT_UNREADY)
        say("%d (%s): its bide is not initialized yet: try again", t->pid, t->name);
    else
        say("%d (%s): it does not use bide, or a version from before `bide ps`", t->pid, t->name);
}

/* The process exists, and is not a zombie. */
static bool is_alive(struct target *t, bool quiet)
{
    char state = '?';
    int parent;

    bool is_there = read_stat(t->pid, t->name, &state, &parent);
    if (!is_there && !quiet)
        say("%d: no such process", t->pid);
    else if ((state == 'Z' || state == 'X') && !quiet)
        say("%d (%s): it has ended, and its parent has not waited for it yet (a zombie)", t->pid, t->name);
    return is_there && state != 'Z' && state != 'X';
}

int target_open(struct target *t, int pid, bool quiet)
{
    uint64_t headers[HEADERS_MAX];

    pid = process_of(pid);
    *t = (struct target){.pid = pid, .parent = -1};
    process_memory_open(&t->memory, pid);
    t->from = &t->memory.memory;
    if (!is_alive(t, quiet))
        return EXIT_LOCAL;
    size_t n = find_headers(pid, headers);
    if (n == 0 && errno != 0)
        t->memory.error = errno;
    enum layout_found found = layout_find(&t->picture.layout, &t->memory.memory, headers, n);
    if (found == LAYOUT_FOUND && t->memory.error == 0)
        return EXIT_OK;
    if (!quiet)
        say_why_not(t, found);
    memory_free(&t->memory.memory);
    return EXIT_LOCAL;
}

static void say_bad_core(const struct core_memory *c, const char *path, enum core_opened opened)
{
    if (opened == CORE_NOT_OPENED)
        say("%s: %s", path, strerror(errno));
    else if (opened == CORE_NO_MEMORY)
        say_no_memory();
    else if (opened == CORE_FOREIGN)
        say("%s: a core file of another architecture: use the `bide` command of that one", path);
    else if (opened == CORE_NO_PROGRAM)
        say("%s: %s", c->program, strerror(errno));
    else if (opened == CORE_ANOTHERS)
        say("%s: not the program of the core file %s, or another build of it; that was %s", c->program, path, c->ran);
    else
        say("%s: %s", path, opened == CORE_NONE ? "not a core file (64-bit)" : "the core file is truncated");
}

static void say_no_layout(const char *path, const struct target *t, enum layout_found found)
{
    if (found == LAYOUT_UNKNOWN)
        say("%s: the program used bide %s, whose layout has version %u, and this program reads version 1: use the `bide` command of that "
            "version", path, t->picture.layout.release, t->picture.layout.version);
    else if (t->core.is_cut)
        say("%s: the core file is truncated, and the description of its bide is not in it (ulimit -c, or a full disk)", path);
    else if (found == LAYOUT_NONE)
        say("%s: the program did not use bide, or the first pages of its files were not dumped (coredump_filter, core(5))", path);
    else
        say("%s: the description of its bide cannot be read: the program or a library is gone, or has changed since. If the program has "
            "moved, name it: bide ps --core FILE PROGRAM", path);
}

int target_open_core(struct target *t, const char *path, const char *ran)
{
    uint64_t headers[HEADERS_MAX];

    *t = (struct target){.parent = -1};
    t->from = &t->core.memory;
    enum core_opened opened = core_memory_open(&t->core, path, ran);
    const char *name = opened == CORE_OPENED ? core_memory_program(&t->core) : NULL, *slash = name ? strrchr(name, '/') : NULL;
    if (opened != CORE_OPENED) {
        say_bad_core(&t->core, path, opened);
        core_memory_close(&t->core);
        return EXIT_LOCAL;
    }
    name = slash ? slash + 1 : name ? name : path;
    bide_printable(t->name, sizeof t->name, name, strlen(name));
    size_t n = core_memory_headers(&t->core, headers, HEADERS_MAX);
    enum layout_found found = layout_find(&t->picture.layout, t->from, headers, n);
    if (found == LAYOUT_FOUND) {
        if (t->core.is_cut)
            say_note("%s: the core file is truncated: only what is in it is shown", path);
        return EXIT_OK;
    }
    say_no_layout(path, t, found);
    core_memory_close(&t->core);
    return EXIT_LOCAL;
}

void target_close(struct target *t)
{
    peers_free(&t->peers);
    stacks_close(&t->stacks);
    picture_free(&t->picture);
    if (t->pid > 0)
        memory_free(&t->memory.memory);
    else
        core_memory_close(&t->core);
}

static void say_unread(const struct picture *p)
{
    size_t n = 0;

    for (size_t i = 0; i < p->ntasks; i++)
        n += p->tasks[i].is_unread;
    if (n > 0)
        say_note("the stacks of %zu task%s are not in the core file: gcore leaves them out, unless the program ran with BIDE_GUARD=mprotect", n,
                 n == 1 ? "" : "s");
}

void target_open_stacks(struct target *t)
{
    if (t->stacks.memory)
        return;
    if (t->pid > 0)
        stacks_open_process(&t->stacks, t->from, t->pid);
    else
        stacks_open_core(&t->stacks, &t->core);
}

int target_look(struct target *t, bool with_stacks)
{
    struct timespec now;

    peers_free(&t->peers);
    clock_gettime(CLOCK_MONOTONIC, &now);
    t->now_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
    picture_free(&t->picture);
    if (!picture_take(&t->picture, t->from))
        return say_no_memory();
    if (t->memory.error != 0) {
        say_why_not(t, LAYOUT_FOUND);
        return EXIT_LOCAL;
    }
    if (t->pid == 0)
        say_unread(&t->picture);
    if (with_stacks)
        target_open_stacks(t);
    return !with_stacks || stacks_take(&t->stacks, &t->picture) ? EXIT_OK : say_no_memory();
}

/* ---- workers ---- */

struct family {
    int pid, parent;
};

static size_t list_processes(struct family **all)
{
    size_t n = 0, cap = 0;
    DIR *proc = opendir("/proc");

    *all = NULL;
    for (struct dirent *e; proc && n < PROCESSES_MAX && (e = readdir(proc));) {
        char name[32], state;
        struct family one = {.pid = target_read_pid(e->d_name)};
        if (one.pid == 0 || !read_stat(one.pid, name, &state, &one.parent))
            continue;
        if (n == cap) {
            cap = cap ? cap * 2 : 256;
            struct family *grown = realloc(*all, cap * sizeof **all);
            if (!grown)
                break;
            *all = grown;
        }
        (*all)[n++] = one;
    }
    if (proc)
        closedir(proc);
    return n;
}

static bool is_known(const struct targets *ts, int pid)
{
    for (size_t i = 0; i < ts->n; i++)
        if (ts->all[i]->pid == pid)
            return true;
    return false;
}

static void drop(struct targets *ts, size_t i)
{
    target_close(ts->all[i]);
    free(ts->all[i]);
    memmove(ts->all + i, ts->all + i + 1, (--ts->n - i) * sizeof *ts->all);
}

static int add_worker(struct targets *ts, int pid)
{
    struct target *t = malloc(sizeof *t);
    struct target **all = t ? realloc(ts->all, (ts->n + 1) * sizeof *all) : NULL;
    if (!all) {
        free(t);
        return say_no_memory();
    }

    ts->all = all;
    if (target_open(t, pid, true) != EXIT_OK) {
        free(t);
        return EXIT_OK;
    }
    t->parent = 0;
    ts->all[ts->n++] = t;
    return EXIT_OK;
}

/* Is pid a descendant of `of`?  The list was not read at one moment, so the number of steps is limited. */
static bool is_descendant(const struct family *all, size_t n, int pid, int of)
{
    for (int depth = 0; depth < GENERATIONS_MAX && pid > 1; depth++) {
        size_t i = 0;
        while (i < n && all[i].pid != pid)
            i++;
        pid = i < n ? all[i].parent : 0;
        if (pid == of)
            return true;
    }
    return false;
}

int targets_find_workers(struct targets *ts)
{
    struct family *all;
    size_t n = list_processes(&all);
    int code = EXIT_OK;

    for (size_t i = ts->n - 1; i > 0; i--)
        if (!is_descendant(all, n, ts->all[i]->pid, ts->all[0]->pid))
            drop(ts, i);
    for (size_t i = 0; i < n && code == EXIT_OK && ts->n < WORKERS_MAX; i++)
        if (!is_known(ts, all[i].pid) && is_descendant(all, n, all[i].pid, ts->all[0]->pid))
            code = add_worker(ts, all[i].pid);
    free(all);
    return code;
}

void targets_free(struct targets *ts)
{
    while (ts->n > 0)
        drop(ts, ts->n - 1);
    free(ts->all);
    ts->all = NULL;
}
