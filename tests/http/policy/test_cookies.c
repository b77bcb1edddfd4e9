/* SPDX-License-Identifier: MIT */
/* test_cookies.c - cookies on the way: what an answer sets, and which requests get it. */
#include "wire.h"

#define OK2           "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define SETS(cookies) "HTTP/1.1 200 OK\r\n" cookies "Content-Length: 2\r\n\r\nok"
#define GOES(location, cookies) "HTTP/1.1 302 Found\r\nLocation: " location "\r\n" cookies "Content-Length: 0\r\n\r\n"
#define SET(cookie)   "Set-Cookie: " cookie "\r\n"
#define FIELD(value)  "\r\nCookie: " value "\r\n"

static int get(bide_session *s, const char *url)
{
    bide_auto bide_response *r = bide_get(s, url);

    return r ? bide_status(r) : bide_error_code();
}

static int ncookies(const char *seen)
{
    int n = 0;

    for (; (seen = strstr(seen, "\r\nCookie: ")); seen++)
        n++;
    return n;
}

/* ---- the jar of a session ---- */

TEST(cookies_that_an_answer_sets_are_sent_with_the_next_request)
{
    struct wire w = WIRE(ON_REQUEST, SAY(SETS(SET("sid=1; Path=/") SET("lang=de; Path=/deep"))), ON_REQUEST, SAY(OK2), ON_REQUEST, SAY(OK2));
    bide_auto bide_session *s = bide_session_new();
    wires_plant(s, &w, 1);

    EXPECT_EQ(get(s, "http://a.example/"), 200);
    EXPECT_EQ(get(s, "http://a.example/deep/er"), 200);
    EXPECT_EQ(get(s, "http://a.example/"), 200);
    EXPECT_CONTAINS(w.seen, FIELD("lang=de; sid=1"));
    EXPECT_CONTAINS(w.seen, FIELD("sid=1"));
    EXPECT_EQ(ncookies(w.seen), 2);
    EXPECT_EQ(bide_cookie_jar_len(bide_session_cookies(s)), 2);
}

/* R65 */
TEST(cookies_of_a_redirect_are_sent_to_where_it_leads)
{
    struct wire w = WIRE(ON_REQUEST, SAY(GOES("/in", SET("sid=1; Path=/"))), ON_REQUEST, SAY(OK2));
    bide_auto bide_session *s = bide_session_new();
    wires_plant(s, &w, 1);

    EXPECT_EQ(get(s, "http://a.example/login"), 200);
    EXPECT_EQ(ncookies(w.seen), 1);
    EXPECT_CONTAINS(strstr(w.seen, "GET /in "), FIELD("sid=1"));
}

/* R64, R65, D2 */
TEST(cookies_are_chosen_anew_at_each_origin_of_a_redirect_and_those_of_the_request_stay_at_the_first)
{
    struct wire w[2] = {WIRE(ON_REQUEST, SAY(SETS(SET("a=1"))), ON_REQUEST, SAY(GOES("http://b.example/", "")), ON_REQUEST, SAY(OK2)),
                        WIRE(ON_REQUEST, SAY(GOES("http://a.example/end", SET("b=2"))))};
    bide_auto bide_session *s = bide_session_new();
    wires_plant(s, w, 2);

    EXPECT_EQ(get(s, "http://a.example/"), 200);
    bide_auto bide_response *r = bide_get(s, "http://a.example/go", .cookies = BIDE_PAIRS({"own", "x"}));
    EXPECT_EQ(bide_status(r), 200);
    EXPECT_CONTAINS(w[0].seen, FIELD("a=1; own=x"));
    EXPECT_EQ(ncookies(w[1].seen), 0);
    EXPECT_CONTAINS(strstr(w[0].seen, "GET /end "), FIELD("a=1"));
}

/* R65: a 3xx that sets a Strict cookie and leads to another site, which leads back */
TEST(cookies_for_the_same_site_alone_stay_when_another_site_has_chosen_the_url)
{
    struct wire w[2] = {WIRE(ON_REQUEST, SAY(GOES("http://b.example/", SET("s=1; SameSite=Strict") SET("l=2; SameSite=Lax"))), ON_REQUEST, SAY(OK2)),
                        WIRE(ON_REQUEST, SAY(GOES("http://a.example/end", "")))};
    bide_auto bide_session *s = bide_session_new();
    wires_plant(s, w, 2);

    EXPECT_EQ(get(s, "http://a.example/"), 200);
    EXPECT_CONTAINS(strstr(w[0].seen, "GET /end "), FIELD("l=2"));
    EXPECT_EQ(ncookies(w[0].seen), 1);
}

/* R115 */
TEST(cookies_that_are_secure_are_not_taken_from_http)
{
    struct wire w = WIRE(ON_REQUEST, SAY(SETS(SET("sid=1; Secure") SET("\x01=2") SET("ok=3"))), ON_REQUEST, SAY(OK2));
    bide_auto bide_session *s = bide_session_new();
    wires_plant(s, &w, 1);

    EXPECT_EQ(get(s, "http://a.example/"), 200);
    EXPECT_EQ(get(s, "http://a.example/"), 200);
    EXPECT_CONTAINS(w.seen, FIELD("ok=3"));
}

/* ---- whose jar ---- */

TEST(cookies_of_a_shared_jar_go_with_all_its_sessions)
{
    struct wire w = WIRE(ON_REQUEST, SAY(SETS(SET("sid=1")))), v = WIRE(ON_REQUEST, SAY(OK2));
    bide_auto bide_cookie_jar *jar = bide_cookie_jar_new();
    bide_auto bide_session *s = bide_session_new(.cookies = jar), *t = bide_session_new(.cookies = jar);

    EXPECT_TRUE(bide_session_cookies(s) == jar);
    wires_plant(s, &w, 1);
    EXPECT_EQ(get(s, "http://a.example/"), 200);
    wires_plant(t, &v, 1);
    EXPECT_EQ(get(t, "http://a.example/"), 200);
    EXPECT_CONTAINS(v.seen, FIELD("sid=1"));
    EXPECT_EQ(bide_cookie_jar_len(jar), 1);
}

TEST(cookies_that_nobody_wants_are_neither_kept_nor_sent)
{
    struct wire w = WIRE(ON_REQUEST, SAY(GOES("/in", SET("sid=1"))), ON_REQUEST, SAY(OK2));
    bide_auto bide_session *s = bide_session_new(.cookies = BIDE_NO_COOKIES);
    wires_plant(s, &w, 1);

    EXPECT_EQ(get(s, "http://a.example/"), 200);
    EXPECT_EQ(ncookies(w.seen), 0);
    EXPECT_TRUE(bide_session_cookies(s) == BIDE_NO_COOKIES);
    EXPECT_EQ(bide_cookie_jar_len(BIDE_NO_COOKIES), 0);
}

TEST(cookies_for_one_request_are_sent_on_its_hops_and_forgotten)
{
    struct wire w = WIRE(ON_REQUEST, SAY(GOES("/in", SET("sid=1"))), ON_REQUEST, SAY(OK2), ON_REQUEST, SAY(OK2));
    bide_auto bide_session *s = bide_session_new(.cookies = BIDE_COOKIES_PER_REQUEST);
    wires_plant(s, &w, 1);

    EXPECT_EQ(get(s, "http://a.example/"), 200);
    EXPECT_CONTAINS(w.seen, FIELD("sid=1"));
    EXPECT_EQ(get(s, "http://a.example/"), 200);
    EXPECT_EQ(ncookies(w.seen), 1);
    EXPECT_TRUE(bide_session_cookies(s) == bide_cookies_per_request());
}

static int get_with(bide_session *s, bide_cookie_jar *jar)
{
    bide_auto bide_response *r = bide_get(s, "http://a.example/", .cookie_jar = jar);

    return r ? bide_status(r) : bide_error_code();
}

TEST(cookies_of_a_request_with_a_jar_of_its_own_are_kept_there)
{
    struct wire w = WIRE(ON_REQUEST, SAY(GOES("/in", SET("sid=1"))), ON_REQUEST, SAY(OK2), ON_REQUEST, SAY(OK2), ON_REQUEST, SAY(OK2),
                         ON_REQUEST, SAY(OK2));
    bide_auto bide_session *s = bide_session_new();
    bide_auto bide_cookie_jar *jar = bide_cookie_jar_new();
    wires_plant(s, &w, 1);
    EXPECT_EQ(bide_cookie_jar_set(bide_session_cookies(s), "http://a.example/", "lang", "de"), 0);

    EXPECT_EQ(get_with(s, jar), 200);
    EXPECT_EQ(bide_cookie_jar_len(jar), 1);
    EXPECT_EQ(bide_cookie_jar_len(bide_session_cookies(s)), 1);
    EXPECT_CONTAINS(w.seen, FIELD("sid=1"));
    EXPECT_NULL(strstr(w.seen, "lang"));
    EXPECT_EQ(get_with(s, BIDE_NO_COOKIES), 200);
    EXPECT_EQ(get_with(s, BIDE_COOKIES_PER_REQUEST), 200);
    EXPECT_EQ(ncookies(w.seen), 1);
    EXPECT_EQ(get_with(s, NULL), 200); /* that of the session */
    EXPECT_CONTAINS(w.seen, FIELD("lang=de"));
}

TEST(cookies_of_a_session_are_there_to_be_set_before_the_first_request)
{
    struct wire w = WIRE(ON_REQUEST, SAY(OK2));
    bide_auto bide_session *s = bide_session_new();
    wires_plant(s, &w, 1);

    EXPECT_EQ(bide_cookie_jar_set(bide_session_cookies(s), "http://a.example/", "lang", "de"), 0);
    EXPECT_EQ(get(s, "http://a.example/"), 200);
    EXPECT_CONTAINS(w.seen, FIELD("lang=de"));
}

TEST(cookies_of_no_session_are_an_error)
{
    EXPECT_NULL(bide_session_cookies(NULL));
    EXPECT_ERR(bide_error_code(), -EINVAL);
}

/* ---- of one request ---- */

TEST(cookies_of_a_request_take_the_place_of_those_in_the_jar_and_do_not_come_into_it)
{
    struct wire w = WIRE(ON_REQUEST, SAY(SETS(SET("a=1") SET("b=2") SET("c=3"))), ON_REQUEST, SAY(OK2), ON_REQUEST, SAY(OK2), ON_REQUEST, SAY(OK2));
    bide_auto bide_session *s = bide_session_new();
    wires_plant(s, &w, 1);

    EXPECT_EQ(get(s, "http://a.example/"), 200);
    bide_auto bide_response *r = bide_get(s, "http://a.example/", .cookies = BIDE_PAIRS({"b", "own"}, {"d", ""}));
    bide_auto bide_response *all = bide_get(s, "http://a.example/", .cookies = BIDE_PAIRS({"a", "x"}, {"b", "y"}, {"c", "z"}));
    EXPECT_EQ(bide_status(r) + bide_status(all), 400);
    EXPECT_EQ(get(s, "http://a.example/"), 200);
    EXPECT_CONTAINS(w.seen, FIELD("a=1; c=3; b=own; d="));
    EXPECT_CONTAINS(w.seen, FIELD("a=x; b=y; c=z"));
    EXPECT_CONTAINS(w.seen, FIELD("a=1; b=2; c=3"));
}

TEST(cookies_of_a_request_that_are_none_are_refused)
{
    static const bide_pair bad[][2] = {{{"a;b", "1"}}, {{"a=b", "1"}}, {{"a", "1;2"}}, {{"a", "1\r\n2"}}, {{"a", NULL}}, {{"a", " 1"}}};
    struct wire w = WIRE(ON_REQUEST, SAY(OK2));
    bide_auto bide_session *s = bide_session_new();
    wires_plant(s, &w, 1);

    for (size_t i = 0; i < array_len(bad); i++) {
        EXPECT_NULL(bide_get(s, "http://a.example/", .cookies = bad[i]));
        EXPECT_ERR(bide_error_code(), -EINVAL);
        EXPECT_CONTAINS(bide_error_text(), "cookie ");
    }
    EXPECT_EQ(bide_session_get_stats(s).requests, 0);
}

/* D2 */
TEST(cookies_are_not_added_to_a_header_of_the_users)
{
    struct wire w = WIRE(ON_REQUEST, SAY(SETS(SET("sid=1"))), ON_REQUEST, SAY(OK2), ON_REQUEST, SAY(OK2)), v = WIRE(ON_REQUEST, SAY(OK2));
    bide_auto bide_session *s = bide_session_new(), *t = bide_session_new(.headers = BIDE_PAIRS({"Cookie", "all=1"}), .cookies = bide_session_cookies(s));
    wires_plant(s, &w, 1);

    EXPECT_EQ(get(s, "http://a.example/"), 200);
    bide_auto bide_response *own = bide_get(s, "http://a.example/", .headers = BIDE_PAIRS({"Cookie", "mine=2"}));
    bide_auto bide_response *none = bide_get(s, "http://a.example/", .headers = BIDE_PAIRS({"Cookie", ""}));
    EXPECT_EQ(bide_status(own) + bide_status(none), 400);
    EXPECT_CONTAINS(w.seen, FIELD("mine=2"));
    EXPECT_EQ(ncookies(w.seen), 1);
    EXPECT_NULL(bide_get(s, "http://a.example/", .headers = BIDE_PAIRS({"Cookie", "mine=2"}), .cookies = BIDE_PAIRS({"a", "b"})));
    EXPECT_ERR(bide_error_code(), -EINVAL);

    wires_plant(t, &v, 1);
    EXPECT_EQ(get(t, "http://a.example/"), 200);
    EXPECT_CONTAINS(v.seen, FIELD("all=1"));
}

/* R64: the user's field is dropped where it may not go, and then the jar's turn has come */
TEST(cookies_of_the_jar_are_sent_where_a_header_of_the_users_may_not_go)
{
    struct wire w[2] = {WIRE(ON_REQUEST, SAY(GOES("http://b.example/", ""))), WIRE(ON_REQUEST, SAY(OK2))};
    bide_auto bide_session *s = bide_session_new();
    wires_plant(s, w, 2);

    EXPECT_EQ(bide_cookie_jar_set(bide_session_cookies(s), "http://b.example/", "b", "1"), 0);
    bide_auto bide_response *r = bide_get(s, "http://a.example/", .headers = BIDE_PAIRS({"Cookie", "mine=2"}));
    EXPECT_EQ(bide_status(r), 200);
    EXPECT_CONTAINS(w[0].seen, FIELD("mine=2"));
    EXPECT_CONTAINS(w[1].seen, FIELD("b=1"));
}

/* ---- memory ---- */

TEST(cookies_without_memory_fail_the_request_and_nothing_is_lost)
{
    bool failed = false;

    for (int n = 1; n < 60; n++) {
        struct wire w = WIRE(ON_REQUEST, SAY(GOES("/in", SET("sid=1"))), ON_REQUEST, SAY(OK2));
        bide_auto bide_session *s = bide_session_new();
        wires_plant(s, &w, 1);
        bide__alloc_fail_at(n);
        int code = get(s, "http://a.example/");
        bide__alloc_fail_at(-1);
        failed |= code == BIDE_ENOMEM;
        EXPECT_TRUE(code == 200 || code == BIDE_ENOMEM);
    }
    EXPECT_TRUE(failed);
}
