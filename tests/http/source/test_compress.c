/* SPDX-License-Identifier: MIT */
/* test_compress.c - bodies that go out in a coding: short ones with a length, others in chunks; read back by the server's side. */
#include <zlib.h>

#include <bide/server.h>

#include "uploads.h"

/* Unpack gzip and answer with how long it is, and its first bytes. */
static int unpack(bide_exchange *x, void *arg)
{
    char first[16] = "", answer[256];
    static unsigned char out[65536];
    bide_bytes body = bide_exchange_body(x);
    z_stream z = {.next_in = (unsigned char *)(uintptr_t)body.data, .avail_in = (unsigned)body.len};
    size_t total = 0;
    int code = Z_OK;
    const char *length = bide_exchange_header(x, "Content-Length"), *coding = bide_exchange_header(x, "Content-Encoding");
    (void)arg;

    inflateInit2(&z, 15 + 16);
    while (code == Z_OK) {
        z.next_out = out;
        z.avail_out = sizeof out;
        code = inflate(&z, Z_NO_FLUSH);
        if (total == 0)
            memcpy(first, out, 5);
        total += sizeof out - z.avail_out;
    }
    inflateEnd(&z);
    snprintf(answer, sizeof answer, "%s %s %zu %s %s", coding ? coding : "none", length ? "counted" : "chunked", total, first,
             code == Z_STREAM_END ? "whole" : "broken");
    return bide_respond_text(x, 200, answer);
}

static void expect_unpacked(bide_response *r, const char *want)
{
    EXPECT_NOT_NULL(r);
    EXPECT_STR(bide_text(r), want);
    bide_release(r);
}

TEST(compress_reaches_the_server_whole, .real_time = true)
{
    bide_auto bide_server *server = bide_server_start(unpack);
    bide_auto bide_session *s = bide_session_new();
    const char *url = bide_server_url(server), *file = make_large_file("a", "begin", 5 << 20);
    char *large = malloc(300000);
    memset(large, 'x', 300000);

    expect_unpacked(bide_post(s, url, .text = "hello", .compress = "gzip"), "gzip counted 5 hello whole");
    expect_unpacked(bide_post(s, url, .data = {large, 300000}, .compress = "gzip"), "gzip chunked 300000 xxxxx whole");
    expect_unpacked(bide_post(s, url, .data_file = file, .compress = "gzip"), "gzip chunked 5242880 begin whole");
    free(large);
}

TEST(compress_that_cannot_be_is_refused, .real_time = true)
{
    bide_auto bide_session *s = bide_session_new();

    EXPECT_FAILED(bide_post(s, "http://127.0.0.1:1/", .text = "x", .compress = "lzma"), -EINVAL, "compress = \"lzma\"", "gzip");
    EXPECT_FAILED(bide_post(s, "http://127.0.0.1:1/", .text = "x", .compress = "gzip, zstd"), -EINVAL, "compress", "can be");
    EXPECT_FAILED(bide_post(s, "http://127.0.0.1:1/", .text = "x", .compress = "br"), -EINVAL, "compress = \"br\"", "zstd");
    EXPECT_FAILED(bide_post(s, "http://127.0.0.1:1/", .compress = "gzip"), -EINVAL, "compress", "no body");
    EXPECT_FAILED(bide_post(s, "http://127.0.0.1:1/", .data_file = make_file("a", "b", 1), .compress = "gzip",
                            .headers = BIDE_PAIRS({"Content-Encoding", "br"})), -EINVAL, "Content-Encoding", "already");
}

static int post_packed(const char *url, const char *path)
{
    bide_auto bide_session *s = bide_session_new();
    bide_auto bide_response *r = s ? bide_post(s, url, .data_file = path, .compress = "gzip") : NULL;

    return r ? 0 : bide_error_code();
}

static int post_short(const char *url, const char *text)
{
    bide_auto bide_session *s = bide_session_new();
    bide_auto bide_response *r = s ? bide_post(s, url, .text = text, .compress = "zstd") : NULL;

    return r ? 0 : bide_error_code();
}

TEST(compress_every_allocation_may_fail, .real_time = true)
{
    struct peer p = {.scripts = {ASK "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"}, .repeat = true};
    peer_start(&p);

    expect_every_allocation_may_fail(&p, (upload_fn *)post_packed, make_file("a", "hello", 5));
    expect_every_allocation_may_fail(&p, (upload_fn *)post_short, "hello");
    peer_stop(&p);
}

TEST(compress_every_await_may_be_cancelled, .real_time = true)
{
    bide_auto bide_server *server = bide_server_start(unpack);
    const char *file = make_large_file("a", "begin", 1 << 20);
    int cancelled = 0, code = BIDE_ECANCELED;

    for (int n = 0; code < 0; n += 1 + n / 20) {
        bide_task *t = bide_create_task(bide_coro(post_packed, bide_server_url(server), file));
        for (int turn = 0; turn < n && !bide_task_done(t); turn++)
            EXPECT_EQ(bide_sleep_ms(0), 0);
        bide_task_cancel(t);
        code = bide_await(t);
        cancelled += code < 0;
        bide_error_clear();
        bide_release(t);
    }
    EXPECT_LT(1, cancelled);
}
