/* SPDX-License-Identifier: MIT */
/*
 * refused.c - debug mode: a call in the wrong thread is reported where it was made.
 *
 * It has returned an error, which a program need not look at: what sets an event or cancels a task fails hardly ever.  Each place is
 * reported once, and CALLS_MAX of them in the life of the process.
 */
#include <pthread.h>
#include <stdio.h>

#include "core/loop/owner.h"

#define CALLS_MAX 64

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct place calls[CALLS_MAX];
static int ncalls;

static bool is_new(const struct place *call)
{
    int at = 0;

    pthread_mutex_lock(&lock);
    while (at < ncalls && !bide__place_is_same_call(&calls[at], call))
        at++;
    bool is_new = at == ncalls && ncalls < CALLS_MAX;
    if (is_new)
        calls[ncalls++] = *call;
    pthread_mutex_unlock(&lock);
    return is_new;
}

void bide__refused_forget(void)
{
    pthread_mutex_init(&lock, NULL);
}

void bide__report_refused(void)
{
    struct place call;
    char text[PLACE_TEXT_MAX];
    bide__place_find(&call);
    if (!is_new(&call))
        return;

    bide__place_text(text, sizeof text, &call);
    fprintf(stderr, "bide: %s; called at %s\n", bide_error_text(), text);
}
