/* SPDX-License-Identifier: MIT */
/*
 * doctor.h - the room's header: a program and its libraries, in the order in which the loader searches symbols.
 *
 *     command.c -> closure.c (which libraries; search.c, cache.c: where they are; elf.c: what is in them)
 *                    -> judge.c (what each call is bound to) -> report.c, json.c
 */
#ifndef BIDE_CLI_DOCTOR_DOCTOR_H
#define BIDE_CLI_DOCTOR_DOCTOR_H

#include <sys/types.h>

#include "cli/doctor/elf.h"
#include "cli/option/opt.h"
#include "cli/terminal/text.h"

#define OBJECTS_MAX 1024
#define PATH_BYTES  4096

struct doctor_options {
    struct opt_list preload;
    int pid; /* 0: a file */
    bool json;
};

/* One file; borrowed by those that need it until closure_free. */
struct object {
    char *path;
    const char *name;        /* for messages: the last part of path */
    const struct object *by; /* the first that needs it; NULL: it is the program, preloaded, or an operand */
    struct elf elf;
    dev_t device;
    ino_t inode;
    bool is_preloaded; /* LD_PRELOAD, --preload, /etc/ld.so.preload */
    bool is_late;   /* loaded by dlopen: an operand, or needed by one */
    bool is_system; /* libc and its parts, where the calls end; the loader */
    bool is_bide;   /* libbide, libbide-unblock */
    bool is_used;   /* not only by bide, which makes no blocking calls of its libraries in tasks */
};

struct missing {
    char *name;
    const struct object *by;
};

struct closure {
    struct object **objects; /* the first is the program; in the symbol search order */
    size_t count;
    struct missing *missing;
    size_t missing_count;
    const char *library_path; /* LD_LIBRARY_PATH of its environment; NULL: none */
    void *cache;              /* contents of /etc/ld.so.cache; NULL: none */
    size_t cache_len;
    struct elf bide;          /* this program's libbide: what bide itself calls */
};

/* ---- closure.c ---- */

/*
 * Read a program, what is preloaded, what all of them need, and then libraries that are loaded later.
 *
 * Returns: EXIT_OK; EXIT_LOCAL, after a message; closure_free in both cases
 */
int closure_read(struct closure *p, const char *path, char *const *preload, size_t preload_count, char *const *late, size_t late_count);
void closure_free(struct closure *p);

/* ---- search.c ---- */

/* Read a regular file, all of it; to be freed.  NULL: *wrong says why. */
void *file_read(const char *path, size_t *len, const char **wrong);
/* The path of a library that `by` needs, as ld.so(8) finds it; false: not found. */
bool search_find(const struct closure *p, const struct object *by, const char *name, char path[PATH_BYTES]);

/* ---- cache.c ---- */

/* The next path of a library in the contents of /etc/ld.so.cache, from entry *at (0 at first); NULL: there is no other. */
const char *cache_next(const void *bytes, size_t len, const char *name, size_t *at);

/* ---- process.c ---- */

struct process {
    char *exe;
    char *library_path; /* of its environment; NULL */
    char **preload;
    size_t preload_count;
    char **mapped; /* shared libraries that are loaded now */
    size_t mapped_count;
};

/* A process as it is now.  Returns: EXIT_OK; EXIT_LOCAL, after a message; process_free in both cases. */
int process_read(struct process *p, int pid);
void process_free(struct process *p);

/* ---- judge.c ---- */

enum verdict { WORKS, WORKS_BUT, BLOCKS };
/*
 * Where libbide-unblock is.  BEHIND: libc comes first in the symbol search order; LATE: loaded only by dlopen; APART: the program is linked
 * with libbide.a, and this one uses libbide.so, which runs none of the program's tasks.
 */
enum unblock { UNBLOCK_ABSENT, UNBLOCK_LINKED, UNBLOCK_STATIC, UNBLOCK_PRELOADED, UNBLOCK_BEHIND, UNBLOCK_LATE, UNBLOCK_APART };

/* The calls of one object that wait: those that libbide-unblock covers (or would), those that block the thread, and those that may. */
struct finding {
    const struct object *object;
    struct elf_set covered, surely, perhaps;
};

struct judgement {
    enum verdict verdict;
    enum unblock unblock;
    bool is_static, uses_bide;
    const struct object *unblock_object; /* NULL: there is none */
    struct finding *findings;            /* of those that call something */
    size_t count, silent, own;           /* findings; objects without such calls; objects that only bide needs */
    struct elf_set surely, perhaps;      /* of all of them */
    struct elf_set bides_own;            /* those of a program that has libbide.a, which calls them itself: in no finding */
};

/* Returns: false without memory; judgement_free in both cases. */
bool judge(struct judgement *j, const struct closure *p);
void judgement_free(struct judgement *j);
/* The verdict in a few sentences. */
void judge_describe(const struct judgement *j, const struct closure *p, struct text *to);
/* "linked", "static", ... */
const char *judge_unblock_name(enum unblock u);
/* "works", "works-but", "blocks" */
const char *judge_verdict_name(enum verdict v);

/* ---- report.c, json.c ---- */

void doctor_report(const struct judgement *j, const struct closure *p, struct text *to);
void doctor_json(const struct judgement *j, const struct closure *p, struct text *to);

#endif
