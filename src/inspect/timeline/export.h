/* SPDX-License-Identifier: MIT */
/*
 * export.h - a recorded timeline as a file: the Chrome trace event format, which Perfetto, speedscope and chrome://tracing open.
 *
 * In reading order: json.c, rows.c, export.c, own.c.
 *
 *     source: tracks of this process (own.c) or of another one  -->  export.c: records to events  -->  json.c  -->  descriptor
 *
 * A source is not trusted: it may be the memory of another process.  Nothing here takes a lock or uses the heap, so that it can run in a
 * signal handler; memory is mapped.
 */
#ifndef BIDE_INSPECT_EXPORT_H
#define BIDE_INSPECT_EXPORT_H

#include "base/base.h"
#include "base/timeline/timeline.h"

/* ---- json.c: text to a descriptor ---- */

#define JSON_BUFFER ((size_t)64 << 10)

struct json {
    int fd;
    int error;     /* the first error, a negative errno value: nothing is written after it */
    size_t len;
    char *buffer;  /* of JSON_BUFFER bytes */
};

void bide__json_raw(struct json *j, const char *text);
void bide__json_bytes(struct json *j, const char *text, size_t len); /* inside of quotes; invalid UTF-8 becomes "?" */
void bide__json_uint(struct json *j, uint64_t n);
void bide__json_int(struct json *j, int64_t n);
void bide__json_hex(struct json *j, uint64_t n);
void bide__json_us(struct json *j, uint64_t ns); /* in microseconds, with three decimals */
void bide__json_flush(struct json *j);

/* ---- rows.c: spans that are open, by their number ---- */

struct row {
    uint64_t id;
    uint64_t value;       /* of TL_BEGIN; then of its wait */
    uint64_t waker_ns;    /* when it was woken; 0: it was not */
    uint32_t waker;       /* the thread that has woken it */
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
struct row *bide__row(struct rows *r, enum timeline_span span, uint64_t id); /* found or made; NULL: the table is full */

/* ---- export.c ---- */

/* The records of a thread, oldest first. */
struct track_copy {
    uint64_t *slots; /* of SLOT_WORDS each */
    size_t n, cap;   /* cap: in slots, mapped */
    uint64_t lost;   /* records that were overwritten */
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

/* 0, or a negative errno value of writing or mapping. */
int bide__timeline_export(struct timeline_source *s, int fd);
bool bide__track_copy_reserve(struct track_copy *c, size_t slots);
/* Drop slots that may have been overwritten while they were copied.  first: the first slot copied; head: read after copying. */
void bide__track_copy_trim(struct track_copy *c, uint64_t first, uint64_t base, uint64_t head, uint64_t size);

/* ---- own.c ---- */

/* The entries of this recording. */
int bide__timeline_export_own(int fd, uint32_t recording);

#endif
