/* SPDX-License-Identifier: MIT */
/*
 * digest.h - Digest (RFC 7616): a challenge kept, and answered with each request.
 *
 *     struct digest d = {0};
 *     bide__digest_choose(&d, value, len);       for each challenge field: the strongest that we can answer stays
 *     if (d.is_set)
 *         bide__digest_answer(&d, &who, &what, out, cap);     the value of Authorization; counts nc
 *
 * One for each protection space: the origin and realm that asked (D2).  It holds no password.
 */
#ifndef BIDE_HTTP_DIGEST_H
#define BIDE_HTTP_DIGEST_H

#include "http/auth/challenge.h"

#define DIGEST_REALM_MAX  256
#define DIGEST_NONCE_MAX  1024
#define DIGEST_CNONCE_LEN 32
#define DIGEST_HEX_MAX    64

enum digest_algorithm { DIGEST_MD5, DIGEST_SHA_256, DIGEST_SHA_512_256 }; /* the weakest first */

struct digest {
    bool is_set;
    bool is_session;  /* -sess: the first nonces stay in the key */
    bool userhash, stale, has_opaque, has_algorithm;
    bool qop_auth, qop_auth_int; /* neither: as RFC 2069 */
    uint8_t algorithm; /* enum digest_algorithm */
    uint32_t nc;       /* answers with this nonce so far */
    char cnonce[DIGEST_CNONCE_LEN + 1]; /* of a session, once there was an answer */
    char realm[DIGEST_REALM_MAX], nonce[DIGEST_NONCE_MAX], opaque[DIGEST_NONCE_MAX];
};

struct digest_user {
    const char *name, *password; /* UTF-8 */
};

struct digest_request {
    const char *method, *target; /* the request target as it is sent */
    const char *body;            /* for auth-int; NULL: it is not at hand */
    size_t body_len;
    const char *cnonce; /* NULL: random, as it must be; tests give one */
};

/*
 * Look through one field.  A challenge that is stronger than the one in d replaces it; what cannot be answered is passed over.
 * Asked for a field of a later answer, begin with a new one, so that a new nonce begins a new count.
 */
void bide__digest_choose(struct digest *d, const char *value, size_t len);

/* Is it the same nonce, which this request has answered already?  Then the password is wrong, unless d says stale. */
bool bide__digest_same_nonce(const struct digest *a, const struct digest *b);

/*
 * Write "Digest username=...": its length.
 *
 * Errors: -EINVAL: a control character in name or target; BIDE_ETOOBIG: no room; BIDE_ESTATE: auth-int is asked for and the body is
 * not at hand; -ENOTSUP: OpenSSL has no such hash.
 */
ssize_t bide__digest_answer(struct digest *d, const struct digest_user *who, const struct digest_request *what, char *out, size_t cap);

#endif
