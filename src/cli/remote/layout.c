/* SPDX-License-Identifier: MIT */
/*
 * layout.c - from the ELF headers in a memory to the note, from that to the root, and from there to the names of all members.
 *
 * The ELF headers are read from memory, not from the file, which may have been deleted or replaced.
 */
#include "cli/remote/layout.h"

#include <ctype.h>
#include <elf.h>
#include <string.h>

#include "inspect/root.h"

#define SEGMENTS_MAX 64
#define NOTES_MAX (64u << 10)
#define MEMBERS_MAX 1024
#define OFFSET_MAX (1u << 22)

#define NAME(ours, theirs, most) {theirs, most},
static const struct {
    const char *name;
    uint32_t most;
} names[M_COUNT] = {LAYOUT_MEMBERS(NAME)};

/* Members without which nothing can be read. */
static const uint16_t needed[] = {M_LOOP,      M_LOOP_WORD,  M_LOOP_ALIVE,  M_LOOP_CURRENT, M_LOOP_CHUNKS, M_LOOP_TASKS,
                                  M_CHUNK,     M_CHUNK_NEXT, M_CHUNK_TASKS, M_TASK,         M_TASK_WORD,   M_TASK_LOOP,
                                  M_TASK_STATE, M_TASK_PLACE, M_TASK_ALL,   M_TASK_ID,      M_TASK_STACKLESS};

uint64_t layout_take(const struct layout *l, const void *copy, enum layout_member i)
{
    const char *at = (const char *)copy + l->members[i].offset;
    uint64_t value = 0;
    uint32_t four;
    uint16_t two;

    switch (l->members[i].size) {
    case 1: return *(const uint8_t *)at;
    case 2: memcpy(&two, at, 2); return two;
    case 4: memcpy(&four, at, 4); return four;
    case 0: return 0;
    default: memcpy(&value, at, 8); return value; /* a list head: its first pointer */
    }
}

uint64_t layout_fetch(const struct layout *l, struct memory *m, uint64_t object, enum layout_member i)
{
    uint64_t value = 0;
    uint32_t size = l->members[i].size > 8 ? 8 : l->members[i].size;

    if (object != 0 && size != 0)
        memory_number(m, object + l->members[i].offset, size, &value);
    return value;
}

/* ---- the root ---- */

static void take_member(struct layout *l, const struct root_member *member)
{
    for (size_t i = 0; i < M_COUNT; i++) {
        bool is_value = names[i].most == 0;
        if (strcmp(member->name, names[i].name) != 0 || member->offset > OFFSET_MAX || (member->size == ROOT_VALUE) != is_value ||
            (!is_value && member->size > names[i].most))
            continue;
        l->members[i].offset = member->offset;
        l->members[i].size = is_value ? 1 : member->size;
    }
}

static bool is_inside(const struct layout *l, enum layout_member part, enum layout_member whole)
{
    return (uint64_t)l->members[part].offset + l->members[part].size <= l->members[whole].size;
}

static bool all_inside(const struct layout *l, enum layout_member whole, enum layout_member last)
{
    for (enum layout_member i = whole + 1; i <= last; i++)
        if (!is_inside(l, i, whole))
            return false;
    return true;
}

/* These structs are copied as a whole, so their members must lie inside of them. */
static bool is_sound(const struct layout *l)
{
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++)
        if (!layout_has(l, (enum layout_member)needed[i]))
            return false;
    for (size_t i = 0; i < M_COUNT; i++) {
        uint32_t size = l->members[i].size;
        if (names[i].most == 8 && size != 0 && size != 1 && size != 2 && size != 4 && size != 8)
            return false;
        if (names[i].most == 16 && size != 16)
            return false;
    }
    return all_inside(l, M_LOOP, M_LOOP_VIRTUAL) && all_inside(l, M_CHUNK, M_CHUNK_TASKS) && all_inside(l, M_TASK, M_TASK_FP) &&
           all_inside(l, M_TOP, M_TOP_DOING) && all_inside(l, M_STACK, M_STACK_SIZE) && all_inside(l, M_WAIT, M_WAIT_INTERRUPTED) &&
           is_inside(l, M_WATCH_FUTURE, M_WATCH) && is_inside(l, M_ENDED_FUTURE, M_ENDED);
}

static enum layout_found take_root(struct layout *l, struct memory *m, uint64_t at)
{
    struct root root;
    uint64_t process = 0, alone = 0;
    if (!memory_get(m, at, &root, sizeof root) || memcmp(root.magic, ROOT_MAGIC, sizeof root.magic) != 0)
        return LAYOUT_UNREADY;

    *l = (struct layout){.version = root.version, .loops = (uintptr_t)root.loops, .resume = (uintptr_t)root.resume,
                         .timeline = (uintptr_t)root.timeline};
    memcpy(l->release, root.release, sizeof root.release);
    for (char *c = l->release; *c; c++)
        *c = isalnum((unsigned char)*c) || strchr(".+-", *c) ? *c : '?';
    if (root.version != ROOT_VERSION)
        return LAYOUT_UNKNOWN;
    if (root.size < sizeof root || root.members > MEMBERS_MAX || root.member_size < sizeof(struct root_member) || root.member_size > 4096)
        return LAYOUT_BROKEN;
    for (uint32_t i = 0; i < root.members; i++) {
        struct root_member member;
        if (!memory_get(m, (uintptr_t)root.layout + (uint64_t)i * root.member_size, &member, sizeof member))
            return LAYOUT_UNREADY; /* the loader has not relocated root.layout yet */
        member.name[ROOT_NAME_MAX - 1] = '\0';
        take_member(l, &member);
    }
    memory_number(m, (uintptr_t)root.process, 4, &process);
    memory_number(m, (uintptr_t)root.alone, 1, &alone);
    l->process = (uint32_t)process;
    l->is_alone = alone != 0;
    return is_sound(l) ? LAYOUT_FOUND : LAYOUT_BROKEN;
}

/* ---- the note ---- */

/* The address of the root, by our note in this segment; 0: it has none. */
static uint64_t find_in_notes(struct memory *m, uint64_t at, uint64_t bytes, uint64_t align)
{
    uint64_t end = at + bytes;

    align = align == 8 ? 8 : 4;
    while (end - at >= sizeof(Elf64_Nhdr)) {
        Elf64_Nhdr note;
        char name[sizeof ROOT_NOTE_NAME];
        uint64_t distance, desc, next;
        if (!memory_get(m, at, &note, sizeof note) || note.n_namesz > bytes || note.n_descsz > bytes)
            return 0;
        desc = at + sizeof note + (note.n_namesz + align - 1) / align * align;
        next = desc + (note.n_descsz + align - 1) / align * align;
        if (note.n_type == ROOT_NOTE_TYPE && note.n_namesz == sizeof name && note.n_descsz >= 24 &&
            memory_get(m, at + sizeof note, name, sizeof name) && memcmp(name, ROOT_NOTE_NAME, sizeof name) == 0)
            return memory_number(m, desc + 8, 8, &distance) ? desc + 8 + distance : 0;
        if (next > end)
            return 0;
        at = next;
    }
    return 0;
}

static bool read_segment(struct memory *m, uint64_t header, const Elf64_Ehdr *e, unsigned i, Elf64_Phdr *p)
{
    return memory_get(m, header + e->e_phoff + (uint64_t)i * sizeof *p, p, sizeof *p);
}

/* The root of the ELF file that begins here; 0: there is none. */
static uint64_t find_root(struct memory *m, uint64_t header)
{
    Elf64_Ehdr e;
    Elf64_Phdr p;
    uint64_t bias = 0, root = 0;
    if (!memory_get(m, header, &e, sizeof e) || memcmp(e.e_ident, ELFMAG, SELFMAG) != 0 || e.e_ident[EI_CLASS] != ELFCLASS64 ||
        e.e_phentsize != sizeof p || e.e_phnum > SEGMENTS_MAX || e.e_phoff > PAGE_BYTES)
        return 0;

    for (unsigned i = 0; i < e.e_phnum; i++)
        if (read_segment(m, header, &e, i, &p) && p.p_type == PT_LOAD && p.p_offset == 0)
            bias = header - p.p_vaddr;
    for (unsigned i = 0; i < e.e_phnum && root == 0; i++)
        if (read_segment(m, header, &e, i, &p) && p.p_type == PT_NOTE && p.p_memsz <= NOTES_MAX)
            root = find_in_notes(m, bias + p.p_vaddr, p.p_memsz, p.p_align);
    return root;
}

static bool has_loops(const struct layout *l, struct memory *m)
{
    uint64_t first = 0;

    return memory_number(m, l->loops, 8, &first) && first != l->loops;
}

enum layout_found layout_find(struct layout *l, struct memory *m, const uint64_t *headers, size_t n)
{
    enum layout_found best = LAYOUT_NONE;

    for (size_t i = 0; i < n; i++) {
        struct layout each = {0};
        uint64_t root = find_root(m, headers[i]);
        enum layout_found found = root ? take_root(&each, m, root) : LAYOUT_NONE;
        bool is_better = best != LAYOUT_FOUND && found != LAYOUT_NONE && (best == LAYOUT_NONE || found == LAYOUT_FOUND);
        if (is_better || (found == LAYOUT_FOUND && has_loops(&each, m))) {
            *l = each;
            best = found;
        }
        if (best == LAYOUT_FOUND && has_loops(l, m))
            break;
    }
    return best;
}
