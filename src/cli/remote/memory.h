/* SPDX-License-Identifier: MIT */
/*
 * memory.h - the memory of somebody else, of which nothing is believed.
 *
 *     struct memory    read: one way to copy many pieces at once (a process, a core file, a test's)
 *       pages          what was copied lately, for the small things: texts, types, heads of lists
 *
 * A piece comes whole or not at all.  The other one goes on while we read, so what was read together need not fit together: readers check
 * again what must not have changed.
 */
#ifndef BIDE_CLI_REMOTE_MEMORY_H
#define BIDE_CLI_REMOTE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct piece {
    uint64_t at;
    void *to;
    size_t len;
    bool came;
};

#define PAGE_BYTES 4096u
#define PAGES_KEPT 1024u /* each in the place that its address says */

struct page {
    uint64_t at; /* 0: none */
    char bytes[PAGE_BYTES];
};

struct memory {
    /* Set came of each. */
    void (*read)(struct memory *m, struct piece *pieces, size_t n);
    struct page *pages; /* NULL: not needed yet */
};

void memory_free(struct memory *m);
/* Look anew at what changes. */
void memory_forget(struct memory *m);

/* Copy len bytes; false: they are not all there.  The second by way of the pages. */
bool memory_copy(struct memory *m, uint64_t at, void *to, size_t len);
bool memory_get(struct memory *m, uint64_t at, void *to, size_t len);
/* A number of 1, 2, 4 or 8 bytes. */
bool memory_number(struct memory *m, uint64_t at, size_t size, uint64_t *out);
/* A text that ends in a zero byte, cut at size.  False, and "": there is none. */
bool memory_text(struct memory *m, uint64_t at, char *out, size_t size);

/* ---- process.c ---- */

struct process_memory {
    struct memory memory;
    int pid;
    int error; /* of the last read that failed for good: EPERM, ESRCH; 0: none */
};

void process_memory_open(struct process_memory *p, int pid);
/* All of it, or false: error says why, unless there is no such place. */
bool process_memory_write(struct process_memory *p, uint64_t at, const void *from, size_t len);

/* ---- dumped.c ---- */

struct core_thread {
    int id;
    uint64_t registers[34]; /* as the kernel orders them */
};

struct core_memory {
    struct memory memory;
    int fd;
    const char *program; /* borrowed; NULL: that of the core file */
    const char *ran;     /* its path, as the core file has it; NULL: not known */
    uint64_t headers;    /* where the program's headers lay; 0: not known */
    bool is_cut;         /* the file is shorter than it says */
    struct core_segment *segments; /* by their addresses */
    size_t nsegments;
    struct core_file *files; /* that were mapped */
    size_t nfiles;
    struct core_thread *threads;
    size_t nthreads;
    char *notes;
};

enum core_opened {
    CORE_OPENED,
    CORE_NOT_OPENED, /* errno */
    CORE_NONE,       /* another kind of file */
    CORE_FOREIGN,    /* of another processor */
    CORE_BROKEN,
    CORE_NO_PROGRAM, /* errno: that of the program */
    CORE_ANOTHERS,   /* the program is another one */
    CORE_NO_MEMORY
};

/* program: the file that ran, if it lies elsewhere by now; NULL.  To be closed in any case. */
enum core_opened core_memory_open(struct core_memory *c, const char *path, const char *program);
void core_memory_close(struct core_memory *c);
/* Where in it ELF files begin. */
size_t core_memory_headers(const struct core_memory *c, uint64_t *headers, size_t most);
const char *core_memory_program(const struct core_memory *c); /* NULL: not known */

#endif
