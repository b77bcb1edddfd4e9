/* SPDX-License-Identifier: MIT */
/*
 * elf.c - reading what a dynamic loader would read of an ELF file: program headers, the dynamic section, its symbols, notes.
 *
 * Sections are not looked at: a stripped file need not have them.  Each piece is copied out of the bytes by file_part(), which says
 * whether it is there; addresses become places in the file by the segments that are loaded.
 */
#include "cli/doctor/elf.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#define SEGMENTS_MAX 128
#define DYNAMIC_MAX  4096
#define NOTES_MAX    1024
#define NO_MEMORY    "out of memory"
#define DAMAGED      "damaged: its headers point outside of the file"

enum { NOTE_BIDE = 1, NOTE_UNBLOCK = 2 }; /* inspect/root.h, unblock/next.c */

struct file {
    const uint8_t *bytes;
    size_t len;
    Elf64_Phdr segments[SEGMENTS_MAX];
    size_t segment_count;
    uint64_t scanned; /* bytes of code */
    uint64_t strings, strings_len, symbols, gnu_hash, hash; /* places in the file; 0: there are none */
};

/* ---- pieces ---- */

static bool is_inside(const struct file *f, uint64_t at, uint64_t n)
{
    return at <= f->len && n <= f->len - at;
}

static bool file_part(const struct file *f, uint64_t at, void *out, size_t n)
{
    if (!is_inside(f, at, n))
        return false;
    memcpy(out, f->bytes + at, n);
    return true;
}

static uint32_t word_at(const struct file *f, uint64_t at)
{
    uint32_t word = 0;

    file_part(f, at, &word, sizeof word);
    return word;
}

/* Where an address is in the file; 0: nowhere. */
static uint64_t place_of(const struct file *f, uint64_t address)
{
    for (size_t i = 0; i < f->segment_count; i++) {
        const Elf64_Phdr *p = &f->segments[i];
        if (p->p_type == PT_LOAD && address >= p->p_vaddr && address - p->p_vaddr < p->p_filesz &&
            is_inside(f, p->p_offset, address - p->p_vaddr))
            return p->p_offset + (address - p->p_vaddr);
    }
    return 0;
}

/* A string of the dynamic string table; NULL: it does not end in there. */
static const char *string_at(const struct file *f, uint64_t offset)
{
    if (f->strings == 0 || offset >= f->strings_len || !is_inside(f, f->strings, f->strings_len))
        return NULL;
    const char *s = (const char *)f->bytes + f->strings + offset;
    return memchr(s, '\0', f->strings_len - offset) ? s : NULL;
}

/* ---- the head ---- */

static const char *read_head(struct elf *e, struct file *f)
{
    Elf64_Ehdr h;
    if (f->len >= 2 && memcmp(f->bytes, "#!", 2) == 0)
        return "a script: check the program that interprets it instead";
    if (f->len < EI_NIDENT || memcmp(f->bytes, ELFMAG, SELFMAG) != 0)
        return "not an ELF file";
    if (f->bytes[EI_CLASS] != ELFCLASS64)
        return "a 32-bit file: bide supports only 64-bit machines";
    if (f->bytes[EI_DATA] != ELFDATA2LSB)
        return "a big-endian file: bide does not support such machines";
    if (!file_part(f, 0, &h, sizeof h))
        return DAMAGED;
    if (h.e_machine != EM_X86_64 && h.e_machine != EM_AARCH64)
        return "built for another machine than x86_64 and aarch64";
    if (h.e_type != ET_EXEC && h.e_type != ET_DYN)
        return "neither a program nor a shared library";
    if (h.e_phentsize != sizeof(Elf64_Phdr) || h.e_phnum > SEGMENTS_MAX ||
        !file_part(f, h.e_phoff, f->segments, h.e_phnum * sizeof(Elf64_Phdr)))
        return DAMAGED;

    f->segment_count = h.e_phnum;
    e->machine = h.e_machine;
    return NULL;
}

/* ---- the dynamic section ---- */

static const char *keep(char **slot, const char *text)
{
    if (!text)
        return DAMAGED;
    free(*slot);
    *slot = strdup(text);
    return *slot ? NULL : NO_MEMORY;
}

static const char *add_needed(struct elf *e, const char *name)
{
    if (e->needed_count == ELF_NEEDED_MAX)
        return "it needs more than 512 libraries";
    e->needed[e->needed_count] = NULL;
    return keep(&e->needed[e->needed_count++], name);
}

static void set_table(struct file *f, const Elf64_Dyn *d)
{
    if (d->d_tag == DT_STRTAB)
        f->strings = place_of(f, d->d_un.d_ptr);
    else if (d->d_tag == DT_STRSZ)
        f->strings_len = d->d_un.d_val;
    else if (d->d_tag == DT_SYMTAB)
        f->symbols = place_of(f, d->d_un.d_ptr);
    else if (d->d_tag == DT_GNU_HASH)
        f->gnu_hash = place_of(f, d->d_un.d_ptr);
    else if (d->d_tag == DT_HASH)
        f->hash = place_of(f, d->d_un.d_ptr);
}

static const char *read_entry(struct elf *e, struct file *f, const Elf64_Dyn *d)
{
    const char *text = string_at(f, d->d_un.d_val);

    if (d->d_tag == DT_NEEDED)
        return text ? add_needed(e, text) : DAMAGED;
    if (d->d_tag == DT_SONAME)
        return keep(&e->soname, text);
    if (d->d_tag == DT_RPATH)
        return keep(&e->rpath, text);
    if (d->d_tag == DT_RUNPATH)
        return keep(&e->runpath, text);
    return NULL;
}

/* Twice: names come before the table that they are in. */
static const char *read_dynamic(struct elf *e, struct file *f, const Elf64_Phdr *p)
{
    size_t n = p->p_filesz / sizeof(Elf64_Dyn) < DYNAMIC_MAX ? p->p_filesz / sizeof(Elf64_Dyn) : DYNAMIC_MAX;
    const char *wrong = NULL;
    Elf64_Dyn d;

    e->is_dynamic = true;
    for (int pass = 0; pass < 2 && !wrong; pass++)
        for (size_t i = 0; i < n && !wrong && file_part(f, p->p_offset + i * sizeof d, &d, sizeof d) && d.d_tag != DT_NULL; i++) {
            if (pass == 0)
                set_table(f, &d);
            else
                wrong = read_entry(e, f, &d);
        }
    return wrong;
}

/* ---- symbols ---- */

/* A GNU hash table does not say how many there are: the last chain ends behind the last one. */
static uint64_t count_by_gnu_hash(const struct file *f)
{
    uint64_t buckets = word_at(f, f->gnu_hash), first = word_at(f, f->gnu_hash + 4), bloom = word_at(f, f->gnu_hash + 8);
    uint64_t at = f->gnu_hash + 16 + bloom * 8, chains = at + buckets * 4, last = 0;
    if (!is_inside(f, at, buckets * 4))
        return 0;

    for (uint64_t i = 0; i < buckets; i++) {
        uint32_t start = word_at(f, at + i * 4);
        last = start > last ? start : last;
    }
    if (last < first)
        return first; /* none is defined */
    while (is_inside(f, chains + (last - first) * 4, 4) && !(word_at(f, chains + (last - first) * 4) & 1))
        last++;
    return last + 1;
}

static uint64_t count_symbols(const struct file *f)
{
    uint64_t n = f->hash ? word_at(f, f->hash + 4) : f->gnu_hash ? count_by_gnu_hash(f) : 0;
    uint64_t most = f->symbols && is_inside(f, f->symbols, 0) ? (f->len - f->symbols) / sizeof(Elf64_Sym) : 0;

    return n < most ? n : most;
}

static bool is_one_of(const char *name, const char *const *names)
{
    for (; *names; names++)
        if (strcmp(name, *names) == 0)
            return true;
    return false;
}

static void note_use(struct elf *e, const char *name)
{
    static const char *const wrappers[] = {"stdin", "fdopen", NULL}, *const openers[] = {"dlopen", "dlmopen", NULL};

    e->wraps_descriptors |= is_one_of(name, wrappers);
    e->opens_libraries |= is_one_of(name, openers);
}

static void read_symbol(struct elf *e, const struct file *f, const Elf64_Sym *s)
{
    unsigned binding = ELF64_ST_BIND(s->st_info), seen = ELF64_ST_VISIBILITY(s->st_other);
    const char *name = string_at(f, s->st_name);
    if (!name || !*name || binding == STB_LOCAL)
        return;

    bool is_import = s->st_shndx == SHN_UNDEF;
    e->exports_bide |= !is_import && strcmp(name, "bide_interpose") == 0;
    if (is_import || strcmp(name, "stdin") == 0) /* a copy relocation: the program defines it */
        note_use(e, name);
    size_t number = bide__call_find(name);
    if (number >= CALLS_MAX || (!is_import && (seen == STV_HIDDEN || seen == STV_INTERNAL)))
        return;
    struct elf_set *set = is_import ? &e->imports : &e->defines;
    set->bits[number / 8] |= (uint8_t)(1u << number % 8);
}

static void read_symbols(struct elf *e, const struct file *f)
{
    uint64_t n = count_symbols(f);
    Elf64_Sym s;

    for (uint64_t i = 1; i < n && file_part(f, f->symbols + i * sizeof s, &s, sizeof s); i++)
        read_symbol(e, f, &s);
}

/* ---- notes ---- */

static uint64_t aligned(uint64_t n)
{
    return (n + 3) & ~UINT64_C(3);
}

static void read_notes(struct elf *e, const struct file *f, const Elf64_Phdr *p)
{
    uint64_t at = p->p_offset, left = is_inside(f, p->p_offset, p->p_filesz) ? p->p_filesz : 0;
    Elf64_Nhdr h;

    for (int i = 0; i < NOTES_MAX && left >= sizeof h && file_part(f, at, &h, sizeof h); i++) {
        uint64_t size = sizeof h + aligned(h.n_namesz) + aligned(h.n_descsz);
        if (size > left)
            return;
        if (h.n_namesz == 5 && memcmp(f->bytes + at + sizeof h, "bide", 5) == 0) {
            e->has_bide |= h.n_type == NOTE_BIDE;
            e->has_unblock |= h.n_type == NOTE_UNBLOCK;
        }
        at += size;
        left -= size;
    }
}

/* ---- system calls in its own code ---- */

/* mov $NUMBER, %eax; up to 16 bytes; syscall.  The two bytes of syscall alone also occur in constants. */
static bool is_call_x86_64(const uint8_t *code, size_t at)
{
    if (code[at] != 0x0f || code[at + 1] != 0x05)
        return false;
    for (size_t back = 5; back <= 21 && back <= at; back++) {
        const uint8_t *p = code + at - back;
        if (p[0] == 0xb8 && p[2] <= 1 && p[3] == 0 && p[4] == 0)
            return true;
    }
    return false;
}

/* mov w8 or x8, #NUMBER; up to 6 instructions; svc #0. */
static bool is_call_aarch64(const struct file *f, uint64_t at, uint64_t begin)
{
    if (word_at(f, at) != 0xd4000001)
        return false;
    for (uint64_t back = 4; back <= 28 && back <= at - begin; back += 4)
        if ((word_at(f, at - back) & 0x7fe0001f) == 0x52800008)
            return true;
    return false;
}

/* Segments may overlap in a damaged file: no more bytes are scanned than the file has. */
static void count_calls(struct elf *e, struct file *f, const Elf64_Phdr *p)
{
    if (!is_inside(f, p->p_offset, p->p_filesz) || p->p_filesz > f->len - f->scanned)
        return;
    f->scanned += p->p_filesz;
    const uint8_t *code = f->bytes + p->p_offset;

    if (e->machine == EM_X86_64)
        for (size_t i = 0; i + 2 <= p->p_filesz; i++)
            e->system_calls += is_call_x86_64(code, i);
    else
        for (uint64_t i = 0; i + 4 <= p->p_filesz; i += 4)
            e->system_calls += is_call_aarch64(f, p->p_offset + i, p->p_offset);
}

/* ---- all of it ---- */

const char *elf_read(struct elf *e, const void *bytes, size_t len)
{
    struct file f = {.bytes = bytes, .len = len};
    *e = (struct elf){0};
    const char *wrong = read_head(e, &f);
    if (wrong)
        return wrong;
    e->needed = calloc(ELF_NEEDED_MAX, sizeof *e->needed);
    if (!e->needed)
        return NO_MEMORY;

    for (size_t i = 0; i < f.segment_count && !wrong; i++) {
        const Elf64_Phdr *p = &f.segments[i];
        e->has_interpreter |= p->p_type == PT_INTERP;
        if (p->p_type == PT_DYNAMIC && !e->is_dynamic)
            wrong = read_dynamic(e, &f, p);
        else if (p->p_type == PT_NOTE)
            read_notes(e, &f, p);
        else if (p->p_type == PT_LOAD && p->p_flags & PF_X)
            count_calls(e, &f, p);
    }
    if (!wrong)
        read_symbols(e, &f);
    return wrong;
}

void elf_free(struct elf *e)
{
    for (size_t i = 0; i < e->needed_count; i++)
        free(e->needed[i]);
    free(e->needed);
    free(e->soname);
    free(e->rpath);
    free(e->runpath);
    *e = (struct elf){0};
}
