/* SPDX-License-Identifier: MIT */
/*
 * names.c - a cache of the names of addresses: a program in debug mode reports the same few again and again, and looking one up takes 1 to
 * 100 ms.
 *
 * libdw needs a larger stack than a task has, so names that a task asks for are looked up in a thread.
 */
#include <link.h>
#include <pthread.h>
#include <stdio.h>

#include "core/thread/offload.h"
#include "inspect/inspect.h"
#include "inspect/modules.h"

#define NAMES_KEPT 64 /* a power of two */

struct name {
    const void *pc;
    unsigned long long changes; /* of what is loaded, when it was looked up */
    char text[SYMBOL_TEXT_MAX];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct name names[NAMES_KEPT];

static int count_changes(struct dl_phdr_info *info, size_t size, void *out)
{
    (void)size;
    *(unsigned long long *)out = info->dlpi_adds + info->dlpi_subs;
    return 1;
}

static struct name *place_of(const void *pc)
{
    return &names[((uint64_t)(uintptr_t)pc * 0x9e3779b97f4a7c15u) >> 58];
}

static void *look_up(void *arg)
{
    struct name *n = arg;

    bide__libdw_begin();
    bide__symbol_line(n->text, sizeof n->text, (uintptr_t)n->pc);
    bide__libdw_end();
    return NULL;
}

/* If no thread can be started, there is no name. */
static void look_up_apart(struct name *n)
{
    pthread_t id;

    if (bide__quiet_thread(&id, look_up, n) == 0)
        pthread_join(id, NULL);
}

void bide__name_place(char *buf, size_t cap, const void *pc)
{
    struct name *n = place_of(pc);
    unsigned long long now = 0;

    dl_iterate_phdr(count_changes, &now);
    pthread_mutex_lock(&lock);
    if (n->pc != pc || n->changes != now) {
        *n = (struct name){.pc = pc, .changes = now};
        if (bide__task_here())
            look_up_apart(n);
        else
            look_up(n);
    }
    snprintf(buf, cap, "%s", n->text);
    pthread_mutex_unlock(&lock);
}

void bide__names_forget(void)
{
    pthread_mutex_init(&lock, NULL);
    memset(names, 0, sizeof names);
}
