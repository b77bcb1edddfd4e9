/* SPDX-License-Identifier: MIT */
/* test_allocator.c - a heap of the program's own: client and server take all from it and give all back; one that ends is an error. */
#include <jansson.h>

#include <bide/bide.h>

#include "base/base.h"
#include "client.h"
#include "harness/allocator.h"

static int answer(bide_exchange *x, void *arg)
{
    (void)arg;
    bide_bytes body = bide_exchange_body(x);
    return body.data ? bide_respond(x, 200, "text/plain", body.data, body.len) : bide_raise();
}

static int echo_once(void)
{
    bide_auto bide_server *server = bide_server_start(answer);
    if (!server)
        return bide_error_code();
    bide_auto bide_session *s = bide_session_new();
    if (!s)
        return bide_error_code();

    bide_auto bide_response *r = bide_post(s, bide_server_url(server), .data = {"hello", 5});
    if (!r)
        return bide_error_code();
    return bide_status(r) == 200 && bide_body(r).data ? (int)bide_body(r).len : bide_error_code();
}

UNIT(allocator_of_the_program_ends_at_zero_after_a_server_and_a_request)
{
    struct counting_heap heap = {.limit = SIZE_MAX};
    EXPECT_ERR(counting_heap_use(&heap), 0);

    EXPECT_EQ(bide_run(bide_coro(echo_once)), 5);
    EXPECT_LT(10, heap.calls);
    EXPECT_EQ(heap.live, bide__alloc_live());
    EXPECT_EQ(heap.live, 0);
    EXPECT_EQ(heap.bytes, 0);
}

static int get_whole(const char *url)
{
    bide_auto bide_session *s = bide_session_new();
    if (!s)
        return bide_error_code();

    bide_auto bide_response *r = bide_get(s, url);
    return r && bide_body(r).data ? (int)bide_body(r).len : bide_error_code();
}

UNIT(allocator_of_the_program_that_ends_at_any_call_is_an_error, .seconds = 30)
{
    struct counting_heap heap = {.limit = SIZE_MAX};
    struct peer p = {.scripts = {ASK OK("5") "hello"}, .repeat = true};
    int code = -1, failures = 0;
    EXPECT_ERR(counting_heap_use(&heap), 0);
    peer_start(&p);

    for (size_t n = 0; code != 5; n++) { /* from the n-th call on there is nothing */
        EXPECT_LT(n, 500);
        heap.calls = 0;
        heap.limit = n;
        code = bide_run(bide_coro(get_whole, peer_url(&p, "/")));
        heap.limit = SIZE_MAX;
        if (code != 5)
            EXPECT_ERR(code, BIDE_ENOMEM);
        failures += code != 5;
        EXPECT_EQ(heap.live, 0);
    }
    EXPECT_LT(10, failures);
    peer_stop(&p);
}

/* ---- the same heap for other libraries, as docs/guide/allocator.md shows ---- */

static struct counting_heap of_libraries = {.limit = SIZE_MAX};

static void *openssl_malloc(size_t size, const char *file, int line)
{
    (void)file, (void)line;
    return counting_malloc(size, &of_libraries);
}

static void *openssl_realloc(void *old, size_t size, const char *file, int line)
{
    (void)file, (void)line;
    if (size == 0 && old)
        counting_free(old, &of_libraries);
    return size == 0 ? NULL : old ? counting_realloc(old, size, &of_libraries) : counting_malloc(size, &of_libraries);
}

static void openssl_free(void *p, const char *file, int line)
{
    (void)file, (void)line;
    if (p)
        counting_free(p, &of_libraries);
}

static void *jansson_malloc(size_t size)
{
    return counting_malloc(size, &of_libraries);
}

static void jansson_free(void *p)
{
    if (p)
        counting_free(p, &of_libraries);
}

static int json_over_tls(void)
{
    bide_auto bide_server *server =
        bide_server_start(answer, .cert_file = cert_path("good"), .key_file = cert_path("good"));
    bide_auto bide_session *s = bide_session_new(.ca_file = cert_path("ca"), .connect_to = (const char *[]){"::127.0.0.1:", NULL});
    if (!server || !s)
        return bide_error_code();

    char url[64];
    snprintf(url, sizeof url, "https://good.test:%d/", bide_server_port(server));
    bide_auto bide_response *r = bide_post(s, url, .json = "{\"n\": 42}");
    size_t before = of_libraries.live;
    json_t *doc = r ? bide_json(r) : NULL;
    if (!doc)
        return bide_error_code();
    EXPECT_LT(before, of_libraries.live);
    int n = (int)json_integer_value(json_object_get(doc, "n"));
    json_decref(doc);
    return n;
}

UNIT(allocator_of_the_program_serves_openssl_and_jansson_too)
{
    EXPECT_EQ(CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc, openssl_free), 1);
    json_set_alloc_funcs(jansson_malloc, jansson_free);
    struct counting_heap heap = {.limit = SIZE_MAX};
    EXPECT_ERR(counting_heap_use(&heap), 0);
    certs_make();

    EXPECT_EQ(bide_run(bide_coro(json_over_tls)), 42);
    EXPECT_LT(100, of_libraries.calls);
    EXPECT_EQ(heap.live, 0);
}
