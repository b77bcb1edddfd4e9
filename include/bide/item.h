/* SPDX-License-Identifier: MIT */
/*
 * item.h - what queues and channels have in common: they are made for one type of item, and a pointer to another does not compile.
 */
#ifndef BIDE_ITEM_H
#define BIDE_ITEM_H

#include <bide/coroutine.h>

/* The type of a queue or channel for one type of item: an object behind a pointer; it has no members for a program. */
#define BIDE__ITEM_TYPE(name, object, type) \
    typedef union name {                    \
        type *item_;                        \
        struct object *object_;             \
    } name

#define BIDE__ITEM_SIZE(name) sizeof(*((name *)0)->item_)

/* A pointer to an item, checked against the type of q. */
#ifdef __cplusplus
extern "C++" {
template <class bide__T> inline bide__T *bide__item(bide__T *item) { return item; }
}
#define BIDE__ITEM_TO(q, item) bide__item<const std::remove_pointer_t<decltype((q)->item_)>>(item)
#define BIDE__ITEM_FROM(q, item) bide__item<std::remove_pointer_t<decltype((q)->item_)>>(item)
#else
#define BIDE__ITEM_TO(q, item)                                                                             \
    ((void)__extension__({                                                                                 \
         _Static_assert(__builtin_types_compatible_p(__typeof__(*(item)), __typeof__(*(q)->item_)),        \
                        "the item is not of the type that the queue or channel was declared for");         \
         0;                                                                                                \
     }),                                                                                                   \
     (item))
#define BIDE__ITEM_FROM(q, item) BIDE__ITEM_TO(q, item)
#endif
/* The object behind a typed pointer. */
#define BIDE__ITEM_OBJECT(object, q) ((void)sizeof((q)->object_), (struct object *)(void *)(q))

#endif
