/* SPDX-License-Identifier: MIT */
/*
 * elf.h - what `bide doctor` needs of an ELF file: what it needs, what it imports, and what it defines.
 *
 * The bytes are a stranger's.  Whatever they say, nothing outside of them is read, and what is kept of them is bounded: of names
 * only the numbers of calls that are known (coverage/coverage.h).
 */
#ifndef BIDE_CLI_DOCTOR_ELF_H
#define BIDE_CLI_DOCTOR_ELF_H

#include <stdbool.h>
#include <stdint.h>

#include "coverage/coverage.h"

#define ELF_FILE_MAX   ((size_t)1 << 30)
#define ELF_NEEDED_MAX 512

struct elf_set {
    uint8_t bits[CALLS_MAX / 8];
};

static inline bool elf_has(const struct elf_set *s, size_t number)
{
    return number < CALLS_MAX && s->bits[number / 8] & 1u << number % 8;
}

struct elf {
    unsigned machine; /* EM_X86_64, EM_AARCH64 */
    bool has_interpreter, is_dynamic;
    bool has_bide, has_unblock;  /* the notes that bide's two libraries have, also where they are linked statically */
    bool opens_libraries;        /* dlopen */
    bool wraps_descriptors;      /* stdin, fdopen: its FILEs may be pipes */
    unsigned system_calls;       /* in its own code, as far as they look like such */
    char *soname, *rpath, *runpath; /* NULL: there is none */
    char **needed;
    size_t needed_count;
    struct elf_set imports, defines;
};

/* Returns: NULL, or what is wrong with it: "a 32-bit file".  elf_free in both cases. */
const char *elf_read(struct elf *e, const void *bytes, size_t len);
void elf_free(struct elf *e);

#endif
