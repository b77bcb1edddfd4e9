/* SPDX-License-Identifier: MIT */
/*
 * allocator.h - where the library takes its memory from, for programs that count it, limit it, or have a heap of their own.
 *
 * All that the library itself takes from the heap comes from these functions, in every thread, also in the workers of a pool of
 * processes.  What does not: stacks of tasks, shared memory of pools and the guarded pages of BIDE_DEBUG=1, which are mapped
 * (mmap); what a function says that the caller is to free() (bide_file_read_all); and what other libraries take (libc, OpenSSL,
 * c-ares and others).  Those can be handed functions of their own, but for the whole process, before anyone has used
 * them, so that is for the program to decide: docs/guide/allocator.md shows how.
 */
#ifndef BIDE_ALLOCATOR_H
#define BIDE_ALLOCATOR_H

#include <bide/object.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Each as its namesake of the C library (alignment, NULL for no memory), with .user at the end. */
typedef struct bide_allocator {
    size_t size; /* of this struct; set by the macro */
    struct bide_use_named_options *guard_;
    void *(*malloc)(size_t size, void *user);            /* size is never 0 */
    void *(*calloc)(size_t n, size_t size, void *user);  /* default: malloc, and zeros */
    void *(*realloc)(void *old, size_t size, void *user); /* old is never NULL; what fails leaves it as it was */
    void (*free)(void *p, void *user);                   /* p is never NULL */
    void *user;
} bide_allocator;

/*
 * Take memory from these functions from now on.  To be called first of all, in main: once anything was allocated it is too late.
 *
 * Threads:   before another thread uses the library; afterwards every thread of it may call the functions, several at once
 * Returns:   0
 * Errors:    BIDE_ESTATE: the library has allocated something, or it was called before; -EINVAL: malloc, realloc or free is NULL
 * Owns:      the struct is copied; user is borrowed until the program ends
 * Example:   BIDE_TRY(bide_set_allocator(.malloc = take, .realloc = resize, .free = give, .user = &heap));
 */
#define bide_set_allocator(...) BIDE__CALL(bide_set_allocator_with(BIDE__ARGS(bide_allocator, __VA_ARGS__)))
BIDE_API BIDE_MUST_USE int bide_set_allocator_with(const bide_allocator *allocator);

#ifdef __cplusplus
}
#endif
#endif
