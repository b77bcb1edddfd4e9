/* SPDX-License-Identifier: MIT */
/*
 * test_coding_cases.c - the bodies of ../shared/conformance/content-encoding through the decoders.
 */
#include <stdlib.h>

#include <jansson.h>
#include <openssl/evp.h>

#include "harness/harness.h"
#include "http/coding/coding.h"

/* The digest and length of what comes out, as hex; or the error. */
static int run(const struct codings *list, const char *wire, size_t len, char hex[65], uint64_t *total)
{
    static char out[DECODE_WINDOW];
    struct decoder *d = bide__codings_any(list) ? bide__decoder_open(NULL, list, (struct decode_limits){0}) : NULL;
    EVP_MD_CTX *sha = EVP_MD_CTX_new();
    unsigned char sum[32];
    ssize_t n = 0;

    EVP_DigestInit_ex(sha, EVP_sha256(), NULL);
    *total = d ? 0 : len;
    EVP_DigestUpdate(sha, wire, d ? 0 : len);
    for (size_t used; d && (n = bide__decode(d, wire, len, &used, out, sizeof out, true)) > 0; wire += used, len -= used) {
        EVP_DigestUpdate(sha, out, (size_t)n);
        *total += (uint64_t)n;
    }
    int r = n < 0 ? (int)n : d ? bide__decode_end(d) : 0;
    EVP_DigestFinal_ex(sha, sum, NULL);
    EVP_MD_CTX_free(sha);
    for (int i = 0; i < 32; i++)
        sprintf(hex + 2 * i, "%02x", sum[i]);
    bide__decoder_close(NULL, d);
    return r;
}

static void check_case(json_t *c)
{
    const char *coding = json_string_value(json_object_get(c, "content_encoding"));
    const char *b64 = json_string_value(json_object_get(c, "wire_b64")), *expect = json_string_value(json_object_get(c, "expect"));
    const char *sha = json_string_value(json_object_get(c, "plain_sha256")), *name = json_string_value(json_object_get(c, "name"));
    struct codings list = {0};
    char *wire = malloc(strlen(b64) + 4), hex[65];
    uint64_t total = 0;
    int n = EVP_DecodeBlock((unsigned char *)wire, (const unsigned char *)b64, (int)strlen(b64));

    for (size_t i = strlen(b64); i > 0 && b64[i - 1] == '='; i--)
        n--;
    int r = coding ? bide__codings_add(&list, coding, strlen(coding)) : 0;
    if (r == 0)
        r = run(&list, wire, (size_t)n, hex, &total);
    free(wire);
    if (strcmp(expect, "error") == 0 && r == 0)
        FAIL("%s: was decoded", name);
    if (strcmp(expect, "ok") == 0 && r < 0)
        FAIL("%s: %s", name, bide_error_text());
    if (strcmp(expect, "ok") == 0 && sha && strcmp(sha, hex) != 0)
        FAIL("%s: %llu bytes, but others", name, (unsigned long long)total);
}

UNIT(coding_public_cases_are_as_they_should_be, .seconds = 60)
{
    FILE *f = test_source("../shared/conformance/content-encoding/bodies.jsonl");
    char *line = NULL;
    size_t cap = 0;
    int cases = 0;

    if (!f)
        SKIP("there is no ../shared/conformance");
    for (ssize_t len; (len = getline(&line, &cap, f)) > 0; cases++) {
        json_t *c = json_loadb(line, (size_t)len, 0, NULL);
        EXPECT_NOT_NULL(c);
        check_case(c);
        json_decref(c);
    }
    free(line);
    fclose(f);
    EXPECT_LT(60, cases);
}
