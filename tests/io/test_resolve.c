/* SPDX-License-Identifier: MIT */
/* test_resolve.c - .resolve and .dial of bide_connect: addresses and streams that a function of the user's gives. */
#include "net.h"

/* What a resolver says, and what it was asked. */
struct table {
    const char *addresses[4];
    int code; /* result; 0: as adding went */
    int64_t delay_ms;
    int calls, ended;
    char asked[64];
};

static int resolve(const char *name, bide_addresses *out, void *arg)
{
    struct table *t = arg;

    t->calls++;
    snprintf(t->asked, sizeof t->asked, "%s", name);
    for (int i = 0; i < 4 && t->addresses[i]; i++)
        BIDE_TRY(bide_addresses_add(out, t->addresses[i]));
    if (t->delay_ms > 0 && (t->ended = bide_sleep_ms(t->delay_ms)) < 0)
        return t->ended;
    return t->code;
}

static int hello(bide_stream *s, void *arg)
{
    (void)arg;
    BIDE_TRY(bide_write(s, "hello", 5));
    return bide_drain(s);
}

/* A listener that says hello, on 127.0.0.1. */
struct server {
    bide_listener *listener;
    bide_task *task;
    int port;
};

static struct server serve(void)
{
    struct server s = {.listener = bide_listen("127.0.0.1", 0)};
    EXPECT_NOT_NULL(s.listener);
    s.port = bide_listener_port(s.listener);
    s.task = bide_create_task(bide_coro(bide_serve, s.listener, hello, NULL));
    return s;
}

static void stop(struct server *s)
{
    bide_release(s->task);
    bide_release(s->listener);
    bide_error_clear();
}

static void expect_hello(bide_stream *s)
{
    char text[6] = "";

    if (!s)
        FAIL("%s", bide_error_text());
    EXPECT_EQ(bide_read_exactly(s, text, 5), 5);
    EXPECT_STR(text, "hello");
}

TEST(resolve_addresses_are_tried_until_one_answers, .real_time = true)
{
    struct server server = serve();
    struct table t = {.addresses = {"127.0.0.2", "127.0.0.1"}}; /* nobody listens on the first */
    bide_auto bide_stream *s = bide_connect("Some.Name", server.port, .resolve = resolve, .resolve_arg = &t);

    expect_hello(s);
    EXPECT_EQ(t.calls, 1);
    EXPECT_STR(t.asked, "Some.Name");
    EXPECT_CONTAINS(bide_stream_peer(s), "127.0.0.1:");
    bide_release(bide_take(s));
    stop(&server);
}

TEST(resolve_is_not_asked_for_literals_and_localhost, .real_time = true)
{
    struct server server = serve();
    struct table t = {.code = -EIO};

    for (const char *const *host = (const char *const[]){"127.0.0.1", "localhost", "a.localhost", NULL}; *host; host++) {
        bide_auto bide_stream *s = bide_connect(*host, server.port, .resolve = resolve, .resolve_arg = &t);
        expect_hello(s);
    }
    EXPECT_EQ(t.calls, 0);
    stop(&server);
}

TEST(resolve_without_an_address_is_no_such_name, .real_time = true)
{
    struct table t = {.code = 0};

    EXPECT_NULL(bide_connect("a.test", 80, .resolve = resolve, .resolve_arg = &t));
    EXPECT_ERR(bide_error_code(), BIDE_ENAME);
    EXPECT_STR(bide_error_text(), "connect a.test:80: .resolve gave no address");
}

TEST(resolve_failure_ends_the_connect_with_its_code, .real_time = true)
{
    struct table t = {.addresses = {"127.0.0.1"}, .code = -EIO};

    bide_fail(-EIO, "from before");
    EXPECT_NULL(bide_connect("a.test", 80, .resolve = resolve, .resolve_arg = &t));
    EXPECT_ERR(bide_error_code(), -EIO);
    EXPECT_CONTAINS(bide_error_text(), "connect a.test: .resolve failed: ");

    t.addresses[0] = "127.1"; /* what it has put on record itself stays */
    EXPECT_NULL(bide_connect("a.test", 80, .resolve = resolve, .resolve_arg = &t));
    EXPECT_ERR(bide_error_code(), -EINVAL);
    EXPECT_STR(bide_error_text(), "bide_addresses_add: \"127.1\" is no address");
}

static int add_many(const char *name, bide_addresses *out, void *arg)
{
    int *n = arg, code = 0;

    (void)name;
    while (*n < 1000 && (code = bide_addresses_add(out, "127.0.0.1")) == 0)
        ++*n;
    EXPECT_EQ(bide_addresses_add(out, "::1"), 0); /* the other family has room */
    return code;
}

TEST(resolve_takes_64_addresses_of_a_family, .real_time = true)
{
    int n = 0;

    EXPECT_NULL(bide_connect("a.test", 80, .resolve = add_many, .resolve_arg = &n));
    EXPECT_ERR(bide_error_code(), BIDE_ELIMIT);
    EXPECT_EQ(n, 64);
}

/* ---- when it takes too long ---- */

TEST(resolve_that_waits_ends_at_the_limit)
{
    struct table t = {.addresses = {"127.0.0.1"}, .delay_ms = 100000};

    EXPECT_NULL(bide_connect("a.test", 80, .timeout_ms = 500, .resolve = resolve, .resolve_arg = &t));
    EXPECT_ERR(bide_error_code(), BIDE_ETIMEDOUT);
    EXPECT_STR(bide_error_text(), "connect a.test:80: timed out while looking up the name");
    EXPECT_ERR(t.ended, BIDE_ETIMEDOUT);
}

static int connect_by(struct table *t)
{
    bide_auto bide_stream *s = bide_connect("a.test", 80, .resolve = resolve, .resolve_arg = t);

    return s ? 0 : bide_raise();
}

TEST(resolve_that_waits_is_cancelled_with_its_task)
{
    struct table t = {.addresses = {"127.0.0.1"}, .delay_ms = 100000};
    bide_auto bide_task *task = bide_create_task(bide_coro(connect_by, &t));

    EXPECT_EQ(bide_sleep_ms(10), 0);
    bide_task_cancel(task);
    EXPECT_ERR(bide_await(task), BIDE_ECANCELED);
    EXPECT_ERR(t.ended, BIDE_ECANCELED);
    bide_error_clear();
}

TEST(resolve_fails_the_nth_allocation, .real_time = true)
{
    struct server server = serve();
    struct table t = {.addresses = {"::1", "127.0.0.1"}};
    bool done = false;

    for (long n = 0; !done; n++) {
        EXPECT_LT(n, 50);
        bide__alloc_fail_at(n);
        bide_stream *s = bide_connect("a.test", server.port, .resolve = resolve, .resolve_arg = &t);
        done = bide__alloc_fail_at(-1);
        if (!s)
            EXPECT_ERR(bide_error_code(), BIDE_ENOMEM);
        bide_release(s);
        bide_error_clear();
    }
    stop(&server);
}

/* ---- .dial, without HTTP ---- */

static bide_stream *greeted(const char *host, int port, void *arg)
{
    const char *line;
    bide_auto bide_stream *s = bide_connect("127.0.0.1", port);

    (void)arg;
    EXPECT_STR(host, "a.test");
    return s && bide_read_until(s, "h", &line) == 1 ? bide_take(s) : NULL;
}

TEST(dial_stream_keeps_what_was_read_ahead, .real_time = true)
{
    struct server server = serve();
    char text[5] = "";
    bide_auto bide_stream *s = bide_connect("a.test", server.port, .dial = greeted);

    EXPECT_NOT_NULL(s);
    EXPECT_EQ(bide_read_exactly(s, text, 4), 4);
    EXPECT_STR(text, "ello");
    bide_release(bide_take(s));
    stop(&server);
}
