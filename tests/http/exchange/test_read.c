/* SPDX-License-Identifier: MIT */
/* test_read.c - the body of an exchange by hand: lent in pieces, read into small memory, and both; and the rest dropped. */
#include "asking.h"

#define COUNTED(length) "HTTP/1.1 200 OK\r\nContent-Length: " length "\r\n\r\n"
#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

/* Read to the end, at most `cap` bytes at a time, and join them. */
static void expect_read(struct wire *w, size_t cap, const char *text)
{
    struct asking a;
    char joined[64] = "";
    size_t len = 0;
    ssize_t n;
    asking_start(&a, w);

    EXPECT_EQ(ask(&a, "GET", false), 0);
    while ((n = a.exchange->ops->read(a.exchange, joined + len, cap)) > 0) {
        EXPECT_LE((size_t)n, cap);
        len += (size_t)n;
    }
    EXPECT_EQ(n, 0);
    EXPECT_EQ(len, strlen(text));
    EXPECT_STR(joined, text);
    EXPECT_EQ(a.connector.nidle, 1);
    asking_end(&a);
}

TEST(read_of_a_body_with_a_length_fills_memory_of_any_size)
{
    struct wire small = WIRE(ON_REQUEST, SAY(COUNTED("13") "Hel"), AFTER(10, "lo, "), AFTER(10, "world!"));
    struct wire exact = WIRE(ON_REQUEST, SAY(COUNTED("13")), AFTER(10, "Hello, "), AFTER(10, "world!"));
    struct wire large = WIRE(ON_REQUEST, SAY(COUNTED("13") "Hello"), AFTER(10, ", world!"));

    expect_read(&small, 2, "Hello, world!");
    expect_read(&exact, 13, "Hello, world!");
    expect_read(&large, 60 - 13, "Hello, world!");
}

TEST(read_of_a_chunked_body_keeps_what_did_not_fit_for_the_next)
{
    struct wire w = WIRE(ON_REQUEST, SAY(CHUNKED "5\r\nHello\r\n"), AFTER(10, "8\r\n, world!\r\n0\r\n\r\n"));

    expect_read(&w, 3, "Hello, world!");
}

TEST(read_and_then_lent_gives_every_byte_once)
{
    struct wire w = WIRE(ON_REQUEST, SAY(CHUNKED "5\r\nHello\r\n"), AFTER(10, "2\r\n!!\r\n0\r\n\r\n"));
    struct asking a;
    char out[2];
    const char *piece;
    asking_start(&a, &w);

    EXPECT_EQ(ask(&a, "GET", false), 0);
    struct exchange *x = a.exchange;
    EXPECT_EQ(x->ops->read(x, out, 2), 2);
    EXPECT_MEM(out, "He", 2);
    EXPECT_EQ(x->ops->next(x, &piece), 3);
    EXPECT_MEM(piece, "llo", 3);
    EXPECT_EQ(x->ops->next(x, &piece), 2);
    EXPECT_MEM(piece, "!!", 2);
    EXPECT_EQ(x->ops->next(x, &piece), 0);
    EXPECT_EQ(a.connector.nidle, 1);
    asking_end(&a);
}

TEST(read_of_a_body_that_is_cut_off_is_an_error_and_closes)
{
    struct wire w = WIRE(ON_REQUEST, SAY(COUNTED("13") "Hello"), END_AFTER(10));
    struct asking a;
    char out[64];
    asking_start(&a, &w);

    EXPECT_EQ(ask(&a, "GET", false), 0);
    EXPECT_EQ(a.exchange->ops->read(a.exchange, out, sizeof out), 5);
    EXPECT_ERR((int)a.exchange->ops->read(a.exchange, out, sizeof out), BIDE_ETRUNCATED);
    EXPECT_CONTAINS(bide_error_text(), "after 5 of 13 bytes");
    EXPECT_EQ(a.connector.open, 0);
    bide_error_clear();
    asking_end(&a);
}

/* ---- the rest ---- */

/* Nobody wants the body, of which all is here: is the connection kept if at most so many bytes of it may be taken? */
static void expect_dropped(const char *head, const char *body, size_t most, bool is_kept)
{
    struct wire w = WIRE(ON_REQUEST, SAY(head), AFTER(10, body));
    struct asking a;
    asking_start(&a, &w);

    EXPECT_EQ(ask(&a, "GET", false), 0);
    EXPECT_EQ(bide_sleep_ms(20), 0);
    a.exchange->ops->drop(a.exchange, most);
    EXPECT_EQ(a.connector.nidle, is_kept);
    EXPECT_EQ(w.closed, !is_kept);
    asking_end(&a);
}

/* D11 */
TEST(drop_takes_a_rest_as_long_as_it_may_be_and_no_longer)
{
    static const char chunks[] = "4\r\n1234\r\n4\r\n5678\r\n0\r\n\r\n";

    expect_dropped(COUNTED("8"), "12345678", 8, true);
    expect_dropped(COUNTED("8"), "12345678", 7, false);
    expect_dropped(COUNTED("8"), "12345678", 0, false);
    expect_dropped(CHUNKED, chunks, 8, true);
    expect_dropped(CHUNKED, chunks, 7, false);
    expect_dropped(CHUNKED, chunks, 0, false);
}
