/* SPDX-License-Identifier: MIT */
/*
 * elf.h - what `bide doctor` needs of an ELF file: the libraries it needs, the calls it imports, and those it defines.
 *
 * The file is not trusted.  Whatever it contains, nothing outside of it is read, and what is kept is bounded: of symbol names only the
 * numbers of known calls (coverage/coverage.h).
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
    bool has_bide, has_unblock;  /* it has the ELF note of libbide, of libbide-unblock: it is one, or is linked statically with it */
    bool exports_bide;           /* bide_interpose, which libbide-unblock.so needs */
    bool opens_libraries;        /* dlopen */
    bool wraps_descriptors;      /* stdin, fdopen: its FILEs may be pipes */
    unsigned system_calls;       /* in its own code; found by their instructions, so a few may be missed */
    char *soname, *rpath, *runpath; /* NULL: there is none */
    char **needed;
    size_t needed_count;
    struct elf_set imports, defines;
};

/* Returns NULL, or what is wrong with the file: "a 32-bit file".  elf_free in both cases. */
const char *elf_read(struct elf *e, const void *bytes, size_t len);
void elf_free(struct elf *e);

#endif
