/* SPDX-License-Identifier: MIT */
/*
 * auth.c - fuzz target: challenges, Digest answers, and .netrc (first byte N).
 *
 * What was read lies within the field; an answer is one line.
 */
#include <stdlib.h>

#include "http/auth/digest.h"
#include "http/auth/netrc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool true_thing)
{
    if (!true_thing)
        abort();
}

static void read_netrc(const char *text, size_t len)
{
    struct netrc_entry e;
    size_t at = 0, before = 0;

    while (bide__netrc_next(text, len, &at, &e) > 0) {
        must(at > before && at <= len);
        before = at;
    }
    bide__netrc_find(text, len, "a.example", &e);
}

static void read_challenges(const char *text, size_t len)
{
    struct challenge c;
    struct digest d = {0};
    char out[8192];
    size_t at = 0, before = 0;

    while (bide__challenge_next(text, len, &at, &c) > 0) {
        must(at > before && at <= len && c.n <= CHALLENGE_PARAMS_MAX && c.scheme.len > 0);
        for (size_t i = 0; i < c.n; i++)
            must(c.params[i].value.text + c.params[i].value.len <= text + len);
        before = at;
    }
    bide__digest_choose(&d, text, len);
    ssize_t n = d.is_set ? bide__digest_answer(&d, &(struct digest_user){"me", "secret"},
                                               &(struct digest_request){.method = "GET", .target = "/", .body = ""}, out, sizeof out)
                         : -1;
    for (ssize_t i = 0; i < n; i++)
        must(out[i] != '\r' && out[i] != '\n' && out[i] != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    char *copy = malloc(size);
    memcpy(copy, data + 1, size - 1);
    (data[0] == 'N' ? read_netrc : read_challenges)(copy, size - 1);
    free(copy);
    return 0;
}
