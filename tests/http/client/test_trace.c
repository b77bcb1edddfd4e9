/* SPDX-License-Identifier: MIT */
/*
 * test_trace.c - what is seen of requests: their steps, as .trace is noted of them, in which order, with what; and responses that
 * are not released when their session is.
 */
#include "client.h"
#include "wire.h"

#include "base/checker.h"

#define OK(length) "HTTP/1.1 200 OK\r\nContent-Length: " length "\r\n\r\n"

/* What was noted, one step a line: "2 redirect 302 http://..." */
static struct noted {
    char text[8192];
    int64_t last_us;
    int waited; /* what waiting in the callback gave */
    bool tries_to_wait;
} noted;

static void add(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void add(const char *format, ...)
{
    size_t n = strlen(noted.text);
    va_list args;

    va_start(args, format);
    vsnprintf(noted.text + n, sizeof noted.text - n, format, args);
    va_end(args);
}

static void note(const bide_trace_event *e, void *arg)
{
    EXPECT_TRUE(arg == &noted);
    EXPECT_LE(sizeof *e, e->size);
    EXPECT_LE(noted.last_us, e->time_us);
    noted.last_us = e->kind == BIDE_TRACE_END || e->kind == BIDE_TRACE_ERROR ? 0 : e->time_us;
    EXPECT_TRUE(e->method && e->url);
    add("%d %s", e->attempt, bide_trace_name(e->kind));
    if (e->host)
        add(" %s", e->host);
    if (e->address)
        add(" %s", e->address);
    if (e->bytes)
        add(" %d bytes", (int)e->bytes);
    if (e->status)
        add(" %d", e->status);
    if (e->delay_ms)
        add(" %d ms", (int)e->delay_ms);
    if (e->to)
        add(" to %s", e->to);
    if (e->connection && e->connection->tls_version)
        add(" %s%s", e->connection->tls_version, e->connection->tls_resumed ? " resumed" : "");
    if (e->code)
        add(" (%s)", e->error);
    add("\n");
    if (noted.tries_to_wait)
        noted.waited = bide_sleep_ms(1);
}

#define TRACED .trace = note, .trace_arg = &noted

static void begin_telling(void)
{
    noted = (struct noted){.text = ""};
}

/* ---- over wires ---- */

TEST(trace_of_a_get_has_its_steps_in_order)
{
    struct wire w = WIRE(ON_REQUEST, AFTER(10, OK("5")), AFTER(10, "hello"), ON_REQUEST, SAY(OK("2") "ok"));
    bide_auto bide_session *s = bide_session_new(TRACED);
    wires_plant(s, &w, 1);
    begin_telling();
    bide_auto bide_response *r = bide_get(s, "http://user:secret@a.test/");
    EXPECT_STR(bide_text(r), "hello");
    size_t head = bide_response_sent_head(r).len;
    char expected[512];
    snprintf(expected, sizeof expected,
             "0 request\n1 connection_made\n1 head_sent\n1 request_sent %zu bytes\n1 first_byte\n1 head 38 bytes 200\n"
             "1 body_received 5 bytes\n1 end 5 bytes 200\n", head);
    EXPECT_STR(noted.text, expected);

    begin_telling();
    bide_auto bide_response *again = bide_get(s, "http://a.test/", .trace_arg = &noted);
    EXPECT_CONTAINS(noted.text, "1 connection_reused\n");
    EXPECT_CONTAINS(noted.text, "1 head 38 bytes 200\n1 body_received 2 bytes\n1 end 2 bytes 200\n");
    EXPECT_STR(bide_text(again), "ok");
}

TEST(trace_of_a_body_that_nobody_reads_ends)
{
    struct wire w = WIRE(ON_REQUEST, SAY(OK("5")));
    bide_auto bide_session *s = bide_session_new(TRACED);
    wires_plant(s, &w, 1);
    begin_telling();
    bide_response *r = bide_get(s, "http://a.test/");
    EXPECT_NULL(strstr(noted.text, "end"));
    bide_release(r);
    EXPECT_CONTAINS(noted.text, "1 end 200\n");
}

TEST(trace_of_a_redirect_and_a_retry_says_what_comes_next)
{
    struct wire w[] = {WIRE(ON_REQUEST, SAY("HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 2\r\n\r\nno"), ON_REQUEST,
                            SAY("HTTP/1.1 503 No\r\nRetry-After: 2\r\nContent-Length: 0\r\n\r\n"), ON_REQUEST, SAY(OK("2") "ok"))};
    bide_auto bide_session *s = bide_session_new(TRACED, .retry = {.attempts = 3, .on_status = BIDE_STATUSES(503)});
    wires_plant(s, w, 1);
    begin_telling();
    bide_auto bide_response *r = bide_get(s, "http://a.test/here");

    EXPECT_EQ(bide_status(r), 200);
    EXPECT_CONTAINS(noted.text, "1 redirect 302 to http://a.test/there\n2 connection_reused\n");
    EXPECT_CONTAINS(noted.text, "2 retry 503 2"); /* from two seconds on */
    EXPECT_CONTAINS(noted.text, " ms\n3 connection_reused\n");
    EXPECT_CONTAINS(noted.text, "3 end 2 bytes 200\n");
    EXPECT_NULL(strstr(strstr(noted.text, " end") + 1, " end")); /* one */
}

/* R14, R25 */
TEST(trace_of_an_upload_has_the_wait_and_interim_answers)
{
    struct wire w = WIRE(ON_REQUEST, AFTER(5, "HTTP/1.1 100 Continue\r\n\r\n"), AFTER(5, "HTTP/1.1 103 Early Hints\r\n\r\n" OK("0")));
    bide_auto bide_session *s = bide_session_new(TRACED);
    wires_plant(s, &w, 1);
    begin_telling();
    bide_auto bide_response *r = bide_put(s, "http://a.test/", .data = {"0123456789", 10}, .expect_continue = true);

    EXPECT_EQ(bide_status(r), 200);
    EXPECT_CONTAINS(noted.text, "1 head_sent\n1 continue_start 1000 ms\n1 first_byte\n1 continue_end 100\n1 body_sent 10 bytes\n1 request_sent");
    EXPECT_CONTAINS(noted.text, "1 interim 25 bytes 100\n1 interim 28 bytes 103\n1 head 38 bytes 200\n1 end 200\n");
}

TEST(trace_of_a_request_that_waits_for_a_place_says_so)
{
    struct wire w = WIRE(ON_REQUEST, SAY(OK("2")), AFTER(20, "ok"), ON_REQUEST, SAY(OK("0")));
    bide_auto bide_session *s = bide_session_new(TRACED, .limit = 1);
    wires_plant(s, &w, 1);
    bide_response *first = bide_get(s, "http://a.test/1");
    begin_telling();
    bide_response *second = bide_get(s, "http://a.test/2", .queue_timeout_ms = 10);

    EXPECT_NULL(second);
    EXPECT_CONTAINS(noted.text, "0 request\n1 queue_start\n1 queue_end (timed out)\n1 error (GET http://a.test/2: timed out");
    bide_release(first);
}

TEST(trace_of_a_body_that_is_cut_off_ends_with_the_error)
{
    struct wire w = WIRE(ON_REQUEST, SAY(OK("5") "he"), END_AFTER(5));
    bide_auto bide_session *s = bide_session_new(TRACED);
    wires_plant(s, &w, 1);
    begin_telling();
    bide_auto bide_response *r = bide_get(s, "http://a.test/");

    EXPECT_NULL(bide_text(r));
    EXPECT_CONTAINS(noted.text, "1 body_received 2 bytes\n1 error 200 (GET http://a.test/: the body ended after 2 of 5 bytes)\n");
    EXPECT_NULL(strstr(noted.text, "1 end"));
}

TEST(trace_callback_cannot_wait_and_leaves_the_record_alone)
{
    struct wire w = WIRE(ON_REQUEST, SAY(OK("2") "ok"));
    bide_auto bide_session *s = bide_session_new(TRACED);
    wires_plant(s, &w, 1);
    begin_telling();
    noted.tries_to_wait = true;
    bide_auto bide_response *r = bide_get(s, "http://a.test/");

    EXPECT_EQ(noted.waited, BIDE_ENOLOOP);
    EXPECT_EQ(bide_status(r), 200);
    EXPECT_EQ(bide_error_code(), 0);
    EXPECT_NOT_NULL(bide_current_task());
}

TEST(trace_names_are_those_of_the_steps)
{
    EXPECT_STR(bide_trace_name(BIDE_TRACE_REQUEST), "request");
    EXPECT_STR(bide_trace_name(BIDE_TRACE_ERROR), "error");
    EXPECT_STR(bide_trace_name((enum bide_trace_kind)0), "");
    EXPECT_STR(bide_trace_name((enum bide_trace_kind)-1), "");
    EXPECT_STR(bide_trace_name((enum bide_trace_kind)1000), "");
}

/* ---- over sockets ---- */

static int hello(bide_exchange *x, void *arg)
{
    (void)arg;
    return bide_respond_text(x, 200, "hello");
}

/* Nobody listens at the first. */
static int two_addresses(const char *name, bide_addresses *out, void *arg)
{
    (void)name;
    (void)arg;
    BIDE_TRY(bide_addresses_add(out, "127.0.0.9"));
    return bide_addresses_add(out, "127.0.0.1");
}

TEST(trace_of_a_connection_has_each_address_with_its_error, .real_time = true)
{
    bide_auto bide_server *server = bide_server_start(hello);
    bide_auto bide_session *s = bide_session_new(TRACED, .resolve = two_addresses);
    char url[64];
    snprintf(url, sizeof url, "http://a.test:%d/", bide_server_port(server));
    begin_telling();
    bide_auto bide_response *r = bide_get(s, url);

    EXPECT_EQ(bide_status(r), 200);
    EXPECT_CONTAINS(noted.text, "1 dns_start a.test\n1 dns_end a.test\n1 connect_start a.test 127.0.0.9\n"
                               "1 connect_end a.test 127.0.0.9 (Connection refused)\n1 connect_start a.test 127.0.0.1\n"
                               "1 connect_end a.test 127.0.0.1\n1 connection_made\n");
}

TEST(trace_of_a_name_without_an_address_ends_with_why, .real_time = true)
{
    bide_auto bide_session *s = bide_session_new(TRACED, .resolve_to = (const char *const[]){"a.test:80:127.0.0.1", NULL},
                                                 .ipv6_only = true);
    begin_telling();
    bide_auto bide_response *r = bide_get(s, "http://a.test/");

    EXPECT_NULL(r);
    EXPECT_CONTAINS(noted.text, "1 dns_start a.test\n1 dns_end a.test (");
    EXPECT_CONTAINS(noted.text, "1 error (GET http://a.test/: ");
}

TEST(trace_of_tls_has_what_was_agreed_on, .real_time = true)
{
    certs_make();
    bide_auto bide_server *server = bide_server_start(hello, .cert_file = cert_path("good"), .key_file = cert_path("good"));
    char to[64];
    snprintf(to, sizeof to, "::127.0.0.1:%d", bide_server_port(server));
    const char *const tos[] = {to, NULL};
    bide_auto bide_session *s = bide_session_new(TRACED, .ca_file = cert_path("ca"), .connect_to = tos);
    bide_auto bide_session *distrusts = bide_session_new(TRACED, .connect_to = tos);

    for (int i = 0; i < 2; i++) {
        begin_telling();
        bide_auto bide_response *r = bide_get(s, "https://good.test/");
        EXPECT_EQ(bide_status(r), 200);
        EXPECT_CONTAINS(noted.text, i ? "1 tls_start good.test\n1 tls_end good.test TLSv1.3 resumed\n1 connection_made TLSv1.3 resumed\n"
                                     : "1 tls_start good.test\n1 tls_end good.test TLSv1.3\n1 connection_made TLSv1.3\n");
        EXPECT_EQ(bide_session_close_idle(s), 1);
    }
    begin_telling();
    bide_auto bide_response *r = bide_get(distrusts, "https://good.test/");
    EXPECT_NULL(r);
    EXPECT_CONTAINS(noted.text, "1 tls_end good.test (");
    EXPECT_CONTAINS(noted.text, "1 error (GET https://good.test/: ");
}

/* ---- responses that are left: who made them is reported, to who debugs ---- */

static char heard[16384];
static bide_response *kept[8];
static struct peer p = PEER(ASK OK("2") "ok");

static void note_message(bide_loop *loop, const char *message, void *arg)
{
    (void)loop, (void)arg;
    strcat(strcat(heard, message), "\n");
}

static int keeps(int n)
{
    bide_auto bide_session *s = bide_session_new();

    for (int i = 0; i < n; i++)
        kept[i] = bide_get(s, peer_url(&p, i == 0 ? "/first" : "/page"));
    EXPECT_EQ(bide_session_get_stats(s).responses, n);
    return 0;
}

/* Runs it on a loop of its own, whose reports are heard. */
static void run(int n, bool debug)
{
    p.repeat = true;
    peer_start(&p);
    if (debug)
        setenv("BIDE_DEBUG", "1", 1);
    bide_loop *loop = bide_loop_new();
    bide_loop_set_exception_handler(loop, note_message, NULL);
    EXPECT_EQ(bide_run_until_complete_with(loop, BIDE_AW(bide_coro(keeps, n))), 0);
    EXPECT_EQ(bide_loop_close(loop), 0);
    for (int i = 0; i < n; i++)
        bide_release(kept[i]);
    bide_release(loop);
    peer_stop(&p);
}

UNIT(left_responses_are_reported_with_url_and_place)
{
    run(2, true);
    EXPECT_CONTAINS(heard, "a session is released before 2 of its responses\nnot released: response GET http://127.0.0.1:");
    EXPECT_CONTAINS(heard, "/first, made at ");
    EXPECT_CONTAINS(heard, "/page, made at ");
    EXPECT_CONTAINS(heard, "not released when the event loop was closed: 2 responses");
    EXPECT_CONTAINS(heard, "not released: 2 responses (the first: GET http://127.0.0.1:");
}

UNIT(left_responses_by_the_dozen_are_counted)
{
    run(8, true);
    EXPECT_CONTAINS(heard, "a session is released before 8 of its responses\n");
    EXPECT_CONTAINS(heard, "not released: ... and 3 more of them\n");
}

UNIT(left_responses_are_nobodys_business_without_debugging)
{
    if (bide__memcheck_runs() || BIDE_IS_ASAN || getenv("BIDE_DEBUG"))
        SKIP("there is a ledger");
    run(2, false);
    EXPECT_STR(heard, "");
}
