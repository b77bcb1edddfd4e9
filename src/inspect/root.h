/* SPDX-License-Identifier: MIT */
/*
 * root.h - what a process exposes to readers from outside (`bide ps`, gdb, readers of core files).
 *
 *     ELF note "bide", type 1:   u32 version, u32 0, i64 root - here, i64 resume - here
 *     root:                      magic, version, how its structs are laid out, where its loops are
 *     layout:                    {"task.id", offset, size} ...
 *
 * The addresses in the note are relative to where they are stored, so that they need no relocation, in any kind of program, stripped or
 * not.  The layout is by name: one reader works with all versions of the library, and does without members that a version does not have.
 *
 * A name without a dot has the size of a struct; "kind.read" and the like, with ROOT_VALUE as
 * size, are constants, and the offset is their value.
 */
#ifndef BIDE_INSPECT_ROOT_H
#define BIDE_INSPECT_ROOT_H

#include <stdint.h>

#define ROOT_NOTE_NAME "bide"
#define ROOT_NOTE_TYPE 1 /* 2 is the note of libbide-unblock (unblock/next.c) */
#define ROOT_MAGIC "bideroot"
#define ROOT_VERSION 1 /* changes if an existing member changes its meaning, not if one is added */
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
    const void *process;   /* loop.process of this process's loops; loops inherited by fork() have another value */
    const void *alone;     /* a byte; not 0: tasks do not lie in chunks */
    const void *resume;    /* pc of each suspended context; NULL: it is stored in the context (task.pc) */
    char release[16];      /* of the library: "0.1.0" */
    void *timeline;        /* struct timeline (base/timeline); `bide trace` also writes to it */
};

extern const struct root bide__root;

#endif
