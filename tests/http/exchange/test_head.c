/* SPDX-License-Identifier: MIT */
/* test_head.c - what a request looks like on the wire, and what may not be asked for. */
#include "client.h"

/* The head of one request, as the peer saw it; kept until the next call. */
static const char *sent_with(bide_session_args session, const char *method, const char *path, bide_request_args args)
{
    static struct peer p;
    session.size = sizeof session;
    args.size = sizeof args;
    p = (struct peer)PEER(ASK "HTTP/1.1 204 No Content\r\n\r\n");
    peer_start(&p);
    bide_auto bide_session *s = bide_session_new_with(&session);
    EXPECT_NOT_NULL(s);
    args.url = args.url ? args.url : peer_url(&p, path);
    bide_auto bide_response *r = bide_request_with(s, method, &args);
    if (!r)
        FAIL("%s", bide_error_text());
    EXPECT_EQ(peer_stop(&p), 1);
    return p.seen;
}

#define SENT(method, path, ...) sent_with((bide_session_args){0}, method, path, (bide_request_args){__VA_ARGS__})

/* The line of a field, without its name; NULL if it is not there; it must not be there twice. */
static const char *field(const char *head, const char *name)
{
    static char value[4][256];
    static unsigned turn;
    char start[64];
    snprintf(start, sizeof start, "\r\n%s: ", name);
    const char *at = strcasestr(head, start);
    if (!at)
        return NULL;
    EXPECT_NULL(strcasestr(at + 1, start));
    at += strlen(start);
    char *out = value[turn++ % 4];
    snprintf(out, sizeof value[0], "%.*s", (int)strcspn(at, "\r"), at);
    return out;
}

static bool begins(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

/* ---- the request line and Host ---- */

TEST(client_plain_get_sends_five_lines_and_nothing_else, .real_time = true)
{
    const char *head = SENT("GET", "/a");
    char want[256];

    snprintf(want, sizeof want, "GET /a HTTP/1.1\r\nHost: %s\r\nUser-Agent: bide/0.1.0\r\nAccept: */*\r\n"
             "Accept-Encoding: gzip, deflate, br, zstd\r\n\r\n",
             field(head, "Host"));
    EXPECT_STR(head, want);
}

/* R1 */
TEST(client_host_is_the_authority_and_stands_first, .real_time = true)
{
    struct peer p = PEER(ASK "HTTP/1.1 204 No Content\r\n\r\n", ASK "HTTP/1.1 204 No Content\r\n\r\n");
    char detour[64], want[64];
    peer_start(&p);
    snprintf(detour, sizeof detour, "::127.0.0.1:%d", p.port);
    bide_auto bide_session *s = bide_session_new(.connect_to = (const char *const[]){detour, NULL});

    bide_release(bide_get(s, "http://Example.TEST:80/"));
    bide_release(bide_get(s, "http://example.test:81/"));

    peer_stop(&p);
    snprintf(want, sizeof want, "GET / HTTP/1.1\r\nHost: example.test\r\n");
    EXPECT_TRUE(begins(p.seen, want));
    EXPECT_CONTAINS(p.seen, "Host: example.test:81\r\n");
}

/* R1 */
TEST(client_a_host_of_the_user_replaces_ours, .real_time = true)
{
    const char *head = SENT("GET", "/", .headers = BIDE_PAIRS({"hOST", "other.test"}));

    EXPECT_STR(field(head, "Host"), "other.test");
    EXPECT_TRUE(begins(head, "GET / HTTP/1.1\r\nHost: other.test\r\n"));
}

/* R2 */
TEST(client_targets_are_in_origin_form, .real_time = true)
{
    EXPECT_TRUE(begins(SENT("GET", ""), "GET / HTTP/1.1\r\n"));
    EXPECT_TRUE(begins(SENT("GET", "?q"), "GET /?q HTTP/1.1\r\n"));
    EXPECT_TRUE(begins(SENT("OPTIONS", ""), "OPTIONS * HTTP/1.1\r\n"));
    EXPECT_TRUE(begins(SENT("OPTIONS", "/"), "OPTIONS / HTTP/1.1\r\n"));
    EXPECT_TRUE(begins(SENT("OPTIONS", "?q"), "OPTIONS /?q HTTP/1.1\r\n"));
}

/* R3 */
TEST(client_fragment_and_user_info_are_not_sent, .real_time = true)
{
    struct peer p = PEER(ASK "HTTP/1.1 204 No Content\r\n\r\n");
    char url[128];
    peer_start(&p);
    bide_auto bide_session *s = bide_session_new();
    snprintf(url, sizeof url, "http://us%%65r:p%%40ss@127.0.0.1:%d/x#frag", p.port);

    bide_auto bide_response *r = bide_get(s, url);

    EXPECT_NOT_NULL(r);
    EXPECT_NULL(strchr(bide_response_url(r), '@'));
    peer_stop(&p);
    EXPECT_TRUE(begins(p.seen, "GET /x HTTP/1.1\r\n"));
    EXPECT_NULL(strchr(p.seen, '@'));
    EXPECT_STR(field(p.seen, "Authorization"), "Basic dXNlcjpwQHNz"); /* user:p@ss */
}

/* R3 */
TEST(client_user_info_and_authorization_together_are_refused, .real_time = true)
{
    bide_auto bide_session *s = bide_session_new();

    EXPECT_FAILED(bide_get(s, "http://u:p@127.0.0.1:1/", .headers = BIDE_PAIRS({"Authorization", "Bearer x"})), -EINVAL,
                  "GET http://127.0.0.1:1/", "user and password in the URL");
    EXPECT_FAILED(bide_get(s, "http://a%3Ab:p@127.0.0.1:1/"), BIDE_EURL, "", "a colon in the user name");
}

/* R4 */
TEST(client_targets_are_kept_as_given, .real_time = true)
{
    EXPECT_TRUE(begins(SENT("GET", "//a%2Fb%2fc//d?x=%41&y=a+b"), "GET //a%2Fb%2fc//d?x=%41&y=a+b HTTP/1.1\r\n"));
    EXPECT_TRUE(begins(SENT("GET", "/a/./b/../c"), "GET /a/c HTTP/1.1\r\n"));
    EXPECT_TRUE(begins(SENT("GET", "/a b\xc3\xa9"), "GET /a%20b%C3%A9 HTTP/1.1\r\n"));
    EXPECT_TRUE(begins(SENT("GET", "/p?a=1", .query = BIDE_PAIRS({"b c", "d&e"}, {"f", ""})),
                       "GET /p?a=1&b+c=d%26e&f= HTTP/1.1\r\n"));
}

/* R5 */
TEST(client_methods_are_sent_as_given, .real_time = true)
{
    bide_auto bide_session *s = bide_session_new();

    EXPECT_TRUE(begins(SENT("get", "/"), "get / HTTP/1.1\r\n"));
    EXPECT_TRUE(begins(SENT("M-SEARCH", "/"), "M-SEARCH / HTTP/1.1\r\n"));
    EXPECT_TRUE(begins(SENT("GET", "/", .method = "PURGE"), "PURGE / HTTP/1.1\r\n"));
    EXPECT_FAILED(bide_request(s, "", "http://h/"), -EINVAL, "", "method");
    EXPECT_FAILED(bide_request(s, "GET /x HTTP/1.1\r\nEvil: 1", "http://h/"), -EINVAL, "", "method");
    EXPECT_FAILED(bide_request(s, "CONNECT", "http://h/"), -EINVAL, "", "tunnel");
}

/* ---- fields ---- */

/* D8 */
TEST(client_fields_that_could_end_a_line_or_a_message_are_refused, .real_time = true)
{
    static const bide_pair bad[][2] = {{{"A\r\nB", "c"}},
                                       {{"A", "b\r\nEvil: 1"}},
                                       {{"A", "b\nc"}},
                                       {{"A", "b\rc"}},
                                       {{"A", "\x01"}},
                                       {{"A", "b\x7f"}},
                                       {{"", "b"}},
                                       {{"A b", "c"}},
                                       {{"A:", "c"}},
                                       {{"A", " b"}},
                                       {{"A", "b\t"}},
                                       {{"A", NULL}},
                                       {{"Content-Length", "0"}},
                                       {{"transfer-ENCODING", "chunked"}},
                                       {{"Connection", "close, X-Hop"}},
                                       {{"Host", ""}}};
    bide_auto bide_session *s = bide_session_new();

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        EXPECT_FAILED(bide_get(s, "http://127.0.0.1:1/", .headers = bad[i]), -EINVAL, "GET http://127.0.0.1:1/: header",
                      "");
        bide_session *none = bide_session_new(.headers = bad[i]);
        EXPECT_FAILED(none, -EINVAL, "header", "");
    }
    EXPECT_FAILED(bide_get(s, "http://127.0.0.1:1/", .headers = BIDE_PAIRS({"Host", "a"}, {"hOST", "b"})), -EINVAL,
                  "header Host", "exactly one");
    bide_session *none = bide_session_new(.headers = BIDE_PAIRS({"Host", "a"}));
    EXPECT_FAILED(none, -EINVAL, "header Host", "");
    none = bide_session_new(.user_agent = "a\nb");
    EXPECT_FAILED(none, -EINVAL, "User-Agent", "");
}

/* D8 */
TEST(client_headers_have_a_ceiling, .real_time = true)
{
    static char huge[70000];
    memset(huge, 'x', sizeof huge - 1);
    bide_auto bide_session *s = bide_session_new();

    EXPECT_FAILED(bide_get(s, "http://127.0.0.1:1/", .headers = BIDE_PAIRS({"A", huge})), BIDE_ELIMIT, "",
                  "65536 bytes");
    bide_session *none = bide_session_new(.headers = BIDE_PAIRS({"A", huge}));
    EXPECT_FAILED(none, BIDE_ELIMIT, "", "65536 bytes");
}

#define SESSION_SENT(session_args, ...) \
    sent_with((bide_session_args)session_args, "GET", "/", (bide_request_args){__VA_ARGS__})
#define ARGS(...)   \
    {               \
        __VA_ARGS__ \
    }

TEST(client_headers_of_the_session_are_merged_with_those_of_the_request, .real_time = true)
{
    const bide_pair *ours = BIDE_PAIRS({"X-One", "1"}, {"Accept", "a/b"}, {"X-Two", "2"});
    const char *head = SESSION_SENT(ARGS(.headers = ours, .user_agent = "me"));
    EXPECT_STR(field(head, "X-One"), "1");
    EXPECT_STR(field(head, "X-Two"), "2");
    EXPECT_STR(field(head, "Accept"), "a/b");
    EXPECT_STR(field(head, "User-Agent"), "me");

    head = SESSION_SENT(ARGS(.headers = ours), .headers = BIDE_PAIRS({"x-one", "one"}, {"X-three", "3"}));
    EXPECT_STR(field(head, "X-One"), "one");
    EXPECT_STR(field(head, "X-Two"), "2");
    EXPECT_STR(field(head, "X-Three"), "3");
    EXPECT_STR(field(head, "User-Agent"), "bide/0.1.0");
}

TEST(client_an_empty_value_removes_a_header, .real_time = true)
{
    const char *head = SESSION_SENT(ARGS(.headers = BIDE_PAIRS({"X-One", "1"})),
                                    .headers = BIDE_PAIRS({"X-One", ""}, {"user-agent", ""}, {"ACCEPT", ""}));
    EXPECT_NULL(field(head, "X-One"));
    EXPECT_NULL(field(head, "User-Agent"));
    EXPECT_NULL(field(head, "Accept"));

    head = SESSION_SENT(ARGS(.headers = BIDE_PAIRS({"Accept", ""}), .user_agent = ""));
    EXPECT_NULL(field(head, "Accept"));
    EXPECT_NULL(field(head, "User-Agent"));
}

TEST(client_repeated_headers_of_a_request_are_all_sent_in_order, .real_time = true)
{
    EXPECT_CONTAINS(SENT("GET", "/", .headers = BIDE_PAIRS({"X-A", "1"}, {"X-B", "2"}, {"X-A", "3"})),
                    "X-A: 1\r\nX-B: 2\r\nX-A: 3\r\n");
}

/* ---- the body's description ---- */

/* R7 */
TEST(client_a_body_is_sent_with_its_length, .real_time = true)
{
    const char *head = SENT("POST", "/", .data = {"a\0b", 3});
    EXPECT_STR(field(head, "Content-Length"), "3");
    EXPECT_NULL(field(head, "Content-Type"));
    EXPECT_NULL(field(head, "Transfer-Encoding"));
    EXPECT_MEM(strstr(head, "\r\n\r\n") + 4, "a\0b", 3);

    head = SENT("GET", "/", .data = {"", 0});
    EXPECT_STR(field(head, "Content-Length"), "0");
}

TEST(client_json_and_form_bodies_say_what_they_are, .real_time = true)
{
    const char *head = SENT("POST", "/", .json = "{\"a\":1}");
    EXPECT_STR(field(head, "Content-Type"), "application/json");
    EXPECT_CONTAINS(head, "Content-Length: 7\r\n\r\n{\"a\":1}");

    head = SENT("PUT", "/", .form = BIDE_PAIRS({"a b", "c&d"}, {"e", "\xc3\xa9"}));
    EXPECT_STR(field(head, "Content-Type"), "application/x-www-form-urlencoded");
    EXPECT_CONTAINS(head, "\r\n\r\na+b=c%26d&e=%C3%A9");

    head = SENT("POST", "/", .json = "1", .headers = BIDE_PAIRS({"content-type", "application/x+json"}));
    EXPECT_STR(field(head, "Content-Type"), "application/x+json");
}

TEST(client_two_bodies_are_refused, .real_time = true)
{
    bide_auto bide_session *s = bide_session_new();

    EXPECT_FAILED(bide_post(s, "http://127.0.0.1:1/", .json = "1", .data = {"1", 1}), -EINVAL,
                  "POST http://127.0.0.1:1/", "only one of");
}

/* R9 */
TEST(client_no_content_has_a_length_of_0_only_where_a_body_is_usual, .real_time = true)
{
    EXPECT_STR(field(SENT("POST", "/"), "Content-Length"), "0");
    EXPECT_STR(field(SENT("PUT", "/"), "Content-Length"), "0");
    EXPECT_STR(field(SENT("PATCH", "/"), "Content-Length"), "0");
    EXPECT_NULL(field(SENT("GET", "/"), "Content-Length"));
    EXPECT_NULL(field(SENT("HEAD", "/"), "Content-Length"));
    EXPECT_NULL(field(SENT("DELETE", "/"), "Content-Length"));
}

/* R11 */
TEST(client_nothing_follows_the_body, .real_time = true)
{
    struct peer p = PEER(ASK ASK OK("0"));
    peer_start(&p);
    bide_auto bide_session *s = bide_session_new();

    /* The peer asks for a second request: all that comes before the end of the first is what we sent. */
    bide_release(bide_post(s, peer_url(&p, "/"), .json = "12", .read_timeout_ms = 50));
    bide_error_clear();
    peer_stop(&p);

    EXPECT_CONTAINS(p.seen, "\r\n\r\n12");
    EXPECT_STR(strstr(p.seen, "\r\n\r\n"), "\r\n\r\n12");
}

/* R12 */
TEST(client_connection_close_of_the_user_ends_the_connection, .real_time = true)
{
    struct peer p = PEER(ASK OK("0") ASK OK("0") STALL, ASK OK("0") STALL);
    peer_start(&p);
    bide_auto bide_session *s = bide_session_new();
    bide_auto bide_session *all = bide_session_new(.headers = BIDE_PAIRS({"Connection", "Close"}));

    expect_get(s, peer_url(&p, "/"), "");
    EXPECT_EQ(bide_session_get_stats(s).idle, 1);
    bide_auto bide_response *r = bide_get(s, peer_url(&p, "/"), .headers = BIDE_PAIRS({"Connection", "Close"}));
    expect_body(r, "");
    EXPECT_TRUE(bide_response_reused(r));
    EXPECT_EQ(bide_session_get_stats(s).open, 0);
    expect_get(all, peer_url(&p, "/"), "");
    EXPECT_EQ(bide_session_get_stats(all).open, 0);

    peer_stop(&p);
    EXPECT_EQ(count_of(p.seen, "Connection: Close\r\n"), 2);
}

/* R13 */
TEST(client_encodings_are_accepted_as_the_user_says, .real_time = true)
{
    EXPECT_STR(field(SENT("GET", "/"), "Accept-Encoding"), "gzip, deflate, br, zstd");
    EXPECT_STR(field(SENT("GET", "/", .headers = BIDE_PAIRS({"Accept-Encoding", "gzip"})), "Accept-Encoding"), "gzip");
}

/* ---- URLs ---- */

TEST(client_bad_urls_are_named_without_their_password, .real_time = true)
{
    bide_auto bide_session *s = bide_session_new();

    EXPECT_FAILED(bide_get(s, "nonsense"), BIDE_EURL, "nonsense", "not a valid URL");
    EXPECT_FAILED(bide_get(s, "ftp://h/"), BIDE_EURL, "ftp://h/", "scheme");
    EXPECT_FAILED(bide_get(s, "ws://h/"), BIDE_EURL, "ws://h/", "scheme");
    EXPECT_FAILED(bide_get(s, "http://a\r\nb/"), BIDE_EURL, "http://a??b/", "");
    BIDE_IGNORE(bide_get(s, "http://user:secret@h:99999/"));
    EXPECT_NULL(strstr(bide_error_text(), "secret"));
    EXPECT_ERR(bide_error_code(), BIDE_EURL);
    bide_error_clear();
}
