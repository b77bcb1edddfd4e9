/* SPDX-License-Identifier: MIT */
/*
 * test_situations.c - URLs, sessions, responses, servers and exchanges: what each function gives in each situation
 * (harness/situations.h).
 *
 * "No loop" has no objects of a loop: for them see "a closed loop".  An exchange ends with its handler, so there is none then.
 */
#include <bide/date.h>
#include <bide/http.h>
#include <bide/json.h>
#include <bide/server.h>
#include <bide/url.h>

#include "harness/situations.h"

#define NOWHERE "http://127.0.0.1:1/"

/* What belongs to the loop of the test. */
static struct {
    bide_server *server;
    bide_session *session;
    bide_response *response; /* its body was not read */
    bide_response *whole;    /* it was */
    bide_exchange *exchange; /* the handler has not answered yet */
    bide_url *url;
} theirs;

/* ---- the functions: each gives a code, 0 or more if it works ---- */

static int made(void *object)
{
    if (!object)
        return bide_error_code();
    (bide_release)(object);
    return 0;
}

/* It gives nothing, false, 0 or NULL where it fails, and what is on record says why. */
#define RECORD(name, call) static int name(void) { BIDE_IGNORE(call); return bide_error_code(); }
#define CODE(name, call) static int name(void) { return (int)(call); }
#define MADE(name, call) static int name(void) { return made(call); }

static int never_called(bide_exchange *x, void *arg)
{
    (void)arg;
    return bide_respond_text(x, 200, "");
}

/* Threads: any */
MADE(url_parse, bide_url_parse("http://a.example/"))
MADE(url_resolve, bide_url_resolve(theirs.url, "b"))
MADE(url_with_query, bide_url_with_query(theirs.url, BIDE_PAIRS({"a", "b"})))
RECORD(url_href, bide_url_href(theirs.url))
CODE(url_port, bide_url_port(theirs.url))
CODE(url_authority, bide_url_find_authority("http://a/", 9).host.len == 1 ? 0 : -1)
CODE(idempotent, bide_method_is_idempotent("GET") ? 0 : -1)
CODE(retry_after, bide_retry_after_ms("1", NULL, 0))
static int date(void) { char out[BIDE_HTTP_DATE_SIZE]; return bide_http_date_format(out, 0)[0] ? 0 : -1; }
MADE(get_blocking, bide_get_blocking(NOWHERE))

MADE(session_new, bide_session_new(.limit = 2))
RECORD(session_stats, bide_session_get_stats(theirs.session).requests)
MADE(get, bide_get(theirs.session, NOWHERE))
MADE(post, bide_post(theirs.session, NOWHERE, .json = "1"))
MADE(request, bide_request(theirs.session, "PURGE", NOWHERE))

RECORD(status, bide_status(theirs.response))
RECORD(reason, bide_reason(theirs.response))
RECORD(ok, bide_ok(theirs.response))
RECORD(header, bide_header(theirs.response, "Content-Type"))
static int header_at(void) { bide_pair p; return bide_header_at(theirs.response, 0, &p) ? 0 : bide_error_code(); }
RECORD(oddity, bide_response_oddity(theirs.response))
RECORD(response_url, bide_response_url(theirs.response))
CODE(redirects, bide_response_redirects(theirs.response))
CODE(http_minor, bide_response_http_minor(theirs.response))
RECORD(peer, bide_response_peer(theirs.response))
RECORD(reused, bide_response_reused(theirs.response))
RECORD(timing, bide_response_timing(theirs.response).head)
RECORD(body_bytes, bide_response_body_bytes(theirs.response))
CODE(raise_for_status, bide_raise_for_status(theirs.response))
RECORD(body, bide_body(theirs.response).data)
RECORD(text, bide_text(theirs.response))
RECORD(json, bide_json(theirs.response))
static int read_chunk(void) { const char *data; return (int)bide_read_chunk(theirs.response, &data); }
RECORD(body_again, bide_body(theirs.whole).data)

MADE(server_start, bide_server_start(never_called))
CODE(server_port, bide_server_port(theirs.server))
RECORD(server_url, bide_server_url(theirs.server))
RECORD(server_stats, bide_server_get_stats(theirs.server).requests)
RECORD(server_count, bide_server_count(theirs.server, 200))
CODE(server_stop, bide_server_stop(theirs.server, 0))

RECORD(method, bide_exchange_method(theirs.exchange))
RECORD(target, bide_exchange_target(theirs.exchange))
RECORD(path, bide_exchange_path(theirs.exchange))
RECORD(query, bide_exchange_query(theirs.exchange))
RECORD(param, bide_exchange_param(theirs.exchange, "a"))
RECORD(exchange_header, bide_exchange_header(theirs.exchange, "Host"))
static int exchange_header_at(void) { bide_pair p; return bide_exchange_header_at(theirs.exchange, 0, &p) ? 0 : bide_error_code(); }
RECORD(exchange_peer, bide_exchange_peer(theirs.exchange))
RECORD(exchange_status, bide_exchange_status(theirs.exchange))
CODE(exchange_gone, bide_exchange_gone(theirs.exchange) ? 0 : bide_error_code())
RECORD(exchange_body, bide_exchange_body(theirs.exchange).data)
CODE(respond_header, bide_respond_header(theirs.exchange, "A", "b"))
CODE(respond, bide_respond(theirs.exchange, 200, "text/plain", "a", 1))
CODE(respond_text, bide_respond_text(theirs.exchange, 200, "a"))
CODE(respond_json, bide_respond_json(theirs.exchange, 200, "%d", 1))
CODE(respond_begin, bide_respond_begin(theirs.exchange, 200, "text/plain"))
CODE(respond_chunk, bide_respond_chunk(theirs.exchange, "a", 1))
CODE(respond_end, bide_respond_end(theirs.exchange))

#define ANYWHERE {W, W, W, W, W, W}
#define SAME(code) {code, code, code, code, code, code}
#define LOOKED_AT {NEVER, W, W, W, W, W}                            /* what never changes */
#define OWN {NEVER, W, W, BIDE_ESTATE, BIDE_ESTATE, W}               /* the loop's own */
#define WAITS {NEVER, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ESTATE, BIDE_ESTATE, BIDE_ESTATE}
#define EXCHANGE_READ {NEVER, W, NEVER, W, W, NEVER}
#define OF_EXCHANGE {NEVER, W, NEVER, BIDE_ESTATE, BIDE_ESTATE, NEVER}
#define EXCHANGE_WAITS {NEVER, BIDE_ENOLOOP, NEVER, BIDE_ESTATE, BIDE_ESTATE, NEVER}

static const struct situation_row rows[] = {
    {"bide_url_parse", url_parse, ANYWHERE},
    {"bide_url_resolve", url_resolve, LOOKED_AT},
    {"bide_url_with_query", url_with_query, LOOKED_AT},
    {"bide_url_href", url_href, LOOKED_AT},
    {"bide_url_port", url_port, LOOKED_AT},
    {"bide_url_find_authority", url_authority, ANYWHERE},
    {"bide_method_is_idempotent", idempotent, ANYWHERE},
    {"bide_retry_after_ms", retry_after, ANYWHERE},
    {"bide_http_date_format", date, ANYWHERE},
    {"bide_get_blocking", get_blocking, SAME(-ECONNREFUSED)},
    {"bide_session_new", session_new, ANYWHERE},
    {"bide_session_get_stats", session_stats, OWN},
    {"bide_status", status, LOOKED_AT},
    {"bide_reason", reason, LOOKED_AT},
    {"bide_ok", ok, LOOKED_AT},
    {"bide_header", header, LOOKED_AT},
    {"bide_header_at", header_at, LOOKED_AT},
    {"bide_response_oddity", oddity, LOOKED_AT},
    {"bide_response_url", response_url, LOOKED_AT},
    {"bide_response_redirects", redirects, LOOKED_AT},
    {"bide_response_http_minor", http_minor, LOOKED_AT},
    {"bide_response_peer", peer, LOOKED_AT},
    {"bide_response_reused", reused, LOOKED_AT},
    {"bide_response_timing", timing, OWN},
    {"bide_response_body_bytes", body_bytes, OWN},
    {"bide_raise_for_status", raise_for_status, LOOKED_AT},
    {"bide_body of what was read", body_again, OWN},
    {"bide_body", body, WAITS},
    {"bide_text", text, WAITS},
    {"bide_json", json, WAITS},
    {"bide_read_chunk", read_chunk, WAITS},
    /* A session goes on in another loop when its responses were released. */
    {"bide_get", get, WAITS},
    {"bide_post", post, WAITS},
    {"bide_request", request, WAITS},
    {"bide_server_start", server_start, {BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ENOLOOP, W}},
    {"bide_server_port", server_port, LOOKED_AT},
    {"bide_server_url", server_url, LOOKED_AT},
    {"bide_server_get_stats", server_stats, OWN},
    {"bide_server_count", server_count, OWN},
    {"bide_exchange_method", method, EXCHANGE_READ},
    {"bide_exchange_target", target, EXCHANGE_READ},
    {"bide_exchange_path", path, EXCHANGE_READ},
    {"bide_exchange_query", query, EXCHANGE_READ},
    {"bide_exchange_param", param, OF_EXCHANGE},
    {"bide_exchange_header", exchange_header, EXCHANGE_READ},
    {"bide_exchange_header_at", exchange_header_at, EXCHANGE_READ},
    {"bide_exchange_peer", exchange_peer, EXCHANGE_READ},
    {"bide_exchange_status", exchange_status, OF_EXCHANGE},
    {"bide_exchange_gone", exchange_gone, OF_EXCHANGE},
    {"bide_exchange_body", exchange_body, EXCHANGE_WAITS},
    {"bide_respond_header", respond_header, OF_EXCHANGE},
    {"bide_respond", respond, EXCHANGE_WAITS},
    {"bide_respond_text", respond_text, EXCHANGE_WAITS},
    {"bide_respond_json", respond_json, EXCHANGE_WAITS},
    {"bide_respond_begin", respond_begin, EXCHANGE_WAITS},
    {"bide_respond_chunk", respond_chunk, EXCHANGE_WAITS},
    {"bide_respond_end", respond_end, EXCHANGE_WAITS},
    {"bide_server_stop", server_stop, WAITS},
};

static void check_all(enum situation s)
{
    situation_check(rows, sizeof rows / sizeof *rows, s);
}

/* ---- the situations ---- */

static bide_future *answered; /* the handler of /waits goes on */
static bide_future *arrived;

static int answer(bide_exchange *x, void *arg)
{
    static const char large[1 << 20];
    (void)arg;

    if (strcmp(bide_exchange_path(x), "/waits") == 0) {
        theirs.exchange = x;
        BIDE_TRY(bide_future_set_result(arrived, 0));
        BIDE_TRY(bide_await(answered));
        theirs.exchange = NULL;
        return bide_respond_text(x, 200, "late");
    }
    return bide_respond(x, 200, "text/plain", large, sizeof large);
}

static int post_and_wait(void)
{
    char url[80];

    snprintf(url, sizeof url, "%s/waits?a=b", bide_server_url(theirs.server));
    bide_auto bide_response *r = bide_post(theirs.session, url, .json = "[1]");
    return r ? bide_status(r) : bide_raise();
}

static void make_theirs(void)
{
    theirs.server = bide_server_start(answer);
    EXPECT_TRUE(theirs.server);
    theirs.session = bide_session_new();
    theirs.response = bide_get(theirs.session, bide_server_url(theirs.server));
    theirs.whole = bide_get(theirs.session, bide_server_url(theirs.server));
    EXPECT_TRUE(theirs.response && bide_body(theirs.whole).data);
    theirs.url = bide_url_parse("http://a.example/");
}

static void end_theirs(void)
{
    bide_release(theirs.url);
    bide_release(theirs.response);
    bide_release(theirs.whole);
    bide_release(theirs.session);
    bide_release(theirs.server);
}

/* Ends what it began, whatever the looks did. */
static void look_while_a_handler_waits(void (*look)(void))
{
    arrived = bide_future_new();
    answered = bide_future_new();
    bide_auto bide_task *asks = bide_create_task(bide_coro(post_and_wait));

    EXPECT_EQ(bide_await(arrived), 0);
    look();
    EXPECT_EQ(bide_future_set_result(answered, 0), 0);
    EXPECT_EQ(bide_await(asks), 200);
    bide_release(arrived);
    bide_release(answered);
}

UNIT(http_situation_without_a_loop_follows_the_contracts)
{
    check_all(NO_LOOP);
}

static void look_in_callback(void)
{
    situation_check_in_callback(check_all);
}

TEST(http_situation_in_a_callback_follows_the_contracts, .real_time = true)
{
    make_theirs();
    look_while_a_handler_waits(look_in_callback);
    end_theirs();
}

static int makes_theirs(void)
{
    make_theirs();
    return 0;
}

UNIT(http_situation_after_the_loop_was_closed_follows_the_contracts)
{
    EXPECT_EQ(bide_run(bide_coro(makes_theirs)), 0);
    check_all(CLOSED);
    end_theirs();
}

UNIT(http_situation_in_a_task_of_another_loop_follows_the_contracts)
{
    EXPECT_EQ(bide_run(bide_coro(makes_theirs)), 0);
    situation_check_in_second_loop(check_all);
    end_theirs();
}

static void look_in_thread(void)
{
    situation_check_in_thread(check_all);
}

TEST(http_situation_in_another_thread_follows_the_contracts, .real_time = true)
{
    make_theirs();
    look_while_a_handler_waits(look_in_thread);
    end_theirs();
}

static void look_in_child(void)
{
    situation_check_in_child(check_all);
}

TEST(http_situation_in_a_forked_child_follows_the_contracts, .real_time = true)
{
    make_theirs();
    look_while_a_handler_waits(look_in_child);
    end_theirs();
}
