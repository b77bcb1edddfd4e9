/* SPDX-License-Identifier: MIT */
/* digest.c - SHA-256 of a body. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "cli/save/digest.h"

#include <openssl/sha.h>

_Static_assert(sizeof(SHA256_CTX) <= sizeof(struct digest), "a SHA256_CTX fits");

static SHA256_CTX *context(struct digest *d)
{
    return (void *)d->state;
}

/* They cannot fail. */
void digest_begin(struct digest *d)
{
    SHA256_Init(context(d));
}

void digest_add(struct digest *d, const void *data, size_t len)
{
    SHA256_Update(context(d), data, len);
}

void digest_end(struct digest *d, unsigned char out[DIGEST_BYTES])
{
    SHA256_Final(out, context(d));
}
