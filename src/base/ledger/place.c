/* SPDX-License-Identifier: MIT */
/*
 * place.c - the place in the program that called the library: the innermost frames that are not the library's.
 *
 * In a program that is linked with libbide.a the two cannot be distinguished, so more frames are kept, of which the
 * first ones are the library's.
 */
#include <dlfcn.h>
#include <execinfo.h>
#include <link.h>
#include <pthread.h>
#include <stdio.h>

#include "base/base.h"
#include "base/ledger/ledger.h"

#define FRAMES_MAX 24

place_name_fn *_Atomic bide__place_name;

static struct {
    pthread_once_t once;
    uintptr_t low, size; /* of the library's code; 0: it is in the program */
} own = {.once = PTHREAD_ONCE_INIT};

/* dl_iterate_phdr begins with the program itself: count is 0 then. */
static int find_in_object(struct dl_phdr_info *info, size_t size, void *count)
{
    uintptr_t here = (uintptr_t)&bide__place_find;
    (void)size;

    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *h = &info->dlpi_phdr[i];
        uintptr_t low = info->dlpi_addr + h->p_vaddr;
        if (h->p_type != PT_LOAD || here - low >= h->p_memsz)
            continue;
        if (*(int *)count > 0) {
            own.low = low;
            own.size = h->p_memsz;
        }
        return 1;
    }
    ++*(int *)count;
    return 0;
}

static void find_own(void)
{
    int count = 0;

    dl_iterate_phdr(find_in_object, &count);
}

bool bide__place_is_ours(const void *pc)
{
    pthread_once(&own.once, find_own);
    return (uintptr_t)pc - own.low < own.size;
}

void bide__place_find(struct place *p)
{
    void *frames[FRAMES_MAX];
    int n = backtrace(frames, FRAMES_MAX), at = 2; /* this function and its caller */
    int most = PLACE_FRAMES;

    pthread_once(&own.once, find_own);
    if (own.size > 0)
        most = 2;
    while (at < n && bide__place_is_ours(frames[at]))
        at++;
    *p = (struct place){.pc = {NULL}};
    for (int i = 0; i < most && at < n && !bide__place_is_ours(frames[at]); i++, at++)
        p->pc[i] = (char *)frames[at] - 1; /* the call, not what comes after it */
}

bool bide__place_is_same_call(const struct place *a, const struct place *b)
{
    size_t frames = own.size > 0 ? 1 : PLACE_FRAMES;

    return memcmp(a->pc, b->pc, frames * sizeof *a->pc) == 0;
}

/* name: NULL, or a function that knows more than the linker does. */
static size_t put_frame(char *buf, size_t cap, const void *pc, place_name_fn *name)
{
    Dl_info info;
    int n;

    if (name) {
        name(buf, cap, pc);
        if (buf[0])
            return strlen(buf);
    }
    if (!dladdr(pc, &info) || !info.dli_fname)
        n = snprintf(buf, cap, "%p", pc);
    else
        n = snprintf(buf, cap, "%s(%s)[0x%zx]", info.dli_fname, info.dli_sname ? info.dli_sname : "",
                     (size_t)((const char *)pc - (const char *)info.dli_fbase));
    return n < 0 ? 0 : (size_t)n < cap ? (size_t)n : cap - 1;
}

static void put_frames(char *buf, size_t cap, const struct place *p, place_name_fn *name)
{
    size_t len = 0;

    snprintf(buf, cap, "an unknown place");
    for (int i = 0; i < PLACE_FRAMES && p->pc[i] && cap - len > 8; i++) {
        if (i > 0)
            len += (size_t)snprintf(buf + len, cap - len, " < ");
        len += put_frame(buf + len, cap - len, p->pc[i], name);
    }
}

void bide__place_text(char *buf, size_t cap, const struct place *p)
{
    put_frames(buf, cap, p, bide__place_name);
}

void bide__place_addresses(char *buf, size_t cap, const struct place *p)
{
    put_frames(buf, cap, p, NULL);
}
