/* SPDX-License-Identifier: MIT */
/*
 * report.c - the verdict, the table of calls, and a legend for it.
 */
#include "cli/doctor/doctor.h"

#include <string.h>

#define COVERED_SHOWN 3
#define COLUMNS 4

static const char *plural(size_t n, const char *one, const char *many)
{
    return n == 1 ? one : many;
}

static bool is_empty(const struct elf_set *s)
{
    static const struct elf_set empty;

    return memcmp(s, &empty, sizeof empty) == 0;
}

static void add_separated(struct text *to, const char *text)
{
    if (to->len > 0)
        text_add_string(to, ", ");
    text_add_string(to, text);
}

/* ---- cells ---- */

static void add_names(struct text *to, const struct elf_set *s, size_t most)
{
    size_t n = 0;

    for (size_t number = 0; number < CALLS_MAX; number++)
        if (elf_has(s, number) && n++ < most)
            add_separated(to, bide__call_at(number).name);
    if (n > most)
        text_format(to, " and %zu more", n - most);
    if (n == 0)
        text_add_char(to, '-');
}

/* Is this the first call of its kind in the set? */
static bool is_first_of_kind(const struct elf_set *s, size_t number)
{
    for (size_t other = 0; other < number; other++)
        if (elf_has(s, other) && bide__call_at(other).kind == bide__call_at(number).kind)
            return false;
    return true;
}

static void add_kinds(struct text *to, const struct finding *f)
{
    for (size_t number = 0; number < CALLS_MAX; number++)
        if (elf_has(&f->perhaps, number) && is_first_of_kind(&f->perhaps, number))
            add_separated(to, bide__call_at(number).kind->name);
    if (f->object->elf.system_calls > 0)
        add_separated(to, bide__own_system_calls.name);
    if (to->len == 0)
        text_add_char(to, '-');
}

struct row {
    struct text cells[COLUMNS];
};

static struct row row_of(const struct finding *f)
{
    struct row r = {0};
    char name[512];

    text_add_string(&r.cells[0], say_clean(f->object->name, name, sizeof name));
    add_names(&r.cells[1], &f->covered, COVERED_SHOWN);
    add_names(&r.cells[2], &f->surely, CALLS_MAX);
    add_kinds(&r.cells[3], f);
    return r;
}

static struct row head_of(const struct judgement *j)
{
    struct row r = {0};
    const char *const titles[COLUMNS] = {"LIBRARY", j->unblock == UNBLOCK_ABSENT ? "WOULD BE COVERED" : "COVERED", "BLOCKS", "MAY BLOCK"};

    for (size_t i = 0; i < COLUMNS; i++)
        text_add_string(&r.cells[i], titles[i]);
    return r;
}

static void row_free(struct row *r)
{
    for (size_t i = 0; i < COLUMNS; i++)
        text_free(&r->cells[i]);
}

static void widen(int *widths, const struct row *r)
{
    for (size_t i = 0; i < COLUMNS; i++) {
        int n = text_columns(text_string(&r->cells[i]), r->cells[i].len);
        widths[i] = n > widths[i] ? n : widths[i];
    }
}

static void add_row(struct text *to, const struct row *r, const int *widths)
{
    for (size_t i = 0; i < COLUMNS; i++) {
        const char *cell = text_string(&r->cells[i]);
        text_add_string(to, cell);
        for (int n = text_columns(cell, strlen(cell)); i + 1 < COLUMNS && n < widths[i] + 2; n++)
            text_add_char(to, ' ');
    }
    text_add_char(to, '\n');
}

/* Twice: the widths are known only at the end. */
static void add_table(const struct judgement *j, struct text *to)
{
    int widths[COLUMNS] = {0};
    struct row head = head_of(j);

    widen(widths, &head);
    for (size_t i = 0; i < j->count; i++) {
        struct row r = row_of(&j->findings[i]);
        widen(widths, &r);
        row_free(&r);
    }
    text_add_char(to, '\n');
    add_row(to, &head, widths);
    row_free(&head);
    for (size_t i = 0; i < j->count; i++) {
        struct row r = row_of(&j->findings[i]);
        add_row(to, &r, widths);
        row_free(&r);
    }
    if (j->silent > 0)
        text_format(to, "%zu more librar%s no blocking calls.\n", j->silent, plural(j->silent, "y makes", "ies make"));
    if (j->own > 0)
        text_format(to, "%zu librar%s needed only by bide, which does not make their blocking calls in a task.\n", j->own,
                    plural(j->own, "y is", "ies are"));
}

/* ---- the legend ---- */

/* Calls that libbide-unblock covers, but which go to libc. */
static const char why_behind[] = "go to libc, which comes first; if libbide-unblock is linked statically, libraries loaded by dlopen "
                                 "find it only with -rdynamic";

static void add_kind(struct text *to, const struct elf_set *s, const struct call_kind *kind)
{
    struct text names = {0};

    for (size_t number = 0; number < CALLS_MAX; number++)
        if (elf_has(s, number) && bide__call_at(number).kind == kind)
            add_separated(&names, bide__call_at(number).name);
    text_format(to, "%s (%s): %s.\n", kind ? kind->name : "behind", text_string(&names), kind ? kind->why : why_behind);
    text_free(&names);
}

static void add_legend(const struct elf_set *s, const struct elf_set *not_again, struct text *to)
{
    for (size_t number = 0; number < CALLS_MAX; number++) {
        bool is_new = elf_has(s, number) && is_first_of_kind(s, number) && !(not_again && elf_has(not_again, number));
        if (is_new)
            add_kind(to, s, bide__call_at(number).kind);
    }
}

/* A line "libcrypto.so.3, libsasl2.so.2: REMARK" with the files for which holds() is true. */
static void add_remark(const struct closure *p, bool (*holds)(const struct elf *e), const char *remark, struct text *to)
{
    struct text names = {0};
    char name[512];

    for (size_t i = 0; i < p->count; i++)
        if (p->objects[i]->is_used && !p->objects[i]->is_system && !p->objects[i]->is_bide && holds(&p->objects[i]->elf))
            add_separated(&names, say_clean(p->objects[i]->name, name, sizeof name));
    if (names.len > 0)
        text_format(to, "%s: %s\n", text_string(&names), remark);
    text_free(&names);
}

static bool opens_libraries(const struct elf *e)
{
    return e->opens_libraries;
}

static bool has_system_calls(const struct elf *e)
{
    return e->system_calls > 0;
}

/* Named are those that would block the thread. */
static void add_bides_own(const struct judgement *j, const struct closure *p, struct text *to)
{
    struct text names = {0};
    char name[512];

    for (size_t number = 0; number < CALLS_MAX; number++) {
        const struct call_kind *kind = elf_has(&j->bides_own, number) ? bide__call_at(number).kind : NULL;
        if (kind && kind->surely)
            add_separated(&names, bide__call_at(number).name);
    }
    say_clean(p->objects[0]->name, name, sizeof name);
    if (!is_empty(&j->bides_own))
        text_format(to, "%s: is linked with libbide.a. The calls that bide itself makes are not listed; whether the program makes them as well is "
                        "unknown%s%s.\n", name, names.len > 0 ? ": " : "", text_string(&names));
    text_free(&names);
}

static void add_missing(const struct closure *p, struct text *to)
{
    char name[512], by[512];

    for (size_t i = 0; i < p->missing_count; i++)
        text_format(to, "%s: not found; %s needs it.\n", say_clean(p->missing[i].name, name, sizeof name),
                    say_clean(p->missing[i].by->name, by, sizeof by));
}

void doctor_report(const struct judgement *j, const struct closure *p, struct text *to)
{
    judge_describe(j, p, to);
    text_add_char(to, '\n');
    if (j->count > 0)
        add_table(j, to);
    text_add_char(to, '\n');
    add_legend(&j->surely, NULL, to);
    add_legend(&j->perhaps, &j->surely, to);
    add_remark(p, has_system_calls, "makes system calls in its own code, without libc: whether they block is unknown.", to);
    if (j->verdict != BLOCKS)
        add_remark(p, opens_libraries, "loads libraries while it runs (dlopen). They are covered as well; name them after the program to "
                   "check them, too.", to);
    add_bides_own(j, p, to);
    add_missing(p, to);
    while (to->len > 1 && text_ends_with(to, '\n') && to->data[to->len - 2] == '\n')
        to->data[--to->len] = '\0';
}
