/* SPDX-License-Identifier: MIT */
/*
 * digest.c - Digest: choosing a challenge (R118), and the answer to it (RFC 7616 3.4).
 *
 * Hashes are of what the user and the server mean, without quotes and backslashes; what is written has them again.
 */
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "http/auth/digest.h"
#include "http/field/headers.h"
#include "http/field/scan.h"

static const struct {
    const char *name, *lower;
    const EVP_MD *(*hash)(void);
} algorithms[] = {
    [DIGEST_MD5] = {"MD5", "md5", EVP_md5},
    [DIGEST_SHA_256] = {"SHA-256", "sha-256", EVP_sha256},
    [DIGEST_SHA_512_256] = {"SHA-512-256", "sha-512-256", EVP_sha512_256},
};

/* ---- choosing ---- */

static bool has_suffix(struct slice *s, const char *lower)
{
    size_t n = strlen(lower);

    if (s->len <= n || !bide__header_equals(s->text + s->len - n, n, lower))
        return false;
    s->len -= n;
    return true;
}

/* False: an algorithm that we do not have. */
static bool read_algorithm(struct digest *d, const struct challenge *c)
{
    const struct challenge_param *p = bide__challenge_param(c, "algorithm");

    if (!p)
        return true; /* RFC 7616 3.3: MD5 */
    struct slice name = p->value;
    d->has_algorithm = true;
    d->is_session = has_suffix(&name, "-sess");
    for (size_t i = 0; i < array_len(algorithms); i++)
        if (bide__header_equals(name.text, name.len, algorithms[i].lower)) {
            d->algorithm = (uint8_t)i;
            return true;
        }
    return false;
}

/* False: it asks for a quality that we do not have. */
static bool read_qop(struct digest *d, const struct challenge *c)
{
    const struct challenge_param *p = bide__challenge_param(c, "qop");

    if (!p)
        return true;
    d->qop_auth = bide__header_has_token(p->value.text, p->value.len, "auth");
    d->qop_auth_int = bide__header_has_token(p->value.text, p->value.len, "auth-int");
    return d->qop_auth || d->qop_auth_int;
}

static bool is_true(const struct challenge *c, const char *name)
{
    const struct challenge_param *p = bide__challenge_param(c, name);

    return p && bide__header_equals(p->value.text, p->value.len, "true");
}

/* False: it is not there, or too long. */
static bool read_text(const struct challenge *c, const char *name, char *out, size_t cap)
{
    const struct challenge_param *p = bide__challenge_param(c, name);

    return p && bide__challenge_value(p, out, cap) >= 0;
}

static bool read_challenge(struct digest *d, const struct challenge *c)
{
    *d = (struct digest){.is_set = true, .userhash = is_true(c, "userhash"), .stale = is_true(c, "stale")};
    d->has_opaque = bide__challenge_param(c, "opaque");
    return bide__challenge_is(c, "digest") && read_algorithm(d, c) && read_qop(d, c) &&
           read_text(c, "realm", d->realm, sizeof d->realm) && read_text(c, "nonce", d->nonce, sizeof d->nonce) &&
           (!d->has_opaque || read_text(c, "opaque", d->opaque, sizeof d->opaque));
}

void bide__digest_choose(struct digest *d, const char *value, size_t len)
{
    struct error_mark mark;
    struct challenge c;
    struct digest found;
    size_t at = 0;

    bide__error_mark(&mark); /* a field that cannot be read is no failure: it says nothing */
    while (bide__challenge_next(value, len, &at, &c) > 0)
        if (read_challenge(&found, &c) && (!d->is_set || found.algorithm > d->algorithm))
            *d = found;
    bide__error_restore(&mark);
}

bool bide__digest_same_nonce(const struct digest *a, const struct digest *b)
{
    return a->is_set && b->is_set && strcmp(a->nonce, b->nonce) == 0 && strcmp(a->realm, b->realm) == 0;
}

/* ---- hashes ---- */

static void to_hex(char *out, const unsigned char *bytes, size_t n)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < n; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * n] = '\0';
}

/* H(a:b:c...) in hexadecimal digits. */
static int hash(const struct digest *d, char hex[DIGEST_HEX_MAX + 1], const struct slice *parts, size_t n)
{
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    bool ok = c && EVP_DigestInit_ex(c, algorithms[d->algorithm].hash(), NULL);

    for (size_t i = 0; ok && i < n; i++)
        ok = (i == 0 || EVP_DigestUpdate(c, ":", 1)) && EVP_DigestUpdate(c, parts[i].text, parts[i].len);
    ok = ok && EVP_DigestFinal_ex(c, sum, &len) && len * 2 <= DIGEST_HEX_MAX;
    EVP_MD_CTX_free(c);
    if (!ok)
        return bide_fail(-ENOTSUP, "Digest: OpenSSL cannot compute %s here", algorithms[d->algorithm].name);
    to_hex(hex, sum, len);
    OPENSSL_cleanse(sum, sizeof sum);
    return 0;
}

static struct slice text(const char *s)
{
    return (struct slice){s, strlen(s)};
}

#define HASH(d, hex, ...) \
    hash(d, hex, (const struct slice[]){__VA_ARGS__}, sizeof((const struct slice[]){__VA_ARGS__}) / sizeof(struct slice))

/* RFC 7616 3.4.2 */
static int hash_a1(const struct digest *d, const struct digest_user *who, const char *cnonce, char hex[DIGEST_HEX_MAX + 1])
{
    int r = HASH(d, hex, text(who->name), text(d->realm), text(who->password));

    if (r < 0 || !d->is_session)
        return r;
    char first[DIGEST_HEX_MAX + 1];
    strcpy(first, hex);
    r = HASH(d, hex, text(first), text(d->nonce), text(cnonce));
    OPENSSL_cleanse(first, sizeof first);
    return r;
}

/* RFC 7616 3.4.3 */
static int hash_a2(const struct digest *d, const struct digest_request *what, bool with_body, char hex[DIGEST_HEX_MAX + 1])
{
    char body[DIGEST_HEX_MAX + 1];

    if (!with_body)
        return HASH(d, hex, text(what->method), text(what->target));
    int r = HASH(d, body, {what->body, what->body_len});
    return r < 0 ? r : HASH(d, hex, text(what->method), text(what->target), text(body));
}

/* RFC 7616 3.4.1 */
static int hash_response(const struct digest *d, const struct digest_user *who, const struct digest_request *what,
                         const char *qop, const char *nc, const char *cnonce, char hex[DIGEST_HEX_MAX + 1])
{
    char a1[DIGEST_HEX_MAX + 1] = "", a2[DIGEST_HEX_MAX + 1] = "";
    int r = hash_a1(d, who, cnonce, a1);

    if (r == 0)
        r = hash_a2(d, what, qop && strcmp(qop, "auth-int") == 0, a2);
    if (r == 0 && qop)
        r = HASH(d, hex, text(a1), text(d->nonce), text(nc), text(cnonce), text(qop), text(a2));
    else if (r == 0)
        r = HASH(d, hex, text(a1), text(d->nonce), text(a2));
    OPENSSL_cleanse(a1, sizeof a1);
    return r;
}

/* ---- the field ---- */

struct writer {
    char *out;
    size_t len, cap;
};

static void put(struct writer *w, const char *s)
{
    for (; *s; s++, w->len++)
        if (w->len < w->cap)
            w->out[w->len] = *s;
}

static void put_quoted(struct writer *w, const char *name, const char *value)
{
    char one[3] = "\\";

    put(w, name);
    put(w, "=\"");
    for (; *value; value++) {
        one[1] = *value;
        put(w, *value == '"' || *value == '\\' ? one : one + 1);
    }
    put(w, "\"");
}

static bool may_be_sent(const char *s)
{
    return scan_value(s, s + strlen(s)) == s + strlen(s);
}

static void put_answer(struct writer *w, const struct digest *d, const char *user, const struct digest_request *what,
                       const char *response)
{
    put_quoted(w, "Digest username", user);
    put_quoted(w, ", realm", d->realm);
    put_quoted(w, ", nonce", d->nonce);
    put_quoted(w, ", uri", what->target);
    put_quoted(w, ", response", response);
    if (d->has_algorithm) {
        put(w, ", algorithm=");
        put(w, algorithms[d->algorithm].name);
        put(w, d->is_session ? "-sess" : "");
    }
    if (d->has_opaque)
        put_quoted(w, ", opaque", d->opaque);
    put(w, d->userhash ? ", userhash=true" : "");
}

static void put_qop(struct writer *w, const char *qop, const char *nc, const char *cnonce)
{
    put(w, ", qop=");
    put(w, qop);
    put(w, ", nc=");
    put(w, nc);
    put_quoted(w, ", cnonce", cnonce);
}

/* A new one for each answer, but for a session: its key has the first. */
static const char *client_nonce(struct digest *d, const struct digest_request *what)
{
    unsigned char random[DIGEST_CNONCE_LEN / 2];

    if (what->cnonce)
        return what->cnonce;
    if (!d->is_session || !d->cnonce[0]) {
        bide__random_bytes(random, sizeof random);
        to_hex(d->cnonce, random, sizeof random);
    }
    return d->cnonce;
}

static int validate(const struct digest *d, const struct digest_user *who, const struct digest_request *what)
{
    if (!may_be_sent(who->name) || !may_be_sent(what->target))
        return bide_fail(-EINVAL, "Digest: a control character in the name of the user or the target");
    if (!may_be_sent(d->realm) || !may_be_sent(d->nonce) || !may_be_sent(d->opaque))
        return bide_fail(BIDE_EHTTP, "Digest: a control character in the challenge");
    if (!d->qop_auth && d->qop_auth_int && !what->body)
        return bide_fail(BIDE_ESTATE, "Digest: the server asks for a hash of the body, which is not at hand");
    return 0;
}

static void format_nc(char out[9], uint32_t nc)
{
    unsigned char bytes[4] = {(unsigned char)(nc >> 24), (unsigned char)(nc >> 16), (unsigned char)(nc >> 8), (unsigned char)nc};
    to_hex(out, bytes, sizeof bytes);
}

ssize_t bide__digest_answer(struct digest *d, const struct digest_user *who, const struct digest_request *what, char *out, size_t cap)
{
    const char *qop = d->qop_auth ? "auth" : d->qop_auth_int ? "auth-int" : NULL;
    char response[DIGEST_HEX_MAX + 1], hashed[DIGEST_HEX_MAX + 1], nc[9];
    struct writer w = {out, 0, cap};
    int r = validate(d, who, what);

    if (r < 0)
        return r;
    const char *cnonce = client_nonce(d, what);
    format_nc(nc, ++d->nc);
    if ((r = hash_response(d, who, what, qop, nc, cnonce, response)) < 0 ||
        (d->userhash && (r = HASH(d, hashed, text(who->name), text(d->realm))) < 0))
        return r;
    put_answer(&w, d, d->userhash ? hashed : who->name, what, response);
    if (qop)
        put_qop(&w, qop, nc, cnonce);
    else if (d->is_session)
        put_quoted(&w, ", cnonce", cnonce);
    if (w.len >= cap)
        return bide_fail(BIDE_ETOOBIG, "Digest: an answer of %zu bytes", w.len);
    out[w.len] = '\0';
    return (ssize_t)w.len;
}
