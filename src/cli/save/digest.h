/* SPDX-License-Identifier: MIT */
/*
 * digest.h - SHA-256 of a body, piece by piece, by OpenSSL, which uses what the processor has for it.
 *
 * Its older functions, marked as such: the newer ones (EVP) make a thousand allocations before the first byte, and do not
 * all survive that one fails.
 */
#ifndef BIDE_CLI_SAVE_DIGEST_H
#define BIDE_CLI_SAVE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#define DIGEST_BYTES 32

/* A SHA256_CTX; digest.c checks that it fits. */
struct digest {
    uint64_t state[14];
};

void digest_begin(struct digest *d);
void digest_add(struct digest *d, const void *data, size_t len);
void digest_end(struct digest *d, unsigned char out[DIGEST_BYTES]);

#endif
