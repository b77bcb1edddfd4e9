/* SPDX-License-Identifier: MIT */
/*
 * watched.h - descriptors of the program's own on the loop: for watched.c, descriptor.c (tasks that wait) and reader.c (functions that are
 * called).
 */
#ifndef BIDE_IO_WATCHED_H
#define BIDE_IO_WATCHED_H

#include <bide/descriptor.h>

#include "core/turn/operation.h"
#include "io/poll/epoll.h"
#include "io/poll/poll.h"

enum { READER, WRITER, CALLS };

/* A function that is called for a descriptor.  While it runs it has a share of this, for it may remove or replace itself. */
struct function {
    unsigned refs;
    bide_callback *fn;
    void *arg;
    void (*arg_free)(void *arg);  /* NULL: it is borrowed */
    struct task_context *context; /* a share of that of who added it; NULL: empty */
};

struct call {
    struct ready ready;
    struct watched *watched;
    struct function *function; /* a share */
};

struct watched {
    struct map_node node;
    int fd; /* the key */
    uint32_t generation;
    bool is_registered;
    bool stays, is_idle; /* N4 */
    struct list_node waiters; /* struct op_waiter */
    struct call *calls[CALLS]; /* each NULL: none */
};

/* What is kept in the words of an op_waiter: what it wants; what came, or a code (0: it is enlisted still); where. */
enum { WANTS, RESULT, WHERE };

/* One for each loop that has watched one. */
struct descriptors {
    struct loop_closer closer;
    bide_loop *loop;
    struct map table;
    uint32_t generations;
};

struct descriptors *bide__descriptors_of(bide_loop *loop);   /* NULL: none was ever watched */
struct descriptors *bide__descriptors_open(bide_loop *loop); /* NULL: an error on record */

/* The entry of a descriptor.  NULL: there is none, or all is NULL. */
struct watched *bide__watched_find(const struct descriptors *all, int fd);
/* The same, with nobody in it if it is new; NULL: an error on record. */
struct watched *bide__watched_enter(struct descriptors *all, int fd);
/*
 * Register it, or arm it for more.  If the number is another file's by now than the one that the others wait for, their waits end with
 * BIDE_ECLOSED, and a new entry takes its place in *entry.  On failure it is out of the table, unless others are in it.
 */
int bide__watched_arm(struct descriptors *all, struct watched **entry, unsigned events);
/* Arm it for what is wanted; what nobody wants any more goes.  The struct may be gone afterwards.  0 or a code. */
int bide__watched_settle(struct descriptors *all, struct watched *w);
/* Out of the epoll set.  One that was idle and is closed is not counted any more. */
void bide__watched_unregister(struct descriptors *all, struct watched *w);
/* End all waits with this code, and drop the calls and the entry.  Returns: how many waits and calls there were. */
int bide__watched_give_up(struct descriptors *all, struct watched *w, int code);

void bide__watched_call_drop(struct descriptors *all, struct watched *w, int side);
void bide__watched_function_unref(struct function *f);

#endif
