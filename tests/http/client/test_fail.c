/* SPDX-License-Identifier: MIT */
/* test_fail.c - what an error says: method, URL, cause, in one line; what stays on record; JSON; statuses. */
#include <jansson.h>
#include <sys/resource.h>

#include "client.h"

static int closed_port(void)
{
    struct peer p = {0};

    peer_start(&p);
    peer_stop(&p);
    return p.port;
}

TEST(client_refused_connections_name_url_and_address, .real_time = true)
{
    char url[64], want[128];
    int port = closed_port();
    bide_auto bide_session *s = bide_session_new();

    snprintf(url, sizeof url, "http://127.0.0.1:%d/a?b#c", port);
    snprintf(want, sizeof want, "PUT http://127.0.0.1:%d/a?b: connect 127.0.0.1:%d: ", port, port);
    EXPECT_FAILED(bide_put(s, url), -ECONNREFUSED, want, "refused");
    EXPECT_EQ(bide_session_get_stats(s).open, 0);
}

TEST(client_long_urls_leave_room_for_the_reason, .real_time = true)
{
    char url[4096];
    int n = snprintf(url, sizeof url, "http://127.0.0.1:%d/", closed_port());
    memset(url + n, 'x', 3000);
    url[n + 3000] = '\0';
    bide_auto bide_session *s = bide_session_new();

    EXPECT_FAILED(bide_get(s, url), -ECONNREFUSED, "xxx...: connect 127.0.0.1:", "refused");
}

/* `if (!(r = bide_get(A))) r = bide_get(B);`: what failed is what is on record, in every order. */
TEST(client_error_on_record_is_that_of_the_last_request, .real_time = true)
{
    static const int codes[] = {-ECONNREFUSED, BIDE_EURL, BIDE_EDISCONNECTED};
    struct peer p = PEER(ASK, ASK, ASK, ASK, ASK, ASK);
    peer_start(&p);
    char refused[64];
    bide_auto bide_session *s = bide_session_new();
    snprintf(refused, sizeof refused, "http://127.0.0.1:%d/", closed_port());
    const char *const urls[] = {refused, "nonsense", peer_url(&p, "/")};
    const char *const texts[] = {refused, "GET nonsense", "without an answer"};

    for (size_t first = 0; first < 3; first++)
        for (size_t second = 0; second < 3; second++) {
            EXPECT_NULL(bide_get(s, urls[first]));
            EXPECT_FAILED(bide_get(s, urls[second]), codes[second], texts[second], "");
        }
    peer_stop(&p);
}

TEST(client_request_that_succeeds_leaves_the_record, .real_time = true)
{
    struct peer p = PEER(ASK OK("1") "a" ASK, ASK OK("1") "b" ASK OK("5") "he");
    peer_start(&p);
    bide_auto bide_session *s = bide_session_new();

    bide_fail(-EIO, "of the program");
    expect_get(s, peer_url(&p, "/"), "a");
    expect_get(s, peer_url(&p, "/"), "b"); /* retried: the first connection was closed */
    EXPECT_STR(bide_error_text(), "of the program");
    bide_auto bide_response *r = bide_get(s, peer_url(&p, "/"));
    EXPECT_NOT_NULL(r);
    EXPECT_NULL(bide_text(r));
    EXPECT_EQ(bide_error_code(), BIDE_ETRUNCATED);
    bide_error_clear();
    peer_stop(&p);
}

TEST(client_error_info_tells_of_the_request, .real_time = true)
{
    struct peer p = PEER(ASK OK("5") "hello" ASK, ASK "HTTP/1.1 503 Busy\r\nContent-Length: 5\r\n\r\nhe");
    bide_error_info e;
    char url[64];
    peer_start(&p);
    bide_auto bide_session *s = bide_session_new();
    snprintf(url, sizeof url, "http://127.0.0.1:%d/", closed_port());

    EXPECT_NULL(bide_post(s, url, .json = "{}"));
    EXPECT_EQ(bide_error_get(&e), -ECONNREFUSED);
    EXPECT_EQ(e.system, ECONNREFUSED);
    EXPECT_EQ(e.phase, BIDE_PHASE_CONNECT);
    EXPECT_STR(e.url, url);
    EXPECT_TRUE(e.retry_safe);
    EXPECT_FALSE(e.reused || e.interrupted);
    EXPECT_EQ(e.http_status, 0);

    expect_get(s, peer_url(&p, "/a"), "hello");
    bide_auto bide_response *r = bide_post(s, peer_url(&p, "/b"), .headers = BIDE_PAIRS({"Idempotency-Key", "1"}));
    EXPECT_NOT_NULL(r);
    EXPECT_EQ(bide_raise_for_status(r), BIDE_ESTATUS);
    EXPECT_EQ(bide_error_get(&e), BIDE_ESTATUS);
    EXPECT_EQ(e.http_status, 503);
    EXPECT_STR(e.url, peer_url(&p, "/b"));
    EXPECT_NULL(bide_text(r));
    EXPECT_EQ(bide_error_get(&e), BIDE_ETRUNCATED);
    EXPECT_EQ(e.phase, BIDE_PHASE_BODY);
    EXPECT_EQ(e.http_status, 503);
    EXPECT_TRUE(e.retry_safe); /* as the user said with that field */
    bide_error_clear();
    peer_stop(&p);
}

/* Also of a body that came with the head. */
TEST(client_error_of_a_body_has_the_phase_of_the_body, .real_time = true)
{
    static const char *const scripts[] = {
        ASK "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", /* malformed */
        ASK OK("20") "hello, hello, hello!",                                  /* larger than allowed */
        ASK OK("3") "no!",                                                    /* no JSON */
    };

    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
        struct peer p = PEER(scripts[i]);
        struct bide_error_info e;
        peer_start(&p);
        {
            bide_auto bide_session *s = bide_session_new(.max_body_bytes = 10);
            bide_auto bide_response *r = bide_get(s, peer_url(&p, "/"));
            EXPECT_NOT_NULL(r);
            EXPECT_NULL(bide_json(r));
            EXPECT_LT(bide_error_get(&e), 0);
            EXPECT_EQ(e.phase, BIDE_PHASE_BODY);
            bide_error_clear();
        }
        peer_stop(&p);
    }
}

UNIT(client_outside_a_task_is_an_error)
{
    bide_session *s = bide_session_new();

    EXPECT_NOT_NULL(s);
    EXPECT_NULL(bide_get(s, "http://127.0.0.1:1/"));
    EXPECT_ERR(bide_error_code(), BIDE_ENOLOOP);
    EXPECT_CONTAINS(bide_error_text(), "not inside a task");
    bide_error_clear();
    bide_release(s);
}

TEST(client_session_options_are_checked)
{
    static const char *const bad[] = {"x", "a:b:c:d", "h:0:a:1", "h:70000:a:1", "h:1:a:-1", "[::1:1:a:1", ""};
    bide_session *s = bide_session_new(.limit = -1);
    EXPECT_FAILED(s, -EINVAL, "limit", "negative");
    s = bide_session_new(.read_timeout_ms = -1);
    EXPECT_FAILED(s, -EINVAL, "timeout_ms = -1", "negative");
    s = bide_session_new(.max_head_bytes = (size_t)1 << 40);
    EXPECT_FAILED(s, -EINVAL, "max_head_bytes", "at most");
    s = bide_session_new(.ca_file = "/no/such/file.pem");
    EXPECT_FAILED(s, BIDE_ETLS, "/no/such/file.pem", "");

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const char *const list[] = {bad[i], NULL};
        s = bide_session_new(.connect_to = list);
        EXPECT_FAILED(s, -EINVAL, "connect_to", "not HOST:PORT:ADDR:PORT");
    }
}

TEST(client_bad_arguments_get_a_sentence)
{
    bide_auto bide_session *s = bide_session_new();
    const char *url = "http://me:secret@127.0.0.1:1/";

    EXPECT_FAILED(bide_get(s, NULL), -EINVAL, "GET: the URL is NULL", "");
    EXPECT_FAILED(bide_request(s, NULL, url), -EINVAL, "bide_request: the method is NULL", "");
    EXPECT_FAILED(bide_request(s, "", url), -EINVAL, "the method is not a word", "");
    EXPECT_FAILED(bide_get(NULL, url), -EINVAL, "GET http://@127.0.0.1:1/: there is no session", "");
    EXPECT_FAILED(bide_get(s, url, .timeout_ms = -1), -EINVAL, "GET http://@127.0.0.1:1/: ", "timeout_ms = -1: a negative number");
    EXPECT_FAILED(bide_get(s, url, .connect_timeout_ms = -1), -EINVAL, "connect_timeout_ms = -1: a", "");
    EXPECT_FAILED(bide_get(s, url, .read_timeout_ms = INT64_MIN), -EINVAL, "read_timeout_ms = -9", "");
    EXPECT_FAILED(bide_get(s, url, .max_redirects = -2), -EINVAL, "max_redirects = -2: a negative number", "");
    EXPECT_FAILED(bide_post(s, url, .data = {NULL, 5}), -EINVAL, "the body is NULL, but has a length", "");
    EXPECT_FAILED(bide_get(s, url, .headers = BIDE_PAIRS({"A", NULL})), -EINVAL, "header A: its value is NULL", "");
    EXPECT_FAILED(bide_session_new(.limit = BIDE_NONE), -EINVAL, "bide_session_new: limit = -1: ", "");
    EXPECT_FAILED(bide_session_new(.limit_per_host = -3), -EINVAL, "limit_per_host = -3: ", "");
    EXPECT_FAILED(bide_session_new(.max_head_bytes = (size_t)BIDE_UNLIMITED), -EINVAL, "max_head_bytes = -2: ", "");
    EXPECT_FAILED(bide_session_new(.max_body_bytes = (size_t)BIDE_NONE), -EINVAL, "max_body_bytes = -1: ", "");
    EXPECT_FAILED(bide_session_new(.max_body_bytes = (size_t)-3), -EINVAL, "max_body_bytes = -3: ", "");
    EXPECT_FAILED(bide_get(s, url, .max_body_bytes = (size_t)BIDE_NONE), -EINVAL, "max_body_bytes = -1: ", "");
    EXPECT_FAILED(bide_get(s, url, .max_body_bytes = (size_t)-3), -EINVAL, "max_body_bytes = -3: ", "");
    bide_auto bide_session *any = bide_session_new(.limit = BIDE_UNLIMITED, .limit_per_host = BIDE_UNLIMITED);
    EXPECT_NOT_NULL(any);
    EXPECT_FAILED(bide_session_new(.max_redirects = -2), -EINVAL, "bide_session_new: max_redirects = -2: ", "");
    EXPECT_FAILED(bide_session_new(.headers = BIDE_PAIRS({"A", NULL})), -EINVAL, "header A: its value is NULL", "");
    EXPECT_EQ(bide_session_get_stats(NULL).open, 0);
    EXPECT_FAILED(NULL, -EINVAL, "bide_session_get_stats: the session is NULL", "");
    EXPECT_EQ(bide_session_get_stats(s).requests, 0);
}

UNIT(client_bad_arguments_of_the_blocking_twin_get_a_sentence)
{
    EXPECT_FAILED(bide_get_blocking(NULL), -EINVAL, "GET: the URL is NULL", "");
    EXPECT_FAILED(bide_request_blocking_with(NULL, BIDE__ARGS(bide_request_args, .url = "http://127.0.0.1:1/")), -EINVAL,
                  "the method is NULL", "");
}

/* bide_text(bide_get(...)): why there is no response is in the text. */
TEST(client_functions_of_a_response_take_null, .real_time = true)
{
    bide_auto bide_session *s = bide_session_new();
    char url[64];
    bide_pair field;
    const char *data;
    snprintf(url, sizeof url, "http://127.0.0.1:%d/", closed_port());

    EXPECT_FAILED(bide_text(bide_get(s, url)), -EINVAL, "bide_text: the response is NULL; before that: GET http://127.0.0.1:",
                  "refused");
    EXPECT_FAILED(bide_body(NULL).data, -EINVAL, "bide_body: the response is NULL", "");
    EXPECT_FAILED(bide_json(NULL), -EINVAL, "bide_json: the response is NULL", "");
    EXPECT_FAILED(bide_header(NULL, "A"), -EINVAL, "bide_header: the response is NULL", "");
    EXPECT_EQ(bide_read_chunk(NULL, &data), -EINVAL);
    EXPECT_EQ(bide_raise_for_status(NULL), -EINVAL);
    EXPECT_EQ(bide_status(NULL), -EINVAL);
    EXPECT_FALSE(bide_ok(NULL) || bide_header_at(NULL, 0, &field) || bide_response_reused(NULL));
    EXPECT_STR(bide_reason(NULL), "");
    EXPECT_STR(bide_response_url(NULL), "");
    EXPECT_STR(bide_response_peer(NULL), "");
    EXPECT_NULL(bide_response_oddity(NULL));
    EXPECT_EQ(bide_response_redirects(NULL), -EINVAL);
    EXPECT_EQ(bide_response_http_minor(NULL), -EINVAL);
    EXPECT_EQ(bide_response_body_bytes(NULL), 0);
    EXPECT_EQ(bide_response_timing(NULL).total, -1);
    EXPECT_FAILED(NULL, -EINVAL, "bide_response_timing: the response is NULL", "");

    struct peer p = PEER(ASK OK("2") "ok");
    peer_start(&p);
    bide_auto bide_response *r = bide_get(s, peer_url(&p, "/"));
    EXPECT_FAILED(bide_header(r, NULL), -EINVAL, "bide_header: the name is NULL", "");
    EXPECT_EQ(bide_read_chunk(r, NULL), -EINVAL);
    expect_body(r, "ok");
    bide_error_clear();
    peer_stop(&p);
}

TEST(client_connect_to_leads_elsewhere, .real_time = true)
{
    struct peer p = PEER(ASK OK("1") "a" ASK OK("1") "b", ASK OK("1") "c");
    char one[64], two[64], three[64];
    peer_start(&p);
    snprintf(one, sizeof one, "A.test:81:127.0.0.1:%d", p.port);
    snprintf(two, sizeof two, "[::1]::127.0.0.1:%d", p.port);
    snprintf(three, sizeof three, "127.0.0.1:82::%d", p.port);
    {
        bide_auto bide_session *s = bide_session_new(.connect_to = (const char *const[]){one, two, three, NULL});
        expect_get(s, "http://a.TEST:81/", "a");
        bide_auto bide_response *r = bide_get(s, "http://a.test:81/x");
        expect_body(r, "b");
        EXPECT_STR(bide_response_peer(r), "127.0.0.1");
        EXPECT_STR(bide_response_url(r), "http://a.test:81/x");
    }
    bide_auto bide_session *again = bide_session_new(.connect_to = (const char *const[]){one, two, three, NULL});
    expect_get(again, "http://[::1]:9/", "c");
    EXPECT_EQ(peer_stop(&p), 2);
}

/* ---- statuses ---- */

TEST(client_raise_for_status_names_url_status_and_reason, .real_time = true)
{
    struct peer p =
        PEER(ASK "HTTP/1.1 404 Not \xc3\xa9 Found\r\nContent-Length: 0\r\n\r\n" ASK
                 "HTTP/1.1 999 \r\nContent-Length: 0\r\n\r\n" ASK "HTTP/1.1 399 x\r\nContent-Length: 0\r\n\r\n");
    peer_start(&p);
    bide_auto bide_session *s = bide_session_new();

    bide_auto bide_response *r = bide_get(s, peer_url(&p, "/x"));
    EXPECT_EQ(bide_raise_for_status(r), BIDE_ESTATUS);
    EXPECT_CONTAINS(bide_error_text(), "/x: 404 Not \xc3\xa9 Found");
    EXPECT_STR(bide_reason(r), "Not \xc3\xa9 Found");
    EXPECT_FALSE(bide_ok(r));
    bide_error_clear();
    bide_auto bide_response *odd = bide_get(s, peer_url(&p, "/x"));
    EXPECT_EQ(bide_raise_for_status(odd), BIDE_ESTATUS);
    bide_error_clear();
    bide_auto bide_response *fine = bide_get(s, peer_url(&p, "/x"));
    EXPECT_EQ(bide_raise_for_status(fine), 0);
    peer_stop(&p);
}

TEST(client_response_shows_headers_version_and_times, .real_time = true)
{
    struct peer p =
        PEER(ASK PAUSE "HTTP/1.0 200 Fine\r\nA: 1\r\nSet-Cookie: x\r\na: 2\r\nSet-Cookie: y\r\n\r\n" PAUSE "b");
    bide_pair at;
    peer_start(&p);
    bide_auto bide_session *s = bide_session_new();
    bide_auto bide_response *r = bide_get(s, peer_url(&p, "/x#f"));

    EXPECT_EQ(bide_status(r), 200);
    EXPECT_STR(bide_reason(r), "Fine");
    EXPECT_EQ(bide_response_http_minor(r), 0);
    EXPECT_STR(bide_header(r, "a"), "1");
    EXPECT_NULL(bide_header(r, "b"));
    EXPECT_TRUE(bide_header_at(r, 2, &at));
    EXPECT_STR(at.name, "a");
    EXPECT_STR(at.value, "2");
    EXPECT_TRUE(bide_header_at(r, 3, &at));
    EXPECT_FALSE(bide_header_at(r, 4, &at));
    EXPECT_FALSE(bide_header_at(r, 0, NULL));
    EXPECT_STR(bide_error_text(), "bide_header_at: the place for the field is NULL");
    bide_error_clear();
    EXPECT_STR(bide_response_url(r), peer_url(&p, "/x#f"));
    EXPECT_STR(bide_response_peer(r), "127.0.0.1");
    expect_body(r, "b");

    bide_timing t = bide_response_timing(r);
    EXPECT_TRUE(t.queued >= 0 && t.connect >= t.queued && t.tls == -1);
    /* On a busy machine the head may be seen late, with the body close behind. */
    EXPECT_TRUE(t.first_byte >= 30000 - 2000 && t.head >= t.first_byte && t.body >= t.head && t.body >= 60000 - 4000);
    EXPECT_EQ(t.total, t.body);
    peer_stop(&p);
}

/* ---- JSON ---- */

TEST(client_json_is_parsed_or_its_error_placed, .real_time = true)
{
    struct peer p = PEER(ASK OK("13") "{\"a\": [1, 2]}" ASK OK("11") "{\"a\":\n x  }" ASK OK("0") ASK OK(
        "4") "null" ASK OK("8") "\"\\u0000\"" ASK OK("5") "\"a\nb\"" ASK OK("3") "\"\xff\"");
    peer_start(&p);
    bide_auto bide_session *s = bide_session_new();

    bide_auto bide_response *good = bide_get(s, peer_url(&p, "/j"));
    json_t *doc = bide_json(good), *again = bide_json(good);
    EXPECT_EQ(json_array_size(json_object_get(doc, "a")), 2);
    EXPECT_NOT_NULL(again);
    json_decref(doc);
    json_decref(again);
    bide_auto bide_response *bad = bide_get(s, peer_url(&p, "/j"));
    EXPECT_FAILED(bide_json(bad), BIDE_EJSON, peer_url(&p, "/j: not valid JSON: line 2, column 2"), "near 'x'");
    bide_auto bide_response *empty = bide_get(s, peer_url(&p, "/j"));
    EXPECT_FAILED(bide_json(empty), BIDE_EJSON, "not valid JSON", "");
    bide_auto bide_response *null = bide_get(s, peer_url(&p, "/j"));
    doc = bide_json(null);
    EXPECT_TRUE(json_is_null(doc));
    json_decref(doc);
    bide_auto bide_response *nul = bide_get(s, peer_url(&p, "/j"));
    doc = bide_json(nul);
    EXPECT_EQ(json_string_length(doc), 1);
    json_decref(doc);
    for (int i = 0; i < 2; i++) {
        bide_auto bide_response *r = bide_get(s, peer_url(&p, "/j"));
        EXPECT_FAILED(bide_json(r), BIDE_EJSON, "not valid JSON", "");
    }
    peer_stop(&p);
}

TEST(client_without_a_free_descriptor_it_waits_for_one, .real_time = true)
{
    struct peer p = PEER(ASK OK("2") "ok");
    struct rlimit old, none;
    int spare = dup(0);
    peer_start(&p);
    bide_auto bide_session *s = bide_session_new();
    EXPECT_EQ(getrlimit(RLIMIT_NOFILE, &old), 0);
    none = (struct rlimit){.rlim_cur = (rlim_t)spare, .rlim_max = old.rlim_max}; /* none may be opened any more */
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);

    EXPECT_FAILED(bide_get(s, peer_url(&p, "/"), .connect_timeout_ms = 60), BIDE_ETIMEDOUT, "not connected", "");
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &old), 0);
    expect_get(s, peer_url(&p, "/"), "ok");
    close(spare);
    peer_stop(&p);
}
