/* SPDX-License-Identifier: MIT */
/*
 * picture.h - a snapshot of the loops and tasks of another process.
 *
 *     picture    loops
 *                tasks --first, n--> edges: which tasks each waits for
 *                texts: each stored once, printable; 0 is ""
 *
 * The process runs meanwhile: a task that changed while it was read is marked (moved), and its wait is not known.
 */
#ifndef BIDE_CLI_REMOTE_PICTURE_H
#define BIDE_CLI_REMOTE_PICTURE_H

#include "cli/remote/layout.h"

#define PICTURE_LOOPS_MAX 1024
#define PICTURE_TASKS_MAX (1u << 20)
#define PICTURE_LOOKS_MAX (4u * PICTURE_TASKS_MAX) /* nodes and slots that are read, so that a circular list ends */
#define PICTURE_EDGES_MAX 256 /* of a task; it may wait for more */
#define PICTURE_TEXT_MAX  256
#define PICTURE_TEXTS_MAX (16u << 20) /* bytes in all */

struct seen_loop {
    uint64_t address, id, current, now_ns;
    int thread;
    bool runs, is_virtual;
    uint32_t first, n; /* its tasks */
};

enum seen_state { SEEN_NEW, SEEN_READY, SEEN_WAITING, SEEN_RUNNING };

/* What a task waits for; the comments name the members of seen_task that are valid. */
enum seen_wait {
    WAITS_UNKNOWN,
    WAITS_FUTURE,    /* text: the type of what it is; label */
    WAITS_TASKS,     /* edges; total: how many it waits for */
    WAITS_NEXT,      /* of bide_as_completed: edges, total */
    WAITS_CHOICE,    /* text: the first of what it chooses among; edges; total; due_ms: of the first sleep that ends it */
    WAITS_OPERATION, /* text: the function; holder: the number of a task; fd */
    WAITS_NAMED,     /* text */
    WAITS_READ,      /* fd */
    WAITS_WRITE,
    WAITS_EITHER,
    WAITS_TIME,      /* due_ms */
    WAITS_THREAD,    /* text: the function */
};

struct seen_task {
    uint64_t address, id;
    uint64_t stack, top, low; /* its struct stack; where its frames begin, downwards; its lowest address; 0: none */
    uint64_t sp, pc, fp;      /* pc 0: layout.resume */
    uint64_t wait;
    uint64_t doing_code; /* a function; 0: doing_of says what */
    uint64_t holder;
    int64_t due_ms, limit_ms; /* by the clock of the loop; 0: none.  limit: of the bide_timeout around it that expires first */
    int64_t made_ns;          /* 0: not known */
    uint32_t loop;
    uint32_t name, function, doing, doing_of; /* texts */
    uint32_t text, label;
    uint32_t first, n, total; /* edges */
    int fd;
    uint8_t state; /* enum seen_state */
    uint8_t waits; /* enum seen_wait */
    bool is_stackless, is_choice, is_cancelled, moved;
    bool is_unread; /* its stack could not be read */
};

struct picture {
    struct layout layout;
    struct seen_loop *loops;
    size_t nloops;
    struct seen_task *tasks;
    size_t ntasks, tasks_cap;
    uint32_t *edges; /* indices of tasks */
    size_t nedges, edges_cap;
    char *texts;
    size_t texts_len, texts_cap;
    uint32_t *text_slots; /* hash table of places in texts; a power of two */
    size_t text_slots_n, text_count;
    uint32_t *by_address, *by_id; /* hash tables of indices + 1 */
    size_t table_n;
    size_t looked;    /* how many places for tasks were read */
    size_t inherited; /* loops of a parent process */
    bool is_cut;      /* a limit was reached, or a list was broken */
    bool no_memory;
};

/* Fill the picture; p->layout was found before.  False: no memory. */
bool picture_take(struct picture *p, struct memory *m);
void picture_free(struct picture *p);

static inline const char *picture_text(const struct picture *p, uint32_t text)
{
    return p->texts ? p->texts + text : "";
}

/* Indices; UINT32_MAX: not in the picture. */
uint32_t picture_find(const struct picture *p, uint64_t address);
uint32_t picture_find_id(const struct picture *p, uint64_t id);

/* ---- between tasks.c, waits.c and texts.c ---- */

uint32_t picture_keep(struct picture *p, const char *text); /* texts.c; 0: it is "", or there is no memory */
uint32_t picture_keep_at(struct picture *p, struct memory *m, uint64_t at); /* texts.c: keep the text there; 0: none, or no memory */
bool picture_tasks(struct picture *p, struct memory *m); /* tasks.c: loops, and tasks without their waits */
void picture_waits(struct picture *p, struct memory *m); /* waits.c */

#endif
