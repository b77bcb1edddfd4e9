/* SPDX-License-Identifier: MIT */
/*
 * siphash.c - SipHash-1-3, by Aumasson and Bernstein: one round for each eight bytes, three at the end.
 */
#include "cli/pattern/siphash.h"

#include <string.h>
#include <sys/random.h>

#define ROTATE(x, n) ((x) << (n) | (x) >> (64 - (n)))

struct siphash_key siphash_new_key(void)
{
    struct siphash_key key;

    if (getrandom(&key, sizeof key, GRND_NONBLOCK) != (ssize_t)sizeof key)
        key = (struct siphash_key){(uint64_t)(uintptr_t)&key * 0x9e3779b97f4a7c15u, (uint64_t)(uintptr_t)siphash_new_key};
    return key;
}

static void mix(uint64_t v[4])
{
    v[0] += v[1];
    v[2] += v[3];
    v[1] = ROTATE(v[1], 13) ^ v[0];
    v[3] = ROTATE(v[3], 16) ^ v[2];
    v[0] = ROTATE(v[0], 32);
    v[2] += v[1];
    v[0] += v[3];
    v[1] = ROTATE(v[1], 17) ^ v[2];
    v[3] = ROTATE(v[3], 21) ^ v[0];
    v[2] = ROTATE(v[2], 32);
}

static void absorb(uint64_t v[4], uint64_t word)
{
    v[3] ^= word;
    mix(v);
    v[0] ^= word;
}

/* Its bytes are little-endian words; the hash never leaves the process, so that those of the machine do. */
uint64_t siphash(struct siphash_key key, const char *data, size_t len)
{
    uint64_t v[4] = {key.a ^ 0x736f6d6570736575u, key.b ^ 0x646f72616e646f6du, key.a ^ 0x6c7967656e657261u,
                     key.b ^ 0x7465646279746573u};
    uint64_t word, last = (uint64_t)len << 56;

    for (; len >= 8; data += 8, len -= 8) {
        memcpy(&word, data, 8);
        absorb(v, word);
    }
    for (size_t i = 0; i < len; i++)
        last |= (uint64_t)(unsigned char)data[i] << (8 * i);
    absorb(v, last);
    v[2] ^= 0xff;
    for (int i = 0; i < 3; i++)
        mix(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}
