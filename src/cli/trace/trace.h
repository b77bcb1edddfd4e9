/* SPDX-License-Identifier: MIT */
/*
 * trace.h - `bide trace`: a timeline of another program, which needs no preparation.
 *
 *     command.c -> trace.c: duration, signals, the file
 *       recording.c   on and off in the other process; copies of its tracks, which are not trusted, for inspect/timeline
 */
#ifndef BIDE_CLI_TRACE_TRACE_H
#define BIDE_CLI_TRACE_TRACE_H

#include "cli/remote/memory.h"

struct trace_options {
    const char *output; /* NULL: trace-PID.json */
};

/* ---- recording.c ---- */

struct recording {
    struct memory *from;
    uint64_t at;     /* address of its struct timeline; 0: it has none */
    uint32_t number; /* of our recording; 0: not started */
    int pid;
    char program[64];
    /* set by recording_export */
    unsigned threads;
    uint64_t entries, lost;
};

enum recording_state {
    RECORDING_NONE,
    RECORDING_OURS,
    RECORDING_ITS_OWN,   /* BIDE_TRACE, bide_trace_start */
    RECORDING_ANOTHERS,  /* another `bide trace`, whose lease has not expired */
    RECORDING_UNKNOWN,   /* another layout, or the process has executed another program */
    RECORDING_UNREADABLE,
};

#define RECORDING_LEASE_MS 3000 /* a recording ends by itself this long after the last recording_keep */

enum recording_state recording_look(const struct recording *r);
/* Start the recording, or extend its lease.  False: the memory cannot be written. */
bool recording_keep(struct recording *r, struct process_memory *to);
void recording_end(const struct recording *r, struct process_memory *to);
/* 0, or a negative errno value of mapping memory or writing. */
int recording_export(struct recording *r, int fd);

/* ---- trace.c ---- */

/* Returns an exit code, or a signal as -signal. */
int trace_run(const struct trace_options *o, const char *process, int64_t ms);

#endif
