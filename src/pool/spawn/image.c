/* SPDX-License-Identifier: MIT */
/*
 * image.c - is this function in the workers, too?
 *
 * A worker that was forked has the same code at the same addresses, but only what was loaded then.  So the executable
 * ranges are noted at the time of the fork, and a function outside them is refused before it can crash a worker.
 */
#include <dlfcn.h>
#include <link.h>

#include "pool/spawn/spawn.h"

static int add_object(struct dl_phdr_info *info, size_t size, void *arg)
{
    struct image *im = arg;
    (void)size;

    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *h = &info->dlpi_phdr[i];
        if (h->p_type != PT_LOAD || !(h->p_flags & PF_X) || im->n == IMAGE_OBJECTS_MAX)
            continue;
        uintptr_t from = (uintptr_t)info->dlpi_addr + h->p_vaddr;
        im->objects[im->n++] = (struct image_object){from, from + h->p_memsz};
    }
    return 0;
}

void bide__image_take(struct image *im)
{
    im->n = 0;
    dl_iterate_phdr(add_object, im);
}

int bide__image_check(const struct image *im, void (*fn)(void), const char *name)
{
    uintptr_t at = (uintptr_t)fn;
    Dl_info info;

    for (unsigned i = 0; i < im->n; i++)
        if (at >= im->objects[i].from && at < im->objects[i].to)
            return 0;
    /* POSIX lets a function be an object's address where dlsym exists. */
    if (dladdr((void *)at, &info) && info.dli_fname)
        return bide_fail(BIDE_EFUNCTION,
                         "%s is in %s, which was loaded after the workers were born: call bide_pool_prepare() after loading it,"
                         " or use BIDE_POOL_EXEC",
                         name, info.dli_fname);
    return bide_fail(BIDE_EFUNCTION, "%s is in no loaded object: the workers cannot find it (a nested function, or made code?)",
                     name);
}
