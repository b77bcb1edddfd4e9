/* SPDX-License-Identifier: MIT */
/*
 * auth.c - user and password in Authorization: Basic and Bearer at once, Digest when the server asks (R117, R118).
 *
 *     first request                       -> 401, WWW-Authenticate: Digest nonce=...      kept for the origin and the user
 *     the same, answer, nc=1              -> 200
 *     further requests, answer, nc=2 ...  -> 200, or 401 with a new nonce: answered once more
 *
 * They are for the origin that was asked (D2): once a hop has left it, nothing is sent and no challenge answered.  What a challenge
 * says of a `domain` does not matter: its own origin is asked with credentials from then on, and no other for its sake.
 */
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "http/policy/policy.h"

#define ANSWERS_MAX 3 /* to challenges of one hop: the first, and two that say that the answer before was stale */
#define ANSWER_ROOM 640 /* of a Digest answer, beside texts: names, hashes, counts */

/* ---- Basic, Bearer ---- */

static const char *basic_value(struct arena *arena, const struct auth *p)
{
    size_t user = strlen(p->who.user), password = strlen(p->who.password), len = user + 1 + password;
    char *plain = bide__arena_alloc(arena, len + 1);
    char *value = bide__arena_alloc(arena, sizeof "Basic " + (len + 2) / 3 * 4 + 1);
    if (!plain || !value)
        return NULL;

    memcpy(plain, p->who.user, user);
    plain[user] = ':';
    memcpy(plain + user + 1, p->who.password, password);
    strcpy(value, "Basic ");
    EVP_EncodeBlock((unsigned char *)value + 6, (const unsigned char *)plain, (int)len);
    OPENSSL_cleanse(plain, len);
    return value;
}

static const char *bearer_value(struct arena *arena, const struct auth *p)
{
    char *value = bide__arena_alloc(arena, sizeof "Bearer " + strlen(p->who.user));

    return value ? (stpcpy(stpcpy(value, "Bearer "), p->who.user), value) : NULL;
}

/* ---- Digest ---- */

/* All of the body, for auth-int, if it is one piece in memory; else NULL: a body that is read while it is sent would be read twice. */
static const char *body_at_hand(struct body_source *b, size_t *len)
{
    const char *data = "";
    ssize_t n = 0;

    *len = b ? (size_t)b->length : 0;
    if (b && (!b->is_here || !b->ops->rewind))
        return NULL;
    if (b && *len > 0) { /* it may have been sent already, and will be */
        if (b->ops->rewind(b) < 0)
            return NULL;
        n = b->ops->next(b, &data);
        if (b->ops->rewind(b) < 0)
            return NULL;
    }
    return n == (ssize_t)*len ? data : NULL;
}

static ssize_t write_answer(struct auth *p, struct request *q, struct digest *d, char *out, size_t cap)
{
    struct url_part target = bide__url_target(&q->head.url);
    const char *path = bide__arena_strndup(q->arena, bide__url_part(&q->head.url, target), target.len);
    struct digest_user who = {p->who.user, p->who.password};
    struct digest_request what = {.method = q->head.method, .target = q->head.for_server ? "*" : path};

    if (!d->qop_auth && d->qop_auth_int)
        what.body = body_at_hand(q->head.body, &what.body_len);
    return path ? bide__digest_answer(d, &who, &what, out, cap) : BIDE_ENOMEM;
}

/* NULL: an error on record. */
static const char *digest_value(struct auth *p, struct request *q, struct digest *d)
{
    size_t texts = strlen(p->who.user) + strlen(d->realm) + strlen(d->nonce) + strlen(d->opaque) + bide__url_target(&q->head.url).len;
    size_t cap = 2 * texts + ANSWER_ROOM; /* each byte may get a backslash */
    char *value = bide__arena_alloc(q->arena, cap);
    if (!value || !(p->answered = bide__arena_alloc(q->arena, sizeof *p->answered)))
        return NULL;

    if (write_answer(p, q, d, value, cap) < 0)
        return NULL;
    *p->answered = *d; /* the session's may be another one when the answer comes */
    return value;
}

/* ---- before ---- */

/* What this try says; *value NULL: nothing, until the server asks. */
static int choose_value(struct auth *p, struct request *q, const char **value)
{
    const struct auth_space *known = NULL;

    if (p->who.scheme == BIDE_AUTH_DIGEST || p->who.scheme == BIDE_AUTH_ANY)
        known = bide__auth_spaces_find(p->spaces, &q->head.url, p->who.user);
    *value = NULL;
    if (p->who.scheme == BIDE_AUTH_BASIC || (known && known->is_basic))
        *value = basic_value(q->arena, p);
    else if (p->who.scheme == BIDE_AUTH_BEARER)
        *value = bearer_value(q->arena, p);
    else if (known)
        *value = digest_value(p, q, (struct digest *)&known->digest);
    else
        return 0;
    return *value ? 0 : bide_error_code();
}

static int before(struct policy *policy, struct request *q)
{
    struct auth *p = container_of(policy, struct auth, policy);
    const char *value;
    if (q->has_left)
        return 0;
    if (q->head.user.seen & ~q->head.drop & HEADER_BIT(HEADER_AUTHORIZATION)) {
        if (!p->is_of_request)
            return 0; /* the request's own field takes the place of what the session has */
        return bide_fail(-EINVAL, "%s, and a header Authorization", p->is_of_url ? "user and password in the URL" : "auth");
    }

    p->is_answered = false;
    p->answered = NULL;
    int code = choose_value(p, q, &value);
    if (code < 0 || !value)
        return code;
    p->is_answered = true;
    p->field = (struct added_field){.name = "Authorization", .value = value, .next = q->head.added};
    q->head.added = &p->field;
    q->head.drop |= HEADER_BIT(HEADER_AUTHORIZATION); /* that of the session's fields */
    return 0;
}

/* ---- after ---- */

static bool asks_for_basic(const char *value, size_t len)
{
    struct error_mark mark;
    struct challenge c;
    size_t at = 0;
    bool found = false;

    bide__error_mark(&mark); /* what cannot be read says nothing */
    while (!found && bide__challenge_next(value, len, &at, &c) > 0)
        found = bide__challenge_is(&c, "basic");
    bide__error_restore(&mark);
    return found;
}

/* The challenges of all fields: the best that we may answer. */
static void read_challenges(const struct auth *p, const struct url *url, const struct fields *fields, struct auth_space *out)
{
    bool may_be_basic = p->who.scheme == BIDE_AUTH_ANY && bide__url_is_secure(url);

    *out = (struct auth_space){.is_basic = false};
    for (uint32_t i = 0; i < fields->n; i++) {
        const struct field *f = &fields->all[i];
        if (f->id != HEADER_WWW_AUTHENTICATE)
            continue;
        bide__digest_choose(&out->digest, bide__field_value(fields, f), f->value_len);
        out->is_basic |= may_be_basic && asks_for_basic(bide__field_value(fields, f), f->value_len);
    }
    out->is_basic &= !out->digest.is_set;
}

/* Was this challenge answered already?  Then the password is wrong. */
static bool is_refusal(const struct auth *p, const struct auth_space *asked)
{
    if (asked->digest.stale)
        return false;
    if (asked->is_basic)
        return p->is_answered && !p->answered;
    return p->answers > 0 || (p->answered && bide__digest_same_nonce(p->answered, &asked->digest));
}

static __attribute__((noinline)) int answer_challenge(struct auth *p, struct request *q, const struct fields *fields)
{
    struct auth_space *asked = bide__arena_alloc(q->arena, sizeof *asked);
    if (!asked)
        return BIDE_ENOMEM;

    if (p->at_hop != q->hops) {
        p->at_hop = q->hops;
        p->answers = 0;
    }
    read_challenges(p, &q->head.url, fields, asked);
    if ((!asked->is_basic && !asked->digest.is_set) || p->answers >= ANSWERS_MAX || is_refusal(p, asked))
        return POLICY_ACCEPT;
    if (!bide__body_source_may_be_sent(q->head.body)) /* R69 */
        return bide_fail(BIDE_ESTATE, "the server asks for %s, and the body cannot be sent a second time",
                         asked->is_basic ? "Basic" : "Digest");
    if (bide__auth_spaces_keep(p->spaces, &q->head.url, p->who.user, asked) < 0)
        return BIDE_ENOMEM;
    p->answers++;
    return POLICY_AGAIN;
}

static int after(struct policy *policy, struct request *q, const struct outcome *o)
{
    struct auth *p = container_of(policy, struct auth, policy);
    bool is_asked = o->code == 0 && o->answer->status == 401 && !q->has_left &&
                    (p->who.scheme == BIDE_AUTH_DIGEST || p->who.scheme == BIDE_AUTH_ANY);
    bool is_the_users = q->head.user.seen & ~q->head.drop & HEADER_BIT(HEADER_AUTHORIZATION);

    return is_asked && !is_the_users ? answer_challenge(p, q, &o->answer->fields) : POLICY_ACCEPT;
}

const struct policy_ops bide__auth_ops = {.name = "authentication", .why = BIDE_AGAIN_AUTH, .before = before, .after = after};
