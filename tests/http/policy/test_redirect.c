/* SPDX-License-Identifier: MIT */
/* test_redirect.c - where a redirect leads, what goes along, what does not. */
#include <bide/stream.h>

#include "client.h"

#define TO(status, location) "HTTP/1.1 " status " Moved\r\nContent-Length: 0\r\nLocation: " location "\r\n\r\n"
#define HERE                 OK("4") "here"

/* What the peer saw of the second request, after an answer `first` to a request with these arguments. */
static const char *second_request(const char *first, const char *method, bide_request_args args)
{
    static struct peer p;
    char script[1024];
    snprintf(script, sizeof script, ASK "%s" ASK HERE, first);
    p = (struct peer)PEER(script);
    peer_start(&p);
    bide_auto bide_session *s = bide_session_new();
    args.url = peer_url(&p, "/dir/first?q");
    bide_auto bide_response *r = bide_request_with(s, method, &args);
    if (!r)
        FAIL("%s", bide_error_text());
    EXPECT_EQ(bide_response_redirects(r), 1);
    peer_stop(&p);
    EXPECT_EQ(p.nrequests, 2);
    return p.seen + p.starts[1];
}

static bool begins(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

#define SECOND(first, method, ...) second_request(first, method, (bide_request_args){.size = sizeof(bide_request_args), __VA_ARGS__})

/* ---- the method and the body ---- */

/* R62, R63 */
TEST(client_post_becomes_get_at_301_302_303, .real_time = true)
{
    static const char *const first[] = {TO("301", "/b"), TO("302", "/b"), TO("303", "/b")};

    for (int i = 0; i < 3; i++) {
        const char *second =
            SECOND(first[i], "POST", .data = {"x", 1},
                   .headers = BIDE_PAIRS({"Content-Type", "a/b"}, {"Content-Language", "de"}, {"X-Kept", "1"}));
        EXPECT_TRUE(begins(second, "GET /b HTTP/1.1\r\n"));
        EXPECT_NULL(strcasestr(second, "\r\nContent-"));
        EXPECT_CONTAINS(second, "\r\nX-Kept: 1\r\n");
        EXPECT_STR(strstr(second, "\r\n\r\n"), "\r\n\r\n");
    }
}

/* R62 */
TEST(client_other_methods_are_kept_at_301_302_and_become_get_at_303, .real_time = true)
{
    EXPECT_TRUE(begins(SECOND(TO("301", "/b"), "PUT", .data = {"x", 1}), "PUT /b HTTP/1.1\r\n"));
    EXPECT_TRUE(begins(SECOND(TO("302", "/b"), "DELETE"), "DELETE /b HTTP/1.1\r\n"));
    EXPECT_TRUE(begins(SECOND(TO("303", "/b"), "PUT", .data = {"x", 1}), "GET /b HTTP/1.1\r\n"));
    EXPECT_TRUE(begins(SECOND(TO("303", "/b"), "HEAD"), "HEAD /b HTTP/1.1\r\n"));
}

/* R62 */
TEST(client_307_and_308_repeat_method_and_body, .real_time = true)
{
    static const char *const first[] = {TO("307", "/b"), TO("308", "/b")};

    for (int i = 0; i < 2; i++) {
        const char *second = SECOND(first[i], "POST", .json = "{\"k\":1}");
        EXPECT_TRUE(begins(second, "POST /b HTTP/1.1\r\n"));
        EXPECT_CONTAINS(second, "Content-Type: application/json\r\nContent-Length: 7\r\n\r\n{\"k\":1}");
    }
}

/* ---- where to ---- */

/* R61 */
TEST(client_locations_are_resolved, .real_time = true)
{
    EXPECT_TRUE(begins(SECOND(TO("302", "b"), "GET"), "GET /dir/b HTTP/1.1\r\n"));
    EXPECT_TRUE(begins(SECOND(TO("302", "../c?x"), "GET"), "GET /c?x HTTP/1.1\r\n"));
    EXPECT_TRUE(begins(SECOND(TO("302", "?only"), "GET"), "GET /dir/first?only HTTP/1.1\r\n"));
    EXPECT_TRUE(begins(SECOND(TO("302", "/a b\xc3\xa9"), "GET"), "GET /a%20b%C3%A9 HTTP/1.1\r\n"));
    EXPECT_TRUE(begins(SECOND(TO("302", "/same\r\nLocation: /same"), "GET"), "GET /same HTTP/1.1\r\n"));
    EXPECT_TRUE(begins(SECOND(TO("302", "*"), "OPTIONS"), "OPTIONS /dir/* HTTP/1.1\r\n"));
}

/* R61 */
TEST(client_the_fragment_goes_along_unless_there_is_a_new_one, .real_time = true)
{
    struct peer p = PEER(ASK TO("302", "/b") ASK HERE ASK TO("302", "/c#new") ASK HERE);
    peer_start(&p);
    bide_auto bide_session *s = bide_session_new();

    bide_auto bide_response *kept = bide_get(s, peer_url(&p, "/a#old"));
    EXPECT_STR(strrchr(bide_response_url(kept), '/'), "/b#old");
    bide_auto bide_response *changed = bide_get(s, peer_url(&p, "/a#old"));
    EXPECT_STR(strrchr(bide_response_url(changed), '/'), "/c#new");
    peer_stop(&p);
}

/* R60 */
TEST(client_what_is_no_redirect_is_the_answer, .real_time = true)
{
    static const char *const scripts[] = {ASK TO("300", "/b"),
                                          ASK TO("304", "/b"),
                                          ASK TO("305", "/b"),
                                          ASK TO("306", "/b"),
                                          ASK "HTTP/1.1 302 F\r\nContent-Length: 0\r\n\r\n",
                                          ASK TO("302", "")};

    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
        struct peer p = PEER(scripts[i]);
        peer_start(&p);
        bide_auto bide_session *s = bide_session_new();
        bide_auto bide_response *r = bide_get(s, peer_url(&p, "/a"));
        EXPECT_NOT_NULL(r);
        EXPECT_EQ(bide_status(r) / 100, 3);
        EXPECT_EQ(bide_response_redirects(r), 0);
        peer_stop(&p);
    }
}

static void expect_refused(const char *script, const char *part)
{
    struct peer p = PEER(script);
    peer_start(&p);
    bide_auto bide_session *s = bide_session_new();
    EXPECT_FAILED(bide_get(s, peer_url(&p, "/a")), BIDE_EREDIRECT, peer_url(&p, "/a: "), part);
    peer_stop(&p);
}

/* R61, R68, D21 */
TEST(client_bad_locations_are_refused, .real_time = true)
{
    expect_refused(ASK TO("302", "ftp://h/"), "redirected to ftp://h/");
    expect_refused(ASK TO("302", "file:///etc/passwd"), "redirected to file:///etc/passwd");
    expect_refused(ASK TO("302", "ws://h/"), "neither http nor https");
    expect_refused(ASK TO("302", "http://h:99999/"), "redirected to http://h:99999/");
    expect_refused(ASK TO("302", "http://u:secret@h:99999/"), "redirected to http://@h:99999/");
    expect_refused(ASK TO("302", "/a\r\nLocation: /b"), "several places");
}

/* R70 */
TEST(client_redirects_have_a_limit, .real_time = true)
{
    struct peer p = PEER(ASK TO("302", "/a") ASK TO("302", "/a") ASK TO("302", "/a") ASK TO("302", "/a"));
    peer_start(&p);
    bide_auto bide_session *s = bide_session_new(.max_redirects = 1);

    EXPECT_FAILED(bide_get(s, peer_url(&p, "/a")), BIDE_EREDIRECT, peer_url(&p, "/a"), " (redirected from http://");
    bide_auto bide_response *r = bide_get(s, peer_url(&p, "/a"), .max_redirects = BIDE_NONE);
    EXPECT_NOT_NULL(r);
    EXPECT_EQ(bide_status(r), 302);
    EXPECT_STR(bide_header(r, "location"), "/a");
    peer_stop(&p);
}

/* R70 */
TEST(client_all_hops_have_one_deadline, .real_time = true)
{
    struct peer p = PEER(ASK PAUSE TO("302", "/b") ASK PAUSE TO("302", "/c") ASK PAUSE TO("302", "/d")
                             ASK PAUSE TO("302", "/e") ASK PAUSE TO("302", "/f"));
    peer_start(&p);
    bide_auto bide_session *s = bide_session_new();

    EXPECT_FAILED(bide_get(s, peer_url(&p, "/a"), .timeout_ms = 80), BIDE_ETIMEDOUT, "): timed out", "80 ms");
    peer_stop(&p);
}

/* R70 */
TEST(client_a_circle_of_redirects_is_seen, .real_time = true)
{
    struct peer one = PEER(ASK TO("302", "/a") ASK TO("302", "/a") STALL);
    struct peer two = PEER(ASK TO("307", "/b") ASK TO("307", "/a") ASK TO("307", "/b") STALL);
    peer_start(&one);
    peer_start(&two);
    {
        bide_auto bide_session *s = bide_session_new();
        EXPECT_FAILED(bide_get(s, peer_url(&one, "/a")), BIDE_EREDIRECT, "redirected to /a: in a circle", "");
        EXPECT_FAILED(bide_post(s, peer_url(&two, "/a"), .json = "1"), BIDE_EREDIRECT, "redirected to /b: in a circle", "");
    }
    peer_stop(&one);
    peer_stop(&two);
    EXPECT_EQ(two.nrequests, 3);
}

#define COOKIE_TO(cookie, to) "HTTP/1.1 302 Redirect\r\nSet-Cookie: " cookie "\r\nContent-Length: 0\r\nLocation: " to "\r\n\r\n"

/* R70: what is the same URL is another request when a cookie has come, another method, or another place that it leads to. */
TEST(client_the_same_url_in_another_state_is_no_circle, .real_time = true)
{
    struct peer cookies = PEER(ASK COOKIE_TO("n=1", "/a") ASK COOKIE_TO("n=2", "/a") ASK COOKIE_TO("n=3", "/a") ASK OK("2") "ok");
    struct peer method = PEER(ASK TO("303", "/a") ASK TO("302", "/a") ASK TO("302", "/b") ASK OK("2") "ok");
    peer_start(&cookies);
    peer_start(&method);
    {
        bide_auto bide_session *s = bide_session_new();
        expect_get(s, peer_url(&cookies, "/a"), "ok");
        bide_auto bide_response *r = bide_post(s, peer_url(&method, "/a"), .json = "1");
        expect_body(r, "ok");
    }
    peer_stop(&cookies);
    peer_stop(&method);
}

/* R71 */
TEST(client_the_body_of_a_redirect_is_no_obstacle, .real_time = true)
{
    struct peer p = PEER(ASK "HTTP/1.1 302 F\r\nLocation: /b\r\nContent-Length: 6\r\n\r\nbefore" ASK
                             "HTTP/1.1 302 F\r\nLocation: /c\r\nContent-Length: 1000000\r\n\r\nonly this" STALL,
                         ASK HERE);
    peer_start(&p);
    bide_auto bide_session *s = bide_session_new();

    bide_auto bide_response *r = bide_get(s, peer_url(&p, "/a"));
    expect_body(r, "here");
    EXPECT_EQ(bide_response_redirects(r), 2);
    EXPECT_EQ(peer_stop(&p), 2);
}

/* ---- IPv6 zones ---- */

/* One answer to one connection; the head of what was asked goes to `seen`. */
struct once {
    bide_listener *listener;
    char answer[256], seen[1024];
};

static int answer_once(struct once *o)
{
    bide_auto bide_stream *s = bide_accept(o->listener);

    ssize_t n = bide_read(s, o->seen, sizeof o->seen - 1);
    BIDE_TRY((int)n);
    o->seen[n] = '\0';
    return bide_write(s, o->answer, strlen(o->answer));
}

static const char *ask_zone(struct once *o, const char *zone, const char *location)
{
    static char landed[128];
    char url[64], target[64];
    bide_auto bide_session *s = bide_session_new(.max_redirects = 1);
    int port = bide_listener_port(o->listener);
    struct once *second = o + 1;
    snprintf(url, sizeof url, "http://[::1%s]:%d/", zone, port);
    snprintf(target, sizeof target, location, port);
    snprintf(o->answer, sizeof o->answer, "HTTP/1.1 302 F\r\nConnection: close\r\nContent-Length: 0\r\nLocation: %s\r\n\r\n", target);
    strcpy(second->answer, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    bide_auto bide_task *one = bide_create_task(bide_coro(answer_once, o));
    bide_auto bide_task *two = bide_create_task(bide_coro(answer_once, second));

    bide_auto bide_response *r = bide_get(s, url);
    snprintf(landed, sizeof landed, "%s", r ? bide_response_url(r) : "");
    return landed;
}

/* R110 */
TEST(client_a_zone_is_connected_to_kept_and_left_out_of_host, .real_time = true)
{
    bide_auto bide_listener *l = bide_listen("::1", 0);
    char url[64], host[64];
    struct once o[2] = {{.listener = l}, {.listener = l}};
    if (!l)
        SKIP("no IPv6");

    snprintf(host, sizeof host, "\r\nHost: [::1]:%d\r\n", bide_listener_port(l));
    snprintf(url, sizeof url, "http://[::1%%25lo]:%d/b#", bide_listener_port(l));
    EXPECT_STR(ask_zone(o, "%25lo", "http://[::1]:%d/b#"), url); /* the server could not know it */
    EXPECT_CONTAINS(o[0].seen, host);
    EXPECT_CONTAINS(o[1].seen, host);
    EXPECT_STR(ask_zone(o, "%lo", "/b#"), url);
    EXPECT_CONTAINS(o[1].seen, host);
}

/* R110 */
TEST(client_a_redirect_does_not_choose_an_interface, .real_time = true)
{
    expect_refused(ASK TO("302", "http://[fe80::1%25lo]/"), "which link an address is on");
}

/* ---- what the user set ---- */

/* first -> b -> a, three origins; the last two answers of it go to the origin of the first. */
struct journey {
    struct peer first, b, a;
    char away[256], back[256];
};

static void travel(struct journey *j, const char *status, const char *method, bide_session_args session,
                   bide_request_args args)
{
    *j = (struct journey){.a = PEER(ASK HERE)};
    peer_start(&j->a);
    snprintf(j->back, sizeof j->back, ASK "HTTP/1.1 %s F\r\nContent-Length: 0\r\nLocation: %s\r\n\r\n", status,
             peer_url(&j->a, "/back"));
    j->b.scripts[0] = j->back;
    peer_start(&j->b);
    snprintf(j->away, sizeof j->away, ASK "HTTP/1.1 %s F\r\nContent-Length: 0\r\nLocation: %s\r\n\r\n", status,
             peer_url(&j->b, "/away"));
    j->first.scripts[0] = j->away;
    peer_start(&j->first);
    {
        bide_auto bide_session *s = bide_session_new_with(&session);
        char url[128];
        snprintf(url, sizeof url, "http://%s127.0.0.1:%d/", args.url ? args.url : "", j->first.port);
        args.url = url;
        bide_auto bide_response *r = bide_request_with(s, method, &args);
        expect_body(r, "here");
    }
    peer_stop(&j->first);
    peer_stop(&j->b);
    peer_stop(&j->a);
}

/* D2, R64, R66 */
TEST(client_what_the_user_set_does_not_cross_to_another_origin_nor_come_back, .real_time = true)
{
    struct journey j;

    travel(&j, "302", "GET",
           (bide_session_args){.size = sizeof(bide_session_args), .headers = BIDE_PAIRS({"Proxy-Authorization", "secret"}, {"X-All", "secret"})},
           (bide_request_args){.size = sizeof(bide_request_args), .headers = BIDE_PAIRS({"Authorization", "secret"}, {"Cookie", "c=secret"}, {"X-Api-Key", "secret"},
                                                     {"Host", "secret.test"}, {"Referer", "http://secret/"},
                                                     {"Cache-Control", "secret"}, {"Idempotency-Key", "secret"})});
    EXPECT_EQ(count_of(j.first.seen, "secret"), 9);
    EXPECT_EQ(count_of(j.b.seen, "secret"), 0);
    EXPECT_EQ(count_of(j.a.seen, "secret"), 0);
    EXPECT_EQ(count_of(j.b.seen, "\r\n"), 6); /* request line, Host, User-Agent, Accept, Accept-Encoding */

    travel(&j, "302", "GET", (bide_session_args){.size = sizeof(bide_session_args)}, (bide_request_args){.size = sizeof(bide_request_args), .url = "me:pw@"});
    EXPECT_EQ(count_of(j.first.seen, "Authorization: Basic"), 1);
    EXPECT_EQ(count_of(j.b.seen, "Authorization: Basic") + count_of(j.a.seen, "Authorization: Basic"), 0);
}

/* R64 */
TEST(client_what_says_nothing_about_the_user_goes_along, .real_time = true)
{
    static const bide_pair fields[] = {{"Accept", "a/b"}, {"Accept-Language", "de"}, {"Accept-Encoding", "x"},
                                       {"User-Agent", "u"}, {"Range", "bytes=0-"}, {"If-Match", "e"},
                                       {"If-Modified-Since", "d"}, {"If-None-Match", "f"}, {"If-Range", "g"},
                                       {"If-Unmodified-Since", "h"}, {NULL, NULL}};
    struct journey j;

    travel(&j, "302", "GET", (bide_session_args){.size = sizeof(bide_session_args)}, (bide_request_args){.size = sizeof(bide_request_args), .headers = fields});
    for (const bide_pair *p = fields; p->name; p++) {
        char line[64];
        snprintf(line, sizeof line, "\r\n%s: %s\r\n", p->name, p->value);
        EXPECT_EQ(count_of(j.a.seen, line), 1);
    }
}

/* R64 */
TEST(client_a_body_takes_along_what_describes_it, .real_time = true)
{
    struct journey j;

    travel(&j, "307", "POST", (bide_session_args){.size = sizeof(bide_session_args)},
           (bide_request_args){.size = sizeof(bide_request_args), .data = {"x", 1}, .headers = BIDE_PAIRS({"Content-Type", "a/b"}, {"X-Api-Key", "secret"})});
    EXPECT_CONTAINS(j.a.seen, "Content-Type: a/b\r\nContent-Length: 1\r\n\r\nx");
    EXPECT_EQ(count_of(j.a.seen, "secret"), 0);
}

/* R64 */
TEST(client_location_trusted_sends_all_but_the_host, .real_time = true)
{
    struct journey j;
    const bide_pair fields[] = {{"X-Api-Key", "secret"}, {"Host", "h.test"}, {NULL, NULL}};

    travel(&j, "302", "GET", (bide_session_args){.size = sizeof(bide_session_args), .location_trusted = true},
           (bide_request_args){.size = sizeof(bide_request_args), .url = "me:pw@", .headers = fields});
    EXPECT_CONTAINS(j.a.seen, "X-Api-Key: secret\r\n");
    EXPECT_CONTAINS(j.a.seen, "Authorization: Basic bWU6cHc=\r\n");
    EXPECT_NULL(strstr(j.a.seen, "h.test"));
    travel(&j, "302", "GET", (bide_session_args){.size = sizeof(bide_session_args)}, (bide_request_args){.size = sizeof(bide_request_args), .headers = fields, .location_trusted = true});
    EXPECT_CONTAINS(j.a.seen, "X-Api-Key: secret\r\n");
}

/* D2 */
TEST(client_credentials_stay_within_their_origin, .real_time = true)
{
    struct peer p = PEER(ASK TO("302", "/b") ASK HERE ASK TO("302", "/b") ASK HERE);
    char url[128];
    peer_start(&p);
    bide_auto bide_session *s = bide_session_new();

    snprintf(url, sizeof url, "http://me:pw@127.0.0.1:%d/", p.port);
    bide_release(bide_get(s, url));
    bide_release(bide_get(s, peer_url(&p, "/"), .headers = BIDE_PAIRS({"Cookie", "a=b"})));

    peer_stop(&p);
    EXPECT_EQ(count_of(p.seen, "Authorization: Basic bWU6cHc=\r\n"), 2);
    EXPECT_EQ(count_of(p.seen, "Cookie: a=b\r\n"), 2);
}

/* D14 */
TEST(client_user_info_in_a_location_is_not_used, .real_time = true)
{
    struct peer p = PEER(ASK HERE);
    char redirect[256];
    peer_start(&p);
    snprintf(redirect, sizeof redirect,
             ASK "HTTP/1.1 302 F\r\nContent-Length: 0\r\nLocation: http://evil:pw@127.0.0.1:%d/x\r\n\r\n", p.port);
    struct peer first = PEER(redirect);
    peer_start(&first);
    bide_auto bide_session *s = bide_session_new();

    bide_auto bide_response *r = bide_get(s, peer_url(&first, "/"));
    EXPECT_NOT_NULL(r);
    EXPECT_STR(bide_response_url(r), peer_url(&p, "/x"));
    peer_stop(&first);
    peer_stop(&p);
    EXPECT_NULL(strstr(p.seen, "Authorization"));
}

/* R68, D21 */
TEST(client_https_to_http_is_followed_without_what_the_user_set_and_never_with_a_body, .real_time = true)
{
    certs_make();
    struct peer p = {.scripts = {ASK HERE}, .repeat = true};
    char to[256];
    peer_start(&p);
    snprintf(to, sizeof to, ASK "HTTP/1.1 307 F\r\nContent-Length: 0\r\nLocation: %s\r\n\r\n", peer_url(&p, "/plain"));
    struct peer tls = {.scripts = {to}, .cert = "good", .repeat = true};
    peer_start(&tls);
    {
        bide_auto bide_session *s = bide_session_new(.ca_file = cert_path("ca"));
        EXPECT_FAILED(bide_post(s, peer_url(&tls, "/"), .data = {"x", 1}), BIDE_EREDIRECT, "/plain", "without TLS");
        EXPECT_EQ(p.taken, 0);
        expect_get(s, peer_url(&tls, "/"), "here");
        for (int trusted = 0; trusted < 2; trusted++) {
            bide_auto bide_response *r = bide_get(s, peer_url(&tls, "/"), .location_trusted = trusted,
                                                  .headers = BIDE_PAIRS({"Authorization", "secret"}, {"X-Key", "secret"}));
            expect_body(r, "here");
        }
    }
    peer_stop(&tls);
    peer_stop(&p);
    EXPECT_EQ(p.nrequests, 3);
    EXPECT_EQ(count_of(tls.seen, "secret"), 4);
    EXPECT_EQ(count_of(p.seen, "secret"), 0);
}

TEST(client_error_behind_a_redirect_has_not_the_status_of_the_redirect, .real_time = true)
{
    struct peer p = PEER(ASK TO("302", "http://127.0.0.1:1/"));
    peer_start(&p);
    bide_auto bide_session *s = bide_session_new();
    bide_error_info e;

    EXPECT_NULL(bide_get(s, peer_url(&p, "/a")));
    EXPECT_EQ(bide_error_get(&e), -ECONNREFUSED);
    EXPECT_EQ(e.http_status, 0);
    EXPECT_STR(e.url, "http://127.0.0.1:1/");
    bide_error_clear();
    peer_stop(&p);
}

/* ---- the user is asked ---- */

struct asked_hop {
    int calls, status, code;
    int64_t first_byte;
    char to[128];
};

static int note_hop(const bide_response *redirect, const char *to, void *arg)
{
    struct asked_hop *h = arg;

    h->calls++;
    h->status = bide_status(redirect);
    h->first_byte = bide_response_timing(redirect).first_byte;
    snprintf(h->to, sizeof h->to, "%s", to);
    return h->code == BIDE_EREDIRECT ? bide_fail(h->code, "not there") : h->code;
}

TEST(client_on_redirect_is_asked_before_each_hop, .real_time = true)
{
    struct peer p = PEER(ASK TO("302", "/b") ASK TO("308", "c?d") ASK HERE);
    peer_start(&p);
    bide_auto bide_session *s = bide_session_new();
    struct asked_hop h = {0};

    bide_auto bide_response *r = bide_get(s, peer_url(&p, "/a"), .on_redirect = note_hop, .on_redirect_arg = &h);
    expect_body(r, "here");
    EXPECT_EQ(h.calls, 2);
    EXPECT_EQ(h.status, 308);
    EXPECT_TRUE(h.first_byte >= 0);
    EXPECT_STR(h.to, peer_url(&p, "/c?d"));
    peer_stop(&p);
}

TEST(client_on_redirect_that_says_no_is_the_error, .real_time = true)
{
    struct peer p = PEER(ASK TO("302", "/b") ASK TO("302", "/b") ASK HERE);
    peer_start(&p);
    bide_auto bide_session *s = bide_session_new();
    struct asked_hop h = {.code = BIDE_EREDIRECT};
    bide_error_info e;

    EXPECT_NULL(bide_get(s, peer_url(&p, "/a"), .on_redirect = note_hop, .on_redirect_arg = &h));
    EXPECT_EQ(bide_error_get(&e), BIDE_EREDIRECT);
    EXPECT_EQ(e.http_status, 302);
    EXPECT_CONTAINS(bide_error_text(), "/a: not there");
    h.code = -EBUSY; /* without an error on record */
    EXPECT_FAILED(bide_get(s, peer_url(&p, "/a"), .on_redirect = note_hop, .on_redirect_arg = &h), -EBUSY, "/b", "on_redirect returned");
    expect_get(s, peer_url(&p, "/c"), "here"); /* the connection is whole */
    peer_stop(&p);
    EXPECT_EQ(h.calls, 2);
    EXPECT_EQ(p.nrequests, 3);
}
