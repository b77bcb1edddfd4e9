/* SPDX-License-Identifier: MIT */
/*
 * list.h - lists: circular, doubly linked, inside other structs.  An idle node points to itself.
 */
#ifndef BIDE_BASE_LIST_H
#define BIDE_BASE_LIST_H

#include <stdbool.h>

struct list_node {
    struct list_node *next, *prev;
};

static inline void bide__list_init(struct list_node *n)
{
    n->next = n->prev = n;
}

static inline bool bide__list_is_empty(const struct list_node *n)
{
    return n->next == n;
}

/* Is this node in a list? */
static inline bool bide__list_is_linked(const struct list_node *n)
{
    return n->next != n;
}

static inline void bide__list_append(struct list_node *list, struct list_node *n)
{
    n->prev = list->prev;
    n->next = list;
    list->prev->next = n;
    list->prev = n;
}

static inline void bide__list_prepend(struct list_node *list, struct list_node *n)
{
    bide__list_append(list->next, n);
}

static inline void bide__list_remove(struct list_node *n)
{
    n->prev->next = n->next;
    n->next->prev = n->prev;
    bide__list_init(n);
}

/* Move all of `from` to the end of `to`; `from` is empty afterwards. */
static inline void bide__list_splice(struct list_node *to, struct list_node *from)
{
    if (bide__list_is_empty(from))
        return;
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    bide__list_init(from);
}

#endif
