/* SPDX-License-Identifier: MIT */
/*
 * describe.c - the verdict in a few sentences: the result, its reason, and what to do.
 */
#include "cli/doctor/doctor.h"

#define LINK_IT "Link it (`pkg-config --libs bide bide-unblock`), or start the program with LD_PRELOAD=libbide-unblock.so.0"

/* A program that has libbide.a. */
#define LINK_ARCHIVE "Link libbide-unblock.a with it (-Wl,--whole-archive -l:libbide-unblock.a -Wl,--no-whole-archive), or libbide.so"

static void add_why_it_blocks(const struct judgement *j, const struct closure *p, struct text *to)
{
    static const char *const texts[] = {
        [UNBLOCK_ABSENT] = "libbide-unblock is not linked. " LINK_IT,
        [UNBLOCK_LINKED] = "",
        [UNBLOCK_STATIC] = "",
        [UNBLOCK_PRELOADED] = "",
        [UNBLOCK_BEHIND] = "libbide-unblock comes after libc in the symbol search order, so calls go to libc. Link the "
                           "program itself with it (`pkg-config --libs bide bide-unblock`), not only a library that it needs",
        [UNBLOCK_LATE] = "libbide-unblock is loaded by dlopen, after libc's symbols were bound. " LINK_IT,
        [UNBLOCK_APART] = "libbide-unblock uses libbide.so, but the program is linked with libbide.a, and the tasks of that are not known "
                          "to it. " LINK_ARCHIVE,
    };

    if (j->is_static)
        text_add_string(to, "its libc is linked statically, so its calls cannot be interposed. Link it dynamically");
    else if (!j->uses_bide)
        text_add_string(to, "it does not use bide, so it has no tasks that could be suspended");
    else if (j->unblock == UNBLOCK_ABSENT && p->objects[0]->elf.has_bide)
        text_add_string(to, "libbide-unblock is not linked. " LINK_ARCHIVE);
    else
        text_add_string(to, texts[j->unblock]);
}

static size_t count(const struct elf_set *s)
{
    size_t n = 0;

    for (size_t number = 0; number < CALLS_MAX; number++)
        n += elf_has(s, number);
    return n;
}

static void add_where(const struct judgement *j, struct text *to)
{
    if (j->unblock == UNBLOCK_PRELOADED)
        text_add_string(to, "libbide-unblock is preloaded");
    else
        text_format(to, "libbide-unblock is linked%s", j->unblock == UNBLOCK_STATIC ? " statically" : "");
    text_add_string(to, ", and comes before libc");
}

static void add_exceptions(const struct judgement *j, const struct closure *p, struct text *to)
{
    size_t n = count(&j->surely);

    if (n > 0)
        text_format(to, " %zu call%s not covered, and block%s the thread: see BLOCKS.", n, n == 1 ? " is" : "s are", n == 1 ? "s" : "");
    if (p->missing_count > 0)
        text_format(to, " %zu librar%s not found, so what %s is unknown.", p->missing_count, p->missing_count == 1 ? "y was" : "ies were",
                    p->missing_count == 1 ? "it calls" : "they call");
}

void judge_describe(const struct judgement *j, const struct closure *p, struct text *to)
{
    char name[PATH_BYTES];

    say_clean(p->objects[0]->path, name, sizeof name);
    if (j->verdict == BLOCKS) {
        text_format(to, "%s will block: ", name);
        add_why_it_blocks(j, p, to);
        text_add_char(to, '.');
        if (j->unblock == UNBLOCK_ABSENT && j->uses_bide && !j->is_static)
            add_exceptions(j, p, to);
        return;
    }
    text_format(to, "%s works%s: ", name, j->verdict == WORKS ? "" : ", with exceptions");
    add_where(j, to);
    text_add_char(to, '.');
    add_exceptions(j, p, to);
}
