/* SPDX-License-Identifier: MIT */
/*
 * dumped.c - the memory in a core file: its segments, and, for what they lack, the files that were mapped.
 *
 * The kernel does not dump code and constants, except for the first page of each file.  They are read from the file, if its first page is
 * still the same: that page has the build ID, so another build of the file is not mistaken for this one.
 */
#include "cli/remote/memory.h"

#include <elf.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/procfs.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEGMENTS_MAX 65534u
#define NOTES_BYTES_MAX (64u << 20)

struct core_segment {
    uint64_t at, in_file, in_memory, offset;
};

struct core_file {
    uint64_t from, to, offset;
    const char *path; /* in the notes */
    int fd;           /* -1: not opened yet; -2: it cannot be opened, or has changed */
};

/* ---- reading ---- */

static bool read_at(int fd, void *to, size_t len, uint64_t offset)
{
    for (size_t done = 0; done < len;) {
        ssize_t n = offset + done > INT64_MAX ? -1 : pread(fd, (char *)to + done, len - done, (off_t)(offset + done));
        if (n <= 0)
            return false;
        done += (size_t)n;
    }
    return true;
}

static const struct core_segment *segment_at(const struct core_memory *c, uint64_t at)
{
    size_t low = 0, high = c->nsegments;

    while (low < high) {
        size_t middle = (low + high) / 2;
        const struct core_segment *s = &c->segments[middle];
        if (at < s->at)
            high = middle;
        else if (at - s->at >= s->in_memory)
            low = middle + 1;
        else
            return s;
    }
    return NULL;
}

/* Copy from the core file.  Returns how many bytes it has there; at most len. */
static size_t copy_dumped(const struct core_memory *c, uint64_t at, void *to, size_t len)
{
    const struct core_segment *s = segment_at(c, at);
    uint64_t left = s && at - s->at < s->in_file ? s->in_file - (at - s->at) : 0;
    size_t n = left < len ? (size_t)left : len;

    return n > 0 && read_at(c->fd, to, n, s->offset + (at - s->at)) ? n : 0;
}

/* Is it the file that was mapped?  Its first page is compared. */
static bool is_the_same(const struct core_memory *c, int fd, const struct core_file *f)
{
    char dumped[PAGE_BYTES], now[PAGE_BYTES];
    uint64_t begin = f->from;

    for (size_t i = 0; i < c->nfiles; i++)
        if (c->files[i].offset == 0 && strcmp(c->files[i].path, f->path) == 0)
            begin = c->files[i].from;
    return copy_dumped(c, begin, dumped, sizeof dumped) < sizeof dumped ||
           (read_at(fd, now, sizeof now, 0) && memcmp(dumped, now, sizeof now) == 0);
}

/* Each mapping of the program, which has a name for itself. */
static bool is_program(const struct core_memory *c, const struct core_file *f)
{
    return c->ran && strcmp(f->path, c->ran) == 0;
}

static void open_file(struct core_memory *c, struct core_file *f)
{
    const char *program = c->program && is_program(c, f) ? c->program : f->path;
    struct stat st;
    int fd = open(program, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    bool is_good = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && is_the_same(c, fd, f);

    if (!is_good && fd >= 0)
        close(fd);
    f->fd = is_good ? fd : -2;
}

static size_t copy_mapped(struct core_memory *c, uint64_t at, void *to, size_t len)
{
    for (size_t i = 0; i < c->nfiles; i++) {
        struct core_file *f = &c->files[i];
        if (at < f->from || at >= f->to)
            continue;
        if (f->fd == -1)
            open_file(c, f);
        size_t n = f->to - at < len ? (size_t)(f->to - at) : len;
        return f->fd >= 0 && read_at(f->fd, to, n, f->offset + (at - f->from)) ? n : 0;
    }
    return 0;
}

static void read_all(struct memory *m, struct piece *pieces, size_t n)
{
    struct core_memory *c = (struct core_memory *)m;

    for (size_t i = 0; i < n; i++) {
        size_t done = 0, some = 1;
        while (done < pieces[i].len && some > 0) {
            some = copy_dumped(c, pieces[i].at + done, (char *)pieces[i].to + done, pieces[i].len - done);
            if (some == 0)
                some = copy_mapped(c, pieces[i].at + done, (char *)pieces[i].to + done, pieces[i].len - done);
            done += some;
        }
        pieces[i].came = done == pieces[i].len;
    }
}

/* ---- notes ---- */

/* NT_FILE: count, page size; {from, to, page} of each file; their names. */
static bool take_files(struct core_memory *c, const char *desc, size_t len)
{
    uint64_t head[2];
    if (c->files || len < sizeof head)
        return true;
    memcpy(head, desc, sizeof head);
    if (head[0] > (len - sizeof head) / 24)
        return true;
    size_t n = (size_t)head[0];
    const char *name = desc + sizeof head + n * 24, *end = desc + len;
    c->files = calloc(n + 1, sizeof *c->files);
    if (!c->files)
        return false;

    for (size_t i = 0; i < n && memchr(name, '\0', (size_t)(end - name)); i++, name += strlen(name) + 1) {
        uint64_t range[3];
        memcpy(range, desc + sizeof head + i * 24, sizeof range);
        c->files[c->nfiles++] = (struct core_file){.from = range[0], .to = range[1], .offset = range[2] * head[1], .path = name, .fd = -1};
    }
    return true;
}

static bool take_thread(struct core_memory *c, const char *desc, size_t len)
{
    struct elf_prstatus status;
    if (len < sizeof status)
        return true;
    struct core_thread *threads = realloc(c->threads, (c->nthreads + 1) * sizeof *threads);
    if (!threads)
        return false;

    c->threads = threads;
    memcpy(&status, desc, sizeof status);
    struct core_thread *t = &c->threads[c->nthreads++];
    *t = (struct core_thread){.id = status.pr_pid};
    memcpy(t->registers, &status.pr_reg, sizeof status.pr_reg < sizeof t->registers ? sizeof status.pr_reg : sizeof t->registers);
    return true;
}

/* Pairs of numbers; AT_PHDR says where the headers of the program lay. */
static void take_auxiliary(struct core_memory *c, const char *desc, size_t len)
{
    uint64_t pair[2];

    for (; len >= sizeof pair; desc += sizeof pair, len -= sizeof pair) {
        memcpy(pair, desc, sizeof pair);
        if (pair[0] == AT_PHDR)
            c->headers = pair[1];
    }
}

static bool take_notes(struct core_memory *c, const char *at, size_t len)
{
    while (len >= sizeof(Elf64_Nhdr)) {
        Elf64_Nhdr n;
        memcpy(&n, at, sizeof n);
        uint64_t name = ((uint64_t)n.n_namesz + 3) / 4 * 4, desc = ((uint64_t)n.n_descsz + 3) / 4 * 4, whole = sizeof n + name + desc;
        if (whole > len)
            return true;
        if (n.n_type == NT_AUXV)
            take_auxiliary(c, at + sizeof n + name, n.n_descsz);
        bool ok = n.n_type == NT_FILE ? take_files(c, at + sizeof n + name, n.n_descsz)
                : n.n_type == NT_PRSTATUS ? take_thread(c, at + sizeof n + name, n.n_descsz) : true;
        if (!ok)
            return false;
        at += whole;
        len -= (size_t)whole;
    }
    return true;
}

/* ---- opening ---- */

static int by_address(const void *a, const void *b)
{
    const struct core_segment *s = a, *t = b;

    return s->at < t->at ? -1 : s->at > t->at;
}

static enum core_opened read_segment_table(struct core_memory *c, const Elf64_Ehdr *e)
{
    enum core_opened result = CORE_OPENED;
    Elf64_Phdr p;
    struct stat st;
    uint64_t size = fstat(c->fd, &st) == 0 && S_ISREG(st.st_mode) ? (uint64_t)st.st_size : UINT64_MAX;
    c->segments = calloc(e->e_phnum + 1u, sizeof *c->segments);

    for (unsigned i = 0; i < e->e_phnum && c->segments && result == CORE_OPENED; i++) {
        if (!read_at(c->fd, &p, sizeof p, e->e_phoff + (uint64_t)i * sizeof p))
            return CORE_BROKEN;
        c->is_cut |= p.p_filesz > size || p.p_offset > size - p.p_filesz;
        if (p.p_type == PT_LOAD)
            c->segments[c->nsegments++] = (struct core_segment){p.p_vaddr, p.p_filesz, p.p_memsz, p.p_offset};
        if (p.p_type != PT_NOTE || c->notes || p.p_filesz > NOTES_BYTES_MAX)
            continue;
        c->notes = malloc(p.p_filesz + 1);
        if (!c->notes || !read_at(c->fd, c->notes, p.p_filesz, p.p_offset))
            result = c->notes ? CORE_BROKEN : CORE_NO_MEMORY;
        else if (!take_notes(c, c->notes, p.p_filesz))
            result = CORE_NO_MEMORY;
    }
    if (!c->segments)
        return CORE_NO_MEMORY;
    qsort(c->segments, c->nsegments, sizeof *c->segments, by_address);
    return result;
}

#if defined(__aarch64__)
#define MACHINE EM_AARCH64
#else
#define MACHINE EM_X86_64
#endif

/* Which of the files ran, and is the one that was named the same? */
static enum core_opened find_program(struct core_memory *c)
{
    struct core_file *f = c->nfiles > 0 ? &c->files[0] : NULL;

    for (size_t i = 0; i < c->nfiles; i++)
        if (c->headers >= c->files[i].from && c->headers < c->files[i].to)
            f = &c->files[i];
    c->ran = f ? f->path : NULL;
    if (!c->program || !f)
        return CORE_OPENED;
    int fd = open(c->program, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return CORE_NO_PROGRAM;
    bool is_ours = is_the_same(c, fd, f);
    close(fd);
    return is_ours ? CORE_OPENED : CORE_ANOTHERS;
}

enum core_opened core_memory_open(struct core_memory *c, const char *path, const char *program)
{
    Elf64_Ehdr e;

    *c = (struct core_memory){.memory.read = read_all, .program = program};
    c->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (c->fd < 0)
        return CORE_NOT_OPENED;
    if (!read_at(c->fd, &e, sizeof e, 0) || memcmp(e.e_ident, ELFMAG, SELFMAG) != 0 || e.e_ident[EI_CLASS] != ELFCLASS64 ||
        e.e_type != ET_CORE || e.e_phentsize != sizeof(Elf64_Phdr) || e.e_phnum > SEGMENTS_MAX)
        return CORE_NONE;
    if (e.e_ident[EI_DATA] != ELFDATA2LSB || e.e_machine != MACHINE)
        return CORE_FOREIGN;
    enum core_opened result = read_segment_table(c, &e);
    return result == CORE_OPENED ? find_program(c) : result;
}

size_t core_memory_headers(const struct core_memory *c, uint64_t *headers, size_t most)
{
    size_t n = 0;

    for (size_t i = 0; i < c->nfiles && n < most; i++)
        if (c->files[i].offset == 0)
            headers[n++] = c->files[i].from;
    for (size_t i = 0; i < c->nsegments && n < most && c->nfiles == 0; i++)
        headers[n++] = c->segments[i].at;
    return n;
}

const char *core_memory_program(const struct core_memory *c)
{
    return c->program ? c->program : c->ran;
}

void core_memory_close(struct core_memory *c)
{
    for (size_t i = 0; i < c->nfiles; i++)
        if (c->files[i].fd >= 0)
            close(c->files[i].fd);
    if (c->fd >= 0)
        close(c->fd);
    free(c->files);
    free(c->threads);
    free(c->segments);
    free(c->notes);
    memory_free(&c->memory);
}
