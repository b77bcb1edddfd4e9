/* SPDX-License-Identifier: MIT */
/* test_shared.c - sessions that share the connections of one: who uses which, whose limits hold, and in which order they may go. */
#include <bide/server.h>

#include "../wire.h"
#include "harness/certs.h"

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

static int get_status(bide_session *s, const char *url)
{
    bide_auto bide_response *r = bide_get(s, url);

    return r && bide_body(r).data ? bide_status(r) : bide_error_code();
}

/* ---- what is shared, and what is not ---- */

TEST(shared_connections_carry_what_is_each_sessions_own)
{
    struct wire w = WIRE(ON_REQUEST, SAY("HTTP/1.1 200 OK\r\nSet-Cookie: one=1\r\nContent-Length: 0\r\n\r\n"), ON_REQUEST, SAY(OK), ON_REQUEST,
                         SAY(OK));
    bide_auto bide_session *one = bide_session_new(.auth = BIDE_BASIC("me", "secret"), .headers = BIDE_PAIRS({"X-Who", "one"}));
    bide_auto bide_session *two = bide_session_new(.connections_of = one, .headers = BIDE_PAIRS({"X-Who", "two"}), .timeout_ms = 5000);
    bide_auto bide_session *three = bide_session_new(.connections_of = two);
    wires_plant(one, &w, 1);

    EXPECT_EQ(get_status(one, "http://a/"), 200);
    EXPECT_EQ(get_status(two, "http://a/second"), 200);
    EXPECT_EQ(get_status(three, "http://a/third"), 200);
    const char *second = strstr(w.seen, "GET /second"), *third = strstr(w.seen, "GET /third");
    EXPECT_NOT_NULL(second);
    EXPECT_CONTAINS(w.seen, "X-Who: one\r\n");
    EXPECT_CONTAINS(second, "X-Who: two\r\n");
    EXPECT_NULL(strstr(second, "Authorization"));
    EXPECT_NULL(strstr(second, "Cookie"));
    EXPECT_NULL(strstr(third, "X-Who"));
    EXPECT_EQ(bide_session_get_stats(three).connections, 1);
    EXPECT_EQ(bide_session_get_stats(two).requests, 1);
    EXPECT_EQ(bide_session_get_stats(two).reused, 1);
    EXPECT_EQ(bide_session_close_idle(three), 1);
    EXPECT_EQ(bide_session_get_stats(one).open, 0);
}

TEST(shared_limits_are_those_of_the_connections)
{
    struct wire w = WIRE(ON_REQUEST, AFTER(1000, OK), ON_REQUEST, SAY(OK));
    bide_auto bide_session *one = bide_session_new(.limit = 1);
    bide_auto bide_session *two = bide_session_new(.connections_of = one, .queue_timeout_ms = 300);
    bide_auto bide_session *three = bide_session_new(.connections_of = one);
    wires_plant(one, &w, 1);
    bide_auto bide_task *t = bide_create_task(bide_coro(get_status, one, "http://a/"));

    EXPECT_EQ(bide_sleep_ms(10), 0);
    EXPECT_ERR(get_status(two, "http://a/"), BIDE_ETIMEDOUT);
    EXPECT_CONTAINS(bide_error_text(), "no connection was free within 300 ms");
    EXPECT_EQ(get_status(three, "http://a/"), 200);
    EXPECT_EQ(bide_await(t), 200);
}

TEST(shared_connections_options_are_refused_where_they_mean_nothing)
{
    static const char *const to[] = {"a:1:b:2", NULL};
    bide_auto bide_session *one = bide_session_new();

    EXPECT_NULL(bide_session_new(.connections_of = one, .limit = 5));
    EXPECT_ERR(bide_error_code(), -EINVAL);
    EXPECT_CONTAINS(bide_error_text(), ".limit is for the session");
    EXPECT_NULL(bide_session_new(.connections_of = one, .connect_to = to));
    EXPECT_CONTAINS(bide_error_text(), ".connect_to is for");
    EXPECT_NULL(bide_session_new(.connections_of = one, .max_head_bytes = 100000));
    EXPECT_CONTAINS(bide_error_text(), ".max_head_bytes is for");
    EXPECT_NULL(bide_session_new(.connections_of = one, .proxy = "nonsense://x")); /* and leaves no share behind */
}

/* ---- D1: who may use which ---- */

static int answer(bide_exchange *x, void *arg)
{
    (void)arg;
    return bide_respond_text(x, 200, "ok");
}

/* Each of these wants another way or another TLS: none is given a connection of another, and each keeps its own. */
TEST(shared_connections_are_for_those_who_want_the_same_way_and_tls, .real_time = true)
{
    char plain[100], secure[100], proxy[100], with_user[120], socket[200];
    cert_make((struct cert_args){.file = "ca", .is_ca = true});
    cert_make((struct cert_args){.file = "good", .issuer = "ca", .names = "DNS:good.test,IP:127.0.0.1"});
    cert_make((struct cert_args){.file = "me", .issuer = "ca", .names = "DNS:me.test"});
    bide_auto bide_server *s = bide_server_start(answer), *tls = bide_server_start(answer, .cert_file = cert_path("good"), .key_file = cert_path("good"));
    snprintf(plain, sizeof plain, "%s/", bide_server_url(s));
    snprintf(proxy, sizeof proxy, "%s", bide_server_url(s));
    snprintf(with_user, sizeof with_user, "http://me:pw@127.0.0.1:%d", bide_server_port(s));
    snprintf(secure, sizeof secure, "https://127.0.0.1:%d/", bide_server_port(tls));
    snprintf(socket, sizeof socket, "%s/none.socket", test_tmpdir());
    bide_auto bide_session *base = bide_session_new(.ca_file = cert_path("ca"));
    const char *ca = cert_path("ca"), *me = cert_path("me");
    bide_auto bide_tls *context = bide_tls_new(.ca_file = ca, .alpn = "http/1.1");
    struct {
        bide_session *session;
        const char *url;
        int is_new; /* it opens a connection of its own */
    } all[] = {
        {bide_session_new(.connections_of = base), plain, 1},
        {bide_session_new(.connections_of = base), plain, 0},
        {bide_session_new(.connections_of = base, .proxy = proxy), "http://a.test/", 1},
        {bide_session_new(.connections_of = base, .proxy = proxy), "http://b.test/", 0},
        {bide_session_new(.connections_of = base, .proxy = with_user), "http://a.test/", 1},
        {bide_session_new(.connections_of = base, .proxy = proxy), plain, 0}, /* forwarded too */
        {bide_session_new(.connections_of = base, .ca_file = ca), secure, 1},
        {bide_session_new(.connections_of = base, .ca_file = ca), secure, 0},
        {bide_session_new(.connections_of = base, .insecure = true), secure, 1},
        {bide_session_new(.connections_of = base, .tls_options = BIDE_TLS(.ca_file = ca, .cert_file = me)), secure, 1},
        {bide_session_new(.connections_of = base, .tls_options = BIDE_TLS(.ca_file = ca, .max_version = 0x0303)), secure, 1},
        {bide_session_new(.connections_of = base, .tls_options = BIDE_TLS(.ca_file = ca, .server_name = "good.test")), secure, 1},
        {bide_session_new(.connections_of = base, .tls = context), secure, 1},
        {bide_session_new(.connections_of = base, .tls = context), secure, 0},
        {base, secure, 0},
    };

    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        uint64_t before = bide_session_get_stats(base).connections;
        EXPECT_NOT_NULL(all[i].session);
        int code = get_status(all[i].session, all[i].url);
        if (code != 200 || (int)(bide_session_get_stats(base).connections - before) != all[i].is_new)
            FAIL("row %zu: %d, and %d connections were opened (%s)", i, code,
                 (int)(bide_session_get_stats(base).connections - before), bide_error_text());
    }
    bide_auto bide_session *nowhere = bide_session_new(.connections_of = base, .unix_socket = socket);
    EXPECT_ERR(get_status(nowhere, plain), -ENOENT); /* and not over one of those */
    for (size_t i = 0; all[i].session != base; i++)
        bide_release(all[i].session);
}

/* ---- the end ---- */

/* The order of release is that of the digits: 1 the first session, 2 the second, 3 a response of the second. */
static void release_in_order(const char *order)
{
    struct wire w[2] = {WIRE(ON_REQUEST, SAY("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok")), WIRE(ON_REQUEST, SAY(OK))};
    bide_session *one = bide_session_new(), *two = bide_session_new(.connections_of = one);
    bide_response *r;
    wires_plant(one, w, 2);

    EXPECT_NOT_NULL(r = bide_get(two, "http://a/"));
    EXPECT_EQ(get_status(one, "http://a/"), 200);
    EXPECT_FALSE(w[1].closed);
    for (bool has_one = true, has_two = true; *order; order++) {
        if (*order == '3')
            bide_release(r);
        else
            bide_release(*order == '1' ? one : two);
        has_one &= *order != '1';
        has_two &= *order != '2';
        if (w[1].closed != (!has_one && !has_two)) /* the idle one */
            FAIL("after '%c' the idle connection is %s", *order, w[1].closed ? "closed" : "open");
    }
    EXPECT_TRUE(w[0].closed);
}

TEST(shared_connections_end_with_the_last_session_in_any_order)
{
    static const char *const orders[] = {"123", "132", "213", "231", "312", "321"};

    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++)
        release_in_order(orders[i]);
}

static int get_of(void *session)
{
    return get_status(session, "http://a/");
}

TEST(shared_connections_are_used_after_their_first_session_has_gone)
{
    struct wire w = WIRE(ON_REQUEST, SAY(OK), ON_REQUEST, SAY(OK));
    bide_session *one = bide_session_new();
    bide_auto bide_session *two = bide_session_new(.connections_of = one);
    wires_plant(one, &w, 1);

    EXPECT_EQ(get_of(one), 200);
    bide_release(one);
    EXPECT_EQ(get_of(two), 200);
    EXPECT_EQ(bide_session_get_stats(two).reused, 1);
}

static int use_both(bide_session *one, bide_session *two)
{
    struct wire w = WIRE(ON_REQUEST, SAY(OK), ON_REQUEST, SAY(OK), ON_REQUEST, SAY(OK));
    wires_plant(one, &w, 1);
    EXPECT_EQ(get_status(two, "http://a/"), 200);
    EXPECT_EQ(get_status(one, "http://a/"), 200);
    EXPECT_EQ(get_status(two, "http://a/"), 200);
    bide_session_close_idle(one);
    return 0;
}

/* One after the other, each with its own. */
UNIT(shared_connections_move_from_loop_to_loop)
{
    bide_auto bide_session *one = bide_session_new(), *two = bide_session_new(.connections_of = one);

    for (int i = 0; i < 2; i++)
        EXPECT_EQ(bide_run(bide_coro(use_both, one, two)), 0);
}
