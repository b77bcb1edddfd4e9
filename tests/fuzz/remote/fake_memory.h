/* SPDX-License-Identifier: MIT */
/*
 * fake_memory.h - the memory of another process as a fuzz target has it: an array, with the input written over it.
 *
 * The input is pieces: where (2 or 3 bytes, the lowest first), how much (1 byte), what.
 */
#ifndef TESTS_FUZZ_FAKE_MEMORY_H
#define TESTS_FUZZ_FAKE_MEMORY_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cli/remote/memory.h"

#define BASE UINT64_C(0x100000) /* the address of its first byte */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool true_thing)
{
    if (!true_thing)
        abort();
}

static struct {
    char *bytes;
    uint32_t len;
} fake;

static void fake_memory_read(struct memory *m, struct piece *pieces, size_t n)
{
    (void)m;
    for (size_t i = 0; i < n; i++) {
        struct piece *p = &pieces[i];
        p->came = p->at >= BASE && p->at - BASE <= fake.len && p->len <= fake.len - (p->at - BASE);
        if (p->came && p->len > 0)
            memcpy(p->to, fake.bytes + (p->at - BASE), p->len);
    }
}

/* How many bytes it takes to say where. */
static void fake_memory_overwrite(const uint8_t *data, size_t size, size_t where_bytes)
{
    while (size > where_bytes + 1) {
        uint32_t at = 0;
        for (size_t i = 0; i < where_bytes; i++)
            at |= (uint32_t)data[i] << 8 * i;
        at %= fake.len;
        data += where_bytes;
        size -= where_bytes + 1;
        size_t n = *data < size ? *data : size;
        if (n > fake.len - at)
            n = fake.len - at;
        memcpy(fake.bytes + at, data + 1, n);
        data += 1 + n;
        size -= n;
    }
}

#endif
