/* SPDX-License-Identifier: MIT */
/*
 * root.h - what a process shows to those who look at it from outside (`bide ps`, gdb, a reader of core files).
 *
 *     ELF note "bide", type 1:   u32 version, u32 0, i64 root - here, i64 resume - here
 *     root:                      magic, version, how its structs are laid out, where its loops are
 *     layout:                    {"task.id", offset, size} ...
 *
 * The note's distances are relative to the place where they stand, so that they need no relocation and hold in each kind of program, stripped
 * or not.  The layout is by name: one reader serves each version of the library, and does without what a version has not.
 *
 * A name without a dot has the size of a struct; "wait.fd" and the like, where ROOT_VALUE is the size, are numbers and no places.
 */
#ifndef BIDE_INSPECT_ROOT_H
#define BIDE_INSPECT_ROOT_H

#include <stdint.h>

#define ROOT_NOTE_NAME "bide"
#define ROOT_NOTE_TYPE 1 /* 2: libbide-unblock's, which is there */
#define ROOT_MAGIC "bideroot"
#define ROOT_VERSION 1 /* another one, when what is there already gets another meaning; more members need none */
#define ROOT_NAME_MAX 24
#define ROOT_VALUE UINT32_MAX

struct root_member {
    char name[ROOT_NAME_MAX]; /* ends in a zero byte */
    uint32_t offset, size;
};

/* New members come at the end, and change no version. */
struct root {
    char magic[8];
    uint32_t version;
    uint32_t size;         /* of this struct */
    uint32_t members;      /* in the layout */
    uint32_t member_size;  /* of one */
    const struct root_member *layout;
    const void *loops;     /* a list: loop.alive */
    const void *process;   /* the number that loop.process has, of a loop that is no fork's inheritance */
    const void *alone;     /* a byte; not 0: tasks do not lie in chunks */
    const void *resume;    /* where a suspended context goes on, if it does not say itself; NULL: it does */
    char release[16];      /* of the library: "0.1.0" */
    void *timeline;        /* struct timeline (base/timeline): may be written, too */
};

extern const struct root bide__root;

#endif
