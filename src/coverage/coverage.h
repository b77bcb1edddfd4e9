/* SPDX-License-Identifier: MIT */
/*
 * coverage.h - calls of libc that wait: those that libbide-unblock covers, and why the others block their thread.
 *
 * Each call has a number: first the covered ones, then those of the table in calls.c, then aliases of covered functions (__read for read).
 */
#ifndef BIDE_COVERAGE_COVERAGE_H
#define BIDE_COVERAGE_COVERAGE_H

#include <stdbool.h>
#include <stddef.h>

struct call_kind {
    const char *name;
    const char *why; /* a sentence without its full stop: what it waits for, and what to use instead */
    bool surely;     /* true: waiting is its purpose; false: it waits only sometimes (a full pipe, a held lock) */
};

struct call {
    const char *name;
    const struct call_kind *kind; /* NULL: it is covered */
};

#define CALLS_MAX 1024 /* all numbers are below this */

/* The number of a call; CALLS_MAX: it is not known to wait.  Other spellings (__fgets_chk, fgets_unlocked, _IO_fgets) count as fgets. */
size_t bide__call_find(const char *name);
size_t bide__call_count(void);
struct call bide__call_at(size_t number);

/* For system calls in a library's own code, which have no name. */
extern const struct call_kind bide__own_system_calls;

/* The build's list: names of libc that libbide-unblock exports, sorted. */
extern const char *const bide__covered[];
extern const size_t bide__covered_count;

#endif
