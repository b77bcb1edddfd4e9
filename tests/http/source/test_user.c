/* SPDX-License-Identifier: MIT */
/* test_user.c - bodies in pieces that a function of the user's gives, on virtual time. */
#include "wire.h"

#define OK_2 "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define ON_CHUNKED_REQUEST ON_REQUEST, ON_REQUEST

struct rows {
    const char *all[5];
    int at, delay_ms, fails_with;
};

static ssize_t next_row(const char **data, void *arg)
{
    struct rows *r = arg;
    int code = bide_sleep_ms(r->delay_ms);
    if (code < 0)
        return code;

    if (!r->all[r->at])
        return r->fails_with;
    *data = r->all[r->at++];
    return (ssize_t)strlen(*data);
}

static int first_row(void *arg)
{
    ((struct rows *)arg)->at = 0;
    return 0;
}

TEST(user_pieces_go_out_in_chunks_with_waits_between)
{
    struct wire w = WIRE(ON_CHUNKED_REQUEST, SAY(OK_2));
    struct rows rows = {.all = {"abc", "d"}, .delay_ms = 10};
    bide_auto bide_session *s = bide_session_new();
    wires_plant(s, &w, 1);

    bide_auto bide_response *r = bide_post(s, "http://a/", .body = bide_body_from(next_row, &rows));
    EXPECT_STR(bide_text(r), "ok");
    EXPECT_STR(strstr(w.seen, "\r\n\r\n"), "\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n");
}

/* R10 */
TEST(user_pieces_with_a_length_are_held_to_it)
{
    static const int lengths[] = {3, 4, 5};
    for (int i = 0; i < 3; i++) {
        struct wire w = WIRE(ON_REQUEST, AFTER(50, OK_2));
        struct rows rows = {.all = {"abc", "d"}, .delay_ms = 1};
        bide_auto bide_session *s = bide_session_new();
        wires_plant(s, &w, 1);

        bide_auto bide_response *r = bide_post(s, "http://a/", .body = bide_body_from(next_row, &rows, .length = lengths[i]));
        EXPECT_EQ(r != NULL, lengths[i] <= 4); /* at 3 the rest is not asked for: who says so has enough */
        EXPECT_EQ(w.closed, lengths[i] == 5);
        bide_error_clear();
    }
}

TEST(user_pieces_are_begun_again_after_a_redirect_if_they_can_be)
{
    for (int again = 0; again < 2; again++) {
        struct wire w = WIRE(ON_CHUNKED_REQUEST, SAY("HTTP/1.1 307 R\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n"),
                             ON_CHUNKED_REQUEST, SAY(OK_2));
        struct rows rows = {.all = {"abc"}};
        bide_auto bide_session *s = bide_session_new();
        wires_plant(s, &w, 1);

        bide_auto bide_response *r = bide_post(s, "http://a/", .body = bide_body_from(next_row, &rows, .rewind = again ? first_row : NULL));
        EXPECT_EQ(r != NULL, again);
        if (!r)
            EXPECT_CONTAINS(bide_error_text(), "the body cannot be sent a second time");
        bide_error_clear();
    }
}

TEST(user_function_that_fails_ends_the_request)
{
    struct wire w = WIRE(ON_REQUEST);
    struct rows rows = {.all = {"abc"}, .fails_with = -EIO};
    bide_auto bide_session *s = bide_session_new();
    wires_plant(s, &w, 1);

    EXPECT_NULL(bide_post(s, "http://a/", .body = bide_body_from(next_row, &rows)));
    EXPECT_ERR(bide_error_code(), -EIO);
    EXPECT_CONTAINS(bide_error_text(), "POST http://a/: the body to send: its function returned -5");
    EXPECT_TRUE(w.closed);
    bide_error_clear();
}

static ssize_t piece_of_nothing(const char **data, void *arg)
{
    (void)data;
    (void)arg;
    return 3;
}

TEST(user_function_that_gives_no_place_is_an_error)
{
    struct wire w = WIRE(ON_REQUEST);
    bide_auto bide_session *s = bide_session_new();
    wires_plant(s, &w, 1);

    EXPECT_NULL(bide_post(s, "http://a/", .body = bide_body_from(piece_of_nothing, NULL)));
    EXPECT_ERR(bide_error_code(), -EINVAL);
    EXPECT_NULL(bide_post(s, "http://a/", .body = bide_body_from(NULL, NULL)));
    EXPECT_CONTAINS(bide_error_text(), "bide_body_from: the function is NULL");
    EXPECT_NULL(bide_post(s, "http://a/", .body = bide_body_from(next_row, NULL, .length = -5)));
    EXPECT_CONTAINS(bide_error_text(), "length");
    bide_error_clear();
}

/* A server that takes a little at a time: no piece is asked for before the one before has gone. */
TEST(user_pieces_are_asked_for_as_the_server_takes_them)
{
    struct wire w = WIRE(TAKE_AFTER(1000, 1), TAKE_AFTER(1000, 1000), AFTER(1000, OK_2));
    struct rows rows = {.all = {"abc", "def", "ghi"}};
    bide_auto bide_session *s = bide_session_new();
    wires_plant(s, &w, 1);
    w.room = 150; /* the head, and a part of a chunk */

    bide_auto bide_response *r = bide_post(s, "http://a/", .body = bide_body_from(next_row, &rows), .headers = BIDE_PAIRS({"X-Long", "0123456789012345678901234567890123456789"}));
    EXPECT_STR(bide_text(r), "ok");
}

TEST(user_text_is_sent_as_text)
{
    struct wire w = WIRE(ON_REQUEST, SAY(OK_2));
    bide_auto bide_session *s = bide_session_new();
    wires_plant(s, &w, 1);

    bide_auto bide_response *r = bide_post(s, "http://a/", .text = "gr\xc3\xbc\xc3\x9f" "e");
    EXPECT_STR(bide_text(r), "ok");
    EXPECT_CONTAINS(w.seen, "\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 7\r\n\r\ngr\xc3\xbc");
}
