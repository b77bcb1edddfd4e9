/* SPDX-License-Identifier: MIT */
/* test_errors.c - what can be wrong with a Redis, each reported in one line; passwords, users, TLS (pool no. 59). */
#include <stdio.h>

#include "redis_test.h"

#define REDIS(name, ...) TEST(name, .real_time = true, .seconds = 30, ##__VA_ARGS__)

/* Opening fails with this code, and a line with this in it. */
static void expect_refused(const char *url, int code, const char *part)
{
    bide_auto bide_pool *pool = bide_pool_new(.redis = url, .name = "t");

    EXPECT_NULL(pool);
    EXPECT_EQ(bide_error_code(), code);
    EXPECT_CONTAINS(bide_error_text(), part);
    EXPECT_NULL(strchr(bide_error_text(), '\n'));
    bide_error_clear();
}

/* ---- where it is ---- */

UNIT(redis_url_is_read)
{
    struct redis_address a;
    static const struct {
        const char *url, *host, *user, *password, *name, *shown;
        int port, db;
        bool tls;
    } good[] = {
        {"redis://h", "h", "", "", "n", "h:6379", 6379, 0, false},
        {"redis://h:7/3", "h", "", "", "n", "h:7", 7, 3, false},
        {"redis://h:7/3/pages", "h", "", "", "pages", "h:7", 7, 3, false},
        {"redis://h/", "h", "", "", "n", "h:6379", 6379, 0, false},
        {"rediss://u:p%40%2F@h:7", "h", "u", "p@/", "n", "h:7", 7, 0, true},
        {"redis://:p:q@h", "h", "", "p:q", "n", "h:6379", 6379, 0, false},
        {"redis://[::1]:7/1", "::1", "", "", "n", "::1:7", 7, 1, false},
        {"unix:/run/redis.sock", "unix:/run/redis.sock", "", "", "n", "unix:/run/redis.sock", 6379, 0, false},
    };

    for (size_t i = 0; i < array_len(good); i++) {
        EXPECT_OK(bide__redis_address(&a, good[i].url, strcmp(good[i].name, "n") == 0 ? "n" : NULL));
        EXPECT_STR(a.host, good[i].host);
        EXPECT_STR(a.user, good[i].user);
        EXPECT_STR(a.password, good[i].password);
        EXPECT_STR(a.name, good[i].name);
        EXPECT_STR(a.shown, good[i].shown);
        EXPECT_EQ(a.port, good[i].port);
        EXPECT_EQ(a.db, good[i].db);
        EXPECT_EQ(a.tls, good[i].tls);
    }
}

UNIT(redis_url_wrong_is_refused_without_showing_it)
{
    struct redis_address a;
    static const char *const bad[] = {"",
                                      "http://h",
                                      "redis:/h",
                                      "redis://",
                                      "redis://:secret@",
                                      "redis://h:x",
                                      "redis://h:70000",
                                      "redis://h/x",
                                      "redis://h/-1",
                                      "redis://h?x=1",
                                      "redis://h/1%",
                                      "redis://[::1",
                                      "redis://h:",
                                      "redis://u:secret%zz@h",
                                      "redis://u%00:p@h"};

    for (size_t i = 0; i < array_len(bad); i++) {
        if (bide__redis_address(&a, bad[i], "n") == 0 && strcmp(bad[i], "redis://h/1%") != 0)
            FAIL("%s was taken", bad[i]);
        EXPECT_NULL(strstr(bide_error_text(), "secret"));
        bide_error_clear();
    }
    EXPECT_ERR(bide__redis_address(&a, "redis://h", NULL), -EINVAL);
    bide_error_clear();
    EXPECT_ERR(bide__redis_address(&a, "redis://h", "a{b}"), -EINVAL);
    EXPECT_STR(bide_error_text(), "a{b}: not the name of a queue: letters, digits and -_.: only");
    bide_error_clear();
}

UNIT(redis_name_that_is_too_long_is_refused)
{
    struct redis_address a;
    char name[REDIS_NAME_MAX + 2], url[200];

    memset(name, 'n', sizeof name - 1);
    name[REDIS_NAME_MAX] = '\0';
    EXPECT_OK(bide__redis_address(&a, "redis://h", name));
    EXPECT_STR(a.name, name);
    name[REDIS_NAME_MAX] = 'n';
    name[REDIS_NAME_MAX + 1] = '\0';
    snprintf(url, sizeof url, "redis://h/0/%s", name);
    EXPECT_ERR(bide__redis_address(&a, "redis://h", name), -EINVAL);
    EXPECT_STR(bide_error_text(), "a queue's name of 101 bytes: 100 at most");
    bide_error_clear();
    EXPECT_ERR(bide__redis_address(&a, url, NULL), -EINVAL);
    EXPECT_STR(bide_error_text(), "a queue's name of 101 bytes: 100 at most");
    bide_error_clear();
}

UNIT(redis_answers_that_are_none_are_refused)
{
    struct redis_answer a;
    struct redis_call c;
    static const char *const bad[] = {"", "7", "x r 1 1 1 1 1 1", "7 r", "7 r 1 2 3", "7 q 1 1 1 1 1 1", "7 p 1",
                                      "7 r 1 1 1 1 1 1 1", "7 r 9999999999 1 1 1 1 1", "7 r - 1 1 1 1 1", "7  r 1 1 1 1 1 1",
                                      "-7 r 1 1 1 1 1 1", "99999999999999999999 r 1 1 1 1 1 1", "7 p 1 -1", "7 r 1 1 1 1 1 1x"};
    static const char *const calls[] = {"", "abc 1 1 1 1 1", "0123456789abcdef0123456789abcdef 1 9 0 0 0",
                                        "0123456789abcdef0123456789abcdef 1 1 99999999999 0 0",
                                        "0123456789abcdef0123456789abcdeg 1 1 1 1 1",
                                        "0123456789abcdef0123456789abcdef0 1 1 1 1 1",
                                        "0123456789abcdef0123456789abcdef 1 -1 1 1 1",
                                        "0123456789abcdef0123456789abcdef 1 1 1 -1 1",
                                        "0123456789abcdef0123456789abcdef 1 1 1 1 1 1",
                                        "0123456789abcdef0123456789abcdef 1 1 1 1"};
    redisReply r = {.type = REDIS_REPLY_STRING};

    for (size_t i = 0; i < array_len(bad); i++) {
        r.str = (char *)(uintptr_t)bad[i];
        r.len = strlen(bad[i]);
        EXPECT_FALSE(bide__redis_answer_read(&a, &r));
    }
    for (size_t i = 0; i < array_len(calls); i++) {
        r.str = (char *)(uintptr_t)calls[i];
        r.len = strlen(calls[i]);
        EXPECT_FALSE(bide__redis_call_read(&c, &r));
    }
}

/* What a server says goes into messages, and those to terminals. */
UNIT(redis_error_of_a_server_is_shown_as_text)
{
    struct redis_address a = {.shown = "h:1"};
    char text[] = "ERR \x1b[31mred\x9b" "31m \xe2\x80\xae" "back and far more of it than anybody would want to read in a line";
    redisReply r = {.type = REDIS_REPLY_ERROR, .str = text, .len = strlen(text)};

    EXPECT_ERR(bide__redis_code(&a, &r, "XADD"), -EREMOTEIO);
    EXPECT_STR(bide_error_text(), "Redis at h:1: XADD: ERR ?[31mred?31m ?back and far more of it than anybody would wan...");
    bide_error_clear();
}

/* ---- what is wrong with it ---- */

static char refused_text[400];

static void note_refused(const bide_pool_event *e, void *arg)
{
    (void)arg;
    if (e->kind == BIDE_POOL_LOST)
        snprintf(refused_text, sizeof refused_text, "%s", e->text);
}

REDIS(redis_down_is_reported)
{
    struct redis_server s;
    redis_start(&s, NULL);
    redis_kill(&s);
    expect_refused(s.url, -ECONNREFUSED, "Redis at 127.0.0.1:");
}

REDIS(redis_wrong_password_is_reported)
{
    struct redis_server s;
    char url[100];
    redis_start(&s, (const char *[]){"--requirepass", "sesame", NULL});

    expect_refused(s.url, -EACCES, "NOAUTH");
    snprintf(url, sizeof url, "redis://:wrong@127.0.0.1:%d", s.port);
    expect_refused(url, -EACCES, "AUTH: WRONGPASS");
    snprintf(s.url, sizeof s.url, "redis://:sesame@127.0.0.1:%d", s.port);
    bide_auto bide_pool *pool = OPEN_REDIS(&s);
    setenv("BIDE_REDIS_PASSWORD", "sesame", 1);
    snprintf(s.url, sizeof s.url, "redis://127.0.0.1:%d", s.port);
    bide_auto bide_pool *other = OPEN_REDIS(&s);
}

/* What docs/guide/several-machines.md says that a user needs. */
#define ACL_COMMANDS                                                                                        \
    "+auth|+select|+info|+ping|+xgroup|+xadd|+xdel|+xread|+xreadgroup|+xclaim|+xautoclaim|+xpending|+xack|" \
    "+xrange|+xtrim|+xlen|+pexpire|+unlink|+eval"

REDIS(redis_user_with_few_rights_is_enough)
{
    struct redis_server s;
    char rights[512] = "worker on >sesame ~bide:{t}:* " ACL_COMMANDS;
    redis_start(&s, NULL);
    for (char *p = rights; *p; p++)
        if (*p == '|')
            *p = ' ';
    const char *texts[64] = {"ACL", "SETUSER"};
    size_t n = 2;
    for (char *save, *word = strtok_r(rights, " ", &save); word; word = strtok_r(NULL, " ", &save))
        texts[n++] = word;
    redis_say(&s, texts);

    snprintf(s.url, sizeof s.url, "redis://worker:sesame@127.0.0.1:%d", s.port);
    pid_t host = host_start(&s, NULL);
    bide_auto bide_pool *pool = OPEN_REDIS(&s);
    EXPECT_EQ(CALL(pool, bide_job(job_length, "four")), 4);
    EXPECT_OK(bide_sleep_ms(300)); /* the lease has been renewed */
    EXPECT_OK(bide_pool_close(pool, 1000, NULL));
    EXPECT_EQ(host_stop(host), 0);
    bide_auto bide_pool *elsewhere = bide_pool_new(.redis = s.url, .name = "another");
    EXPECT_NULL(elsewhere);
    EXPECT_CONTAINS(bide_error_text(), "NOPERM");
    bide_error_clear();
}

REDIS(redis_that_evicts_is_refused)
{
    struct redis_server s;
    redis_start(&s, (const char *[]){"--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru", NULL});

    expect_refused(s.url, -EINVAL,
                   "would throw jobs away when it is full (maxmemory-policy allkeys-lru): set it to noeviction");
}

/* Speaks as much of the protocol as an old one needs to be found out. */
static int be_old(bide_stream *stream, void *arg)
{
    char buf[256];
    const char *info = "# Server\r\nredis_version:5.0.14\r\nmaxmemory:0\r\n";
    char reply[128];
    (void)arg;

    while (bide_read(stream, buf, sizeof buf) > 0) {
        snprintf(reply, sizeof reply, "$%zu\r\n%s\r\n", strlen(info), info);
        BIDE_TRY(bide_write(stream, reply, strlen(reply)));
        BIDE_TRY(bide_drain(stream));
    }
    return 0;
}

static int be_no_redis(bide_stream *stream, void *arg)
{
    char buf[256];
    (void)arg;

    BIDE_IGNORE(bide_read(stream, buf, sizeof buf));
    BIDE_TRY(bide_write(stream, "HTTP/1.1 400 Bad Request\r\n\r\n", 28));
    return bide_drain(stream);
}

static void expect_refused_by(bide_connection_handler *handler, int code, const char *part)
{
    char url[64];
    bide_auto bide_listener *l = bide_listen("127.0.0.1", 0);
    bide_auto bide_task *server = bide_create_task(bide_coro(bide_serve, l, handler, (void *)NULL));

    snprintf(url, sizeof url, "redis://127.0.0.1:%d", bide_listener_port(l));
    expect_refused(url, code, part);
}

REDIS(redis_too_old_is_reported)
{
    expect_refused_by(be_old, -EPROTONOSUPPORT, "is version 5.0.14: 6.2 or newer is needed");
}

REDIS(redis_other_server_is_reported)
{
    expect_refused_by(be_no_redis, -EBADMSG, "it does not speak the protocol of Redis");
}

/* A master, and what only repeats it. */
REDIS(redis_replica_is_refused_and_its_master_named)
{
    struct redis_server master, replica;
    char of[40], part[100];
    redis_start(&master, NULL);
    snprintf(of, sizeof of, "127.0.0.1 %d", master.port);
    bide_auto bide_pool *pool = OPEN_REDIS(&master); /* so that the queue is there, also on the replica */
    redis_start(&replica, (const char *[]){"--replicaof", of, NULL});

    snprintf(part, sizeof part, "is a replica, which only repeats its master: give the URL of that (127.0.0.1:%d)", master.port);
    expect_refused(replica.url, -EROFS, part);
}

/* While a pool is open its master becomes a replica, and a master again: jobs wait for that. */
REDIS(redis_that_becomes_a_replica_is_reported_and_regained)
{
    struct redis_server master, other;
    char port[16];
    redis_start(&master, NULL);
    redis_start(&other, NULL);
    snprintf(port, sizeof port, "%d", other.port);
    pid_t host = host_start(&master, NULL);
    bide_auto bide_pool *pool = OPEN_REDIS(&master, .on_event = note_refused);
    EXPECT_EQ(CALL(pool, bide_job(job_length, "four")), 4);

    redis_command(&master, (const char *[]){"REPLICAOF", "127.0.0.1", port, NULL});
    bide_auto bide_future *f = bide_pool_submit(pool, bide_job(job_length, "seven"));
    while (!*refused_text)
        EXPECT_OK(bide_sleep_ms(5));
    EXPECT_OK(bide_sleep_ms(300));
    EXPECT_FALSE(bide_future_done(f));
    redis_command(&master, (const char *[]){"REPLICAOF", "NO", "ONE", NULL});
    EXPECT_EQ(bide_await(f), 5);
    EXPECT_EQ(host_stop(host), 0);
}

/* A node of a cluster that says where the queue is. */
static int be_elsewhere(bide_stream *stream, void *arg)
{
    char buf[256];
    const char *const info = "$45\r\n# Server\r\nredis_version:7.0.15\r\nmaxmemory:0\r\n\r\n",
               *const moved = "-MOVED 5474 127.0.0.1:7001\r\n";
    ssize_t n;
    (void)arg;

    while ((n = bide_read(stream, buf, sizeof buf)) > 0) {
        const char *reply = memmem(buf, (size_t)n, "INFO", 4) ? info : moved;
        BIDE_TRY(bide_write(stream, reply, strlen(reply)));
        BIDE_TRY(bide_drain(stream));
    }
    return 0;
}

REDIS(redis_queue_on_another_node_is_reported)
{
    expect_refused_by(be_elsewhere, -EREMOTEIO,
                      "another node of its cluster has this queue, give the URL of that: MOVED 5474 127.0.0.1:7001");
}

/* It says why, without having read what we said, and hangs up. */
static int be_protected(bide_stream *stream, void *arg)
{
    const char *text = "-DENIED Redis is running in protected mode because protected mode is enabled and no password is "
                       "set for the default user. In this mode connections are only accepted from the loopback "
                       "interface.\r\n";
    (void)arg;

    BIDE_TRY(bide_write(stream, text, strlen(text)));
    return bide_drain(stream);
}

REDIS(redis_in_protected_mode_is_reported)
{
    expect_refused_by(be_protected, -EACCES, "DENIED Redis is running in protected mode");
}

REDIS(redis_without_that_database_is_reported)
{
    struct redis_server s;
    redis_start(&s, NULL);
    snprintf(s.url, sizeof s.url, "redis://127.0.0.1:%d/99", s.port);
    expect_refused(s.url, -EREMOTEIO, "SELECT: ERR DB index is out of range");
}

REDIS(redis_at_a_unix_socket)
{
    struct redis_server s;
    char path[240];
    snprintf(path, sizeof path, "%s/socket", test_tmpdir());
    redis_start(&s, (const char *[]){"--unixsocket", path, NULL});
    snprintf(s.url, sizeof s.url, "unix:%s", path);
    pid_t host = host_start(&s, NULL);
    bide_auto bide_pool *pool = OPEN_REDIS(&s);

    EXPECT_EQ(CALL(pool, bide_job(job_length, "four")), 4);
    EXPECT_EQ(host_stop(host), 0);
    expect_refused("unix:/nowhere/redis.sock", -ENOENT, "Redis at unix:/nowhere/redis.sock: ");
}

REDIS(redis_full_is_reported_and_results_still_come)
{
    struct redis_server s;
    enum { N = 200 };
    static char bytes[50000];
    bide_future *f[N] = {0};
    int taken = 0, refused = 0;
    redis_start(&s, (const char *[]){"--maxmemory", "6mb", "--maxmemory-policy", "noeviction", NULL});
    bide_auto bide_pool *pool = OPEN_REDIS(&s);

    for (int i = 0; i < N; i++) {
        f[i] = bide_pool_submit(pool, bide_job_bytes(job_echo, ((bide_bytes){bytes, sizeof bytes})));
        EXPECT_NOT_NULL(f[i]);
    }
    while (refused == 0) {
        EXPECT_OK(bide_sleep_ms(5));
        for (int i = 0; i < N; i++)
            refused += bide_future_done(f[i]);
    }
    EXPECT_OK(bide_sleep_ms(100));
    pid_t host = host_start(&s, NULL);
    refused = 0;
    for (int i = 0; i < N; i++) {
        int code = bide_await(f[i]);
        taken += code == 0 && bide_pool_result(f[i]).len == sizeof bytes;
        refused += code == BIDE_ELIMIT;
        if (code == BIDE_ELIMIT)
            EXPECT_STR(bide_error_text(), "job_echo: Redis is full: it takes no more jobs (OOM)");
        bide_error_clear();
        bide_release(f[i]);
    }
    EXPECT_TRUE(taken > 0 && refused > 0);
    EXPECT_EQ(taken + refused, N);
    EXPECT_EQ(host_stop(host), 0);
}

/* The server takes less at once than we do: the job that is too large fails, the others get through. */
REDIS(redis_that_takes_less_is_reported)
{
    struct redis_server s;
    size_t n = 3000000;
    redis_start(&s, (const char *[]){"--proto-max-bulk-len", "1mb", NULL});
    pid_t host = host_start(&s, NULL);
    bide_auto bide_pool *pool = OPEN_REDIS(&s);
    char *big = calloc(1, n);

    EXPECT_EQ(CALL(pool, bide_job_bytes(job_echo, ((bide_bytes){big, n}))), -E2BIG);
    EXPECT_CONTAINS(bide_error_text(), "job_echo: Redis at 127.0.0.1:");
    EXPECT_CONTAINS(bide_error_text(), "XADD: ERR Protocol error: invalid bulk length");
    bide_error_clear();
    bide_auto bide_future *f = bide_pool_submit(pool, bide_job(job_fill, &n));
    EXPECT_EQ(CALL(pool, bide_job(job_length, "four")), 4);
    EXPECT_EQ(bide_await(f), -E2BIG);
    EXPECT_CONTAINS(bide_error_text(), "sending results: ERR Protocol error: invalid bulk length");
    bide_error_clear();
    EXPECT_EQ(CALL(pool, bide_job(job_length, "seven")), 5);
    EXPECT_EQ(host_stop(host), 0);
    free(big);
}

/* Nothing is written there: it is refused before. */
static int reply_too_much(void)
{
    return bide_worker_reserve(REDIS_PAYLOAD_MAX + 1) ? 0 : bide_raise();
}
BIDE_POOL_TASK(reply_too_much, void);

REDIS(redis_argument_and_result_have_a_ceiling)
{
    struct redis_server s;
    char text[120];
    size_t n = REDIS_PAYLOAD_MAX + 1;
    redis_start(&s, NULL);
    pid_t host = host_start(&s, NULL);
    bide_auto bide_pool *pool = OPEN_REDIS(&s);

    EXPECT_ERR(CALL(pool, bide_job_bytes(job_echo, ((bide_bytes){"not looked at", n}))), -E2BIG);
    snprintf(text, sizeof text, "job_echo: %zu bytes; through Redis at most %zu", n, REDIS_PAYLOAD_MAX);
    EXPECT_STR(bide_error_text(), text);
    bide_error_clear();
    EXPECT_EQ(CALL(pool, bide_job(reply_too_much)), -E2BIG);
    snprintf(text, sizeof text, "reply_too_much: a result of %zu bytes; through Redis at most %zu", n, REDIS_PAYLOAD_MAX);
    EXPECT_STR(bide_error_text(), text);
    bide_error_clear();
    EXPECT_EQ(host_stop(host), 0);
}

REDIS(redis_user_that_may_not_read_is_reported)
{
    struct redis_server s;
    redis_start(&s, NULL);
    REDIS_SAY(&s, "ACL", "SETUSER", "half", "on", ">p", "~*", "+@all", "-xread");
    snprintf(s.url, sizeof s.url, "redis://half:p@127.0.0.1:%d", s.port);
    bide_auto bide_pool *pool = OPEN_REDIS(&s, .on_event = note_refused);

    while (!*refused_text)
        EXPECT_OK(bide_sleep_ms(5));
    EXPECT_CONTAINS(refused_text, "Redis at 127.0.0.1:");
    EXPECT_CONTAINS(refused_text, "NOPERM");
}

REDIS(redis_closing_while_it_is_down_does_not_hang)
{
    struct redis_server s;
    bide_pool_counts counts;
    redis_start(&s, NULL);
    bide_pool *pool = OPEN_REDIS(&s), *other = OPEN_REDIS(&s);
    bide_auto bide_future *f = bide_pool_submit(pool, bide_job(job_nothing));
    bide_auto bide_future *g = bide_pool_submit(other, bide_job(job_nothing));

    EXPECT_OK(bide_sleep_ms(50));
    redis_kill(&s);
    EXPECT_OK(bide_sleep_ms(100));
    int64_t start = now_us();
    EXPECT_OK(bide_pool_close(pool, 50, &counts));
    EXPECT_OK(bide_pool_kill(other));
    EXPECT_LT(now_us() - start, 2000000);
    EXPECT_ERR(bide_await(f), BIDE_ECLOSED);
    bide_error_clear();
    EXPECT_ERR(bide_await(g), BIDE_ECLOSED);
    bide_error_clear();
    bide_release(pool);
    bide_release(other);
}

REDIS(redis_host_asked_to_stop_while_it_is_down_ends)
{
    struct redis_server s;
    redis_start(&s, NULL);
    pid_t host = host_start(&s, NULL);
    bide_auto bide_pool *pool = OPEN_REDIS(&s, .close_ms = 50);

    EXPECT_EQ(CALL(pool, bide_job(job_length, "four")), 4);
    redis_kill(&s);
    EXPECT_OK(bide_sleep_ms(100));
    EXPECT_EQ(host_stop(host), 0);
}

/* Open, call, close: false if memory was asked for more than n times, and was not had the last time. */
static bool works_with(const struct redis_server *s, long n)
{
    int code = 0;

    bide__alloc_fail_at(n);
    bide_pool *pool = bide_pool_new(.redis = s->url, .name = "t");
    if (pool)
        code = CALL(pool, bide_job(job_length, "abc"));
    bool was_enough = bide__alloc_fail_at(-1);
    if (!pool || code != 3) {
        EXPECT_EQ(bide_error_code(), BIDE_ENOMEM);
        bide_error_clear();
    }
    bide_release(pool);
    return was_enough;
}

TEST(redis_every_allocation_may_fail, .real_time = true, .seconds = 60)
{
    struct redis_server s;
    long n = 0;
    redis_start(&s, NULL);
    pid_t host = host_start(&s, NULL);

    while (!works_with(&s, n) && n < 1000)
        n++;
    EXPECT_TRUE(n > 20 && n < 1000);
    EXPECT_EQ(host_stop(host), 0);
}

/* ---- TLS ---- */

static void openssl(const char *format, const char *dir)
{
    char command[800];

    snprintf(command, sizeof command, format, dir, dir, dir);
    if (system(command) != 0)
        FAIL("%s", command);
}

REDIS(redis_over_tls)
{
    struct redis_server s;
    char port[16], cert[300], key[300], url[64];
    openssl(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout %s/key.pem -out %s/cert.pem "
        "-days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 2>%s/openssl.log",
        test_tmpdir());
    snprintf(cert, sizeof cert, "%s/cert.pem", test_tmpdir());
    snprintf(key, sizeof key, "%s/key.pem", test_tmpdir());
    snprintf(port, sizeof port, "%d", redis_free_port());
    redis_start(&s, (const char *[]){"--tls-port", port, "--tls-cert-file", cert, "--tls-key-file", key,
                                     "--tls-ca-cert-file", cert, "--tls-auth-clients", "no", NULL});
    snprintf(url, sizeof url, "rediss://127.0.0.1:%s/0", port);
    expect_refused(url, BIDE_ECERT, "Redis at 127.0.0.1:");
    char plain[64], hint[80];
    snprintf(plain, sizeof plain, "redis://127.0.0.1:%s/0", port);
    bide_auto bide_pool *none = bide_pool_new(.redis = plain, .name = "t");
    EXPECT_NULL(none);
    snprintf(hint, sizeof hint, "Redis at 127.0.0.1:%s (should it want TLS: rediss://): ", port);
    EXPECT_CONTAINS(bide_error_text(), hint);
    bide_error_clear();

    snprintf(s.url, sizeof s.url, "%s", url);
    char trust[320];
    snprintf(trust, sizeof trust, "SSL_CERT_FILE=%s", cert);
    pid_t host = host_start(&s, (const char *[]){trust, NULL});
    bide_auto bide_tls *tls = bide_tls_new(.ca_file = cert);
    bide_auto bide_pool *pool = OPEN_REDIS(&s, .tls = tls);
    EXPECT_EQ(CALL(pool, bide_job(job_length, "four")), 4);
    EXPECT_EQ(host_stop(host), 0);
}

REDIS(redis_without_tls_is_reported_when_asked_for_it)
{
    struct redis_server s;
    char url[64];
    redis_start(&s, NULL);
    snprintf(url, sizeof url, "rediss://127.0.0.1:%d/0", s.port);
    expect_refused(url, BIDE_ETIMEDOUT, "(should it not speak TLS: redis://): "); /* it waits for a line that does not come */
}
