/* SPDX-License-Identifier: MIT */
/*
 * export.h - a recorded timeline as a file: the Chrome trace event format, which Perfetto, speedscope and chrome://tracing open.
 *
 * In reading order: json.c, rows.c, export.c, own.c.
 *
 *     source: tracks of this process (own.c) or of another one  -->  export.c: records to events  -->  json.c  -->  descriptor
 *
 * Nothing of what a source gives is believed: it may be the memory of another process.  Nothing here takes a lock or memory of the
 * heap, so that it may run in a signal handler; what it needs, it maps.
 */
#ifndef BIDE_INSPECT_EXPORT_H
#define BIDE_INSPECT_EXPORT_H

#include "base/base.h"
#include "base/timeline/timeline.h"

/* ---- json.c: text to a descriptor ---- */

#define JSON_BUFFER ((size_t)64 << 10)

struct json {
    int fd;
    int error;     /* the first: an errno value, negative; from then on nothing is written */
    size_t len;
    char *buffer;  /* of JSON_BUFFER bytes */
};

void bide__json_raw(struct json *j, const char *text);
void bide__json_bytes(struct json *j, const char *text, size_t len); /* inside of quotes; what is no UTF-8 becomes "?" */
void bide__json_uint(struct json *j, uint64_t n);
void bide__json_int(struct json *j, int64_t n);
void bide__json_hex(struct json *j, uint64_t n);
void bide__json_us(struct json *j, uint64_t ns); /* microseconds with three digits behind the point */
void bide__json_flush(struct json *j);

/* ---- rows.c: spans that are open, by their number ---- */

struct row {
    uint64_t id;
    uint64_t value;       /* of the begin; then of what it waits for */
    uint64_t waker_ns;    /* 0: nobody has woken it */
    uint32_t waker;       /* his thread */
    uint32_t text;        /* where its text begins in the track, + 1; 0: it has none */
    uint16_t function, name, awaited;
    uint8_t span;         /* enum timeline_span, + 1; 0: this row is free */
    uint8_t texts;        /* slots of text */
    uint8_t wait;         /* enum timeline_wait, while is_parked */
    bool is_open, is_parked;
};

struct rows {
    struct row *all;
    size_t cap, used;
    size_t bytes; /* mapped */
};

int bide__rows_open(struct rows *r, size_t records); /* 0 or -ENOMEM */
void bide__rows_close(struct rows *r);
struct row *bide__row(struct rows *r, enum timeline_span span, uint64_t id); /* made, if it is not there; NULL: there are too many */

/* ---- export.c ---- */

/* The records of a thread, oldest first. */
struct track_copy {
    uint64_t *slots; /* of SLOT_WORDS each */
    size_t n, cap;   /* cap: in slots, mapped */
    uint64_t lost;   /* were overwritten */
    int32_t thread;
    char name[TRACK_NAME];
};

struct timeline_source {
    unsigned ntracks;
    uint32_t recording;
    bool (*take)(struct timeline_source *s, unsigned i, struct track_copy *out); /* false: there is nothing */
    const char *names; /* text */
    size_t names_len;
    const _Atomic uint32_t *at;
    uint32_t nnames;
    int32_t process;
    uint32_t lost_threads;
    uint64_t now_ns;
    char program[64];
};

/* 0, or what writing or mapping said, negative. */
int bide__timeline_export(struct timeline_source *s, int fd);
bool bide__track_copy_reserve(struct track_copy *c, size_t slots);
/* Of slots from `first` on, which were copied while others may have been written: drop what had not been safe at `head`. */
void bide__track_copy_trim(struct track_copy *c, uint64_t first, uint64_t base, uint64_t head, uint64_t size);

/* ---- own.c ---- */

/* What was recorded under this number. */
int bide__timeline_export_own(int fd, uint32_t recording);

#endif
