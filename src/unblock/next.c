/* SPDX-License-Identifier: MIT */
/*
 * next.c - finding the functions that ours stand before.
 *
 * All are found at once, before the first constructor that may call one, or with the first call if that comes earlier.  To find
 * them allocates now and then, and an allocator may lock: what calls in again from there finds those that are known already, or
 * libc's own names for the few that an allocator needs.
 *
 * A sanitizer has functions of these names, too.  Which comes first depends on how the program is linked:
 *
 *     linked with libbide-unblock.a     ours --> the sanitizer's, as __interceptor_NAME --> libc's
 *     linked with libbide-unblock.so    the sanitizer's --> ours --> libc's
 *
 * The second way does for AddressSanitizer.  ThreadSanitizer's pthread_once and pthread_cond_wait do not call ours, and would block
 * the thread: so no call is changed there, which is reported.  It calls pthread_key_create before it has begun itself, hence
 * UNINSTRUMENTED.
 */
#include "unblock/next.h"

#include <dlfcn.h>
#include <stdatomic.h>

struct next bide__next;
bool bide__next_is_found;

#define INTERCEPTOR "__interceptor_"

/* (&recv in here would be the first one, too, so a private variable tells where ours are.) */
UNINSTRUMENTED static bool is_first(const char *name)
{
    static const char here;
    void *first = dlsym(RTLD_DEFAULT, name);
    Dl_info of_first, ours;

    return first && dladdr(first, &of_first) && dladdr(&here, &ours) && of_first.dli_fbase == ours.dli_fbase;
}

bool bide__next_is_reached(const char *name)
{
    char interceptor[64];

    snprintf(interceptor, sizeof interceptor, INTERCEPTOR "%s", name);
    void *first = dlsym(RTLD_DEFAULT, name);
    return is_first(name) || (first && first == dlsym(RTLD_DEFAULT, interceptor));
}

/* No other sanitizer has this one. */
UNINSTRUMENTED static bool tsan_is_here(void)
{
    return dlsym(RTLD_DEFAULT, INTERCEPTOR "pthread_once");
}

bool bide__next_tsan_is_first(void)
{
    return tsan_is_here() && !is_first("pthread_once");
}

/* The condition variables of x86_64 have an old version, too, of another layout; other machines began later. */
UNINSTRUMENTED static void *find(const char *interceptor)
{
    const char *name = interceptor + sizeof INTERCEPTOR - 1;
    void *found = dlsym(RTLD_DEFAULT, interceptor);
    if (found && is_first(name))
        return found;
    found = strncmp(name, "pthread_cond_", 13) == 0 ? dlvsym(RTLD_NEXT, name, "GLIBC_2.3.2") : NULL;

    return found ? found : dlsym(RTLD_NEXT, name);
}

/* A function pointer as dlsym gives it: POSIX has them alike. */
UNINSTRUMENTED static void put(void *slot, const char *interceptor)
{
    const char *name = interceptor + sizeof INTERCEPTOR - 1;
    void *found = find(interceptor);

    if (!found) {
        static const char text[] = "bide-unblock: a function of libc was not found: ";
        if (syscall(SYS_write, 2, text, sizeof text - 1) >= 0 && syscall(SYS_write, 2, name, strlen(name)) >= 0)
            (void)syscall(SYS_write, 2, "\n", 1);
        abort();
    }
    memcpy(slot, &found, sizeof found);
}

UNINSTRUMENTED __attribute__((constructor(101))) void bide__next_find(void)
{
#define FIND(name)        \
    if (!bide__next.name) \
        put(&bide__next.name, INTERCEPTOR #name);
    NEXT_NAMES(FIND)
#undef FIND
    if (tsan_is_here() && !dlsym(RTLD_DEFAULT, INTERCEPTOR "pthread_mutex_clocklock"))
        bide__next_use_wall_clock();
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
