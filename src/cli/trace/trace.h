/* SPDX-License-Identifier: MIT */
/*
 * trace.h - `bide trace`: a timeline of another program, which is not prepared for that.
 *
 *     command.c -> trace.c: how long, signals, the file
 *       recording.c   on and off in the other one's memory; its tracks, of which nothing is believed, for inspect/timeline
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
    uint64_t at;     /* of its struct timeline */
    uint32_t number; /* ours; 0: not begun */
    int pid;
    char program[64];
    /* recording_export: what was there */
    unsigned threads;
    uint64_t entries, lost;
};

enum recording_state {
    RECORDING_NONE,
    RECORDING_OURS,
    RECORDING_ITS_OWN,   /* BIDE_TRACE, bide_trace_start */
    RECORDING_ANOTHERS,  /* a `bide trace` that lives */
    RECORDING_UNKNOWN,   /* laid out otherwise, or no more what it was */
    RECORDING_UNREADABLE,
};

#define RECORDING_LEASE_MS 3000 /* it ends by itself when this was not called for so long */

enum recording_state recording_look(const struct recording *r);
/* Begin, or let it go on.  False: it cannot be written. */
bool recording_keep(struct recording *r, struct process_memory *to);
void recording_end(const struct recording *r, struct process_memory *to);
/* 0, or what mapping and writing said, negative. */
int recording_export(struct recording *r, int fd);

/* ---- trace.c ---- */

/* Returns an exit code, or a signal as -signal. */
int trace_run(const struct trace_options *o, const char *process, int64_t ms);

#endif
