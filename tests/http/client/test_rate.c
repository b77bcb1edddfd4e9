/* SPDX-License-Identifier: MIT */
/* test_rate.c - .max_rate and .max_rate_total, on virtual time: how long bodies take, each and all together, both ways. */
#include <bide/har.h>

#include "wire.h"

#define HEAD_3000 "HTTP/1.1 200 OK\r\nContent-Length: 3000\r\n\r\n"

static char letters[3001];

static const char *body_3000(void)
{
    for (int i = 0; i < 3000; i++)
        letters[i] = (char)('a' + i % 23);
    return letters;
}

static int64_t now_ms(void)
{
    return bide_loop_time_ms(bide_get_event_loop());
}

static int get_all(bide_session *s, int64_t *end_ms)
{
    bide_auto bide_response *r = bide_get(s, "http://a/");
    int code = !r ? bide_error_code() : bide_text(r) ? (int)bide_body(r).len : bide_error_code();

    *end_ms = now_ms();
    return code;
}

#define REQUEST 80 /* bytes of its head, which go out at the same rate before */

/* The time that n bytes have at a rate, but for the last turn, a sixteenth of a second; and that of the request. */
#define EXPECT_TOOK(begun_ms, n, rate)                                        \
    do {                                                                      \
        int64_t took_ = now_ms() - (begun_ms), due_ = 1000 * (int64_t)(n) / (rate); \
        EXPECT_LE(due_ - 80, took_);                                          \
        EXPECT_LE(took_, due_ + 1000 * REQUEST / (rate) + 40);                \
    } while (0)

TEST(rate_of_a_body_is_not_exceeded)
{
    struct wire w = WIRE(ON_REQUEST, SAY(HEAD_3000), AFTER(1, body_3000()));
    bide_auto bide_session *s = bide_session_new(.max_rate = 1000);
    int64_t begun = now_ms(), end;
    wires_plant(s, &w, 1);

    EXPECT_EQ(get_all(s, &end), 3000);
    EXPECT_TOOK(begun, 3000 + sizeof HEAD_3000, 1000);
}

TEST(rate_of_a_body_that_is_recorded_is_not_exceeded)
{
    struct wire w = WIRE(ON_REQUEST, SAY(HEAD_3000), AFTER(1, body_3000()));
    char path[300];
    snprintf(path, sizeof path, "%s/x.har", test_tmpdir());
    bide_auto bide_transport *t = bide_transport_record(path);
    bide_auto bide_session *s = bide_session_new(.max_rate = 1000, .transport = t);
    int64_t begun = now_ms(), end;
    wires_plant(s, &w, 1);

    EXPECT_EQ(get_all(s, &end), 3000);
    EXPECT_TOOK(begun, 3000 + sizeof HEAD_3000, 1000);
}

TEST(rate_of_chunks_is_that_of_the_wire)
{
    struct wire w = WIRE(ON_REQUEST, SAY("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), AFTER(1, "bb8\r\n"), SAY(body_3000()),
                         SAY("\r\n0\r\n\r\n"));
    bide_auto bide_session *s = bide_session_new(.max_rate = 500);
    bide_auto bide_response *r = NULL;
    const char *piece;
    int64_t begun = now_ms(), before, most = 0;
    size_t total = 0;
    ssize_t n;
    wires_plant(s, &w, 1);

    r = bide_get(s, "http://a/");
    before = now_ms();
    while ((n = bide_read_chunk(r, &piece)) > 0) {
        total += (size_t)n;
        most = now_ms() - before > most ? now_ms() - before : most;
        before = now_ms();
        EXPECT_LE(n, 500 / 16 + 1);
    }
    EXPECT_EQ(n, 0);
    EXPECT_EQ(total, 3000);
    EXPECT_TOOK(begun, 3000 + 60, 500);
    EXPECT_LE(most, 80); /* it flows */
}

TEST(rate_of_a_request_replaces_that_of_the_session)
{
    struct wire w = WIRE(ON_REQUEST, SAY(HEAD_3000), AFTER(1, body_3000()), ON_REQUEST, SAY(HEAD_3000), AFTER(1, body_3000()));
    bide_auto bide_session *s = bide_session_new(.max_rate = 10);
    int64_t begun = now_ms();
    wires_plant(s, &w, 1);

    bide_auto bide_response *r = bide_get(s, "http://a/", .max_rate = 10000);
    EXPECT_EQ(bide_body(r).len, 3000);
    EXPECT_TOOK(begun, 3000, 10000);
    begun = now_ms();
    bide_auto bide_response *any = bide_get(s, "http://a/", .max_rate = BIDE_UNLIMITED);
    EXPECT_EQ(bide_body(any).len, 3000);
    EXPECT_LE(now_ms(), begun + 10);
}

TEST(rate_of_all_is_shared_fairly)
{
    enum { N = 4 };
    struct wire w[N];
    bide_task *tasks[N];
    int64_t begun = now_ms(), ends[N], first = INT64_MAX;
    bide_auto bide_session *s = bide_session_new(.max_rate_total = 1000);

    for (int i = 0; i < N; i++)
        w[i] = (struct wire)WIRE(ON_REQUEST, SAY(HEAD_3000), AFTER(1, body_3000()));
    wires_plant(s, w, N);
    for (int i = 0; i < N; i++)
        tasks[i] = bide_create_task(bide_coro(get_all, s, &ends[i]));
    for (int i = 0; i < N; i++) {
        EXPECT_EQ(bide_await(tasks[i]), 3000);
        bide_release(tasks[i]);
        first = ends[i] < first ? ends[i] : first;
    }
    EXPECT_TOOK(begun, N * (3000 + sizeof HEAD_3000), 1000);
    EXPECT_LE(now_ms() - first, 1500); /* they began one after the other; one that is served alone ends after 3000 */
}

TEST(rate_of_all_counts_bodies_that_came_with_their_heads)
{
    struct wire w = WIRE(ON_REQUEST, SAY(HEAD_3000), SAY(body_3000()), ON_REQUEST, SAY(HEAD_3000), SAY(body_3000()));
    bide_auto bide_session *s = bide_session_new(.max_rate_total = 1000);
    int64_t begun = now_ms(), end;
    wires_plant(s, &w, 1);

    EXPECT_EQ(get_all(s, &end), 3000);
    EXPECT_EQ(get_all(s, &end), 3000);
    EXPECT_TOOK(begun, 2 * (3000 + sizeof HEAD_3000) + 150, 1000);
}

TEST(rate_of_what_is_sent_is_not_exceeded)
{
    struct wire w = WIRE(ON_REQUEST, SAY("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
    bide_auto bide_session *s = bide_session_new(.max_rate = 1000, .max_rate_total = 2000);
    int64_t begun = now_ms();
    wires_plant(s, &w, 1);

    bide_auto bide_response *r = bide_post(s, "http://a/", .data = {body_3000(), 3000});
    EXPECT_EQ(bide_status(r), 200);
    EXPECT_TOOK(begun, 3000 + 150, 1000);
    EXPECT_CONTAINS(w.seen, letters);
}

TEST(rate_of_what_is_sent_waits_for_the_server_too)
{
    struct wire w = WIRE(TAKE_AFTER(4000, 10000), ON_REQUEST, SAY("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
    bide_auto bide_session *s = bide_session_new(.max_rate = 1000);
    int64_t begun = now_ms();
    w.room = 100;
    wires_plant(s, &w, 1);

    bide_auto bide_response *r = bide_post(s, "http://a/", .data = {body_3000(), 3000});
    EXPECT_EQ(bide_status(r), 200);
    EXPECT_LE(begun + 4000 + 2900, now_ms()); /* no rate was saved up meanwhile */
    EXPECT_LE(now_ms(), begun + 4000 + 3200);
    EXPECT_CONTAINS(w.seen, letters);
}

/* ---- beside the other limits ---- */

TEST(rate_that_is_limited_here_is_not_too_low)
{
    struct wire w = WIRE(ON_REQUEST, SAY(HEAD_3000), AFTER(1, body_3000()));
    bide_auto bide_session *s = bide_session_new(.max_rate = 100, .min_rate = 2000, .min_rate_ms = 1000, .read_timeout_ms = 20,
                                                 .timeout_ms = 100000);
    int64_t end;
    wires_plant(s, &w, 1);

    EXPECT_EQ(get_all(s, &end), 3000);
}

TEST(rate_of_a_server_that_is_too_low_is_seen_below_the_limit)
{
    struct wire w = WIRE(ON_REQUEST, SAY(HEAD_3000), AFTER(100, "a"), AFTER(1000, "b"), AFTER(1000, "c"), AFTER(1000, "d"));
    bide_auto bide_session *s = bide_session_new(.max_rate = 1000, .min_rate = 50, .min_rate_ms = 2000);
    int64_t end;
    wires_plant(s, &w, 1);

    EXPECT_ERR(get_all(s, &end), BIDE_ETIMEDOUT);
    EXPECT_CONTAINS(bide_error_text(), "slower than allowed");
    bide_error_clear();
}

TEST(rate_does_not_outlast_the_limit_of_all)
{
    struct wire w[2] = {WIRE(ON_REQUEST, SAY(HEAD_3000), AFTER(1, body_3000())), WIRE(ON_REQUEST)};
    bide_auto bide_session *s = bide_session_new(.max_rate = 100, .timeout_ms = 2500);
    int64_t begun = now_ms(), end;
    wires_plant(s, w, 2);

    EXPECT_ERR(get_all(s, &end), BIDE_ETIMEDOUT);
    EXPECT_EQ(end, begun + 2500);
    EXPECT_CONTAINS(bide_error_text(), "not done within 2500 ms");
    begun = now_ms();
    EXPECT_NULL(bide_post(s, "http://a/", .data = {body_3000(), 3000}));
    EXPECT_CONTAINS(bide_error_text(), "not done within 2500 ms");
    EXPECT_EQ(now_ms(), begun + 2500);
    EXPECT_EQ(bide_session_get_stats(s).open, 0);
    bide_error_clear();
}

TEST(rate_of_all_goes_on_after_a_cancelled_body)
{
    struct wire w[2] = {WIRE(ON_REQUEST, SAY(HEAD_3000), AFTER(1, body_3000())), WIRE(ON_REQUEST, SAY(HEAD_3000), AFTER(1, body_3000()))};
    bide_auto bide_session *s = bide_session_new(.max_rate_total = 1000);
    int64_t end, begun;
    wires_plant(s, w, 2);

    bide_auto bide_task *task = bide_create_task(bide_coro(get_all, s, &end));
    EXPECT_EQ(bide_sleep_ms(1000), 0);
    bide_task_cancel(task);
    EXPECT_ERR(bide_await(task), BIDE_ECANCELED);
    bide_error_clear();
    begun = now_ms();
    EXPECT_EQ(get_all(s, &end), 3000);
    EXPECT_TOOK(begun, 3000 + sizeof HEAD_3000 + 75, 1000);
}

TEST(rate_without_memory_for_it_is_an_error)
{
    struct wire w = WIRE(ON_REQUEST, SAY(HEAD_3000), AFTER(1, body_3000()));
    bide_auto bide_session *s = bide_session_new(.max_rate = 100000);
    bool done = false;
    int64_t end;

    for (long n = 0; !done; n++) {
        w = (struct wire)WIRE(ON_REQUEST, SAY(HEAD_3000), AFTER(1, body_3000()));
        wires_plant(s, &w, 1);
        bide__alloc_fail_at(n);
        int code = get_all(s, &end);
        done = bide__alloc_fail_at(-1);
        if (code < 0)
            EXPECT_ERR(code, BIDE_ENOMEM);
        bide_error_clear();
        bide_session_close_idle(s);
    }
}
