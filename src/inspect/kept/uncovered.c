/* SPDX-License-Identifier: MIT */
/*
 * uncovered.c - a call that blocks a loop: does libbide-unblock cover it, and if so, why does it block?
 *
 * The call is the outermost function of libc on the stack, because that is what the library or program has called: fgets, and not the read
 * that fgets makes.  If libbide-unblock is not in the program, it is recommended, once, and only if it covers the call.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/task/await.h"
#include "coverage/coverage.h"
#include "inspect/inspect.h"

struct stuck {
    const char *call;   /* NULL: a system call of the caller's own */
    const char *caller; /* "libfoo.so.1", "the program" */
    const struct call_kind *kind;
    bool is_known, is_covered; /* in coverage/coverage.h; kind is NULL if it is not in its table */
    bool went_through;         /* libbide-unblock got the call, and passed it to libc */
};

static bool is_of_libc(uintptr_t pc, Dl_info *info)
{
    bool is_found = dladdr((const void *)pc, info) != 0;

    return bide__symbol_is_of_the_system(pc, is_found && info->dli_sname ? info->dli_sname : "");
}

/* Is it in libbide-unblock?  If that is linked statically, only the functions that it interposes count. */
static bool is_of_unblock(const Dl_info *info)
{
    const char *name = info->dli_fname ? strrchr(info->dli_fname, '/') : NULL;
    size_t number = info->dli_sname ? bide__call_find(info->dli_sname) : CALLS_MAX;
    Dl_info its;

    if (name && strncmp(name, "/libbide-unblock.so", 19) == 0)
        return true;
    return bide__guest_ended && dladdr((const void *)(uintptr_t)bide__guest_ended, &its) && its.dli_fbase == info->dli_fbase &&
           number < bide__covered_count;
}

/* The number of the call that this function of libc implements.  It may have several names, and dladdr returns only one. */
static size_t number_of(const Dl_info *info)
{
    size_t found = CALLS_MAX, n = bide__call_count();
    void *libc = info->dli_fname ? dlopen(info->dli_fname, RTLD_LAZY | RTLD_NOLOAD) : NULL;

    for (size_t i = 0; libc && info->dli_saddr && i < n && found == CALLS_MAX; i++)
        if (dlsym(libc, bide__call_at(i).name) == info->dli_saddr)
            found = bide__call_find(bide__call_at(i).name); /* __read is read */
    if (libc)
        dlclose(libc);
    return found;
}

static void set_call(struct stuck *s, const Dl_info *info)
{
    size_t number = number_of(info);

    s->call = info->dli_sname ? info->dli_sname : "a function of libc";
    if (number == CALLS_MAX)
        return;
    s->is_known = true;
    s->call = bide__call_at(number).name;
    s->is_covered = number < bide__covered_count;
    s->kind = bide__call_at(number).kind;
}

/* By the name of its file; a file that is not named like a library is the program. */
static const char *name_of(const Dl_info *info)
{
    const char *slash = info->dli_fname ? strrchr(info->dli_fname, '/') : NULL;

    if (slash && strncmp(slash, "/libbide.so", 11) == 0)
        return "bide";
    return slash && strstr(slash, ".so") ? slash + 1 : "the program";
}

/* False: only libc is on the stack. */
static bool find_stuck(struct stuck *s, const uintptr_t *pcs, size_t n)
{
    Dl_info info = {0}, inner = {0};

    for (size_t i = 0; i < n; i++) {
        bool is_libc = is_of_libc(pcs[i], &info);
        if (is_of_unblock(&info))
            s->went_through = true;
        else if (!is_libc)
            break;
        inner = info;
        info = (Dl_info){0};
    }
    if (!info.dli_fname)
        return false;
    s->caller = name_of(&info);
    if (inner.dli_fname)
        set_call(s, &inner);
    return true;
}

static int put_present(const struct stuck *s, char *buf, size_t cap)
{
    const char *doctor = program_invocation_name;

    if (s->went_through || s->is_covered)
        return snprintf(buf, cap, "bide: %s calls %s, which libbide-unblock leaves to libc: it is a regular file, or libc comes first: see "
                                  "`bide doctor %s`\n", s->caller, s->call, doctor);
    if (!s->call)
        return snprintf(buf, cap, "bide: %s makes a system call in its own code, which libbide-unblock does not cover\n", s->caller);
    return snprintf(buf, cap, "bide: %s calls %s, which libbide-unblock does not cover%s%s%s: see `bide doctor %s`\n", s->caller, s->call,
                    s->kind ? " (" : "", s->kind ? s->kind->name : "", s->kind ? ")" : "", doctor);
}

bool bide__uncovered_text(char *buf, size_t cap, const uintptr_t *pcs, size_t n, bool is_in_call)
{
    static bool has_recommended; /* only the watcher thread calls this */
    struct stuck s = {.call = NULL};
    if (!find_stuck(&s, pcs, n) || (!s.is_known && !is_in_call))
        return false;

    if (bide__guest_ended && strcmp(s.caller, "bide") == 0)
        return false; /* on purpose, and not for long: bide__block_begin */
    if (bide__guest_ended)
        return put_present(&s, buf, cap) > 0;
    if (!s.is_covered || has_recommended)
        return false;
    has_recommended = true;
    return snprintf(buf, cap, "bide: with libbide-unblock, %s of %s would suspend only its task: see `bide doctor %s`\n", s.call, s.caller,
                    program_invocation_name) > 0;
}
