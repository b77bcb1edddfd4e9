/* SPDX-License-Identifier: MIT */
/* 12_testing.c - a program that asks a server, tested without one. */
#include <bide/bide.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CATS "https://shelter.example/cats"

/* What is to be tested: how many cats does the shelter have? */
static int count_cats(bide_session *s)
{
    bide_auto bide_response *r = bide_get(s, CATS, .headers = BIDE_PAIRS({"Accept", "text/plain"}));
    if (!r)
        return bide_raise();
    if (bide_status(r) == 404)
        return 0;
    BIDE_TRY(bide_raise_for_status(r));

    const char *text = bide_text(r);
    return text ? atoi(text) : bide_raise();
}

/* Answers in a table: a row with .times has to be asked for so often, then the next has its turn. */
static int with_a_table(void)
{
    bide_auto bide_transport *t = bide_transport_mock(.table = BIDE_MOCKS({"GET", CATS, BIDE_ANSWER(200, .text = "7"), .times = 1},
                                                                          {"GET", CATS, BIDE_ANSWER(503), .times = 1},
                                                                          {"GET", CATS, BIDE_ANSWER(404)}));
    bide_auto bide_session *s = bide_session_new(.transport = t, .retry = {.attempts = 2, .wait_ms = 1});
    if (!t || !s)
        return bide_raise();

    printf("%d cats\n", count_cats(s));
    printf("%d cats, after a 503\n", count_cats(s));
    printf("asked %d times, Accept: %s\n", (int)bide_transport_request_count(t),
           bide_mock_header(bide_transport_request_at(t, 0), "Accept"));
    return bide_transport_check(t);
}

/* Answers of a function; this one breaks off in the middle. */
static int break_off(bide_mock_request *q, void *arg)
{
    (void)arg;
    return bide_mock_answer(q, 200, .pieces = BIDE_PIECES({"1"}, {"2", .after_ms = 50}, {.error = -ECONNRESET}));
}

static int with_a_function(void)
{
    bide_auto bide_transport *t = bide_transport_mock(.fn = break_off);
    bide_auto bide_session *s = bide_session_new(.transport = t);
    if (!t || !s)
        return bide_raise();

    if (count_cats(s) < 0)
        printf("%s\n", bide_error_text());
    return 0;
}

static int cats(bide_exchange *x, void *arg)
{
    (void)arg;
    return bide_respond_text(x, 200, "3");
}

/* What a server said once is recorded, and said again when there is no server. */
static int with_a_recording(const char *path)
{
    bide_auto bide_server *server = bide_server_start(cats);
    bide_auto bide_transport *recorder = bide_transport_record(path);
    bide_auto bide_session *s = bide_session_new(.transport = recorder);
    if (!server || !recorder || !s)
        return bide_raise();
    char url[64];
    snprintf(url, sizeof url, "%s/cats", bide_server_url(server));

    bide_auto bide_response *r = bide_get(s, url);
    printf("%s cats\n", bide_text(r));
    printf("%d exchange in the file\n", bide_transport_end(recorder));
    bide_release(bide_take(server));
    bide_auto bide_transport *replay = bide_transport_replay(path);
    bide_auto bide_session *later = bide_session_new(.transport = replay);
    if (!replay || !later)
        return bide_raise();
    bide_auto bide_response *again = bide_get(later, url);
    printf("%s cats, without a server\n", bide_text(again));
    return bide_transport_check(replay);
}

/* Called before each try. */
static int sign(bide_attempt *a, void *key)
{
    char text[64];
    snprintf(text, sizeof text, "%s/%d", (const char *)key, bide_attempt_number(a));
    return bide_attempt_set_header(a, "X-Signature", text);
}

static int with_a_signature(void)
{
    static char key[] = "key";
    bide_auto bide_transport *t = bide_transport_mock(.table = BIDE_MOCKS({NULL, "*", BIDE_ANSWER(200, .text = "2")}));
    bide_auto bide_session *s = bide_session_new(.transport = t, .around = BIDE_AROUND({.before = sign, .arg = key}));
    if (!t || !s)
        return bide_raise();

    printf("%d cats\n", count_cats(s));
    printf("signed with %s\n", bide_mock_header(bide_transport_request_at(t, 0), "X-Signature"));
    return 0;
}

/* What is to be tested: is there somebody who answers within five seconds? */
static int is_there(bide_stream *s)
{
    const char *line;
    ssize_t n = 0;

    BIDE_TRY(bide_write(s, "PING\n", 5));
    bide_timeout(5000) n = bide_read_until(s, "\n", &line);
    return n < 0 ? (int)n : strcmp(line, "PONG\n") == 0;
}

/* A peer with a script, for any protocol, and a clock that does not wait. */
static int with_a_script(void)
{
    BIDE_TRY(bide_test_virtual_clock());
    bide_auto bide_test_peer *slow = bide_test_peer_new(.steps = BIDE_STEPS({.expect = "PING\n", .after_ms = 4000, .send = "PONG\n"},
                                                                            {.expect = "PING\n", .after_ms = 6000}));
    bide_auto bide_stream *s = slow ? bide_test_peer_connect(slow) : NULL;
    if (!s)
        return bide_raise();

    printf("there: %d\n", is_there(s));
    printf("there: %s\n", bide_strerror(is_there(s)));
    BIDE_TRY(bide_sleep_ms(1000));
    return bide_test_peer_check(slow);
}

static int app(void)
{
    char path[64];
    snprintf(path, sizeof path, "/tmp/bide-page-%d.har", (int)getpid());

    BIDE_TRY(with_a_table());
    BIDE_TRY(with_a_function());
    int code = with_a_recording(path);
    unlink(path);
    if (code < 0)
        return code;
    BIDE_TRY(with_a_signature());
    return with_a_script();
}

int main(void)
{
    return bide_main(bide_coro(app));
}
