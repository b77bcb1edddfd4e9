/* SPDX-License-Identifier: MIT */
/*
 * next.c - finding the functions that ours stand before.
 *
 * All are found at once, before the first constructor that may call one, or with the first call if that comes earlier.  To find
 * them allocates now and then, and an allocator may lock: what calls in again from there finds those that are known already, or
 * libc's own names for the few that an allocator needs.
 */
#include "unblock/next.h"

#include <dlfcn.h>
#include <stdatomic.h>

struct next bide__next;
bool bide__next_is_found;

/* The condition variables of x86_64 have an old version, too, of another layout; other machines began later. */
static void *find(const char *name)
{
    void *found = strncmp(name, "pthread_cond_", 13) == 0 ? dlvsym(RTLD_NEXT, name, "GLIBC_2.3.2") : NULL;

    return found ? found : dlsym(RTLD_NEXT, name);
}

/* A function pointer as dlsym gives it: POSIX has them alike. */
static void put(void *slot, const char *name)
{
    void *found = find(name);

    if (!found) {
        static const char text[] = "bide-unblock: a function of libc was not found: ";
        if (syscall(SYS_write, 2, text, sizeof text - 1) >= 0 && syscall(SYS_write, 2, name, strlen(name)) >= 0)
            (void)syscall(SYS_write, 2, "\n", 1);
        abort();
    }
    memcpy(slot, &found, sizeof found);
}

__attribute__((constructor(101))) void bide__next_find(void)
{
#define FIND(name)        \
    if (!bide__next.name) \
        put(&bide__next.name, #name);
    NEXT_NAMES(FIND)
#undef FIND
    __atomic_store_n(&bide__next_is_found, true, __ATOMIC_RELEASE);
}

/* Whoever looks at the file of a program sees that this library is in it, also if it is linked statically, and stripped. */
__asm__(".pushsection .note.bide, \"a\", %note\n\t"
        ".balign 4\n\t"
        ".4byte 5, 4, 2\n\t" /* lengths of name and contents, type: 1 is the library's (inspect/root.h), 2 is this one's */
        ".asciz \"bide\"\n\t"
        ".balign 4\n\t"
        ".4byte 1\n\t"
        ".popsection");
