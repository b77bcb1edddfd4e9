/* SPDX-License-Identifier: MIT */
/*
 * options.c - a table: each member of each public struct of options, and the numbers that it takes.
 *
 * What the headers do not name is -EINVAL (object.h), and the text has the member's name: so nothing that was meant as "none" or
 * "without a limit", and no time that was computed wrongly, is taken for something else.  rows.py compares the rows with the
 * headers: a new member needs one.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include <bide/bide.h>

#include "harness/harness.h"

#define TIME_MAX (INT64_MAX / 1000000) /* object.h */

/* ---- what takes them: 0, or the code it was refused with ---- */

static bide_session *session;
static bide_pool *pool;

static int ended(void *object)
{
    if (!object)
        return bide_error_code();
    bide_release(object);
    return 0;
}

/* How it fails if the options were good. */
static int unless(int good, int code)
{
    return code == good ? 0 : code;
}

static bide_stream *dial_nobody(const char *host, int port, void *arg)
{
    (void)host;
    (void)port;
    (void)arg;
    bide_fail(-EDOM, "nobody is there");
    return NULL;
}

static int nothing(void)
{
    return 0;
}

static int echo_nothing(bide_bytes in)
{
    (void)in;
    return 0;
}

static int handle_nothing(bide_exchange *x, void *arg)
{
    (void)arg;
    return bide_respond_text(x, 200, "");
}

static int no_source(void *arg, bide_job *job)
{
    (void)arg;
    (void)job;
    return 0;
}

static int take_task(bide_task_args *a)
{
    a->coroutine = bide_coro(nothing);
    return ended(bide_create_task_with(a));
}

/* In a running loop, so good options are BIDE_ERUNNING. */
static int take_run(bide_run_args *a)
{
    a->awaitable = BIDE_AW(bide_coro(nothing));
    return unless(BIDE_ERUNNING, bide_run_with(a));
}

static int take_loop_call(bide_call_args *a)
{
    a->coroutine = bide_coro(nothing);
    return bide_call_in_loop_with(bide_get_event_loop(), a);
}

static int take_thread_pool(bide_thread_pool_args *a)
{
    return ended(bide_thread_pool_new_with(a));
}

static int take_group(bide_task_group_args *a)
{
    bide_auto bide_task_group *g = BIDE_TRY_PTR(bide_task_group_new());
    a->awaitable = BIDE_AW(bide_coro(nothing));
    BIDE_TRY(bide_task_group_start_with(g, a));
    return bide_task_group_wait(g);
}

static int take_completed(bide_as_completed_args *a)
{
    bide_auto bide_future *done = bide_future_new();
    bide_future *list[] = {done, NULL}; /* a larger n ends at the second */
    BIDE_TRY(bide_future_set_result(done, 1));

    a->n = a->n ? a->n : 1;
    bide_auto bide_completed *c = bide_as_completed_with(BIDE_LIST(list), a);
    if (!c)
        return strstr(bide_error_text(), "is NULL (number 1)") ? 0 : bide_raise();
    int code = bide_completed_next_with(c, NULL, &list[1]);
    return code == 1 ? 0 : code;
}

static int take_wait(bide_wait_args *a)
{
    bide_auto bide_future *done = bide_future_new();
    bide_future *list[] = {done, NULL}; /* a larger n ends at the second */
    BIDE_TRY(bide_future_set_result(done, 1));

    a->n = a->n ? a->n : 1;
    int code = bide_wait_with(BIDE_LIST(list), a);
    return code == 1 || strstr(bide_error_text(), "is NULL (number 1)") ? 0 : code;
}

static int take_open(bide_open_args *a)
{
    a->path = "here/is/nothing";
    return unless(-ENOENT, ended(bide_open_with(a)));
}

static int take_process(bide_process_args *a)
{
    bide_passed_fd fds[1024] = {{0, 3}};

    a->args = BIDE_ARGS("/here/is/nothing");
    a->fds = fds;
    return unless(-ENOENT, ended(bide_process_spawn_with(a)));
}

static int take_connect(bide_connect_args *a)
{
    a->host = "a.example";
    a->port = a->port ? a->port : 1;
    a->dial = dial_nobody;
    return unless(-EDOM, ended(bide_connect_with(a)));
}

static int take_listen(bide_listen_args *a)
{
    int code = ended(bide_listen_with(a));
    return code == -EADDRINUSE || code == -EACCES ? 0 : code; /* a port that somebody has */
}

static int take_datagram(bide_datagram_args *a)
{
    a->to_host = "127.0.0.1";
    if (a->to_port == 0)
        a->to_port = 9;
    int code = ended(bide_datagram_open_with(a));
    return code == -EADDRINUSE || code == -EACCES ? 0 : code;
}

static int take_multicast(bide_multicast_args *a)
{
    bide_datagram *d = bide_datagram_open(NULL, 0);
    int code = bide_datagram_multicast_with(d, a);

    bide_release(d);
    return code;
}

static int ignore_connection(bide_stream *s, void *arg)
{
    (void)s;
    (void)arg;
    return 0;
}

static int take_limits(bide_serve_args *a)
{
    bide_listener *l = bide_listen("127.0.0.1", 0);
    BIDE_IGNORE(bide_listener_close(l));
    int code = bide_serve_limited_with(l, ignore_connection, NULL, a);

    bide_release(l);
    return unless(BIDE_ECLOSED, code);
}

static int take_socket(bide_socket_args *a)
{
    bide_listener *l = bide_listen("127.0.0.1", 0);
    bide_stream *s = bide_connect("127.0.0.1", bide_listener_port(l));
    int code = bide_stream_set_socket_with(s, a);

    bide_release(s);
    bide_release(l);
    return code;
}

static int take_from_fd(bide_from_fd_args *a)
{
    a->fd = -1; /* the rest is looked at first */
    return unless(-EBADF, ended(bide_stream_from_fd_with(a)));
}

static int take_tls(bide_tls_args *a)
{
    return ended(bide_tls_new_with(a));
}

static int take_session(bide_session_args *a)
{
    if (a->local_port_last != 0)
        a->local_port = 1; /* not without it */
    return ended(bide_session_new_with(a));
}

static int take_answer(bide_answer *a)
{
    return ended(bide_transport_mock(.table = BIDE_MOCKS({"GET", "http://a.example/", a})));
}

static int take_mock(bide_mock_args *a)
{
    return ended(bide_transport_mock_with(a));
}

static int take_peer(bide_test_peer_args *a)
{
    return ended(bide_test_peer_new_with(a));
}

static int take_dns(bide_dns_args *a)
{
    return ended(bide_session_new(.dns = a));
}

static int take_queue(bide_queue_args *a) { return ended(bide_queue_new_with(sizeof(int), a)); }
static int take_record(bide_record_args *a)
{
    a->path = "/nowhere/at/all.har";
    return unless(-ENOENT, ended(bide_transport_record_with(a)));
}

static int take_replay(bide_replay_args *a)
{
    a->path = "/nowhere/at/all.har";
    return unless(-ENOENT, ended(bide_transport_replay_with(a)));
}

static int take_cookie(bide_cookie_args *a)
{
    bide_auto bide_cookie_jar *jar = bide_cookie_jar_new();

    a->name = a->value = "a";
    a->secure = true; /* what some values of same_site need */
    return bide_cookie_jar_set_with(jar, "https://a.example/", a);
}

static int take_request(bide_request_args *a)
{
    a->url = "http://a.example/";
    return unless(-EDOM, ended(bide_request_with(session, "GET", a)));
}

/* Of a device, which has any number of bytes, but no place to begin at. */
static int take_source(bide_body_source *a)
{
    bide_request_args q = {.size = sizeof q, .url = "http://a.example/", .body = a};
    int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);

    a->from_fd = true;
    a->fd = fd;
    int code = unless(-EDOM, ended(bide_request_with(session, "POST", &q)));
    close(fd);
    return unless(-ESPIPE, code);
}

/* Its numbers are looked at before the response, which is none. */
static int take_save(bide_save_args *a)
{
    int64_t code = bide_save_with(NULL, a);

    return strncmp(bide_error_text(), "bide_save: the response is NULL", 31) == 0 ? 0 : (int)code;
}

static int take_server(bide_server_args *a)
{
    a->handler = handle_nothing;
    int code = ended(bide_server_start_with(a));
    return code == -EADDRINUSE || code == -EACCES ? 0 : code;
}

/* Over Redis, where nobody listens: what is checked is the same, and no workers are made. */
static int take_pool(bide_pool_args *a)
{
    a->redis = "unix:/here/is/nothing";
    a->name = "t";
    return unless(-ENOENT, ended(bide_pool_new_with(a)));
}

static int take_serve(bide_pool_serve_args *a)
{
    int code = 0;

    a->redis = "unix:/here/is/nothing";
    a->name = "t";
    a->pool = pool;
    bide_timeout(1)
        code = bide_pool_serve_with(a);
    return code == -ENOENT || code == BIDE_ETIMEDOUT ? 0 : code;
}

static int take_call(bide_pool_call_args *a)
{
    static const int fds[] = {0, 0, 0, 0, 0, 0, 0, 0};

    a->job = bide_job(nothing);
    a->fds = fds;
    return bide_pool_call_with(pool, a);
}

static int take_each(bide_pool_each_args *a)
{
    a->job = bide_job(nothing);
    return bide_pool_each_with(pool, a);
}

/* A job that no worker gets: the numbers are looked at before. */
static int take_map(bide_pool_map_args *a)
{
    a->n = a->n ? a->n : 1;
    int code = bide_pool_map_with(pool, bide_job_bytes(echo_nothing, ((bide_bytes){NULL, 1})), a);
    return strcmp(bide_error_text(), "echo_nothing: its argument is NULL") == 0 ? 0 : code;
}

static int take_imap(bide_pool_imap_args *a)
{
    return ended(bide_pool_imap_with(pool, no_source, a));
}

/* ---- the table ---- */

typedef int take_fn(void *options);

struct row {
    const char *type, *member;
    take_fn *take;
    size_t size, at, len;
    bool is_unsigned;
    int64_t least, most; /* besides 0, the default */
    int64_t named;       /* and this */
    int refused;         /* with this; 0: -EINVAL */
};

#define IS_NUMBER(x) _Generic((x), bool: 0, int: 1, unsigned: 1, int64_t: 1, size_t: 1, default: 0)
#define MEMBER(options, name) (((options *)0)->name)
/* A number: what it takes besides 0, from `lowest` to `highest`, and one with a name. */
#define ROW(taker, options, name, lowest, highest, ...)                                                                        \
    {.type = #options, .member = #name, .take = (take_fn *)(void (*)(void))taker, .size = sizeof(options),                     \
     .at = offsetof(options, name), .len = sizeof MEMBER(options, name), .least = (lowest), .most = (highest),                 \
     .is_unsigned = (__typeof__(MEMBER(options, name)))-1 > 0, __VA_ARGS__}
/* No number (a text, a pointer, yes or no, a struct), or one that says nothing by itself. */
#define OTHER(options, name) {.type = #options, .member = &#name[0 * sizeof(char[IS_NUMBER(MEMBER(options, name)) ? -1 : 1])]}
#define ANY(options, name) {.type = #options, .member = &#name[0 * sizeof MEMBER(options, name)]}

static const struct row rows[] = {
#include "rows.h"
};

/* ---- looking ---- */

static void put(char *options, const struct row *r, int64_t n)
{
    int32_t narrow = (int32_t)n;

    memcpy(options, &r->size, sizeof r->size);
    memcpy(options + r->at, r->len == sizeof n ? (void *)&n : (void *)&narrow, r->len);
}

/* The number as its type holds it. */
static int64_t held(const struct row *r, int64_t n)
{
    return r->len == sizeof n ? n : r->is_unsigned ? (int64_t)(uint32_t)n : (int64_t)(int32_t)n;
}

static bool may_be(const struct row *r, int64_t n)
{
    return n == 0 || n == r->named || (n >= r->least && n <= r->most);
}

/* Does it do with one number what the headers say?  1: no. */
static int look_at(const struct row *r, int64_t n)
{
    _Alignas(16) char options[1024] = {0};
    if (held(r, n) != n && n != -1 && n != -2 && n != -3) /* a large one of another type */
        return 0;

    put(options, r, n);
    bide_error_clear();
    int code = r->take(options);
    bool refused = r->refused ? code == r->refused : code == -EINVAL && strstr(bide_error_text(), r->member);
    bool good = may_be(r, n) ? code == 0 : refused;
    if (!good)
        printf("# %s.%s = %lld: %d (%s)\n", r->type, r->member, (long long)n, code, bide_error_text());
    bide_error_clear();
    return !good;
}

static int look_at_all(const struct row *r)
{
    const int64_t numbers[] = {BIDE_NONE, BIDE_UNLIMITED, -3, INT32_MIN, INT64_MIN, INT32_MAX, PTRDIFF_MAX, TIME_MAX, TIME_MAX + 1,
                               BIDE_FOREVER - 1, BIDE_FOREVER, r->least, r->least - 1, r->most,
                               r->most < INT64_MAX ? r->most + 1 : 0};
    int wrong = 0;

    for (size_t i = 0; r->take && i < sizeof numbers / sizeof *numbers; i++)
        wrong += look_at(r, numbers[i]);
    return wrong;
}

TEST(option_takes_what_its_header_names_and_refuses_the_rest, .real_time = true, .seconds = 30)
{
    int wrong = 0;

    session = bide_session_new(.dial = dial_nobody);
    pool = bide_pool_new(.kind = BIDE_POOL_THREAD, .workers = 1);
    EXPECT_TRUE(session && pool);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        wrong += look_at_all(&rows[i]);
    bide_release(pool);
    bide_release(session);
    EXPECT_EQ(wrong, 0);
}
