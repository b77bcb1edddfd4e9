/* SPDX-License-Identifier: MIT */
/* test_around.c - functions of the program's around each try: signing, tokens, caches, logs; in which order, and how often. */
#include <stdarg.h>
#include <stdlib.h>

#include <bide/http.h>
#include <bide/loop.h>
#include <bide/task.h>

#include "harness/harness.h"

static char log_text[400];

static void note(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void note(const char *format, ...)
{
    size_t n = strlen(log_text);
    va_list list;

    va_start(list, format);
    vsnprintf(log_text + n, sizeof log_text - n, format, list);
    va_end(list);
}

static int64_t now_ms(void)
{
    return bide_loop_time_ms(bide_get_event_loop());
}

static int get_status(bide_session *s, const char *url)
{
    bide_auto bide_response *r = bide_get(s, url);

    return r ? bide_status(r) : bide_error_code();
}

static int log_before(bide_attempt *a, void *arg)
{
    note("%s%d %s %s; ", (const char *)arg, bide_attempt_number(a), bide_attempt_method(a), bide_attempt_url(a));
    return 0;
}

static int log_after(bide_attempt *a, void *arg)
{
    const bide_response *r = bide_attempt_response(a);

    note("%s %d; ", (const char *)arg, r ? bide_status(r) : bide_attempt_error(a));
    return 0;
}

#define LOG(name) {.before = log_before, .after = log_after, .arg = name}

/* ---- the order ---- */

TEST(around_sees_each_try_forwards_and_backwards_redirects_and_retries_too)
{
    bide_auto bide_transport *t = bide_transport_mock(
        .table = BIDE_MOCKS({"GET", "http://a/", BIDE_ANSWER(503), .times = 1},
                            {"GET", "http://a/", BIDE_ANSWER(302, .headers = BIDE_PAIRS({"Location", "http://b/"}))},
                            {"GET", "http://b/", BIDE_ANSWER(0, .error = -ECONNRESET), .times = 1}, {"GET", "http://b/", NULL}));
    bide_auto bide_session *s = bide_session_new(.transport = t, .retry = {.attempts = 3}, .around = BIDE_AROUND(LOG("s")));
    bide_auto bide_response *r = bide_get(s, "http://a/", .around = BIDE_AROUND(LOG("q")));

    EXPECT_EQ(bide_status(r), 200);
    EXPECT_STR(log_text, "s1 GET http://a/; q1 GET http://a/; q 503; s 503; s2 GET http://a/; q2 GET http://a/; q 302; s 302; "
                         "s3 GET http://b/; q3 GET http://b/; q -104; s -104; s4 GET http://b/; q4 GET http://b/; q 200; s 200; ");
}

static int fail_before(bide_attempt *a, void *arg)
{
    (void)a;
    return bide_fail(-EPERM, "%s", (const char *)arg);
}

static int bare_code(bide_attempt *a, void *arg)
{
    (void)a;
    (void)arg;
    return -EIO;
}

TEST(around_that_fails_fails_the_request_and_calls_nobody_else)
{
    bide_auto bide_transport *t = bide_transport_mock(.table = BIDE_MOCKS({NULL, "*", NULL}));
    bide_auto bide_session *s = bide_session_new(.transport = t);

    EXPECT_NULL(bide_get(s, "http://a/", .around = BIDE_AROUND({.before = fail_before, .arg = "not now"}, LOG("x"))));
    EXPECT_ERR(bide_error_code(), -EPERM);
    EXPECT_CONTAINS(bide_error_text(), "GET http://a/: not now");
    EXPECT_EQ(bide_transport_request_count(t), 0);
    EXPECT_NULL(bide_get(s, "http://a/", .around = BIDE_AROUND(LOG("x"), {.after = fail_before, .arg = "not so"})));
    EXPECT_CONTAINS(bide_error_text(), "not so");
    EXPECT_NULL(bide_get(s, "http://a/", .around = BIDE_AROUND({.after = bare_code})));
    EXPECT_ERR(bide_error_code(), -EIO);
    EXPECT_STR(log_text, "x1 GET http://a/; ");
    EXPECT_NULL(bide_get(s, "http://a/", .around = BIDE_AROUND({.after = bare_code, .again_max = -5})));
    EXPECT_CONTAINS(bide_error_text(), "again_max");
    EXPECT_NULL(bide_session_new(.around = BIDE_AROUND({.after = bare_code, .again_max = -5})));
    EXPECT_ERR(bide_error_code(), -EINVAL);
}

/* ---- signing ---- */

static int sign(bide_attempt *a, void *arg)
{
    char text[200];
    int *nonce = arg;
    bide_bytes body = bide_attempt_body(a);
    const char *all = bide_attempt_header(a, "x-all"), *own = bide_attempt_header(a, "x-own");

    snprintf(text, sizeof text, "%s %s %.*s %s %s %d", bide_attempt_method(a), bide_attempt_url(a), (int)body.len,
             body.data ? body.data : "", all ? all : "-", own ? own : "-", ++*nonce);
    BIDE_TRY(bide_attempt_set_header(a, "X-Signature", "first"));
    BIDE_TRY(bide_attempt_set_header(a, "x-signature", text));
    EXPECT_STR(bide_attempt_header(a, "X-Signature"), text);
    bide_pair field, last = {NULL, NULL};
    for (size_t i = 0; bide_attempt_header_at(a, i, &field); i++)
        last = field;
    EXPECT_STR(last.value, "1"); /* those of the session come last */
    BIDE_TRY(bide_attempt_set_header(a, "X-All", NULL));
    EXPECT_NULL(bide_attempt_header(a, "X-All"));
    return 0;
}

TEST(around_signs_each_try_with_a_nonce_of_its_own)
{
    int nonce = 0;
    bide_auto bide_transport *t = bide_transport_mock(.table = BIDE_MOCKS({"PUT", "http://a/", BIDE_ANSWER(503), .times = 1},
                                                                          {"PUT", "http://a/", NULL}));
    bide_auto bide_session *s = bide_session_new(.transport = t, .retry = {.attempts = 2}, .headers = BIDE_PAIRS({"X-All", "1"}),
                                                 .around = BIDE_AROUND({.before = sign, .arg = &nonce}));
    bide_auto bide_response *r = bide_put(s, "http://a/", .text = "body", .headers = BIDE_PAIRS({"X-Own", "2"}, {"X-Signature", "none"}));
    const bide_mock_request *one = bide_transport_request_at(t, 0), *two = bide_transport_request_at(t, 1);
    bide_pair field;
    int n = 0;

    EXPECT_EQ(bide_status(r), 200);
    EXPECT_STR(bide_mock_header(one, "X-Signature"), "PUT http://a/ body 1 2 1");
    EXPECT_STR(bide_mock_header(two, "X-Signature"), "PUT http://a/ body 1 2 2");
    EXPECT_NULL(bide_mock_header(two, "X-All"));
    EXPECT_STR(bide_mock_header(two, "X-Own"), "2");
    for (size_t i = 0; bide_mock_header_at(two, i, &field); i++)
        n += strcasecmp(field.name, "x-signature") == 0;
    EXPECT_EQ(n, 1);
}

static int set_secret(bide_attempt *a, void *arg)
{
    const char *only = arg;

    return strncmp(bide_attempt_url(a), only, strlen(only)) == 0 ? bide_attempt_set_header(a, "Authorization", "Bearer mine") : 0;
}

/* D2: what is set for a try is not sent with the next. */
TEST(around_header_of_one_origin_does_not_go_to_the_next)
{
    bide_auto bide_transport *t = bide_transport_mock(
        .table = BIDE_MOCKS({"GET", "http://a/", BIDE_ANSWER(302, .headers = BIDE_PAIRS({"Location", "http://b/"}))}, {"GET", "http://b/", NULL}));
    bide_auto bide_session *s = bide_session_new(.transport = t, .auth = BIDE_BEARER("session"));
    bide_auto bide_response *r = bide_get(s, "http://a/", .around = BIDE_AROUND({.before = set_secret, .arg = "http://a/"}));
    bide_auto bide_response *there = bide_get(s, "http://a/", .around = BIDE_AROUND({.before = set_secret, .arg = "http://b/"}));

    EXPECT_EQ(bide_status(r), 200);
    EXPECT_EQ(bide_status(there), 200);
    EXPECT_STR(bide_mock_header(bide_transport_request_at(t, 0), "Authorization"), "Bearer mine");
    EXPECT_NULL(bide_mock_header(bide_transport_request_at(t, 1), "Authorization"));
    EXPECT_STR(bide_mock_header(bide_transport_request_at(t, 2), "Authorization"), "Bearer session");
    EXPECT_STR(bide_mock_header(bide_transport_request_at(t, 3), "Authorization"), "Bearer mine");
}

/* ---- asking again ---- */

struct token {
    int number, refreshed;
    bide_session *session;
};

static int use_token(bide_attempt *a, void *arg)
{
    char text[40];
    snprintf(text, sizeof text, "Bearer %d", ((struct token *)arg)->number);
    return bide_attempt_set_header(a, "Authorization", text);
}

static int refresh_token(bide_attempt *a, void *arg)
{
    struct token *t = arg;
    const bide_response *r = bide_attempt_response(a);
    if (!r || bide_status(r) != 401)
        return 0;

    bide_auto bide_response *got = bide_post(t->session, "http://login/token"); /* a request in the middle of another */
    if (!got || bide_status(got) != 200)
        return bide_fail(-EPERM, "no token");
    t->number++;
    t->refreshed++;
    return bide_attempt_again(a, 0);
}

static int check_token(bide_mock_request *q, void *arg)
{
    const char *sent = bide_mock_header(q, "Authorization");

    if (strcmp(bide_mock_url(q), "http://login/token") == 0)
        return bide_mock_answer(q, 200);
    return bide_mock_answer(q, sent && atoi(sent + 7) >= *(int *)arg ? 200 : 401);
}

TEST(around_gets_a_new_token_after_401)
{
    int wanted = 2;
    bide_auto bide_transport *t = bide_transport_mock(.fn = check_token, .fn_arg = &wanted);
    bide_auto bide_session *plain = bide_session_new(.transport = t);
    struct token token = {.number = 1, .session = plain};
    bide_auto bide_session *s =
        bide_session_new(.transport = t, .around = BIDE_AROUND({.before = use_token, .after = refresh_token, .arg = &token}));
    bide_auto bide_response *r = bide_post(s, "http://a/", .text = "x");

    EXPECT_EQ(bide_status(r), 200);
    EXPECT_EQ(token.refreshed, 1);
    EXPECT_EQ(bide_history_len(r), 1);
    EXPECT_STR(bide_mock_body(bide_transport_request_at(t, 2)).data, "x");
    wanted = 100;
    EXPECT_ERR(get_status(s, "http://a/"), BIDE_ELIMIT);
    EXPECT_CONTAINS(bide_error_text(), "asked again 3 times already");
}

static int always(bide_attempt *a, void *arg)
{
    return bide_attempt_again(a, *(int64_t *)arg);
}

TEST(around_that_always_asks_again_meets_its_ceiling_and_waits_no_longer_than_there_is_time)
{
    int64_t wait = 100, forever = BIDE_FOREVER, negative = -1;
    bide_auto bide_transport *t = bide_transport_mock(.table = BIDE_MOCKS({NULL, "*", NULL}));
    bide_auto bide_session *s = bide_session_new(.transport = t);
    int64_t begun = now_ms();

    EXPECT_NULL(bide_get(s, "http://a/", .around = BIDE_AROUND({.after = always, .arg = &wait, .again_max = 40})));
    EXPECT_ERR(bide_error_code(), BIDE_ELIMIT);
    EXPECT_EQ(bide_transport_request_count(t), 41);
    EXPECT_EQ(now_ms() - begun, 4000);
    EXPECT_NULL(bide_get(s, "http://a/", .around = BIDE_AROUND({.after = always, .arg = &wait, .again_max = BIDE_NONE})));
    EXPECT_ERR(bide_error_code(), BIDE_ELIMIT);
    EXPECT_EQ(bide_transport_request_count(t), 42);
    begun = now_ms();
    EXPECT_NULL(bide_get(s, "http://a/", .timeout_ms = 700, .around = BIDE_AROUND({.after = always, .arg = &forever})));
    EXPECT_ERR(bide_error_code(), BIDE_ETIMEDOUT);
    EXPECT_EQ(now_ms() - begun, 700);
    EXPECT_NULL(bide_get(s, "http://a/", .around = BIDE_AROUND({.after = always, .arg = &negative})));
    EXPECT_ERR(bide_error_code(), -EINVAL);
}

static ssize_t one_piece(const char **data, void *arg)
{
    int *left = arg;
    *data = "x";
    return (*left)-- > 0 ? 1 : 0;
}

TEST(around_cannot_send_a_body_twice_that_can_be_had_once)
{
    int left = 1;
    int64_t wait = 0;
    bide_auto bide_transport *t = bide_transport_mock(.table = BIDE_MOCKS({NULL, "*", NULL}));
    bide_auto bide_session *s = bide_session_new(.transport = t);

    EXPECT_NULL(bide_post(s, "http://a/", .body = bide_body_from(one_piece, &left), .around = BIDE_AROUND({.after = always, .arg = &wait})));
    EXPECT_ERR(bide_error_code(), BIDE_ESTATE);
    EXPECT_CONTAINS(bide_error_text(), "the body cannot be sent a second time");
}

/* ---- answering, changing ---- */

static int answer_from_cache(bide_attempt *a, void *arg)
{
    ++*(int *)arg;
    if (strcmp(bide_attempt_url(a), "http://a/moved") == 0)
        return bide_attempt_answer(a, 302, .headers = BIDE_PAIRS({"Location", "/kept"}, {"Set-Cookie", "c=1"}));
    if (strcmp(bide_attempt_url(a), "http://a/kept") == 0)
        return bide_attempt_answer(a, 200, .text = "out of the cache");
    return 0;
}

TEST(around_cache_answers_without_the_network)
{
    int calls = 0;
    bide_auto bide_transport *t = bide_transport_mock(.table = BIDE_MOCKS({NULL, "*", BIDE_ANSWER(200, .text = "asked")}));
    bide_auto bide_session *s =
        bide_session_new(.transport = t, .around = BIDE_AROUND(LOG("a"), {.before = answer_from_cache, .arg = &calls}, LOG("b")));
    bide_auto bide_response *r = bide_get(s, "http://a/moved"), *asked = bide_get(s, "http://a/other");
    bide_auto bide_session *alone = bide_session_new(.around = BIDE_AROUND({.before = answer_from_cache, .arg = &calls}));
    bide_auto bide_response *lone = bide_get(alone, "http://a/kept");

    EXPECT_STR(bide_text(r), "out of the cache");
    EXPECT_STR(bide_text(asked), "asked");
    EXPECT_STR(bide_text(lone), "out of the cache");
    EXPECT_EQ(bide_transport_request_count(t), 1);
    EXPECT_STR(bide_mock_header(bide_transport_request_at(t, 0), "Cookie"), "c=1");
    EXPECT_STR(log_text, "a1 GET http://a/moved; a 302; a2 GET http://a/kept; a 200; "
                         "a1 GET http://a/other; b1 GET http://a/other; b 200; a 200; ");
}

static int rewrite(bide_attempt *a, void *arg)
{
    (void)arg;
    if (bide_attempt_number(a) > 1)
        return 0;
    BIDE_TRY(bide_sleep_ms(50));
    BIDE_TRY(bide_attempt_set_url(a, "https://b/there?x#y"));
    BIDE_TRY(bide_attempt_set_method(a, "PATCH"));
    return bide_attempt_set_body(a, (bide_bytes){"{}", 2}, "application/json");
}

TEST(around_changes_url_method_and_body)
{
    bide_auto bide_transport *t = bide_transport_mock(.table = BIDE_MOCKS({"PATCH", "https://b/there?x", NULL}));
    bide_auto bide_session *s = bide_session_new(.transport = t);
    BIDE_IGNORE(bide_cookie_jar_set(bide_session_cookies(s), "https://b/", "k", "v"));
    bide_auto bide_response *r = bide_get(s, "http://a/", .around = BIDE_AROUND({.before = rewrite}));
    const bide_mock_request *q = bide_transport_request_at(t, 0);

    EXPECT_EQ(bide_status(r), 200);
    EXPECT_STR(bide_response_url(r), "https://b/there?x#y");
    EXPECT_STR(bide_mock_header(q, "Host"), "b");
    EXPECT_STR(bide_mock_header(q, "Cookie"), "k=v");
    EXPECT_STR(bide_mock_header(q, "Content-Type"), "application/json");
    EXPECT_STR(bide_mock_body(q).data, "{}");
}

/* ---- misuse ---- */

static int misuse_before(bide_attempt *a, void *arg)
{
    (void)arg;
    EXPECT_ERR(bide_attempt_again(a, 0), BIDE_ESTATE);
    EXPECT_ERR(bide_attempt_set_header(a, "Host", "b"), -EINVAL);
    EXPECT_ERR(bide_attempt_set_header(a, "Content-Length", "5"), -EINVAL);
    EXPECT_ERR(bide_attempt_set_header(a, "a b", "c"), -EINVAL);
    EXPECT_ERR(bide_attempt_set_header(a, "a", "b\r\nc: d"), -EINVAL);
    EXPECT_ERR(bide_attempt_set_header(a, NULL, "b"), -EINVAL);
    EXPECT_ERR(bide_attempt_set_url(a, "b/c"), BIDE_EURL);
    EXPECT_ERR(bide_attempt_set_url(a, "ftp://b/"), BIDE_EURL);
    EXPECT_ERR(bide_attempt_set_url(a, "http://me:secret@b/"), BIDE_EURL);
    EXPECT_ERR(bide_attempt_set_method(a, "A B"), -EINVAL);
    EXPECT_ERR(bide_attempt_set_method(a, "CONNECT"), -EINVAL);
    EXPECT_ERR(bide_attempt_set_body(a, (bide_bytes){NULL, 5}, NULL), -EINVAL);
    EXPECT_ERR(bide_attempt_set_body(a, (bide_bytes){"a", 1}, "a\nb"), -EINVAL);
    EXPECT_ERR(bide_attempt_answer(a, 5), -EINVAL);
    EXPECT_NULL(bide_attempt_response(a));
    EXPECT_EQ(bide_attempt_error(a), 0);
    bide_error_clear();
    return 0;
}

static int misuse_after(bide_attempt *a, void *arg)
{
    (void)arg;
    EXPECT_ERR(bide_attempt_set_header(a, "A", "b"), BIDE_ESTATE);
    EXPECT_ERR(bide_attempt_set_url(a, "http://b/"), BIDE_ESTATE);
    EXPECT_ERR(bide_attempt_set_method(a, "GET"), BIDE_ESTATE);
    EXPECT_ERR(bide_attempt_set_body(a, (bide_bytes){NULL, 0}, NULL), BIDE_ESTATE);
    EXPECT_ERR(bide_attempt_answer(a, 200), BIDE_ESTATE);
    bide_error_clear();
    return 0;
}

TEST(around_functions_refuse_what_is_not_their_time)
{
    bide_auto bide_transport *t = bide_transport_mock(.table = BIDE_MOCKS({NULL, "*", NULL}));
    bide_auto bide_session *s = bide_session_new(.transport = t, .around = BIDE_AROUND({.before = misuse_before, .after = misuse_after}));

    EXPECT_EQ(get_status(s, "http://a/"), 200);
    EXPECT_ERR(bide_attempt_set_url(NULL, "http://a/"), -EINVAL);
    EXPECT_STR(bide_attempt_method(NULL), "");
    EXPECT_STR(bide_attempt_url(NULL), "");
    EXPECT_ERR(bide_attempt_number(NULL), -EINVAL);
    EXPECT_NULL(bide_attempt_header(NULL, "a"));
    EXPECT_FALSE(bide_attempt_header_at(NULL, 0, NULL));
    EXPECT_NULL(bide_attempt_body(NULL).data);
    EXPECT_NULL(bide_attempt_response(NULL));
    EXPECT_ERR(bide_attempt_error(NULL), -EINVAL);
    EXPECT_ERR(bide_attempt_again(NULL, 0), -EINVAL);
}
