/* SPDX-License-Identifier: MIT */
/*
 * test_decode.c - bodies that come through decoders: every reader sees what they make of the wire, and no more than it may.
 *
 * The decoder is rot13, which may also say every letter many times.  The servers are wires, on virtual time.
 */
#include "wire.h"

struct rot13 {
    struct decoder decoder;
    char window[DECODER_WINDOW];
    int times;       /* each byte so often */
    int said;        /* of the present one */
    int calls, freed;
    bool needs_dot;  /* it is an error if the wire does not end with one */
    char last;
    bool is_stuck;   /* takes nothing and writes nothing */
    bool swallows;   /* takes all and writes nothing */
};

static char rotated(char c)
{
    char base = c >= 'a' && c <= 'z' ? 'a' : 'A';
    bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

    return is_letter ? (char)(base + (c - base + 13) % 26) : c;
}

static ssize_t rot13_decode(struct decoder *d, const char *in, size_t *len, bool is_end)
{
    struct rot13 *r = container_of(d, struct rot13, decoder);
    size_t n = 0, used = 0;

    r->calls++;
    if (is_end && r->needs_dot && r->last != '.')
        return bide_fail(BIDE_ETRUNCATED, "the code ends without a dot");
    if (r->swallows)
        return 0;
    while (!r->is_stuck && used < *len && n < DECODER_WINDOW) {
        r->last = in[used];
        d->window[n++] = rotated(in[used]);
        r->said++;
        used += r->said == r->times;
        r->said %= r->times;
    }
    *len = used;
    return (ssize_t)n;
}

static void rot13_free(struct decoder *d)
{
    container_of(d, struct rot13, decoder)->freed++;
}

static const struct decoder_ops rot13_ops = {.decode = rot13_decode, .free = rot13_free};

static void rot13_init(struct rot13 *r, int times)
{
    memset(r, 0, sizeof *r);
    r->decoder.ops = &rot13_ops;
    r->decoder.window = r->window;
    r->times = times;
}

static bide_response *get_decoded(bide_session *s, struct wire *w, struct rot13 *decoder, size_t max_body)
{
    wires_plant(s, w, 1);
    bide_response *r = bide_get(s, "http://a/", .max_body_bytes = max_body);
    if (r)
        bide__body_decode(r, &decoder->decoder);
    return r;
}

#define WHOLE(length, body) "HTTP/1.1 200 OK\r\nContent-Length: " length "\r\n\r\n" body
#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

/* ---- all readers ---- */

TEST(decode_a_body_that_came_with_its_head)
{
    struct wire w = WIRE(ON_REQUEST, SAY(WHOLE("13", "Uryyb, jbeyq!")));
    static struct rot13 rot;
    bide_auto bide_session *s = bide_session_new();
    rot13_init(&rot, 1);

    bide_response *r = get_decoded(s, &w, &rot, 0);
    EXPECT_STR(bide_text(r), "Hello, world!");
    EXPECT_EQ(bide_response_body_bytes(r), 13);
    EXPECT_EQ(bide_session_get_stats(s).idle, 1);
    bide_release(r);
    EXPECT_EQ(rot.freed, 1);
}

TEST(decode_a_body_that_comes_in_pieces_whole_and_piece_by_piece)
{
    struct wire counted = WIRE(ON_REQUEST, SAY(WHOLE("13", "Ury")), AFTER(10, "yb, jb"), AFTER(10, "eyq!"));
    struct wire chunked = WIRE(ON_REQUEST, SAY(CHUNKED "3\r\nUry\r\n"), AFTER(10, "a\r\nyb, jbeyq!\r\n0\r\n\r\n"));
    static struct rot13 rot;
    bide_auto bide_session *s = bide_session_new(.limit = 1), *other = bide_session_new();
    const char *piece;
    char joined[32] = "";
    ssize_t n;

    rot13_init(&rot, 1);
    bide_auto bide_response *r = get_decoded(s, &counted, &rot, 0);
    EXPECT_STR(bide_text(r), "Hello, world!");

    static struct rot13 again;
    rot13_init(&again, 2);
    bide_auto bide_response *pieces = get_decoded(other, &chunked, &again, 0);
    while ((n = bide_read_chunk(pieces, &piece)) > 0)
        strncat(joined, piece, (size_t)n);
    EXPECT_EQ(n, 0);
    EXPECT_STR(joined, "HHeelllloo,,  wwoorrlldd!!");
    EXPECT_EQ(bide_response_body_bytes(pieces), 13); /* of the wire */
    EXPECT_EQ(bide_read_chunk(pieces, &piece), 0);   /* and again */
    EXPECT_EQ(bide_session_get_stats(other).idle, 1);
}

TEST(decode_what_is_coded_twice)
{
    struct wire w = WIRE(ON_REQUEST, SAY(WHOLE("2", "ab")));
    static struct rot13 first, second;
    bide_auto bide_session *s = bide_session_new();
    rot13_init(&first, 2);
    rot13_init(&second, 3);

    bide_response *r = get_decoded(s, &w, &first, 0);
    bide__body_decode(r, &second.decoder);
    EXPECT_STR(bide_text(r), "aaaaaabbbbbb");
    EXPECT_EQ(first.decoder.written, 4);
    bide_release(r);
    EXPECT_EQ(first.freed + second.freed, 2);
}

/* ---- ceilings ---- */

#define TEN(x) x x x x x x x x x x

/* D10 */
TEST(decode_a_body_that_grows_is_stopped_at_the_ceiling_of_a_whole_one)
{
    struct wire w = WIRE(ON_REQUEST, SAY(WHOLE("1000", TEN(TEN("0123456789")))));
    static struct rot13 rot;
    bide_auto bide_session *s = bide_session_new();
    rot13_init(&rot, 100);

    bide_auto bide_response *r = get_decoded(s, &w, &rot, 20000);
    EXPECT_NULL(bide_text(r));
    EXPECT_ERR(bide_error_code(), BIDE_ETOOBIG);
    EXPECT_CONTAINS(bide_error_text(), "larger than allowed (20000 bytes)");
    EXPECT_LE(rot.decoder.written, 20000 + DECODER_WINDOW); /* of the 100000 */
    EXPECT_EQ(rot.freed, 1);
    bide_error_clear();
    EXPECT_NULL(bide_text(r)); /* and again */
    EXPECT_ERR(bide_error_code(), BIDE_ETOOBIG);
    bide_error_clear();
}

/* D10 */
TEST(decode_a_body_that_grows_more_than_any_should_is_stopped_in_every_reader)
{
    struct wire w = WIRE(ON_REQUEST, SAY(WHOLE("1000", TEN(TEN("0123456789")))));
    static struct rot13 rot;
    bide_auto bide_session *s = bide_session_new();
    const char *piece;
    uint64_t bytes = 0;
    ssize_t n;
    rot13_init(&rot, 5000);

    bide_auto bide_response *r = get_decoded(s, &w, &rot, 0);
    while ((n = bide_read_chunk(r, &piece)) > 0)
        bytes += (uint64_t)n;
    EXPECT_ERR((int)n, BIDE_ETOOBIG);
    EXPECT_CONTAINS(bide_error_text(), "more than 1000 times its 1000 bytes");
    EXPECT_LE(bytes, RATIO_GRACE + DECODER_WINDOW); /* of five million */
    EXPECT_LE(RATIO_GRACE - DECODER_WINDOW, bytes);
    bide_error_clear();
}

/* D10 */
TEST(decode_a_body_that_one_decoder_blows_up_for_another_to_swallow_is_stopped)
{
    struct wire w = WIRE(ON_REQUEST, SAY(WHOLE("1000", TEN(TEN("0123456789")))));
    static struct rot13 blows_up, swallows;
    bide_auto bide_session *s = bide_session_new();
    rot13_init(&blows_up, 5000);
    rot13_init(&swallows, 1);
    swallows.swallows = true;

    bide_auto bide_response *r = get_decoded(s, &w, &blows_up, 0);
    bide__body_decode(r, &swallows.decoder);
    EXPECT_NULL(bide_text(r));
    EXPECT_ERR(bide_error_code(), BIDE_ETOOBIG);
    EXPECT_LE(blows_up.decoder.written, RATIO_GRACE + DECODER_WINDOW);
    bide_error_clear();
}

TEST(decode_the_wire_has_the_ceiling_of_a_whole_body_too)
{
    struct wire w = WIRE(ON_REQUEST, SAY(CHUNKED "a\r\n0123456789\r\n"), AFTER(1, "a\r\n0123456789\r\n0\r\n\r\n"));
    static struct rot13 rot;
    bide_auto bide_session *s = bide_session_new();
    rot13_init(&rot, 1);
    rot.swallows = true; /* a code may say very little */

    bide_auto bide_response *r = get_decoded(s, &w, &rot, 15);
    EXPECT_NULL(bide_text(r));
    EXPECT_ERR(bide_error_code(), BIDE_ETOOBIG);
    EXPECT_TRUE(w.closed);
    bide_error_clear();
}

TEST(decode_what_nobody_wants_is_not_decoded)
{
    struct wire w = WIRE(ON_REQUEST, SAY(WHOLE("6", "abc")), AFTER(10, "def"));
    static struct rot13 rot;
    bide_auto bide_session *s = bide_session_new();
    rot13_init(&rot, 100);

    bide_response *r = get_decoded(s, &w, &rot, 0);
    EXPECT_EQ(bide_sleep_ms(20), 0);
    bide_release(r);
    EXPECT_EQ(rot.calls, 0);
    EXPECT_EQ(rot.freed, 1);
    EXPECT_EQ(bide_session_get_stats(s).idle, 1); /* the rest was here, and short */
}

/* ---- codes that are wrong ---- */

/* R45 */
TEST(decode_a_code_that_ends_early_is_an_error)
{
    struct wire w = WIRE(ON_REQUEST, SAY(WHOLE("3", "abc")));
    static struct rot13 rot;
    bide_auto bide_session *s = bide_session_new();
    rot13_init(&rot, 1);
    rot.needs_dot = true;

    bide_auto bide_response *r = get_decoded(s, &w, &rot, 0);
    EXPECT_NULL(bide_text(r));
    EXPECT_ERR(bide_error_code(), BIDE_ETRUNCATED);
    EXPECT_CONTAINS(bide_error_text(), "http://a/: the code ends without a dot");
    bide_error_clear();
}

TEST(decode_a_decoder_that_does_not_go_on_is_no_endless_loop)
{
    struct wire w = WIRE(ON_REQUEST, SAY(WHOLE("3", "abc")));
    static struct rot13 rot;
    bide_auto bide_session *s = bide_session_new();
    rot13_init(&rot, 1);
    rot.is_stuck = true;

    bide_auto bide_response *r = get_decoded(s, &w, &rot, 0);
    EXPECT_NULL(bide_text(r));
    EXPECT_ERR(bide_error_code(), BIDE_EHTTP);
    bide_error_clear();
}
