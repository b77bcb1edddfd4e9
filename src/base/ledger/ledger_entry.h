/* SPDX-License-Identifier: MIT */
/*
 * ledger_entry.h - what the ledger holds; for ledger.c and ledger_report.c alone.
 */
#ifndef BIDE_BASE_LEDGER_ENTRY_H
#define BIDE_BASE_LEDGER_ENTRY_H

#include <pthread.h>

#include "base/base.h"

#define BUCKETS 16384
#define LABEL_MAX 128 /* of what an object says of itself */
#define STORY_MAX 640

/* Who released a dead one, and where; what it said of itself. */
struct ledger_death {
    struct place released;
    char label[LABEL_MAX], who[64];
    char story[STORY_MAX]; /* all of it in addresses: for a signal handler */
};

struct ledger_entry {
    struct ledger_entry *next; /* in the bucket */
    struct list_node node;
    void *object;
    size_t size;
    const void *loop;
    struct place made;
    char note[40];
    int shares; /* that the program has: not those of the library */
    const struct object_type *type; /* of a dead one */
    struct ledger_death *death;     /* NULL: it lives */
    void *counted;                  /* an allocation that stands for a fenced one, so that tests count it and make it fail */
    bool fenced, closed;
};

struct ledger {
    pthread_mutex_t lock;
    struct ledger_entry *buckets[BUCKETS];
    struct list_node living, dead;
    size_t ndead;
};
extern struct ledger bide__ledger;

/* Under lock: is it an object of this loop that the program has not released? */
bool bide__ledger_is_left(const struct ledger_entry *e, const void *loop);

#endif
