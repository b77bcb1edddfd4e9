/* SPDX-License-Identifier: MIT */
/*
 * judge.c - which calls go to libbide-unblock, which go to libc, and what that means for the program.
 *
 * A symbol is bound to the first object that defines it.  If that is neither libbide-unblock nor libc, it is a function of the program,
 * and not a call that waits; or a sanitizer's, which calls the next definition.
 */
#include "cli/doctor/doctor.h"

#include <stdlib.h>
#include <string.h>

static const struct object *definer_of(const struct closure *p, size_t number)
{
    for (size_t i = 0; i < p->count; i++) {
        const struct object *o = p->objects[i];
        if (elf_has(&o->elf.defines, number) && !strstr(o->name, "san.so"))
            return o;
    }
    return NULL; /* not defined, or in a library that is missing */
}

static void put(struct elf_set *s, size_t number)
{
    s->bits[number / 8] |= (uint8_t)(1u << number % 8);
}

static bool is_empty(const struct elf_set *s)
{
    static const struct elf_set empty;

    return memcmp(s, &empty, sizeof empty) == 0;
}

/* ---- bide's own two ---- */

static bool needs_bide(const struct object *o)
{
    for (size_t i = 0; i < o->elf.needed_count; i++)
        if (strncmp(o->elf.needed[i], "libbide.so", 10) == 0)
            return true;
    return o->elf.has_bide;
}

/* libbide-unblock always needs libbide, so it does not count. */
static bool uses_bide(const struct closure *p)
{
    for (size_t i = 0; i < p->count; i++)
        if (!p->objects[i]->is_bide && needs_bide(p->objects[i]))
            return true;
    return false;
}

static const struct object *find_unblock(const struct closure *p)
{
    for (size_t i = 0; i < p->count; i++)
        if (p->objects[i]->elf.has_unblock)
            return p->objects[i];
    return NULL;
}

/* Does libc come first for one of its names? */
static bool is_behind(const struct closure *p, const struct object *unblock)
{
    for (size_t number = 0; number < bide__covered_count; number++) {
        const struct object *first = definer_of(p, number);
        if (elf_has(&unblock->elf.defines, number) && first != unblock && first && first->is_system)
            return true;
    }
    return false;
}

/* The program's bide is linked into it, and no other object reaches that. */
static bool is_apart(const struct closure *p, const struct object *unblock)
{
    const struct object *user = p->objects[0];

    return user->elf.has_bide && !user->elf.exports_bide && unblock != user;
}

static enum unblock place_of_unblock(const struct closure *p, const struct object *o)
{
    if (!o)
        return UNBLOCK_ABSENT;
    if (is_apart(p, o))
        return UNBLOCK_APART;
    if (o->is_late)
        return UNBLOCK_LATE;
    if (is_behind(p, o))
        return UNBLOCK_BEHIND;
    if (o->is_preloaded || (o->by && o->by->is_preloaded))
        return UNBLOCK_PRELOADED;
    return o->is_bide ? UNBLOCK_LINKED : UNBLOCK_STATIC;
}

/* ---- what each calls ---- */

/* In a program that uses stdin or fdopen, stdio is probably not only for regular files. */
static bool is_sure(const struct closure *p, const struct object *o, const struct call_kind *kind)
{
    bool reads_pipes = o == p->objects[0] && o->elf.wraps_descriptors && !(o->elf.has_bide && p->bide.wraps_descriptors);

    return kind->surely || (reads_pipes && strcmp(kind->name, "stdio") == 0);
}

/* In a program that has libbide.a, nobody can tell who makes a call that bide makes, too. */
static bool is_bides(const struct closure *p, const struct object *o, size_t number)
{
    return o == p->objects[0] && o->elf.has_bide && elf_has(&p->bide.imports, number);
}

static void look_at_call(const struct judgement *j, const struct closure *p, struct finding *f, size_t number)
{
    const struct call_kind *kind = bide__call_at(number).kind;
    const struct object *definer = definer_of(p, number);
    bool finds_unblock = definer && definer == j->unblock_object;

    if (definer && !definer->is_system && !finds_unblock)
        return;
    if (!kind)
        put(finds_unblock || j->unblock == UNBLOCK_ABSENT ? &f->covered : &f->surely, number);
    else
        put(is_sure(p, f->object, kind) ? &f->surely : &f->perhaps, number);
}

static struct finding look_at(const struct judgement *j, const struct closure *p, const struct object *o)
{
    struct finding f = {.object = o};
    size_t n = bide__call_count();

    for (size_t number = 0; number < n; number++)
        if (elf_has(&o->elf.imports, number) && !is_bides(p, o, number))
            look_at_call(j, p, &f, number);
    return f;
}

static void note_bides_own(struct judgement *j, const struct closure *p)
{
    for (size_t number = 0; number < bide__call_count(); number++)
        if (elf_has(&p->objects[0]->elf.imports, number) && is_bides(p, p->objects[0], number))
            put(&j->bides_own, number);
}

static void merge(struct elf_set *into, const struct elf_set *from)
{
    for (size_t i = 0; i < sizeof into->bits; i++)
        into->bits[i] |= from->bits[i];
}

static void look_at_all(struct judgement *j, const struct closure *p)
{
    for (size_t i = 0; i < p->count; i++) {
        const struct object *o = p->objects[i];
        if (o->is_system || o->is_bide)
            continue;
        if (!o->is_used) {
            j->own++;
            continue;
        }
        struct finding f = look_at(j, p, o);
        merge(&j->surely, &f.surely);
        merge(&j->perhaps, &f.perhaps);
        if (is_empty(&f.covered) && is_empty(&f.surely) && is_empty(&f.perhaps) && o->elf.system_calls == 0)
            j->silent++;
        else
            j->findings[j->count++] = f;
    }
}

/* ---- the verdict ---- */

static enum verdict verdict_of(const struct judgement *j, const struct closure *p)
{
    bool is_first = j->unblock == UNBLOCK_LINKED || j->unblock == UNBLOCK_STATIC || j->unblock == UNBLOCK_PRELOADED;
    if (j->is_static || !j->uses_bide || !is_first)
        return BLOCKS;
    return is_empty(&j->surely) && p->missing_count == 0 ? WORKS : WORKS_BUT;
}

bool judge(struct judgement *j, const struct closure *p)
{
    const struct elf *e = &p->objects[0]->elf;

    *j = (struct judgement){.uses_bide = uses_bide(p), .unblock_object = find_unblock(p)};
    j->is_static = !e->has_interpreter && e->needed_count == 0 && !e->soname;
    j->unblock = place_of_unblock(p, j->unblock_object);
    j->findings = calloc(p->count, sizeof *j->findings);
    if (!j->findings)
        return false;
    look_at_all(j, p);
    note_bides_own(j, p);
    j->verdict = verdict_of(j, p);
    return true;
}

void judgement_free(struct judgement *j)
{
    free(j->findings);
}

const char *judge_verdict_name(enum verdict v)
{
    static const char *const names[] = {[WORKS] = "works", [WORKS_BUT] = "works-but", [BLOCKS] = "blocks"};

    return names[v];
}

const char *judge_unblock_name(enum unblock u)
{
    static const char *const names[] = {
        [UNBLOCK_ABSENT] = "absent",       [UNBLOCK_LINKED] = "linked", [UNBLOCK_STATIC] = "static",
        [UNBLOCK_PRELOADED] = "preloaded", [UNBLOCK_BEHIND] = "behind", [UNBLOCK_LATE] = "late",
        [UNBLOCK_APART] = "apart",
    };

    return names[u];
}
