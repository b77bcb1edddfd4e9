/* SPDX-License-Identifier: MIT */
/*
 * test_forged.c - what somebody else wrote into Redis is not believed: jobs, results, cancellations, keys of another
 * type.  And a server that takes bytes is not silent.
 */
#include <stdio.h>
#include <sys/socket.h>

#include "redis_test.h"

#define REDIS(name, ...) TEST(name, .real_time = true, .seconds = 40, ##__VA_ARGS__)

#define JOBS "bide:{t}:jobs"
#define DEAD "bide:{t}:dead"
#define CLIENT "0123456789abcdef0123456789abcdef"

struct setup {
    struct redis_server server;
    bide_pool *local;
    bide_task *host;
};

static int serve(struct setup *s)
{
    return bide_pool_serve(s->server.url, "t", .pool = s->local, .lease_ms = 300, .close_ms = 200, .max_deliveries = 2);
}

static void open_setup(struct setup *s)
{
    needs_processes();
    *s = (struct setup){0};
    redis_start(&s->server, NULL);
    s->local = OPEN(.workers = 1);
    s->host = bide_create_task(bide_coro(serve, s), .name = "host");
    EXPECT_TRUE(s->host);
}

static void close_setup(struct setup *s)
{
    bide_release(s->host);
    bide_release(s->local);
}

/* Nothing waits or runs any more. */
static void wait_until_done(struct setup *s)
{
    for (int i = 0; i < 400 && REDIS_SAY(&s->server, "XLEN", JOBS) > 0; i++)
        EXPECT_OK(bide_sleep_ms(10));
    EXPECT_EQ(REDIS_SAY(&s->server, "XLEN", JOBS), 0);
    EXPECT_EQ(REDIS_SAY(&s->server, "XPENDING", JOBS, "w", "-", "+", "10"), 0);
}

static int without_prototype(const struct big *in)
{
    return in->bytes[sizeof in->bytes - 1]; /* what it would read, if an entry said that it has one byte */
}
BIDE_POOL_TASK(without_prototype);

static int job_without_arguments(void)
{
    return 5;
}
BIDE_POOL_TASK(job_without_arguments, void);

REDIS(redis_function_without_its_parameters_is_not_served)
{
    struct setup s;
    static struct big in;
    open_setup(&s);
    int pid = bide_pool_pid(s.local, 0);
    bide_auto bide_pool *pool = OPEN_REDIS(&s.server);

    EXPECT_ERR(CALL(pool, bide_job(without_prototype, &in)), BIDE_EFUNCTION);
    EXPECT_CONTAINS(bide_error_text(), "serves no such function: write BIDE_POOL_TASK(without_prototype, ...);");
    bide_error_clear();
    REDIS_SAY(&s.server, "XADD", JOBS, "*", "f", "without_prototype", "m", CLIENT " 1 3 0 0 0", "a", "x");
    wait_until_done(&s);
    EXPECT_EQ(CALL(pool, bide_job(job_without_arguments)), 5); /* none is a prototype, too */
    EXPECT_EQ(bide_pool_pid(s.local, 0), pid);
    close_setup(&s);
}

/* Of job_add(struct pair *, struct sum *) and job_length(const char *), which are registered with their parameters. */
REDIS(redis_forged_shape_and_sizes_are_refused)
{
    static const char *const forged[][3] = {
        {"job_add", CLIENT " 1 1 24 0 1", "short"},            /* less of an argument than it reads */
        {"job_add", CLIENT " 1 1 1 0 1", "0123456789abcdef"},  /* less room for the result than it writes */
        {"job_add", CLIENT " 1 1 0 0 0", "0123456789abcdef"},  /* none at all */
        {"job_add", CLIENT " 1 0 0 0 0", ""},
        {"job_add", CLIENT " 1 3 24 0 1", "0123456789abcdef"},
        {"job_length", CLIENT " 1 2 0 0 0", "no NUL"},
        {"job_length", CLIENT " 1 2 0 0 0", ""},
        {"job_length", CLIENT " 1 3 0 0 0", "bytes"},
    };
    struct setup s;
    struct pair in = {1, 2};
    struct sum out;
    open_setup(&s);
    bide_auto bide_pool *pool = OPEN_REDIS(&s.server);
    int pid = bide_pool_pid(s.local, 0);

    for (size_t i = 0; i < array_len(forged); i++)
        REDIS_SAY(&s.server, "XADD", JOBS, "*", "f", forged[i][0], "m", forged[i][1], "a", forged[i][2]);
    wait_until_done(&s);
    EXPECT_EQ(CALL(pool, bide_job(job_add, &in, &out)), 7);
    EXPECT_EQ(out.sum, 3);
    EXPECT_EQ(out.pid, pid);
    EXPECT_EQ(s.local->done, 1); /* none of the others has reached a worker */
    close_setup(&s);
}

static const char add_large[] = "local f = {} for i = 1, 20000 do f[i] = 'x' end "
                                "for i = 1, 20000, 5000 do redis.call('XADD', KEYS[1], '*', unpack(f, i, i + 4999)) end "
                                "return redis.call('XADD', KEYS[1], '*', 'x', string.rep('y', 1000000))";

/* No job: kept among the dead, with an end in bytes as well, and nobody meets it again. */
REDIS(redis_entry_that_is_no_job_is_put_among_the_dead)
{
    struct setup s;
    struct redis_server *r = &s.server;
    open_setup(&s);
    bide_auto bide_pool *pool = OPEN_REDIS(r);

    REDIS_SAY(r, "XADD", JOBS, "*", "x", "y");
    REDIS_SAY(r, "XADD", JOBS, "*", "f", "job_nothing", "a", "");
    REDIS_SAY(r, "XADD", JOBS, "*", "m", "");
    REDIS_SAY(r, "XADD", JOBS, "*", "f", "job_nothing", "m", "abc 1 0 0 0 0");
    REDIS_SAY(r, "XADD", JOBS, "*", "f", "job_nothing", "m", CLIENT " 1 9 0 0 0");
    REDIS_SAY(r, "XADD", JOBS, "*", "f", "job_nothing", "m", CLIENT " 1 0 0 -5 0");
    REDIS_SAY(r, "EVAL", add_large, "1", JOBS);
    wait_until_done(&s);
    EXPECT_EQ(REDIS_SAY(r, "XLEN", DEAD), 11);
    EXPECT_EQ(REDIS_SAY(r, "EVAL", "return #redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1][2][2]", "1", DEAD),
              strlen("(1000000 bytes)"));
    EXPECT_EQ(REDIS_SAY(r, "EVAL", "return #redis.call('XRANGE', KEYS[1], '-', '+')[8][2]", "1", DEAD), 16);
    EXPECT_EQ(CALL(pool, bide_job(job_length, "four")), 4);
    close_setup(&s);
}

static long long commands_done(struct setup *s)
{
    return REDIS_SAY(&s->server, "EVAL",
                     "return tonumber(string.match(redis.call('INFO', 'stats'), 'total_commands_processed:(%d+)'))", "0");
}

/* Who reads a stream goes on behind what is none of his entries, and does not read it again and again. */
REDIS(redis_forged_cancellations_and_results_are_passed_over)
{
    struct setup s;
    char key[REDIS_KEY_MAX], text[64];
    open_setup(&s);
    bide_auto bide_pool *pool = OPEN_REDIS(&s.server);

    snprintf(key, sizeof key, "bide:{t}:results:%s", bide__redis_client(pool)->id);
    EXPECT_EQ(CALL(pool, bide_job(job_length, "four")), 4);
    for (int i = 0; i < 600; i++) {
        snprintf(text, sizeof text, "%d-%d", i, i);
        REDIS_SAY(&s.server, "XADD", key, "*", "m", "7 r 1 2 3", "a", text);
    }
    REDIS_SAY(&s.server, "XADD", key, "*", "x", "y");
    REDIS_SAY(&s.server, "XADD", "bide:{t}:cancelled", "*", "m", "not an id");
    REDIS_SAY(&s.server, "XADD", "bide:{t}:cancelled", "*", "x", "y");
    EXPECT_OK(bide_sleep_ms(300));
    long long before = commands_done(&s);
    EXPECT_OK(bide_sleep_ms(1000));
    EXPECT_LT(commands_done(&s) - before, 200);
    EXPECT_EQ(CALL(pool, bide_job(job_length, "seven..")), 7);
    close_setup(&s);
}

REDIS(redis_keys_of_another_type_hold_up_no_other_answer)
{
    struct setup s;
    open_setup(&s);
    bide_auto bide_pool *pool = OPEN_REDIS(&s.server);

    REDIS_SAY(&s.server, "SET", DEAD, "x");
    REDIS_SAY(&s.server, "SET", "bide:{t}:results:" CLIENT, "x");
    REDIS_SAY(&s.server, "XADD", JOBS, "*", "x", "y");
    REDIS_SAY(&s.server, "XADD", JOBS, "*", "f", "job_nothing", "m", CLIENT " 1 0 0 0 0", "a", "");
    EXPECT_EQ(CALL(pool, bide_job(job_length, "four")), 4);
    wait_until_done(&s);
    close_setup(&s);
}

UNIT(redis_password_that_is_too_long_is_refused)
{
    struct redis_address a;
    char password[300];

    memset(password, 'p', sizeof password - 1);
    password[sizeof password - 1] = '\0';
    setenv("BIDE_REDIS_PASSWORD", password, 1);
    EXPECT_ERR(bide__redis_address(&a, "redis://h", "t"), -EINVAL);
    EXPECT_STR(bide_error_text(), "$BIDE_REDIS_PASSWORD: a password of 299 bytes: 255 at most");
    bide_error_clear();
    password[255] = '\0';
    setenv("BIDE_REDIS_PASSWORD", password, 1);
    EXPECT_OK(bide__redis_address(&a, "redis://h", "t"));
    EXPECT_STR(a.password, password);
}

/* ---- a slow link ---- */

#define SLOW_BYTES ((size_t)4 << 20)

struct link {
    struct redis_server *server;
    bide_listener *listener;
    int connections;
};

struct direction {
    bide_stream *from, *to;
    bool slow;
};

/* 16 KiB every 6 ms, and little in between, so that what is under way is seen to be. */
static int pass_on(struct direction *d)
{
    char bytes[16 << 10];
    ssize_t n;

    if (d->slow)
        EXPECT_OK(setsockopt(d->from->socket.fd.fd, SOL_SOCKET, SO_RCVBUF, &(int){64 << 10}, sizeof(int)));
    while ((n = bide_read(d->from, bytes, sizeof bytes)) > 0) {
        BIDE_TRY(bide_write(d->to, bytes, (size_t)n));
        BIDE_TRY(bide_drain(d->to));
        if (d->slow)
            BIDE_TRY(bide_sleep_ms(6));
    }
    return n < 0 ? (int)n : bide_stream_shutdown(d->to);
}

static int connect_through(bide_stream *s, void *arg)
{
    struct link *l = arg;
    l->connections++;
    bide_auto bide_stream *to = bide_connect("127.0.0.1", l->server->port);
    if (!to)
        return bide_raise();
    struct direction out = {s, to, true}, in = {to, s, false};

    BIDE_IGNORE(bide_gather(bide_coro(pass_on, &out), bide_coro(pass_on, &in))); /* until one of them is gone */
    return 0;
}

static int be_link(struct link *l)
{
    return bide_serve(l->listener, connect_through, l);
}

static int first_byte(bide_bytes in)
{
    return in.len > 0 ? in.data[in.len - 1] : -EINVAL;
}
BIDE_POOL_TASK(first_byte, bide_bytes);

/* The argument takes 1.5 s or more; a server that is silent for 600 ms is given up, one that takes bytes is not. */
REDIS(redis_that_takes_a_large_argument_slowly_is_not_silent)
{
    struct setup s;
    struct link l = {.server = &s.server};
    char url[80], *bytes = malloc(SLOW_BYTES);
    open_setup(&s);
    l.listener = bide_listen("127.0.0.1", 0);
    bide_auto bide_task *link = bide_create_task(bide_coro(be_link, &l));
    snprintf(url, sizeof url, "redis://127.0.0.1:%d/0", bide_listener_port(l.listener));
    bide_pool *pool = OPEN(.redis = url, .name = "t");
    bide__redis_client(pool)->link.quiet_ms = 600;
    memset(bytes, 9, SLOW_BYTES);
    EXPECT_OK(bide_sleep_ms(100)); /* both of its connections are there */
    int before = l.connections;
    int64_t start = now_us();

    EXPECT_EQ(CALL(pool, bide_job_bytes(first_byte, ((bide_bytes){bytes, SLOW_BYTES}))), 9);
    EXPECT_LT(1200000, now_us() - start);
    EXPECT_EQ(l.connections, before); /* none was lost */
    bide_release(pool);
    close_setup(&s);
    bide_task_cancel(link);
    EXPECT_ERR(bide_await(link), BIDE_ECANCELED);
    bide_release(l.listener);
    free(bytes);
}
