/* SPDX-License-Identifier: MIT */
/*
 * coverage.h - calls of libc that wait: those that libbide-unblock covers, and why the others keep their thread.
 *
 * Calls have numbers: first those that are covered, then the table's, then other names of covered functions (__read for read).
 */
#ifndef BIDE_COVERAGE_COVERAGE_H
#define BIDE_COVERAGE_COVERAGE_H

#include <stdbool.h>
#include <stddef.h>

struct call_kind {
    const char *name;
    const char *why; /* a sentence without its full stop: what it waits for, and what helps */
    bool surely;     /* it is called in order to wait; else it waits now and then: a pipe that is full, a lock that is held */
};

struct call {
    const char *name;
    const struct call_kind *kind; /* NULL: it is covered */
};

#define CALLS_MAX 1024 /* numbers are below */

/* Its number; CALLS_MAX: it is not known to wait.  Other spellings (__fgets_chk, fgets_unlocked, _IO_fgets) are the call's. */
size_t bide__call_find(const char *name);
size_t bide__call_count(void);
struct call bide__call_at(size_t number);

/* What no name shows: a system call in a library's own code. */
extern const struct call_kind bide__own_system_calls;

/* The build's list: names of libc that libbide-unblock exports, sorted. */
extern const char *const bide__covered[];
extern const size_t bide__covered_count;

#endif
