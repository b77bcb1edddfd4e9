/* SPDX-License-Identifier: MIT */
/*
 * test_cut.c - exchanges that end at each of their bytes, with FIN and with RST; that come a byte at a time; that have bytes behind
 * them.  Directly, and through proxies.  Less than all of a body is never taken for all of it.
 */
#include "coded.h"

#define PAGE "<p>hello, hello, hello, hello</p>"

enum { LENGTH, CHUNKED, GZIP, GZIP_CHUNKED, BODIES };
enum { STRAIGHT, FORWARDED, TUNNELLED, BY_SOCKS, WAYS };

static void put_text(struct message *m, const char *text, size_t len)
{
    EXPECT_LT(m->len + len, sizeof m->data);
    memcpy(m->data + m->len, text, len);
    m->len += len;
}

/* As chunks: with an extension, and a trailer behind. */
static void put_chunked(struct message *m, const char *fields)
{
    static const char last[] = "0\r\nX-Sum: 1\r\n\r\n";
    struct message body = *m;
    char head[200];

    m->len = 0;
    put_text(m, head, (size_t)snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\n%sTransfer-Encoding: chunked\r\n\r\n", fields));
    for (size_t at = 0, n; at < body.len; at += n) {
        n = body.len - at < 11 ? body.len - at : 11;
        put_text(m, head, (size_t)snprintf(head, sizeof head, "%zx;a=\"b\"\r\n", n));
        put_text(m, body.data + at, n);
        put_text(m, "\r\n", 2);
    }
    put_text(m, last, sizeof last - 1);
}

static void make_answer(struct message *m, int kind)
{
    static const char gzip[] = "Content-Encoding: gzip\r\n";

    m->len = 0;
    if (kind == GZIP || kind == GZIP_CHUNKED)
        encode(m, CODING_GZIP, PAGE, sizeof PAGE - 1);
    else
        put_text(m, PAGE, sizeof PAGE - 1);
    if (kind == LENGTH || kind == GZIP)
        put_head(m, "200 OK", kind == GZIP ? gzip : "");
    else
        put_chunked(m, kind == GZIP_CHUNKED ? gzip : "");
}

/* What a proxy says before, and who asks has to have sent for it. */
static const struct {
    const char *proxy, *says;
    size_t len;
} ways[WAYS] = {
    [STRAIGHT] = {"", "", 0},
    [FORWARDED] = {"http://b:1", "", 0},
    [TUNNELLED] = {"http://b:1, http://c:1", "HTTP/1.1 200 Yes\r\nX-A: b\r\n\r\n", 28},
    [BY_SOCKS] = {"socks5h://b:1", "\5\0\5\0\0\1\0\0\0\0\0\0", 12},
};

/* The server says the first n bytes of it all, and then ends. */
static void script(struct wire *w, int way, const struct message *m, size_t n, bool by_reset)
{
    size_t before = n < ways[way].len ? n : ways[way].len, greeting = before < 2 ? before : 2;
    struct wire_step *step = w->steps;

    *w = (struct wire)WIRE(SAY(NULL));
    if (way == BY_SOCKS) {
        *step++ = (struct wire_step){.after_ms = 5, .say = ways[way].says, .len = greeting};
        if (before > greeting)
            *step++ = (struct wire_step){.after_ms = 5, .say = ways[way].says + greeting, .len = before - greeting};
    } else if (way == TUNNELLED) {
        *step++ = (struct wire_step)ON_REQUEST;
        *step++ = (struct wire_step){.say = ways[way].says, .len = before};
    }
    if (n > before) {
        *step++ = (struct wire_step)ON_REQUEST;
        *step++ = (struct wire_step){.say = m->data, .len = n - before};
    }
    *step = (struct wire_step){.after_ms = 5, .end = !by_reset, .reset = by_reset};
}

/* An empty text has no length of its own. */
static void drop_empty_steps(struct wire *w)
{
    for (size_t i = 0; i < array_len(w->steps); i++)
        if (w->steps[i].say && w->steps[i].len == 0)
            w->steps[i].say = NULL;
}

static void expect_code(const char *what, int way, size_t n, int code)
{
    bool is_expected = code == BIDE_EDISCONNECTED || code == BIDE_ETRUNCATED || code == -ECONNRESET || code == BIDE_EPROXY || code == -EPIPE;

    if (!is_expected)
        FAIL("%s, way %d, %zu bytes: %d, %s", what, way, n, code, bide_error_text());
    EXPECT_CONTAINS(bide_error_text(), "http://a/");
}

static int get_page(bide_session *s)
{
    bide_auto bide_response *r = bide_get(s, "http://a/");
    bide_bytes body = r ? bide_body(r) : (bide_bytes){NULL, 0};
    if (!body.data)
        return bide_error_code();

    EXPECT_EQ(body.len, sizeof PAGE - 1);
    EXPECT_MEM(body.data, PAGE, body.len);
    return 0;
}

static void cut_at_every_byte(bool by_reset)
{
    static struct wire w[2];
    struct message m;

    for (int way = 0; way < WAYS; way++)
        for (int kind = 0; kind < BODIES; kind++) {
            make_answer(&m, kind);
            size_t all = ways[way].len + m.len;
            for (size_t n = 0; n <= all; n++) {
                bide_auto bide_session *s = bide_session_new(.proxy = ways[way].proxy);
                script(&w[0], way, &m, n, by_reset);
                script(&w[1], way, &m, all, false);
                drop_empty_steps(&w[0]);
                wires_plant(s, w, 2);
                int code = get_page(s);
                if (n < all)
                    expect_code(by_reset ? "RST" : "FIN", way, n, code);
                else
                    EXPECT_ERR(code, 0);
                bide_error_clear();
                EXPECT_EQ(bide_session_get_stats(s).open, n == all);
                EXPECT_EQ(bide_sleep_ms(10), 0); /* also when it was whole it has ended by now */
                EXPECT_EQ(bide_session_get_stats(s).open, 0);
                EXPECT_TRUE(w[0].closed);
                EXPECT_ERR(get_page(s), 0);
            }
        }
}

/* R36, D7 */
TEST(evil_end_at_every_byte_of_an_answer_is_an_error, .seconds = 60)
{
    cut_at_every_byte(false);
}

/* R36 */
TEST(evil_reset_at_every_byte_of_an_answer_is_an_error, .seconds = 60)
{
    cut_at_every_byte(true);
}

TEST(evil_answer_a_byte_at_a_time_is_an_answer)
{
    static struct wire w;
    struct message m;

    for (int way = 0; way < WAYS; way++)
        for (int kind = 0; kind < BODIES; kind++) {
            bide_auto bide_session *s = bide_session_new(.proxy = ways[way].proxy);
            make_answer(&m, kind);
            script(&w, way, &m, ways[way].len + m.len, false);
            w.gives = 1;
            wires_plant(s, &w, 1);
            EXPECT_ERR(get_page(s), 0);
            EXPECT_EQ(bide_session_get_stats(s).idle, 1);
        }
}

/* R37: whatever they are, they are not the next answer. */
TEST(evil_bytes_behind_an_answer_are_not_the_next_one)
{
    static const char *const behind[] = {"x", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", "\r\nx", "0\r\n\r\n"};
    static struct wire w[2];
    struct message m;

    for (int way = 0; way < WAYS; way++)
        for (int kind = 0; kind < BODIES; kind++)
            for (size_t i = 0; i < array_len(behind); i++) {
                bide_auto bide_session *s = bide_session_new(.proxy = ways[way].proxy);
                make_answer(&m, kind);
                script(&w[1], way, &m, ways[way].len + m.len, false);
                put_text(&m, behind[i], strlen(behind[i]));
                script(&w[0], way, &m, ways[way].len + m.len, false);
                wires_plant(s, w, 2);
                EXPECT_ERR(get_page(s), 0);
                EXPECT_EQ(bide_session_get_stats(s).open, 0);
                EXPECT_ERR(get_page(s), 0);
                EXPECT_EQ(wires.next, 2);
            }
}

/* ---- what is sent ---- */

/* The server takes so many bytes of the request, and then is gone. */
TEST(evil_end_at_every_byte_of_a_request_is_an_error, .seconds = 60)
{
    static struct wire w[2];
    static char body[3000];
    size_t all = 3200;

    memset(body, 'x', sizeof body);
    for (size_t n = 0; n < all; n += n < 200 ? 1 : 61)
        for (int by_reset = 0; by_reset < 2; by_reset++) {
            bide_auto bide_session *s = bide_session_new();
            w[0] = (struct wire)WIRE({.after_ms = 5, .end = !by_reset, .reset = by_reset});
            w[1] = (struct wire)WIRE(ON_REQUEST, SAY("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
            w[0].room = n;
            wires_plant(s, w, 2);
            bide_auto bide_response *r = bide_post(s, "http://a/", .data = {body, sizeof body});
            EXPECT_NULL(r);
            expect_code("sending", 0, n, bide_error_code());
            bide_error_clear();
            EXPECT_TRUE(w[0].closed);
            bide_auto bide_response *again = bide_post(s, "http://a/", .data = {body, sizeof body});
            EXPECT_STR(bide_text(again), "ok");
        }
}
