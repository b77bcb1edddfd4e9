/* SPDX-License-Identifier: MIT */
/*
 * watch.c - a function that the loop calls when a descriptor becomes readable, and the bell that makes one so.
 *
 * For what is no task, or has none to spare for waiting: the clause of a task's wait lies on its stack, that of a watch
 * in a struct of its owner.  It is withdrawn when it fires, and put back by bide__watch_again.
 */
#include <unistd.h>

#include "io/poll/poll.h"

void bide__ring_bell(int fd)
{
    uint64_t one = 1;

    while (write(fd, &one, sizeof one) < 0 && errno == EINTR)
        ;
}

int bide__watch_open(struct watch_fd *w, struct fd *f, void (*run)(struct ready *r))
{
    int code = bide__ring_reserve(&f->loop->ring, 1);
    if (code < 0)
        return code;

    w->ready = (struct ready){.run = run};
    bide__clause_init(&w->clause, &w->ready);
    bide__list_append(&f->readers, &w->clause.node);
    return 0;
}

void bide__watch_again(struct watch_fd *w, struct fd *f)
{
    if (!bide__list_is_linked(&w->clause.node))
        bide__list_append(&f->readers, &w->clause.node);
}

void bide__watch_close(struct watch_fd *w, struct fd *f)
{
    if (!w->ready.run)
        return;
    bide__list_remove(&w->clause.node);
    bide__unpush(f->loop, &w->ready);
    bide__ring_unreserve(&f->loop->ring, 1);
    w->ready.run = NULL;
}
