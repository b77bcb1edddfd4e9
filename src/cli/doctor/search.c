/* SPDX-License-Identifier: MIT */
/*
 * search.c - where the loader finds a library: ld.so(8), "Description".
 *
 * In this order: RPATH of the file that needs it and of those that need that file, LD_LIBRARY_PATH, RUNPATH, the cache, the default
 * directories.  Files for another machine are skipped, as the loader does.  The loader itself is not run: it would map untrusted files.
 */
#include "cli/doctor/doctor.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIRECTORIES_MAX 1000 /* of a list: RPATH is not trusted */

/* ---- files ---- */

/* Opening a device may have side effects, so the type is checked first. */
static int open_regular(const char *path)
{
    struct stat st;
    if (stat(path, &st) < 0)
        return -1;
    if (!S_ISREG(st.st_mode)) {
        errno = EINVAL;
        return -1;
    }
    return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

static size_t read_all(int fd, char *bytes, size_t len)
{
    size_t sum = 0;

    while (sum < len) {
        ssize_t n = read(fd, bytes + sum, len - sum);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        sum += (size_t)n;
    }
    return sum;
}

static void *read_regular(int fd, size_t *len, const char **wrong)
{
    struct stat st;
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        *wrong = "not a regular file";
        return NULL;
    }
    if ((uint64_t)st.st_size > ELF_FILE_MAX) {
        *wrong = "larger than 1 GiB";
        return NULL;
    }
    char *bytes = malloc((size_t)st.st_size + 1);
    if (!bytes) {
        *wrong = "out of memory";
        return NULL;
    }
    *len = read_all(fd, bytes, (size_t)st.st_size);
    return bytes;
}

void *file_read(const char *path, size_t *len, const char **wrong)
{
    int fd = open_regular(path);
    if (fd < 0) {
        *wrong = errno == EINVAL ? "not a regular file" : strerror(errno);
        return NULL;
    }
    void *bytes = read_regular(fd, len, wrong);
    close(fd);
    return bytes;
}

/* Is it a file that the program could load? */
static bool fits(const char *path, unsigned machine)
{
    uint8_t head[20];
    int fd = open_regular(path);
    if (fd < 0)
        return false;

    bool is_read = read_all(fd, (char *)head, sizeof head) == sizeof head;
    close(fd);
    return is_read && memcmp(head, ELFMAG, SELFMAG) == 0 && head[EI_CLASS] == ELFCLASS64 && head[EI_DATA] == ELFDATA2LSB &&
           head[18] + 256u * head[19] == machine;
}

/* ---- directories ---- */

struct path {
    char *text;
    size_t len;
    bool fits;
};

static void put(struct path *p, const char *s, size_t n)
{
    p->fits = p->fits && n < PATH_BYTES - p->len;
    if (p->fits)
        memcpy(p->text + p->len, s, n);
    p->len += p->fits ? n : 0;
    p->text[p->len] = '\0';
}

/* The directory of a file; "." if its name has none. */
static void put_origin(struct path *p, const struct object *o)
{
    const char *slash = strrchr(o->path, '/');

    if (!slash)
        put(p, ".", 1);
    else
        put(p, o->path, slash == o->path ? 1 : (size_t)(slash - o->path));
}

static const char *triple_of(unsigned machine)
{
    return machine == EM_X86_64 ? "x86_64-linux-gnu" : "aarch64-linux-gnu";
}

/* $ORIGIN, $LIB and $PLATFORM, in braces or not. */
static size_t put_token(struct path *p, const struct object *o, const char *s, size_t n)
{
    static const char *const tokens[] = {"$ORIGIN", "${ORIGIN}", "$LIB", "${LIB}", "$PLATFORM", "${PLATFORM}"};

    for (size_t i = 0; i < sizeof tokens / sizeof tokens[0]; i++) {
        size_t len = strlen(tokens[i]);
        if (len > n || strncmp(s, tokens[i], len) != 0)
            continue;
        if (i < 2)
            put_origin(p, o);
        else if (i < 4)
            put(p, "lib64", 5);
        else
            put(p, triple_of(o->elf.machine), strcspn(triple_of(o->elf.machine), "-"));
        return len;
    }
    put(p, s, 1);
    return 1;
}

static bool is_in(const struct object *o, const char *directory, size_t n, const char *name, char path[PATH_BYTES])
{
    struct path p = {.text = path, .fits = true};

    for (size_t i = 0; i < n;)
        i += put_token(&p, o, directory + i, n - i);
    if (n == 0)
        put(&p, ".", 1);
    put(&p, "/", 1);
    put(&p, name, strlen(name));
    return p.fits && fits(path, o->elf.machine);
}

/* A list with colons between its directories; of LD_LIBRARY_PATH semicolons, too. */
static bool is_in_list(const struct object *o, const char *list, const char *separators, const char *name, char path[PATH_BYTES])
{
    int tries = 0;

    for (const char *at = list; at && tries < DIRECTORIES_MAX; at = *at ? at + 1 : NULL, tries++) {
        size_t n = strcspn(at, separators);
        if (is_in(o, at, n, name, path))
            return true;
        at += n;
    }
    return false;
}

/* RPATH is ignored if the file has a RUNPATH, which is searched later. */
static bool is_in_rpath(const struct object *by, const char *name, char path[PATH_BYTES])
{
    for (const struct object *o = by->elf.runpath ? NULL : by; o; o = o->by)
        if (o->elf.rpath && !o->elf.runpath && is_in_list(o, o->elf.rpath, ":", name, path))
            return true;
    return false;
}

static bool is_in_cache(const struct closure *p, const struct object *by, const char *name, char path[PATH_BYTES])
{
    size_t at = 0;

    for (const char *found = cache_next(p->cache, p->cache_len, name, &at); found; found = cache_next(p->cache, p->cache_len, name, &at)) {
        int n = snprintf(path, PATH_BYTES, "%s", found);
        if (n > 0 && n < PATH_BYTES && fits(path, by->elf.machine))
            return true;
    }
    return false;
}

static bool is_in_known(const struct object *by, const char *name, char path[PATH_BYTES])
{
    const char *triple = triple_of(by->elf.machine);
    const char *const known[] = {"/lib/%s", "/usr/lib/%s", "/lib64", "/usr/lib64", "/lib", "/usr/lib", "/usr/%s/lib"};

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        char directory[64];
        const char *mark = strchr(known[i], '%');
        int n = mark ? snprintf(directory, sizeof directory, "%.*s%s%s", (int)(mark - known[i]), known[i], triple, mark + 2)
                     : snprintf(directory, sizeof directory, "%s", known[i]);
        if (is_in(by, directory, (size_t)n, name, path))
            return true;
    }
    return false;
}

bool search_find(const struct closure *p, const struct object *by, const char *name, char path[PATH_BYTES])
{
    if (strchr(name, '/')) {
        int n = snprintf(path, PATH_BYTES, "%s", name);
        return n > 0 && n < PATH_BYTES && fits(path, by->elf.machine);
    }
    return is_in_rpath(by, name, path) || (p->library_path && is_in_list(by, p->library_path, ":;", name, path)) ||
           (by->elf.runpath && is_in_list(by, by->elf.runpath, ":", name, path)) || is_in_cache(p, by, name, path) ||
           is_in_known(by, name, path);
}
