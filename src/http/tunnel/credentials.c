/* SPDX-License-Identifier: MIT */
/*
 * credentials.c - what a proxy wants to know of the user: Basic, at once; Digest, when it has asked for that.
 *
 * As other clients do, the first request has Basic already: a proxy that closes behind its 407 costs a connection else.
 */
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "http/tunnel/tunnel.h"

#define BASIC_PLAIN_MAX (2 * PROXY_PART_MAX + 1)
_Static_assert(4 * PROXY_PART_MAX > 6 + (BASIC_PLAIN_MAX + 2) / 3 * 4 + 1, "Basic has to fit");

/* RFC 7617 */
static ssize_t write_basic(const struct proxy *p, char *out)
{
    char plain[BASIC_PLAIN_MAX + 1];
    int n = snprintf(plain, sizeof plain, "%s:%s", p->user, p->password);

    strcpy(out, "Basic ");
    int len = EVP_EncodeBlock((unsigned char *)out + 6, (const unsigned char *)plain, n);
    OPENSSL_cleanse(plain, sizeof plain);
    return len + 6;
}

ssize_t bide__hop_credentials(struct hop *hop, const char *method, const char *target, char *out)
{
    const struct proxy *p = &hop->proxy;
    struct digest_user who = {p->user, p->password};
    struct digest_request what = {.method = method, .target = target};

    out[0] = '\0';
    if (!p->has_user)
        return 0;
    return hop->digest ? bide__digest_answer(hop->digest, &who, &what, out, CREDENTIALS_MAX) : write_basic(p, out);
}

/* Of the same nonce only a stale one is worth another answer. */
static bool is_news(const struct digest *old, const struct digest *new)
{
    return !old || !bide__digest_same_nonce(old, new) || new->stale;
}

int bide__hop_challenged(struct hop *hop, const struct slice *fields, size_t n)
{
    if (!hop->proxy.has_user)
        return 0;
    struct digest *d = bide__calloc(1, sizeof *d);
    if (!d)
        return bide__fail_nomem("a proxy");
    for (size_t i = 0; i < n; i++)
        bide__digest_choose(d, fields[i].text, fields[i].len);
    if (!d->is_set || !is_news(hop->digest, d)) {
        bide__free(d);
        return 0;
    }
    bide__free(hop->digest);
    hop->digest = d;
    return 1;
}
