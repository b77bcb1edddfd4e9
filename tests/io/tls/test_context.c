/* SPDX-License-Identifier: MIT */
/* test_context.c - TLS: making a context, and what a bad one is refused for. */
#include "tls/tls_pair.h"

UNIT(tls_new_refuses_bad_files_and_options)
{
    EXPECT_NULL(bide_tls_new(.ca_file = "/nowhere/ca.pem"));
    EXPECT_EQ(bide_error_code(), BIDE_ETLS);
    EXPECT_CONTAINS(bide_error_text(), "/nowhere/ca.pem");
    EXPECT_CONTAINS(bide_error_text(), "No such file");
    struct bide_error_info info;
    bide_error_get(&info);
    EXPECT_EQ(info.code, BIDE_ETLS);
    EXPECT_EQ(info.system, ENOENT); /* the errno below it */
    EXPECT_NULL(bide_tls_new(.server = true));
    EXPECT_EQ(bide_error_code(), -EINVAL);
    bide_error_clear();
    EXPECT_NULL(bide_tls_new(.min_version = 0x0301));
    EXPECT_EQ(bide_error_code(), -EINVAL);
    bide_error_clear();
    EXPECT_NULL(bide_tls_new(.alpn = "h2,,http/1.1"));
    EXPECT_EQ(bide_error_code(), -EINVAL);
    bide_error_clear();
    certs_make();
    cert_make((struct cert_args){.file = "other"});
    EXPECT_NULL(bide_tls_new(.server = true, .cert_file = cert_path("good"), .key_file = cert_path("other")));
    EXPECT_EQ(bide_error_code(), BIDE_ETLS);
    EXPECT_CONTAINS(bide_error_text(), "key values mismatch");
    bide_error_clear();
}

UNIT(tls_key_with_a_password_is_refused_without_asking)
{
    certs_make();
    const char *path = cert_path("locked");
    EVP_PKEY *key = EVP_EC_gen("P-256");
    FILE *to = fopen(path, "we");
    EXPECT_EQ(PEM_write_PKCS8PrivateKey(to, key, EVP_aes_128_cbc(), "secret", 6, NULL, NULL), 1);
    fclose(to);
    EVP_PKEY_free(key);
    EXPECT_NULL(bide_tls_new(.server = true, .cert_file = cert_path("good"), .key_file = path));
    EXPECT_EQ(bide_error_code(), BIDE_ETLS);
    EXPECT_CONTAINS(bide_error_text(), "it is encrypted with a password");
    bide_error_clear();
}
