/* SPDX-License-Identifier: MIT */
/*
 * closure.c - a program with all libraries that it needs, breadth first: the order in which the loader searches symbols.
 *
 * The program, the preloaded libraries, what these need, what those need, and so on.  Libraries that dlopen loads come last: they find the
 * symbols of all others first.  A library is in the list once, however many files need it, and under whatever names.
 */
#include "cli/doctor/doctor.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* Libc itself, where calls end.  Calls of libresolv and the like to libc are looked up like those of any library. */
static bool is_of_the_system(const char *name)
{
    return begins(name, "libc.so") || begins(name, "libc-") || begins(name, "libc.musl") || begins(name, "ld-linux") ||
           begins(name, "ld-musl") || begins(name, "libpthread.so") || begins(name, "librt.so") || begins(name, "libanl.so") ||
           begins(name, "libm.so");
}

static void object_free(struct object *o)
{
    if (!o)
        return;
    elf_free(&o->elf);
    free(o->path);
    free(o);
}

static const char *object_fill(struct object *o)
{
    const char *wrong = NULL;
    size_t len = 0;
    void *bytes = file_read(o->path, &len, &wrong);
    if (!bytes)
        return wrong;

    wrong = elf_read(&o->elf, bytes, len);
    free(bytes);
    return wrong;
}

/* Add a file.  NULL: *wrong says why, or *wrong is NULL: it is in the list already. */
static struct object *add(struct closure *p, const char *path, const char **wrong)
{
    struct stat st;
    *wrong = NULL;
    if (stat(path, &st) < 0)
        st = (struct stat){0}; /* file_read says why */
    for (size_t i = 0; i < p->count && st.st_ino != 0; i++)
        if (p->objects[i]->device == st.st_dev && p->objects[i]->inode == st.st_ino)
            return NULL;

    struct object *o = calloc(1, sizeof *o);
    if (o)
        o->path = strdup(path);
    if (!o || !o->path || p->count == OBJECTS_MAX) {
        *wrong = p->count == OBJECTS_MAX ? "more than 1024 libraries are needed" : "out of memory";
        object_free(o);
        return NULL;
    }
    *wrong = object_fill(o);
    if (*wrong) {
        object_free(o);
        return NULL;
    }
    o->name = last_part(o->path);
    o->device = st.st_dev;
    o->inode = st.st_ino;
    const char *name = o->elf.soname ? o->elf.soname : o->name;
    o->is_system = is_of_the_system(name);
    o->is_bide = begins(name, "libbide.so") || begins(name, "libbide-unblock.so");
    p->objects[p->count++] = o;
    return o;
}

/* ---- what is needed ---- */

static bool is_there(const struct closure *p, const char *name)
{
    for (size_t i = 0; i < p->count; i++)
        if (p->objects[i]->elf.soname && strcmp(p->objects[i]->elf.soname, name) == 0)
            return true;
    for (size_t i = 0; i < p->missing_count; i++)
        if (strcmp(p->missing[i].name, name) == 0)
            return true;
    return false;
}

static void note_missing(struct closure *p, const char *name, const struct object *by)
{
    struct missing *more = p->missing_count < OBJECTS_MAX ? realloc(p->missing, (p->missing_count + 1) * sizeof *more) : NULL;
    if (!more)
        return;

    p->missing = more;
    p->missing[p->missing_count] = (struct missing){.name = strdup(name), .by = by};
    p->missing_count += p->missing[p->missing_count].name != NULL;
}

static int add_needed(struct closure *p, struct object *by, const char *name)
{
    char path[PATH_BYTES];
    const char *wrong = NULL;
    if (is_there(p, name))
        return EXIT_OK;
    if (!search_find(p, by, name, path)) {
        note_missing(p, name, by);
        return EXIT_OK;
    }
    struct object *o = add(p, path, &wrong);
    if (wrong) {
        say("%s, which %s needs: %s", path, by->path, wrong);
        return EXIT_LOCAL;
    }
    if (o) {
        o->by = by;
        o->is_late = by->is_late;
    }
    return EXIT_OK;
}

static int add_all_needed(struct closure *p, size_t from)
{
    int result = EXIT_OK;

    for (size_t i = from; i < p->count && result == EXIT_OK; i++)
        for (size_t k = 0; k < p->objects[i]->elf.needed_count && result == EXIT_OK; k++)
            result = add_needed(p, p->objects[i], p->objects[i]->elf.needed[k]);
    return result;
}

/* By name, as LD_PRELOAD and dlopen take it, or by path. */
static int add_library(struct closure *p, const char *name, struct object **out)
{
    char path[PATH_BYTES];
    const char *wrong = NULL;
    bool is_found = search_find(p, p->objects[0], name, path);

    *out = add(p, is_found ? path : name, &wrong);
    if (wrong)
        say("%s: %s", name, wrong);
    else if (*out && (*out)->elf.machine != p->objects[0]->elf.machine)
        say("%s: built for another machine than the program", name);
    else
        return EXIT_OK;
    return EXIT_LOCAL;
}

static int add_preloaded(struct closure *p, char *const *names, size_t n)
{
    struct object *o = NULL;
    int result = EXIT_OK;

    for (size_t i = 0; i < n && result == EXIT_OK; i++) {
        result = add_library(p, names[i], &o);
        if (o)
            o->is_preloaded = true;
    }
    return result;
}

/* From a '#' to the end of its line. */
static void blank_comments(char *text)
{
    bool in_comment = false;

    for (; *text; text++) {
        in_comment = *text == '#' || (in_comment && *text != '\n');
        *text = in_comment ? ' ' : *text;
    }
}

/* What each program is started with.  Of these the loader passes over what it cannot load. */
static void add_preloaded_for_all(struct closure *p)
{
    const char *wrong = NULL;
    size_t len = 0;
    char path[PATH_BYTES], *rest = NULL, *text = file_read("/etc/ld.so.preload", &len, &wrong);
    if (!text)
        return;

    text[len] = '\0';
    blank_comments(text);
    for (char *name = strtok_r(text, " \t\n:", &rest); name; name = strtok_r(NULL, " \t\n:", &rest)) {
        struct object *o = search_find(p, p->objects[0], name, path) ? add(p, path, &wrong) : NULL;
        if (o)
            o->is_preloaded = true;
    }
    free(text);
}

static int add_late(struct closure *p, char *const *names, size_t n)
{
    struct object *o = NULL;
    int result = EXIT_OK;

    for (size_t i = 0; i < n && result == EXIT_OK; i++) {
        size_t from = p->count;
        result = add_library(p, names[i], &o);
        if (o)
            o->is_late = true;
        if (result == EXIT_OK)
            result = add_all_needed(p, from);
    }
    return result;
}

/* ---- who uses them ---- */

static bool is_named(const struct object *o, const char *needed)
{
    return strcmp(o->elf.soname ? o->elf.soname : o->name, needed) == 0 || strcmp(o->name, needed) == 0;
}

static bool is_needed_by(const struct object *o, const struct object *user)
{
    for (size_t i = 0; i < user->elf.needed_count; i++)
        if (is_named(o, user->elf.needed[i]))
            return true;
    return false;
}

/* Libraries that a used one needs are used.  The list is not in order of dependency, so repeat until nothing changes. */
static void mark_used(struct closure *p)
{
    bool changes = true;

    for (size_t i = 0; i < p->count; i++)
        p->objects[i]->is_used = !p->objects[i]->by && !p->objects[i]->is_bide;
    while (changes) {
        changes = false;
        for (size_t i = 0; i < p->count; i++)
            for (size_t k = 0; k < p->count && !p->objects[i]->is_used; k++)
                if (p->objects[k]->is_used && !p->objects[k]->is_bide && is_needed_by(p->objects[i], p->objects[k]))
                    changes = p->objects[i]->is_used = true;
    }
}

/* The file that has bide in this very program; not to be had, it is as if bide called nothing. */
static void read_bide(struct closure *p)
{
    const char *wrong = NULL;
    size_t len = 0;
    void *version = dlsym(RTLD_DEFAULT, "bide_version"); /* libbide.a: nobody exports it */
    Dl_info info;
    void *bytes = file_read(version && dladdr(version, &info) ? info.dli_fname : "/proc/self/exe", &len, &wrong);

    if (bytes)
        (void)elf_read(&p->bide, bytes, len); /* half of it is better than nothing */
    free(bytes);
}

int closure_read(struct closure *p, const char *path, char *const *preload, size_t preload_count, char *const *late, size_t late_count)
{
    const char *wrong = NULL;

    p->cache = file_read("/etc/ld.so.cache", &p->cache_len, &wrong); /* without it the directories are searched */
    p->objects = calloc(OBJECTS_MAX, sizeof *p->objects);
    if (!p->objects)
        return say_no_memory();
    wrong = NULL;
    if (!add(p, path, &wrong)) {
        say("%s: %s", path, wrong ? wrong : "cannot be read");
        return EXIT_LOCAL;
    }
    int result = add_preloaded(p, preload, preload_count);
    add_preloaded_for_all(p);
    if (result == EXIT_OK)
        result = add_all_needed(p, 0);
    if (result == EXIT_OK)
        result = add_late(p, late, late_count);
    mark_used(p);
    if (p->objects[0]->elf.has_bide)
        read_bide(p);
    return result;
}

void closure_free(struct closure *p)
{
    for (size_t i = 0; i < p->count; i++)
        object_free(p->objects[i]);
    for (size_t i = 0; i < p->missing_count; i++)
        free(p->missing[i].name);
    elf_free(&p->bide);
    free(p->objects);
    free(p->missing);
    free(p->cache);
}
