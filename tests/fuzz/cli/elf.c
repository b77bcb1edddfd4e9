/* SPDX-License-Identifier: MIT */
/*
 * elf.c - fuzz target: ELF files, and the loader's cache, as `bide doctor` reads them.
 *
 * Whatever the bytes are, nothing outside of them is read, what is kept is bounded, and each search in a cache ends.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/doctor/doctor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool true_thing)
{
    if (!true_thing)
        abort();
}

static void check_elf(const void *bytes, size_t len)
{
    struct elf e;
    const char *wrong = elf_read(&e, bytes, len);

    must(!wrong || strlen(wrong) > 0);
    must(e.needed_count <= ELF_NEEDED_MAX && e.system_calls <= len);
    for (size_t i = 0; i < e.needed_count; i++)
        must(wrong || strlen(e.needed[i]) < len);
    for (size_t number = bide__call_count(); number < CALLS_MAX; number++)
        must(!elf_has(&e.imports, number) && !elf_has(&e.defines, number));
    elf_free(&e);
}

static void check_cache(const void *bytes, size_t len)
{
    size_t at = 0, n = 0;

    for (const char *path = cache_next(bytes, len, "libc.so.6", &at); path; path = cache_next(bytes, len, "libc.so.6", &at)) {
        must(strlen(path) < len);
        must(n++ <= len);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *exact = malloc(size + (size == 0)); /* so that a byte behind it is found */

    memcpy(exact, data, size);
    check_elf(exact, size);
    check_cache(exact, size);
    free(exact);
    return 0;
}
