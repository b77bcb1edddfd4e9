/* SPDX-License-Identifier: MIT */
/* test_body_stream.c - a body as a stream: by line, by count, decoded, to its end or its error. */
#include "coded.h"

TEST(body_stream_gives_lines_and_counts_across_pieces)
{
    struct wire w = WIRE(ON_REQUEST, SAY("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\none\ntw"), AFTER(10, "o\nthr"), AFTER(10, "ee\n12345!"));
    bide_auto bide_session *s = bide_session_new();
    const char *line;
    char five[5], rest[8];

    wires_plant(s, &w, 1);
    bide_response *r = bide_get(s, "http://a/");
    bide_auto bide_stream *in = bide_body_stream(r);
    bide_release(r); /* the stream keeps it */
    EXPECT_EQ(bide_read_until(in, "\n", &line), 4);
    EXPECT_STR(line, "one\n");
    EXPECT_EQ(bide_read_until(in, "\n", &line), 4);
    EXPECT_STR(line, "two\n");
    EXPECT_EQ(bide_read_until(in, "\n", &line), 6);
    EXPECT_STR(line, "three\n");
    EXPECT_EQ(bide_read_exactly(in, five, 5), 5);
    EXPECT_MEM(five, "12345", 5);
    EXPECT_EQ(bide_read(in, rest, sizeof rest), 1);
    EXPECT_EQ(bide_read(in, rest, sizeof rest), 0);
    EXPECT_ERR(bide_write(in, "x", 1) < 0 ? bide_error_code() : bide_drain(in), -EPIPE);
    bide_error_clear();
    EXPECT_EQ(bide_session_get_stats(s).idle, 1);
}

TEST(body_stream_is_decoded_and_ends_with_the_error_of_the_body)
{
    static struct message m;
    coded(&m, CODING_GZIP, "gzip", "first\nsecond\n");
    struct wire good = WIRE(ON_REQUEST, SAY_BYTES(m));
    struct wire cut = WIRE(ON_REQUEST, SAY("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nline\nab"), END_AFTER(5));
    bide_auto bide_session *s = bide_session_new(), *t = bide_session_new();
    const char *line;

    wires_plant(s, &good, 1);
    bide_auto bide_response *r = bide_get(s, "http://a/");
    bide_auto bide_stream *in = bide_body_stream(r);
    EXPECT_EQ(bide_read_until(in, "\n", &line), 6);
    EXPECT_STR(line, "first\n");

    wires_plant(t, &cut, 1);
    bide_auto bide_response *x = bide_get(t, "http://a/");
    bide_auto bide_stream *half = bide_body_stream(x);
    EXPECT_EQ(bide_read_until(half, "\n", &line), 5);
    EXPECT_ERR((int)bide_read_until(half, "\n", &line), BIDE_ETRUNCATED);
    EXPECT_CONTAINS(bide_error_text(), "http://a/: the body ended after 7 of 9 bytes");
    bide_error_clear();
}

TEST(body_stream_behind_read_chunk_is_a_mistake)
{
    struct wire w = WIRE(ON_REQUEST, SAY("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
    bide_auto bide_session *s = bide_session_new();
    const char *data;

    wires_plant(s, &w, 1);
    bide_auto bide_response *r = bide_get(s, "http://a/");
    EXPECT_EQ(bide_read_chunk(r, &data), 2);
    EXPECT_NULL(bide_body_stream(r));
    EXPECT_ERR(bide_error_code(), BIDE_ESTATE);
    EXPECT_NULL(bide_body_stream(NULL));
    bide_error_clear();
}
