/* SPDX-License-Identifier: MIT */
/*
 * next.c - looks up the next definitions of the names that we interpose.
 *
 * All are looked up at once, in an early constructor, or with the first call if that comes earlier.  dlsym may allocate, and an allocator
 * may lock: such nested calls look up what is not known yet.
 *
 * A sanitizer interposes the same names.  Which definition comes first depends on how the program is linked:
 *
 *     linked with libbide-unblock.a     ours --> the sanitizer's, as __interceptor_NAME --> libc's
 *     linked with libbide-unblock.so    the sanitizer's --> ours --> libc's
 *
 * The second way works with AddressSanitizer.  ThreadSanitizer's pthread_once and pthread_cond_wait do not call ours, and would block the
 * thread: so no call is changed there, which is reported.  It calls pthread_key_create before it is initialized, hence UNINSTRUMENTED.
 */
#include "unblock/next.h"

#include <dlfcn.h>
#include <link.h>
#include <stdatomic.h>

#include "io/poll/interpose.h"

struct next bide__next;
bool bide__next_is_found;

#define INTERCEPTOR "__interceptor_"

/* Is ours the first definition of this name?  (Its address in here would be that of the first one, so a private variable tells.) */
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

/* No other sanitizer interposes pthread_once. */
UNINSTRUMENTED static bool tsan_is_here(void)
{
    return dlsym(RTLD_DEFAULT, INTERCEPTOR "pthread_once");
}

bool bide__next_tsan_is_first(void)
{
    return tsan_is_here() && !is_first("pthread_once");
}

/* On x86_64, dlsym may return the condition variables' old version, with another layout; other machines have no old one. */
UNINSTRUMENTED static void *find(const char *interceptor)
{
    const char *name = interceptor + sizeof INTERCEPTOR - 1;
    void *found = dlsym(RTLD_DEFAULT, interceptor);
    if (found && is_first(name))
        return found;
    found = strncmp(name, "pthread_cond_", 13) == 0 ? dlvsym(RTLD_NEXT, name, "GLIBC_2.3.2") : NULL;

    return found ? found : dlsym(RTLD_NEXT, name);
}

/* dlsym returns void *; POSIX says that it can be used as a function pointer. */
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

/* ---- two of bide in one process ---- */

/* The note that each bide has (inspect/root.h). */
static bool has_note(const char *at, size_t left)
{
    static const char name[] = "bide";
    ElfW(Nhdr) h;

    while (left >= sizeof h) {
        memcpy(&h, at, sizeof h);
        size_t size = sizeof h + ((h.n_namesz + 3) & ~(size_t)3) + ((h.n_descsz + 3) & ~(size_t)3);
        if (size > left)
            return false;
        if (h.n_type == 1 && h.n_namesz == sizeof name && memcmp(at + sizeof h, name, sizeof name) == 0)
            return true;
        at += size;
        left -= size;
    }
    return false;
}

/* Of the program, which comes first: has it a bide, and is it another one than ours? */
static int look_at_program(struct dl_phdr_info *info, size_t size, void *is_apart)
{
    uintptr_t ours = (uintptr_t)bide_interpose;
    bool has_bide = false, has_ours = false;

    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        uintptr_t at = info->dlpi_addr + p->p_vaddr;
        has_bide |= p->p_type == PT_NOTE && has_note((const char *)at, p->p_memsz);
        has_ours |= p->p_type == PT_LOAD && ours >= at && ours - at < p->p_memsz;
    }
    *(bool *)is_apart = has_bide && !has_ours;
    return 1;
}

bool bide__next_bide_is_apart(void)
{
    bool is_apart = false;

    dl_iterate_phdr(look_at_program, &is_apart);
    return is_apart;
}

/* ---- the note ---- */

/* By this note `bide doctor` sees that the library is in a program, also in a stripped one that is linked statically with it. */
__asm__(".pushsection .note.bide, \"a\", %note\n\t"
        ".balign 4\n\t"
        ".4byte 5, 4, 2\n\t" /* lengths of name and contents, type: 1 is libbide's (inspect/root.h), 2 is this library's */
        ".asciz \"bide\"\n\t"
        ".balign 4\n\t"
        ".4byte 1\n\t"
        ".popsection");
