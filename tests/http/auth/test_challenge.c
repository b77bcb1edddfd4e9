/* SPDX-License-Identifier: MIT */
/*
 * test_challenge.c - challenges in a field: several, quoted, odd, and too many.
 */
#include <stdlib.h>

#include "harness/guarded.h"
#include "harness/harness.h"
#include "http/auth/challenge.h"

/* Each as "scheme(name=value;...)" or "scheme:token68"; "!" behind the last: an error. */
static const char *shown(const char *field)
{
    static char out[4096];
    struct guarded g = guarded_copy(field, strlen(field));
    struct challenge c;
    size_t at = 0, n = 0;
    char value[256];
    int r;

    while ((r = bide__challenge_next(g.data, strlen(field), &at, &c)) > 0) {
        n += (size_t)sprintf(out + n, "%.*s", (int)c.scheme.len, c.scheme.text);
        if (c.token68.text)
            n += (size_t)sprintf(out + n, ":%.*s", (int)c.token68.len, c.token68.text);
        for (size_t i = 0; i < c.n; i++) {
            EXPECT_LE(0, bide__challenge_value(&c.params[i], value, sizeof value));
            n += (size_t)sprintf(out + n, "%c%.*s=%s", i ? ';' : '(', (int)c.params[i].name.len, c.params[i].name.text, value);
        }
        n += (size_t)sprintf(out + n, "%s ", c.n ? ")" : "");
    }
    guarded_free(&g);
    strcpy(out + n, r < 0 ? "!" : "");
    return out;
}

/* R118 */
UNIT(challenge_several_in_one_field_are_told_apart)
{
    EXPECT_STR(shown("Basic realm=\"a, b\", Digest realm=\"x\", nonce=abc , Negotiate, NTLM TlRMTVM=, Bearer"),
               "Basic(realm=a, b) Digest(realm=x;nonce=abc) Negotiate NTLM:TlRMTVM= Bearer ");
    EXPECT_STR(shown("Newauth realm=\"apps\", type=1, title=\"Login to \\\"apps\\\"\", Basic realm=\"simple\""),
               "Newauth(realm=apps;type=1;title=Login to \"apps\") Basic(realm=simple) ");
}

UNIT(challenge_quoted_string_hides_what_looks_like_another)
{
    EXPECT_STR(shown("Basic realm=\"x, Digest nonce=\\\"evil\\\", qop=auth\""), "Basic(realm=x, Digest nonce=\"evil\", qop=auth) ");
}

UNIT(challenge_blanks_and_empty_elements_are_skipped)
{
    EXPECT_STR(shown(" , ,Basic  realm = \"x\" ,, charset=\tUTF-8,"), "Basic(realm=x;charset=UTF-8) ");
    EXPECT_STR(shown("Basic realm=My Site, Bearer"), "Basic(realm=My Site) Bearer ");
    EXPECT_STR(shown(""), "");
}

UNIT(challenge_that_can_be_read_in_two_ways_is_refused)
{
    EXPECT_STR(shown("Basic realm=\"open"), "!");
    EXPECT_STR(shown("Basic realm=\"open\\"), "!");
    EXPECT_STR(shown("Basic realm=\"a\" nonce=\"b\""), "!");
    EXPECT_STR(shown("Basic realm=a\"b\""), "!");
    EXPECT_STR(shown("Basic realm=\"a\", REALM=\"b\""), "!");
    EXPECT_STR(shown("=x"), "!");
    EXPECT_STR(shown("Basic(x)"), "!");
}

/* D9 */
UNIT(challenge_has_ceilings)
{
    char *many = malloc(CHALLENGE_FIELD_MAX + 2);
    size_t n = (size_t)sprintf(many, "Digest ");

    for (int i = 0; i <= CHALLENGE_PARAMS_MAX; i++)
        n += (size_t)sprintf(many + n, "p%d=x,", i);
    EXPECT_STR(shown(many), "!");
    memset(many, 'a', CHALLENGE_FIELD_MAX + 1);
    many[CHALLENGE_FIELD_MAX + 1] = '\0';
    EXPECT_STR(shown(many), "!");
    free(many);
}
