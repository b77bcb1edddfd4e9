/* SPDX-License-Identifier: MIT */
/* test_uploads.c - servers that do not want what is sent: 1 GiB of a file, of pieces and of chunks; directly and over TLS. */
#include <bide/loop.h>

#include "source/uploads.h"

#define GIB     ((off_t)1 << 30)
#define TOO_BIG "HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno"

enum { FILE_OF_KERNEL, FILE_IN_CHUNKS, FILE_PACKED, PIECES, KINDS };

static ssize_t endless(const char **data, void *arg)
{
    static char piece[65536];
    (void)arg;

    *data = piece;
    return sizeof piece;
}

static bide_response *send_gib(bide_session *s, const char *url, int kind)
{
    const char *file = in_tmp("gib");
    const bide_body_source *pieces = bide_body_from(endless, NULL);
    const bide_pair *trailers = BIDE_PAIRS({"X-A", "b"});
    bide_request_args args = {.size = sizeof args, .url = url, .write_timeout_ms = 300, .timeout_ms = 15000};

    if (kind == PIECES)
        args.body = pieces;
    else
        args.data_file = file;
    if (kind == FILE_IN_CHUNKS)
        args.trailers = trailers;
    if (kind == FILE_PACKED)
        args.compress = "gzip";
    return bide_request_with(s, "PUT", &args);
}

static void expect_usable(bide_session *s, struct peer *p)
{
    EXPECT_EQ(bide_session_get_stats(s).open, 0);
    expect_get(s, peer_url(p, "/"), "ok");
}

static void each_kind(const char *script, const char *cert, void (*check)(bide_response *r, int kind))
{
    certs_make();
    make_large_file("gib", "begin", GIB);
    for (int kind = 0; kind < KINDS; kind++) {
        struct peer p = {.scripts = {script, ASK OK("2") "ok"}, .cert = cert};
        peer_start(&p);
        {
            bide_auto bide_session *s = bide_session_new(.ca_file = cert_path("ca"));
            bide_auto bide_response *r = send_gib(s, peer_url(&p, "/"), kind);
            check(r, kind);
            bide_error_clear();
            bide_release(bide_take(r));
            expect_usable(s, &p);
        }
        peer_stop(&p);
    }
}

static void is_refused(bide_response *r, int kind)
{
    if (!r)
        FAIL("kind %d: %s", kind, bide_error_text());
    EXPECT_EQ(bide_status(r), 413);
    EXPECT_STR(bide_text(r), "no");
}

/* R15 */
TEST(evil_refusal_of_a_gib_is_the_answer, .real_time = true, .seconds = 30)
{
    each_kind(HEAD TOO_BIG STALL, NULL, is_refused);
    each_kind(HEAD TOO_BIG STALL, "good", is_refused);
}

/* What was said before a reset may be lost on the way; then the error says what has happened. */
static void is_refused_or_cut(bide_response *r, int kind)
{
    int code = bide_error_code();

    if (r)
        is_refused(r, kind);
    else if (code != -ECONNRESET && code != -EPIPE && code != BIDE_EDISCONNECTED)
        FAIL("kind %d: %s", kind, bide_error_text());
}

/* R15 */
TEST(evil_refusal_of_a_gib_and_close_is_seen, .real_time = true, .seconds = 30)
{
    each_kind(HEAD PAUSE TOO_BIG, NULL, is_refused_or_cut);
    each_kind(HEAD PAUSE TOO_BIG, "good", is_refused_or_cut);
}

static void is_cut(bide_response *r, int kind)
{
    EXPECT_NULL(r);
    is_refused_or_cut(NULL, kind);
    EXPECT_CONTAINS(bide_error_text(), "PUT http");
}

TEST(evil_reset_in_the_middle_of_a_gib_is_an_error, .real_time = true, .seconds = 30)
{
    each_kind(HEAD PAUSE RESET, NULL, is_cut);
    each_kind(HEAD PAUSE RESET, "good", is_cut);
}

static void is_late(bide_response *r, int kind)
{
    EXPECT_NULL(r);
    if (kind == FILE_PACKED) /* it becomes so little that the kernel takes all of it */
        return;
    if (bide_error_code() != BIDE_ETIMEDOUT)
        FAIL("kind %d: %s", kind, bide_error_text());
    EXPECT_CONTAINS(bide_error_text(), "300 ms");
}

#define SILENCE PAUSE PAUSE PAUSE PAUSE PAUSE PAUSE PAUSE PAUSE PAUSE PAUSE PAUSE PAUSE PAUSE PAUSE PAUSE PAUSE PAUSE PAUSE PAUSE PAUSE

TEST(evil_server_that_never_reads_a_gib_is_not_waited_for, .real_time = true, .seconds = 30)
{
    each_kind(HEAD SILENCE, NULL, is_late);
    each_kind(HEAD SILENCE, "good", is_late);
}
