/* SPDX-License-Identifier: MIT */
/*
 * ledger.h - which objects live, where they were made, and which were released lately: for programs that are debugged.
 */
#ifndef BIDE_BASE_LEDGER_H
#define BIDE_BASE_LEDGER_H

#include <stdbool.h>
#include <stddef.h>

/* Freed memory is not reused, so that a use after free is found: under AddressSanitizer or valgrind, and with BIDE_DEBUG=1. */
extern bool bide__no_recycling;
/* The ledger is kept: with BIDE_DEBUG=1, or if AddressSanitizer is in the program but not in this library. */
extern bool bide__ledger_is_kept;

bool bide__debug_is_on(void); /* BIDE_DEBUG=1 */
/* Set the two flags above; a later call may set more of them, and clears none. */
void bide__ledger_open(void);

/* For the types' own functions, through bide__object_alloc and bide__object_free.  Zeros. */
void *bide__ledger_alloc(size_t size);
void bide__ledger_free(void *object);
/* The object's loop, and a word about it (a task's function), by which the report groups objects.  Copied. */
void bide__ledger_note(const void *object, const void *loop, const char *text);
/* Where it was made, as bide__place_text says it. */
void bide__ledger_made_at(const void *object, char *buf, size_t cap);
/* The program took another share of it (1), or gave one back (-1). */
void bide__ledger_share(const void *object, int by);
/* Its last share is gone: remember what it was and who let go of it. */
void bide__ledger_dying(const void *object);

enum ledger_state { LEDGER_UNKNOWN, LEDGER_LIVE, LEDGER_DEAD };
/* story: of a dead one, what it was, where it was made and who released it; at most cap bytes. */
enum ledger_state bide__ledger_state(const void *object, char *story, size_t cap);
/* For a signal handler: the same of the dead object whose memory holds addr; NULL: none. */
const char *bide__ledger_story_at(const void *addr);

/* Who runs now: which loop, and the name of the task.  Set by core. */
struct ledger_context {
    const void *loop; /* NULL: none */
    char who[64];
};
extern void (*_Atomic bide__ledger_find_context)(struct ledger_context *c);

/* ledger_report.c: call say() with a line for each group of objects of this loop that were not released; at most 11. */
void bide__ledger_report(const void *loop, void (*say)(void *arg, const char *line), void *arg);
/* Every live object of this loop, in the order in which they were made.  visit() must not make or release any. */
void bide__ledger_each(const void *loop, void (*visit)(void *arg, void *object), void *arg);

/* ---- place.c ---- */

#define PLACE_FRAMES 4
#define PLACE_TEXT_MAX 240

/* Where a program called: the addresses of the calls, innermost first; NULL: no more are known. */
struct place {
    void *pc[PLACE_FRAMES];
};
void bide__place_find(struct place *p);
/* Made by one and the same call in the program, even if that was reached from different callers. */
bool bide__place_is_same_call(const struct place *a, const struct place *b);
/* "main (a.c:12) < f (a.c:30)"; where that is not known, "./a(main)[0x1204]": addr2line -fe ./a 0x1204.  Not in a signal handler. */
void bide__place_text(char *buf, size_t cap, const struct place *p);
bool bide__place_is_ours(const void *pc); /* in this library, which is apart from the program */
void bide__place_addresses(char *buf, size_t cap, const struct place *p); /* all of it so, which takes no time */

/* "main (a.c:12)" of an address, if that is known; else "".  Set by core, from the room inspect; NULL: nobody knows. */
typedef void place_name_fn(char *buf, size_t cap, const void *pc);
extern place_name_fn *_Atomic bide__place_name;

/* ---- fence.c ---- */

size_t bide__fence_size(size_t size);
void *bide__fence_alloc(size_t size); /* zeros; NULL: no memory */
void bide__fence_close(void *object, size_t size);
void bide__fence_free(void *object, size_t size);

#endif
