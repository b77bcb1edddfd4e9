/* SPDX-License-Identifier: MIT */
/*
 * test_source.c - bodies that are not in memory: a source that takes its time, of known and unknown length, sent once or twice.
 *
 * A policy puts the source into the request, as the user's options will.  The peers are wires, on virtual time.
 */
#include "wire.h"

/* A source that sleeps before each of its pieces. */
struct slow_source {
    struct body_source source;
    const char *pieces[6];
    int delay_ms;
    int fails_with;  /* when the pieces are over */
    int at, asked, rewound;
};

static ssize_t slow_next(struct body_source *b, const char **data)
{
    struct slow_source *s = container_of(b, struct slow_source, source);
    int code = bide_sleep_ms(s->delay_ms);
    if (code < 0)
        return code;

    s->asked++;
    if (!s->pieces[s->at])
        return s->fails_with < 0 ? bide_fail(s->fails_with, "the source is broken") : 0;
    *data = s->pieces[s->at++];
    return (ssize_t)strlen(*data);
}

static int slow_rewind(struct body_source *b)
{
    struct slow_source *s = container_of(b, struct slow_source, source);

    s->at = 0;
    s->rewound++;
    return 0;
}

static const struct body_source_ops once_ops = {.next = slow_next};
static const struct body_source_ops repeatable_ops = {.next = slow_next, .rewind = slow_rewind};

#define SOURCE(len, ms, ...) {.source = {.ops = &once_ops, .length = (len)}, .delay_ms = (ms), .pieces = {__VA_ARGS__}}

/* ---- how it gets into a request ---- */

struct planter {
    struct policy policy;
    struct body_source *body;
    bool is_planted;
};

static int planter_before(struct policy *p, struct request *q)
{
    struct planter *planter = container_of(p, struct planter, policy);

    if (!planter->is_planted)
        q->head.body = planter->body;
    planter->is_planted = true;
    return 0;
}

static const struct policy_ops planter_ops = {.name = "planter", .before = planter_before};

/* One request with this body, on connections to these wires. */
static bide_response *put_on(bide_session *s, struct body_source *body, bide_request_args args)
{
    struct planter planter = {.policy.ops = &planter_ops, .body = body};
    struct policy *row[] = {&planter.policy};

    s->policies = row;
    s->npolicies = 1;
    args.size = sizeof args;
    args.url = args.url ? args.url : "http://a/";
    bide_response *r = bide_request_with(s, "PUT", &args);
    s->npolicies = 0;
    return r;
}

/* Chunks end like a head, so for the wire such a request is two. */
#define ON_CHUNKED_REQUEST ON_REQUEST, ON_REQUEST
#define OK_2 "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

static int64_t now_ms(void)
{
    return bide__loop_here->now_ns / NS_PER_MS;
}

/* ---- what goes over the wire ---- */

/* R8 */
TEST(source_of_unknown_length_goes_out_in_chunks)
{
    struct wire w = WIRE(ON_CHUNKED_REQUEST, SAY(OK_2));
    struct slow_source src = SOURCE(BODY_LENGTH_UNKNOWN, 10, "abc", "0123456789abcdefg");
    bide_auto bide_session *s = bide_session_new();
    wires_plant(s, &w, 1);

    bide_auto bide_response *r = put_on(s, &src.source, (bide_request_args){.url = NULL});
    EXPECT_STR(bide_text(r), "ok");
    EXPECT_CONTAINS(w.seen, "\r\nTransfer-Encoding: chunked\r\n");
    EXPECT_NULL(strstr(w.seen, "Content-Length"));
    EXPECT_STR(strstr(w.seen, "\r\n\r\n"), "\r\n\r\n3\r\nabc\r\n11\r\n0123456789abcdefg\r\n0\r\n\r\n");
    EXPECT_EQ(bide_session_get_stats(s).idle, 1);
}

TEST(source_with_a_length_goes_out_as_it_is)
{
    struct wire w = WIRE(ON_REQUEST, AFTER(100, OK_2));
    struct slow_source src = SOURCE(7, 10, "abc", "defg", "never asked for");
    bide_auto bide_session *s = bide_session_new();
    wires_plant(s, &w, 1);

    bide_auto bide_response *r = put_on(s, &src.source, (bide_request_args){.url = NULL});
    EXPECT_STR(bide_text(r), "ok");
    EXPECT_CONTAINS(w.seen, "\r\nContent-Length: 7\r\n");
    EXPECT_STR(strstr(w.seen, "\r\n\r\n"), "\r\n\r\nabcdefg");
    EXPECT_EQ(src.asked, 2);
}

static int look_at_head(struct wire *w)
{
    BIDE_TRY(bide_sleep_ms(50));
    EXPECT_CONTAINS(w->seen, "\r\n\r\n");
    EXPECT_NULL(strstr(w->seen, "\r\nlate"));
    return 0;
}

TEST(source_that_is_slow_does_not_keep_the_head_waiting)
{
    struct wire w = WIRE(ON_REQUEST, AFTER(300, OK_2));
    struct slow_source src = SOURCE(4, 200, "late");
    bide_auto bide_session *s = bide_session_new();
    wires_plant(s, &w, 1);

    bide_task *t = bide_create_task(bide_coro(look_at_head, &w));
    bide_auto bide_response *r = put_on(s, &src.source, (bide_request_args){.url = NULL});
    EXPECT_STR(bide_text(r), "ok");
    EXPECT_EQ(bide_await(t), 0);
    bide_release(t);
    EXPECT_STR(w.seen + w.nseen - 4, "late");
}

/* ---- sources that are not as they should be ---- */

static void expect_bad_source(struct slow_source *src, int code, const char *part)
{
    struct wire w = WIRE(ON_REQUEST);
    bide_auto bide_session *s = bide_session_new();
    wires_plant(s, &w, 1);

    EXPECT_NULL(put_on(s, &src->source, (bide_request_args){.url = NULL}));
    EXPECT_ERR(bide_error_code(), code);
    EXPECT_CONTAINS(bide_error_text(), "PUT http://a/: ");
    EXPECT_CONTAINS(bide_error_text(), part);
    EXPECT_TRUE(w.closed); /* half a request is on it */
    EXPECT_EQ(bide_session_get_stats(s).open, 0);
    bide_error_clear();
}

TEST(source_that_does_not_keep_to_its_length_is_an_error)
{
    struct slow_source longer = SOURCE(5, 1, "abc", "def"), shorter = SOURCE(5, 1, "abc");

    expect_bad_source(&longer, -EINVAL, "longer than the 5 bytes");
    expect_bad_source(&shorter, -EINVAL, "ends 2 bytes before its 5");
}

TEST(source_that_fails_ends_the_request_with_its_error)
{
    struct slow_source src = SOURCE(BODY_LENGTH_UNKNOWN, 1, "abc");

    src.fails_with = -EIO;
    expect_bad_source(&src, -EIO, "the source is broken");
}

TEST(source_that_stalls_ends_at_the_limit_of_all)
{
    struct wire w = WIRE(ON_REQUEST);
    struct slow_source src = SOURCE(4, 60000, "late");
    bide_auto bide_session *s = bide_session_new();
    wires_plant(s, &w, 1);

    int64_t t = now_ms();
    EXPECT_NULL(put_on(s, &src.source, (bide_request_args){.timeout_ms = 500}));
    EXPECT_EQ(now_ms() - t, 500);
    EXPECT_ERR(bide_error_code(), BIDE_ETIMEDOUT);
    EXPECT_CONTAINS(bide_error_text(), "not done within 500 ms (the body to send did not come)");
    EXPECT_TRUE(w.closed);
    bide_error_clear();
}

TEST(source_of_no_known_length_that_stalls_says_what_was_taken)
{
    struct wire w = WIRE(ON_REQUEST);
    struct slow_source src = SOURCE(BODY_LENGTH_UNKNOWN, 400, "one", "late");
    bide_auto bide_session *s = bide_session_new();
    char says[80];
    wires_plant(s, &w, 1);

    EXPECT_NULL(put_on(s, &src.source, (bide_request_args){.timeout_ms = 500}));
    snprintf(says, sizeof says, "(the body to send did not come); it has taken %zu bytes of the request", w.nseen);
    EXPECT_CONTAINS(bide_error_text(), says);
    bide_error_clear();
}

/* ---- an answer that comes early ---- */

/* R15 */
TEST(source_a_refusal_between_its_pieces_stops_it)
{
    struct wire w = WIRE(ON_REQUEST, AFTER(25, "HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno"));
    struct slow_source src = SOURCE(BODY_LENGTH_UNKNOWN, 10, "1", "2", "3", "4", "5");
    bide_auto bide_session *s = bide_session_new();
    wires_plant(s, &w, 1);

    bide_auto bide_response *r = put_on(s, &src.source, (bide_request_args){.url = NULL});
    EXPECT_EQ(bide_status(r), 413);
    EXPECT_STR(bide_text(r), "no");
    EXPECT_EQ(src.asked, 3);
    EXPECT_TRUE(w.closed); /* the server still waits for the rest on it */
}

/* ---- a second time ---- */

/* A connection that serves one request, and then is closed when the next one comes. */
#define SERVES_ONCE(...) WIRE(ON_REQUEST, SAY(OK_2), ON_REQUEST, __VA_ARGS__)

static void get_once(bide_session *s)
{
    bide_auto bide_response *r = bide_get(s, "http://a/");
    EXPECT_STR(bide_text(r), "ok");
}

TEST(source_that_had_not_begun_survives_a_stale_connection)
{
    struct wire w[2] = {SERVES_ONCE(END_AFTER(0)), WIRE(ON_REQUEST, AFTER(100, OK_2))};
    struct slow_source src = SOURCE(6, 10, "abc", "def");
    bide_auto bide_session *s = bide_session_new();
    wires_plant(s, w, 2);
    get_once(s);

    bide_auto bide_response *r = put_on(s, &src.source, (bide_request_args){.url = NULL});
    EXPECT_STR(bide_text(r), "ok"); /* the end was seen before the first piece was asked for */
    EXPECT_STR(w[1].seen + w[1].nseen - 6, "abcdef");
}

TEST(source_that_can_be_rewound_is_sent_again_when_it_had_begun)
{
    struct wire w[2] = {SERVES_ONCE(END_AFTER(15)), WIRE(ON_REQUEST, AFTER(100, OK_2))};
    struct slow_source src = SOURCE(9, 10, "abc", "def", "ghi");
    bide_auto bide_session *s = bide_session_new();
    src.source.ops = &repeatable_ops;
    wires_plant(s, w, 2);
    get_once(s);

    bide_auto bide_response *r = put_on(s, &src.source, (bide_request_args){.url = NULL});
    EXPECT_STR(bide_text(r), "ok");
    EXPECT_EQ(src.rewound, 1);
    EXPECT_STR(w[1].seen + w[1].nseen - 9, "abcdefghi");
}

TEST(source_that_can_be_sent_once_is_not_sent_again)
{
    struct wire w = SERVES_ONCE(END_AFTER(15));
    struct slow_source src = SOURCE(9, 10, "abc", "def", "ghi");
    bide_auto bide_session *s = bide_session_new();
    wires_plant(s, &w, 1);
    get_once(s);

    EXPECT_NULL(put_on(s, &src.source, (bide_request_args){.url = NULL}));
    EXPECT_ERR(bide_error_code(), BIDE_EDISCONNECTED);
    bide_error_clear();
}

TEST(source_that_fails_like_a_connection_is_no_stale_connection)
{
    struct wire w = SERVES_ONCE(END_AFTER(1000));
    struct slow_source src = SOURCE(9, 10, "abc");
    bide_auto bide_session *s = bide_session_new();
    src.source.ops = &repeatable_ops;
    src.fails_with = -ECONNRESET;
    wires_plant(s, &w, 1);
    get_once(s);

    EXPECT_NULL(put_on(s, &src.source, (bide_request_args){.url = NULL}));
    EXPECT_ERR(bide_error_code(), -ECONNRESET);
    EXPECT_CONTAINS(bide_error_text(), "the source is broken");
    EXPECT_EQ(src.rewound, 0);
    bide_error_clear();
}

/* From the second request line on. */
static const char *w_end_of(const struct wire *w)
{
    const char *end = strstr(w->seen, "\r\n0\r\n\r\n");

    return end ? end + 7 : "";
}

#define REDIRECT(status) "HTTP/1.1 " status " R\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n"

/* R69 */
TEST(source_a_307_needs_one_that_can_be_rewound)
{
    struct wire once = WIRE(ON_CHUNKED_REQUEST, SAY(REDIRECT("307")));
    struct slow_source src = SOURCE(BODY_LENGTH_UNKNOWN, 10, "abc");
    bide_auto bide_session *s = bide_session_new();
    wires_plant(s, &once, 1);

    EXPECT_NULL(put_on(s, &src.source, (bide_request_args){.url = NULL}));
    EXPECT_ERR(bide_error_code(), BIDE_EREDIRECT);
    EXPECT_CONTAINS(bide_error_text(), "redirected to /b: the body cannot be sent a second time");
    bide_error_clear();

    struct wire twice = WIRE(ON_CHUNKED_REQUEST, SAY(REDIRECT("307")), ON_CHUNKED_REQUEST, SAY(OK_2));
    struct slow_source again = SOURCE(BODY_LENGTH_UNKNOWN, 10, "abc");
    bide_auto bide_session *other = bide_session_new();
    again.source.ops = &repeatable_ops;
    wires_plant(other, &twice, 1);
    bide_auto bide_response *r = put_on(other, &again.source, (bide_request_args){.url = NULL});
    EXPECT_STR(bide_text(r), "ok");
    EXPECT_EQ(again.rewound, 1);
    EXPECT_CONTAINS(w_end_of(&twice), "PUT /b HTTP/1.1\r\n");
    EXPECT_STR(twice.seen + twice.nseen - 13, "3\r\nabc\r\n0\r\n\r\n");
}

TEST(source_is_left_behind_by_a_303)
{
    struct wire w = WIRE(ON_CHUNKED_REQUEST, SAY(REDIRECT("303")), ON_REQUEST, SAY(OK_2));
    struct slow_source src = SOURCE(BODY_LENGTH_UNKNOWN, 10, "abc");
    bide_auto bide_session *s = bide_session_new();
    wires_plant(s, &w, 1);

    bide_auto bide_response *r = put_on(s, &src.source, (bide_request_args){.url = NULL});
    EXPECT_STR(bide_text(r), "ok");
    EXPECT_CONTAINS(w_end_of(&w), "GET /b HTTP/1.1\r\n");
    EXPECT_NULL(strstr(w_end_of(&w), "chunked"));
}
