/* SPDX-License-Identifier: MIT */
/* test_mock.c - answers of the program's in place of the network, with all that is above a connection as it is. */
#include <bide/body.h>
#include <bide/http.h>
#include <bide/json.h>
#include <bide/loop.h>
#include <bide/stream.h>
#include <bide/task.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/base.h"
#include "harness/harness.h"

static int64_t now_ms(void)
{
    return bide_loop_time_ms(bide_get_event_loop());
}

static int get_status(bide_session *s, const char *url)
{
    bide_auto bide_response *r = bide_get(s, url);

    return r ? bide_status(r) : bide_error_code();
}

/* ---- the table ---- */

TEST(mock_table_answers_without_a_name_a_socket_or_tls)
{
    bide_auto bide_transport *t = bide_transport_mock(
        .table = BIDE_MOCKS({"GET", "https://nowhere.invalid/cats", BIDE_ANSWER(200, .json = "[\"Tom\"]")},
                            {"POST", "https://nowhere.invalid/cats", BIDE_ANSWER(201, .headers = BIDE_PAIRS({"Location", "/cats/1"}))},
                            {NULL, "https://nowhere.invalid/*/photo", BIDE_ANSWER(404, .reason = "None", .text = "no photo")}));
    bide_auto bide_session *s = bide_session_new(.transport = t);
    bide_auto bide_response *r = bide_get(s, "https://nowhere.invalid/cats#top");
    bide_auto bide_response *made = bide_post(s, "https://nowhere.invalid/cats", .json = "{}");
    bide_auto bide_response *photo = bide_delete(s, "https://nowhere.invalid/cats/1/photo");

    EXPECT_EQ(bide_status(r), 200);
    EXPECT_STR(bide_header(r, "content-type"), "application/json");
    EXPECT_STR(bide_header(r, "Content-Length"), "7");
    EXPECT_STR(bide_text(r), "[\"Tom\"]");
    EXPECT_STR(bide_response_peer(r), "");
    EXPECT_EQ(bide_status(made), 201);
    EXPECT_STR(bide_header(made, "Location"), "/cats/1");
    EXPECT_EQ(bide_body(made).len, 0);
    EXPECT_EQ(bide_status(photo), 404);
    EXPECT_STR(bide_reason(photo), "None");
    EXPECT_STR(bide_text(photo), "no photo");
    EXPECT_EQ(bide_transport_request_count(t), 3);
    EXPECT_EQ(bide_session_get_stats(s).connections, 0);
    EXPECT_EQ(bide_session_get_stats(s).requests, 3);
}

TEST(mock_rows_with_times_have_their_turn_and_are_missed_when_they_do_not_come)
{
    bide_auto bide_transport *t = bide_transport_mock(.table = BIDE_MOCKS({"GET", "http://a/", BIDE_ANSWER(503), .times = 1},
                                                                          {"GET", "http://a/", BIDE_ANSWER(200), .times = 2}));
    bide_auto bide_session *s = bide_session_new(.transport = t);

    EXPECT_EQ(get_status(s, "http://a/"), 503);
    EXPECT_EQ(get_status(s, "http://a/"), 200);
    EXPECT_ERR(bide_transport_check(t), BIDE_ESTATE);
    EXPECT_CONTAINS(bide_error_text(), "GET http://a/ was asked for 1 times, not 2");
    EXPECT_EQ(get_status(s, "http://a/"), 200);
    EXPECT_EQ(bide_transport_check(t), 0);
    EXPECT_ERR(get_status(s, "http://a/"), -ENOENT);
    EXPECT_CONTAINS(bide_error_text(), "GET http://a/: the mock has no answer");
    EXPECT_CONTAINS(bide_error_text(), "was for 2 and has had them");
}

TEST(mock_request_that_nobody_answers_names_itself_and_what_is_nearest)
{
    bide_auto bide_transport *t = bide_transport_mock(
        .table = BIDE_MOCKS({"GET", "http://b/", NULL}, {"POST", "http://a/cats", NULL}, {"GET", "http://a/dogs", NULL}));
    bide_auto bide_session *s = bide_session_new(.transport = t);
    bide_auto bide_transport *none = bide_transport_mock();
    bide_auto bide_session *alone = bide_session_new(.transport = none);

    EXPECT_ERR(get_status(s, "http://a/cats"), -ENOENT);
    EXPECT_CONTAINS(bide_error_text(), "GET http://a/cats: the mock has no answer; the nearest row is POST http://a/cats");
    EXPECT_ERR(get_status(s, "http://a/dog"), -ENOENT);
    EXPECT_CONTAINS(bide_error_text(), "the nearest row is GET http://a/dogs");
    EXPECT_ERR(get_status(alone, "http://a/"), -ENOENT);
    EXPECT_CONTAINS(bide_error_text(), "GET http://a/: the mock has no answer");
}

UNIT(mock_answer_that_can_be_none_is_refused_by_name)
{
    const struct {
        const bide_answer *answer;
        const char *text;
    } bad[] = {{BIDE_ANSWER(100), "status"},
               {BIDE_ANSWER(200, .error = 5), "error"},
               {BIDE_ANSWER(200, .delay_ms = -1), "delay_ms"},
               {BIDE_ANSWER(200, .text = "a", .json = "1"), "only one of text"},
               {BIDE_ANSWER(200, .reason = "a\nb"), "reason"},
               {BIDE_ANSWER(200, .headers = BIDE_PAIRS({"a b", "c"})), "header"},
               {BIDE_ANSWER(200, .headers = BIDE_PAIRS({"a", "b\r\nc"})), "header"},
               {BIDE_ANSWER(200, .pieces = BIDE_PIECES({"a", .after_ms = -1})), "after_ms"},
               {BIDE_ANSWER(200, .pieces = BIDE_PIECES({"a", .error = 1})), "pieces: error"}};

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        EXPECT_NULL(bide_transport_mock(.table = BIDE_MOCKS({"GET", "http://a/", bad[i].answer})));
        EXPECT_ERR(bide_error_code(), -EINVAL);
        EXPECT_CONTAINS(bide_error_text(), bad[i].text);
    }
    EXPECT_NULL(bide_transport_mock(.table = BIDE_MOCKS({"GET", "http://a/", .times = -1})));
    EXPECT_CONTAINS(bide_error_text(), "times");
}

/* ---- the function ---- */

static int echo(bide_mock_request *q, void *arg)
{
    int *calls = arg;
    const char *wait = bide_mock_header(q, "X-Wait");

    ++*calls;
    if (wait)
        BIDE_TRY(bide_sleep_ms(atoi(wait)));
    if (strstr(bide_mock_url(q), "/fails"))
        return bide_fail(-EIO, "as it was told to");
    if (strstr(bide_mock_url(q), "/not-mine"))
        return 0;
    return bide_mock_answer(q, 200, .data = bide_mock_body(q), .headers = BIDE_PAIRS({"X-Method", bide_mock_method(q)}));
}

TEST(mock_function_sees_what_would_have_been_sent)
{
    int calls = 0;
    bide_auto bide_transport *t = bide_transport_mock(.fn = echo, .fn_arg = &calls, .max_body_bytes = 4);
    bide_auto bide_session *s =
        bide_session_new(.transport = t, .auth = BIDE_BASIC("me", "secret"), .headers = BIDE_PAIRS({"X-All", "1"}), .user_agent = "me/1");
    BIDE_IGNORE(bide_cookie_jar_set(bide_session_cookies(s), "http://a/", "k", "v"));
    bide_auto bide_response *r = bide_put(s, "http://a/x?y=1", .text = "long text", .headers = BIDE_PAIRS({"X-One", "2"}));
    const bide_mock_request *q = bide_transport_request_at(t, 0);

    EXPECT_STR(bide_text(r), "long");
    EXPECT_STR(bide_header(r, "X-Method"), "PUT");
    EXPECT_STR(bide_mock_method(q), "PUT");
    EXPECT_STR(bide_mock_url(q), "http://a/x?y=1");
    EXPECT_STR(bide_mock_header(q, "host"), "a");
    EXPECT_STR(bide_mock_header(q, "cookie"), "k=v");
    EXPECT_STR(bide_mock_header(q, "Authorization"), "Basic bWU6c2VjcmV0");
    EXPECT_STR(bide_mock_header(q, "X-All"), "1");
    EXPECT_STR(bide_mock_header(q, "X-One"), "2");
    EXPECT_STR(bide_mock_header(q, "User-Agent"), "me/1");
    EXPECT_STR(bide_mock_header(q, "Content-Length"), "9");
    EXPECT_STR(bide_mock_header(q, "Content-Type"), "text/plain; charset=utf-8");
    EXPECT_NULL(bide_mock_header(q, "X-None"));
    EXPECT_STR(bide_mock_body(q).data, "long");
    EXPECT_EQ(bide_mock_body_length(q), 9);
    EXPECT_NULL(bide_transport_request_at(t, 1));
    EXPECT_ERR(bide_mock_answer((bide_mock_request *)(uintptr_t)q, 200), BIDE_ESTATE);
}

/* Two begin before the first is answered, and one is given up before it is looked at. */
TEST(mock_requests_at_the_same_time_are_kept_like_others)
{
    bide_auto bide_transport *t = bide_transport_mock(.table = BIDE_MOCKS({NULL, "http://a/*", BIDE_ANSWER(200)}));
    bide_auto bide_session *s = bide_session_new(.transport = t);
    bide_auto bide_task *given_up = bide_create_task(bide_coro(get_status, s, "http://a/0"));
    BIDE_IGNORE(bide_sleep_ms(0));
    bide_task_cancel(given_up);

    EXPECT_EQ(bide_gather(bide_coro(get_status, s, "http://a/1"), bide_coro(get_status, s, "http://a/2")), 0);
    EXPECT_EQ(bide_transport_request_count(t), 3);
    EXPECT_STR(bide_mock_url(bide_transport_request_at(t, 0)), "http://a/1");
    EXPECT_STR(bide_mock_url(bide_transport_request_at(t, 1)), "http://a/2");
    EXPECT_NULL(bide_transport_request_at(t, 2));
}

TEST(mock_function_may_wait_fail_or_leave_it)
{
    int calls = 0;
    bide_auto bide_transport *t = bide_transport_mock(.fn = echo, .fn_arg = &calls);
    bide_auto bide_session *s = bide_session_new(.transport = t, .read_timeout_ms = 1000);
    int64_t begun = now_ms();
    bide_auto bide_response *r = bide_get(s, "http://a/", .headers = BIDE_PAIRS({"X-Wait", "700"}));

    EXPECT_EQ(bide_status(r), 200);
    EXPECT_EQ(now_ms() - begun, 700);
    EXPECT_EQ(bide_response_timing(r).first_byte, 700000);
    EXPECT_NULL(bide_get(s, "http://a/", .headers = BIDE_PAIRS({"X-Wait", "5000"})));
    EXPECT_ERR(bide_error_code(), BIDE_ETIMEDOUT);
    EXPECT_CONTAINS(bide_error_text(), "no answer within 1000 ms");
    EXPECT_EQ(now_ms() - begun, 1700);
    EXPECT_ERR(get_status(s, "http://a/fails"), -EIO);
    EXPECT_CONTAINS(bide_error_text(), "GET http://a/fails: as it was told to");
    EXPECT_ERR(get_status(s, "http://a/not-mine"), -ENOENT);
    EXPECT_EQ(calls, 4);
}

static int fill(bide_mock_request *q, void *arg)
{
    (void)arg;
    BIDE_TRY(bide_mock_answer(q, 200));
    return bide_mock_answer(q, 200);
}

TEST(mock_function_that_answers_twice_fails_its_request)
{
    bide_auto bide_transport *t = bide_transport_mock(.fn = fill);
    bide_auto bide_session *s = bide_session_new(.transport = t);

    EXPECT_ERR(get_status(s, "http://a/"), BIDE_ESTATE);
    EXPECT_CONTAINS(bide_error_text(), "answered already");
}

/* ---- what comes: time, errors, limits ---- */

TEST(mock_pieces_come_when_they_are_due)
{
    bide_auto bide_transport *t = bide_transport_mock(.table = BIDE_MOCKS(
        {"GET", "http://a/", BIDE_ANSWER(200, .delay_ms = 100, .pieces = BIDE_PIECES({"ab"}, {"cd", .after_ms = 500}, {"", .after_ms = 50}))}));
    bide_auto bide_session *s = bide_session_new(.transport = t);
    int64_t begun = now_ms();
    bide_auto bide_response *r = bide_get(s, "http://a/");
    const char *piece;

    EXPECT_EQ(now_ms() - begun, 100);
    EXPECT_EQ(bide_read_chunk(r, &piece), 2);
    EXPECT_MEM(piece, "ab", 2);
    EXPECT_EQ(now_ms() - begun, 100);
    EXPECT_EQ(bide_read_chunk(r, &piece), 2);
    EXPECT_MEM(piece, "cd", 2);
    EXPECT_EQ(now_ms() - begun, 600);
    EXPECT_EQ(bide_read_chunk(r, &piece), 0);
    EXPECT_EQ(now_ms() - begun, 650);
}

TEST(mock_body_that_breaks_off_leaves_what_came)
{
    bide_auto bide_transport *t = bide_transport_mock(
        .table = BIDE_MOCKS({"GET", "http://a/", BIDE_ANSWER(200, .pieces = BIDE_PIECES({"abc"}, {.error = -ECONNRESET}))},
                            {"GET", "http://b/", BIDE_ANSWER(200, .text = "abc", .headers = BIDE_PAIRS({"Content-Length", "5"}))},
                            {"GET", "http://c/", BIDE_ANSWER(200, .text = "abc", .headers = BIDE_PAIRS({"Content-Length", "2"}))},
                            {"GET", "http://d/", BIDE_ANSWER(200, .error = -ECONNREFUSED)}));
    bide_auto bide_session *s = bide_session_new(.transport = t);
    bide_auto bide_response *r = bide_get(s, "http://a/"), *cut = bide_get(s, "http://b/"), *longer = bide_get(s, "http://c/");

    EXPECT_NULL(bide_body(r).data);
    EXPECT_ERR(bide_error_code(), -ECONNRESET);
    EXPECT_CONTAINS(bide_error_text(), "GET http://a/: the body ended early, after 3 bytes");
    EXPECT_EQ(bide_body_so_far(r).len, 3);
    EXPECT_NULL(bide_body(cut).data);
    EXPECT_ERR(bide_error_code(), BIDE_ETRUNCATED);
    EXPECT_CONTAINS(bide_error_text(), "after 3 of 5 bytes");
    EXPECT_STR(bide_text(longer), "ab");
    EXPECT_ERR(get_status(s, "http://d/"), -ECONNREFUSED);
}

TEST(mock_silence_rate_and_total_end_a_body)
{
    bide_auto bide_transport *t = bide_transport_mock(.table = BIDE_MOCKS(
        {"GET", "http://a/", BIDE_ANSWER(200, .pieces = BIDE_PIECES({"a"}, {"b", .after_ms = 900}, {"c", .after_ms = 1100}))}));
    bide_auto bide_session *s = bide_session_new(.transport = t, .read_timeout_ms = 1000);
    bide_auto bide_response *silent = bide_get(s, "http://a/");
    bide_auto bide_response *late = bide_get(s, "http://a/", .timeout_ms = 500);

    EXPECT_NULL(bide_body(late).data);
    EXPECT_ERR(bide_error_code(), BIDE_ETIMEDOUT);
    EXPECT_CONTAINS(bide_error_text(), "not done within 500 ms");
    EXPECT_NULL(bide_body(silent).data);
    EXPECT_CONTAINS(bide_error_text(), "nothing more of the body within 1000 ms");
    bide_auto bide_response *slow = bide_get(s, "http://a/", .read_timeout_ms = 10000, .min_rate = 10, .min_rate_ms = 400);
    EXPECT_NULL(bide_body(slow).data);
    EXPECT_CONTAINS(bide_error_text(), "slower than allowed");
}

TEST(mock_heads_and_bodies_have_the_limits_of_the_session)
{
    char large[3000];
    memset(large, 'a', sizeof large - 1);
    large[sizeof large - 1] = '\0';
    bide_auto bide_transport *t = bide_transport_mock(
        .table = BIDE_MOCKS({"GET", "http://a/", BIDE_ANSWER(200, .headers = BIDE_PAIRS({"X", large}))},
                            {"GET", "http://b/", BIDE_ANSWER(200, .text = large)},
                            {"HEAD", "http://c/", BIDE_ANSWER(200, .text = large)}, {"GET", "http://c/", BIDE_ANSWER(204)}));
    bide_auto bide_session *s = bide_session_new(.transport = t, .max_head_bytes = 1000, .max_body_bytes = 2000);
    bide_auto bide_response *r = bide_get(s, "http://b/"), *head = bide_head(s, "http://c/"), *none = bide_get(s, "http://c/");

    EXPECT_ERR(get_status(s, "http://a/"), BIDE_EHTTP);
    EXPECT_NULL(bide_body(r).data);
    EXPECT_ERR(bide_error_code(), BIDE_ETOOBIG);
    EXPECT_STR(bide_header(head, "Content-Length"), "2999");
    EXPECT_EQ(bide_body(head).len, 0);
    EXPECT_EQ(bide_status(none), 204);
    EXPECT_NULL(bide_header(none, "Content-Length"));
}

TEST(mock_cancelled_request_ends_at_once)
{
    int calls = 0;
    bide_auto bide_transport *t = bide_transport_mock(.fn = echo, .fn_arg = &calls,
                                                      .table = BIDE_MOCKS({"GET", "http://late/", BIDE_ANSWER(200, .delay_ms = 1000)}));
    bide_auto bide_session *s = bide_session_new(.transport = t);
    bide_auto bide_task *task = bide_create_task(bide_coro(get_status, s, "http://late/"));
    int64_t begun = now_ms();

    EXPECT_EQ(bide_sleep_ms(10), 0);
    bide_task_cancel(task);
    EXPECT_ERR(bide_await(task), BIDE_ECANCELED);
    EXPECT_EQ(now_ms() - begun, 10);
}

/* ---- what is above a connection ---- */

TEST(mock_redirect_sets_a_cookie_and_sends_it)
{
    bide_auto bide_transport *t = bide_transport_mock(
        .table = BIDE_MOCKS({"POST", "http://a/login", BIDE_ANSWER(303, .headers = BIDE_PAIRS({"Location", "/home"}, {"Set-Cookie", "id=7"}))},
                            {"GET", "http://a/home", BIDE_ANSWER(200, .text = "welcome")}));
    bide_auto bide_session *s = bide_session_new(.transport = t);
    bide_auto bide_response *r = bide_post(s, "http://a/login", .form = BIDE_PAIRS({"user", "me"}));

    EXPECT_STR(bide_text(r), "welcome");
    EXPECT_EQ(bide_response_redirects(r), 1);
    EXPECT_STR(bide_mock_body(bide_transport_request_at(t, 0)).data, "user=me");
    EXPECT_STR(bide_mock_header(bide_transport_request_at(t, 1), "Cookie"), "id=7");
}

TEST(mock_retries_wait_for_what_the_answer_says_and_digest_is_answered)
{
    bide_auto bide_transport *t = bide_transport_mock(.table = BIDE_MOCKS(
        {"GET", "http://a/", BIDE_ANSWER(503, .headers = BIDE_PAIRS({"Retry-After", "2"})), .times = 1},
        {"GET", "http://a/", BIDE_ANSWER(0, .error = -ECONNRESET), .times = 1}, {"GET", "http://a/", NULL, .times = 1},
        {"GET", "http://d/", BIDE_ANSWER(401, .headers = BIDE_PAIRS({"WWW-Authenticate", "Digest realm=\"r\", nonce=\"n\", qop=\"auth\""})),
         .times = 1},
        {"GET", "http://d/", NULL, .times = 1}));
    bide_auto bide_session *s = bide_session_new(.transport = t, .retry = {.attempts = 3});
    int64_t begun = now_ms();

    EXPECT_EQ(get_status(s, "http://a/"), 200);
    EXPECT_LE(2000, now_ms() - begun);
    bide_auto bide_response *r = bide_get(s, "http://d/", .auth = BIDE_DIGEST("me", "secret"));
    EXPECT_EQ(bide_status(r), 200);
    EXPECT_CONTAINS(bide_mock_header(bide_transport_request_at(t, 4), "Authorization"), "Digest username=\"me\"");
    EXPECT_EQ(bide_transport_check(t), 0);
}

TEST(mock_coded_body_is_decoded_and_upload_in_chunks_is_seen)
{
    unsigned char coded[100];
    z_stream z = {.next_in = (unsigned char *)(uintptr_t)"hello hello", .avail_in = 11, .next_out = coded, .avail_out = sizeof coded};
    EXPECT_EQ(deflateInit2(&z, 9, Z_DEFLATED, 31, 8, 0), Z_OK);
    EXPECT_EQ(deflate(&z, Z_FINISH), Z_STREAM_END);
    bide_bytes zipped = {(const char *)coded, z.total_out};
    deflateEnd(&z);
    bide_auto bide_transport *t = bide_transport_mock(.table = BIDE_MOCKS(
        {NULL, "http://a/", BIDE_ANSWER(200, .data = zipped, .headers = BIDE_PAIRS({"Content-Encoding", "gzip"}))}));
    bide_auto bide_session *s = bide_session_new(.transport = t);
    bide_auto bide_response *r = bide_post(s, "http://a/", .text = "up", .compress = "gzip", .trailers = BIDE_PAIRS({"X-Sum", "1"}));
    const bide_mock_request *q = bide_transport_request_at(t, 0);

    EXPECT_STR(bide_text(r), "hello hello");
    EXPECT_STR(bide_mock_header(q, "Content-Encoding"), "gzip");
    EXPECT_STR(bide_mock_header(q, "Transfer-Encoding"), "chunked");
    EXPECT_MEM(bide_mock_body(q).data, "\x1f\x8b", 2);
}

TEST(mock_body_is_saved_and_read_as_a_stream)
{
    char path[300];
    bide_auto bide_transport *t = bide_transport_mock(
        .table = BIDE_MOCKS({"GET", "http://a/", BIDE_ANSWER(200, .pieces = BIDE_PIECES({"one\ntw"}, {"o\n", .after_ms = 5}))}));
    bide_auto bide_session *s = bide_session_new(.transport = t);
    bide_auto bide_response *r = bide_get(s, "http://a/"), *lines = bide_get(s, "http://a/");
    snprintf(path, sizeof path, "%s/body", test_tmpdir());

    EXPECT_EQ(bide_save(r, path), 8);
    bide_auto bide_stream *body = bide_body_stream(lines);
    const char *line;
    EXPECT_EQ(bide_read_until(body, "\n", &line), 4);
    EXPECT_MEM(line, "one\n", 4);
    EXPECT_EQ(bide_read_until(body, "\n", &line), 4);
    EXPECT_MEM(line, "two\n", 4);
}

TEST(mock_is_shared_by_sessions_and_outlives_its_owner)
{
    bide_transport *t = bide_transport_mock(.table = BIDE_MOCKS({"GET", "http://a/", BIDE_ANSWER(200, .pieces = BIDE_PIECES({"a"}))}));
    bide_auto bide_session *one = bide_session_new(.transport = t), *two = bide_session_new(.transport = t);

    EXPECT_EQ(get_status(one, "http://a/"), 200);
    EXPECT_EQ(bide_transport_request_count(t), 1);
    bide_release(t);
    bide_auto bide_response *r = bide_get(two, "http://a/");
    EXPECT_STR(bide_text(r), "a");
}

/* 0, or the error of the first that failed. */
static int ask_once(void)
{
    int calls = 0;
    bide_auto bide_transport *t = bide_transport_mock(
        .table = BIDE_MOCKS({"GET", "http://a/", BIDE_ANSWER(302, .headers = BIDE_PAIRS({"Location", "http://b/"}))}),
        .fn = echo, .fn_arg = &calls);
    bide_auto bide_session *s = t ? bide_session_new(.transport = t) : NULL;
    bide_auto bide_response *r = s ? bide_get(s, "http://a/", .headers = BIDE_PAIRS({"X-A", "b"})) : NULL;
    bide_auto bide_response *put = r ? bide_put(s, "http://b/", .text = "body") : NULL;

    return put && bide_body(put).len == 4 ? 0 : bide_error_code();
}

TEST(mock_survives_any_failing_allocation, .seconds = 30)
{
    bool is_over = false;

    for (long n = 0; n < 500 && !is_over; n++) {
        bide_error_clear();
        bide__alloc_fail_at(n);
        int code = ask_once();
        is_over = bide__alloc_fail_at(-1);
        if (code != BIDE_ENOMEM && (code != 0 || !is_over))
            FAIL("allocation %ld: %d, %s", n, code, bide_error_text());
    }
    EXPECT_TRUE(is_over);
}

UNIT(mock_functions_take_null)
{
    bide_pair field;

    EXPECT_EQ(bide_transport_request_count(NULL), 0);
    EXPECT_NULL(bide_transport_request_at(NULL, 0));
    EXPECT_ERR(bide_transport_check(NULL), -EINVAL);
    EXPECT_STR(bide_mock_method(NULL), "");
    EXPECT_STR(bide_mock_url(NULL), "");
    EXPECT_NULL(bide_mock_header(NULL, "a"));
    EXPECT_FALSE(bide_mock_header_at(NULL, 0, &field));
    EXPECT_NULL(bide_mock_body(NULL).data);
    EXPECT_EQ(bide_mock_body_length(NULL), 0);
    EXPECT_ERR(bide_mock_answer(NULL, 200), -EINVAL);
}

/* ---- an end ---- */

static int ask(bide_session *s, const char *url)
{
    bide_auto bide_response *r = bide_get(s, url);

    return r && bide_body(r).data ? bide_status(r) : bide_raise();
}

/* R57: requests are those of tasks, which may finish until a deadline and then are cancelled; the session's own end waits for
   nothing. */
TEST(session_ends_gracefully_with_a_deadline_for_its_tasks)
{
    bide_auto bide_transport *t = bide_transport_mock(.table = BIDE_MOCKS(
        {"GET", "http://a/soon", BIDE_ANSWER(200, .delay_ms = 900)}, {"GET", "http://a/late", BIDE_ANSWER(200, .delay_ms = 3600000)}));
    bide_session *s = bide_session_new(.transport = t);
    bide_auto bide_task *soon = bide_create_task(bide_coro(ask, s, "http://a/soon"));
    bide_auto bide_task *late = bide_create_task(bide_coro(ask, s, "http://a/late"));
    bide_task *both[] = {soon, late};
    int64_t begun = now_ms();

    EXPECT_LE(0, bide_wait(both, 2, .timeout_ms = 1000));
    EXPECT_TRUE(bide_task_done(soon) && !bide_task_done(late));
    EXPECT_EQ(bide_task_result(soon), 200);
    bide_task_cancel(late);
    EXPECT_ERR(bide_await(late), BIDE_ECANCELED);
    bide_error_clear();
    bide_release(s);
    EXPECT_EQ(now_ms(), begun + 1000);
}
