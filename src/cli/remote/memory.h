/* SPDX-License-Identifier: MIT */
/*
 * memory.h - the memory of another process, which is not trusted.
 *
 *     struct memory    read: copies many pieces at once (from a process, a core file, a test)
 *       pages          a cache of pages, for small things: texts, types, heads of lists
 *
 * A piece is copied completely or not at all.  The process runs while it is read, so pieces may be inconsistent with each other: readers
 * check again what must not have changed.
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
    bool came; /* it was copied */
};

#define PAGE_BYTES 4096u
#define PAGES_KEPT 1024u /* direct-mapped: the address of a page determines its slot */

struct page {
    uint64_t at; /* 0: none */
    char bytes[PAGE_BYTES];
};

struct memory {
    /* Copies what can be read, and sets `came` of each piece. */
    void (*read)(struct memory *m, struct piece *pieces, size_t n);
    struct page *pages; /* NULL: not allocated yet */
};

void memory_free(struct memory *m);
/* Drop the cached pages. */
void memory_forget(struct memory *m);

/* Copy len bytes; false: not all of them can be read.  memory_get uses the cache. */
bool memory_copy(struct memory *m, uint64_t at, void *to, size_t len);
bool memory_get(struct memory *m, uint64_t at, void *to, size_t len);
/* A number of 1, 2, 4 or 8 bytes. */
bool memory_number(struct memory *m, uint64_t at, size_t size, uint64_t *out);
/* A text up to its zero byte, or its first size - 1 bytes.  False, and "": it cannot be read. */
bool memory_text(struct memory *m, uint64_t at, char *out, size_t size);

/* ---- process.c ---- */

struct process_memory {
    struct memory memory;
    int pid;
    int error; /* of a read that will fail again: EPERM, ESRCH; 0: none */
};

void process_memory_open(struct process_memory *p, int pid);
/* False: not all of it was written; p->error says why, or is 0: the address is not mapped. */
bool process_memory_write(struct process_memory *p, uint64_t at, const void *from, size_t len);

/* ---- dumped.c ---- */

struct core_thread {
    int id;
    uint64_t registers[34]; /* as the kernel orders them */
};

struct core_memory {
    struct memory memory;
    int fd;
    const char *program; /* the executable's path, borrowed; NULL: as in the core file */
    const char *ran;     /* its path in the core file; NULL: not known */
    uint64_t headers;    /* address of the program's headers; 0: not known */
    bool is_cut;         /* the file is shorter than its headers say */
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

/* program: the executable, if it has moved; NULL: it has not.  core_memory_close in any case. */
enum core_opened core_memory_open(struct core_memory *c, const char *path, const char *program);
void core_memory_close(struct core_memory *c);
/* The addresses at which ELF files begin.  Returns how many. */
size_t core_memory_headers(const struct core_memory *c, uint64_t *headers, size_t most);
const char *core_memory_program(const struct core_memory *c); /* NULL: not known */

#endif
