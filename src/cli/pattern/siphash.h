/* SPDX-License-Identifier: MIT */
/*
 * siphash.h - SipHash-1-3: a hash with a key.  Who does not know the key cannot choose texts that collide.
 */
#ifndef BIDE_CLI_PATTERN_SIPHASH_H
#define BIDE_CLI_PATTERN_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

struct siphash_key {
    uint64_t a, b;
};

/* Different every time. */
struct siphash_key siphash_new_key(void);
uint64_t siphash(struct siphash_key key, const char *data, size_t len);

#endif
