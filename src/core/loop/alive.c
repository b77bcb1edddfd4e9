/* SPDX-License-Identifier: MIT */
/*
 * alive.c - the loops that are not closed yet, each with a number that no other gets.
 *
 * A value in the user's memory that belongs to a loop (a lock, an event) keeps that number: no pointer, for nothing tells it when the
 * loop ends, and no share, for nothing would give it back.
 */
#include "core/loop/owner.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
struct list_node bide__loops_alive = {&bide__loops_alive, &bide__loops_alive};
static uint64_t last_id;

void bide__loop_alive_begin(bide_loop *loop)
{
    pthread_mutex_lock(&lock);
    loop->id = ++last_id;
    bide__list_append(&bide__loops_alive, &loop->alive);
    pthread_mutex_unlock(&lock);
}

void bide__loop_alive_end(bide_loop *loop)
{
    pthread_mutex_lock(&lock);
    bide__list_remove(&loop->alive);
    pthread_mutex_unlock(&lock);
}

/* Another thread may have held the lock. */
void bide__loops_alive_inherit(void)
{
    pthread_mutex_init(&lock, NULL);
}

int bide__loop_check_id(uint64_t id, const char *function)
{
    int code = 1;
    bool reports = false;

    pthread_mutex_lock(&lock);
    for (struct list_node *n = bide__loops_alive.next; n != &bide__loops_alive && code == 1; n = n->next) {
        const bide_loop *loop = container_of(n, bide_loop, alive);
        if (loop->id == id) {
            code = bide__loop_check_silent(loop, function);
            reports = code == BIDE_ESTATE && bide__loop_reports_refused(loop);
        }
        if (loop->id == id && code == 0 && bide__loop_here && bide__loop_here != loop)
            code = bide_fail(BIDE_ESTATE, "%s: it belongs to another event loop", function);
    }
    pthread_mutex_unlock(&lock);
    if (reports) /* not under the lock: it takes its time to name a place */
        bide__report_refused();
    return code;
}
