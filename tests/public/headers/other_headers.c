/* SPDX-License-Identifier: MIT */
/*
 * other_headers.c - a program that calls every function that takes options or fills in figures, for other_headers.py.
 *
 * It names no member that stands last in its struct, as earlier headers do not have it.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include <bide/bide.h>

#define EXPECT(condition)                                                              \
    do {                                                                               \
        if (!(condition))                                                              \
            return bide_fail(-EIO, "line %d: %s: %s", __LINE__, #condition, bide_error_text()); \
    } while (0)

/* With later headers: a member that the library does not know is an error of its own. */
#ifdef LATER
#define EXPECT_UNKNOWN(call) EXPECT(!(call) && is_of_later_headers())
#define EXPECT_UNKNOWN_CODE(call) EXPECT((call) == BIDE_EVERSION && is_of_later_headers())

/* What the library does not know of a struct that it fills is 0. */
#define EXPECT_ZERO(figures) EXPECT((figures).tomorrow == 0)

static bool is_of_later_headers(void)
{
    return bide_error_code() == BIDE_EVERSION && strstr(bide_error_text(), "does not know");
}
#else
#define EXPECT_UNKNOWN(call) (void)0
#define EXPECT_UNKNOWN_CODE(call) (void)0
#define EXPECT_ZERO(figures) (void)0
#endif

static int hello(bide_exchange *x, void *arg)
{
    return bide_respond_text(x, 200, arg);
}

static int http(void)
{
    bide_auto bide_server *server = bide_server_start(hello, .arg = (char[]){"hello"}, .max_connections = 7);
    EXPECT(server);
    bide_auto bide_session *s = bide_session_new(.limit = 3, .user_agent = "other");
    EXPECT(s);
    bide_auto bide_response *r = bide_get(s, bide_server_url(server), .timeout_ms = 5000, .query = BIDE_PAIRS({"a", "b"}));
    EXPECT(r && bide_status(r) == 200 && strcmp(bide_text(r), "hello") == 0);
    EXPECT(strcmp(bide_response_url(r) + strlen(bide_server_url(server)), "/?a=b") == 0);
    bide_auto bide_response *none = bide_get_blocking("http://127.0.0.1:1/", .timeout_ms = 5000);
    EXPECT(!none && bide_error_code() == -ECONNREFUSED);

    bide_server_stats of_server = bide_server_get_stats(server);
    bide_session_stats of_session = bide_session_get_stats(s);
    bide_timing timing = bide_response_timing(r);
    bide_error_info info;
    EXPECT(of_server.requests == 1 && of_session.requests == 1 && timing.head >= 0 && timing.first_byte >= 0);
    EXPECT(bide_fail(-ENOENT, "told") == bide_error_get(&info) && info.code == -ENOENT && info.trace);
    EXPECT_ZERO(of_server);
    EXPECT_ZERO(of_session);
    EXPECT_ZERO(timing);
    EXPECT_ZERO(info);

    EXPECT_UNKNOWN(bide_server_start(hello, .tomorrow = 1));
    EXPECT_UNKNOWN(bide_session_new(.tomorrow = 1));
    EXPECT_UNKNOWN(bide_get(s, bide_server_url(server), .tomorrow = 1));
    EXPECT_UNKNOWN(bide_get_blocking("http://127.0.0.1:1/", .tomorrow = 1));
    return 0;
}

static int seven(void)
{
    return 7;
}

static int core(void)
{
    bide_auto bide_task *t = bide_create_task(bide_coro(seven), .name = "seven", .stack_size = 32768);
    EXPECT(t && strcmp(bide_task_name(t), "seven") == 0);
    EXPECT(bide_wait(&t, 1, .until = BIDE_FIRST_COMPLETED) == 1);
    EXPECT(bide_task_result(t) == 7);

    EXPECT_UNKNOWN(bide_create_task(bide_coro(seven), .tomorrow = 1));
    EXPECT_UNKNOWN_CODE(bide_wait(&t, 1, .tomorrow = 1));
    return 0;
}

static int io(void)
{
    bide_auto bide_file *f = bide_open("/dev/null", .flags = O_WRONLY);
    EXPECT(f && bide_file_write(f, "x", 1, -1) == 1);
    bide_auto bide_listener *l = bide_listen("127.0.0.1", 0, .backlog = 3);
    EXPECT(l);
    bide_auto bide_stream *s = bide_connect("127.0.0.1", bide_listener_port(l), .timeout_ms = 5000);
    EXPECT(s);
    bide_auto bide_tls *tls = bide_tls_new(.insecure = true, .alpn = "http/1.1");
    EXPECT(tls);

    EXPECT_UNKNOWN(bide_open("/dev/null", .tomorrow = 1));
    EXPECT_UNKNOWN(bide_listen("127.0.0.1", 0, .tomorrow = 1));
    EXPECT_UNKNOWN(bide_connect("127.0.0.1", bide_listener_port(l), .tomorrow = 1));
    EXPECT_UNKNOWN(bide_tls_new(.tomorrow = 1));
    return 0;
}

struct number {
    int n;
};

static int twice(const struct number *in, struct number *out)
{
    out->n = 2 * in->n;
    return 0;
}

static int give_job(void *arg, bide_job *job)
{
    struct number *in = arg;
    static struct number out;

    *job = bide_job(twice, in, &out);
    return in->n++ < 23;
}

static int pool(void)
{
    struct number in[] = {{21}, {22}}, out[] = {{0}, {0}};
    int codes[2];
    bide_pool_item item;
    bide_auto bide_pool *p = bide_pool_new(.kind = BIDE_POOL_THREAD, .workers = 2, .retries = 1);
    EXPECT(p && bide_pool_size(p) == 2);
    EXPECT(bide_pool_call(p, bide_job(twice, in, out), .timeout_ms = 5000) == 0 && out[0].n == 42);
    bide_auto bide_future *f = bide_pool_submit(p, bide_job(twice, in, out), .key = 3);
    EXPECT(f && bide_await(f) == 0);
    EXPECT(bide_pool_map(p, bide_jobs(twice, in, out), 2, .codes = codes) == 0 && out[1].n == 44 && codes[1] == 0);
    EXPECT(bide_pool_each(p, bide_job(seven), .codes = codes) == 0 && codes[0] == 7 && codes[1] == 7);
    bide_auto bide_pool_stream *s = bide_pool_imap(p, give_job, in, .window = 2);
    EXPECT(s && bide_pool_next(s, &item) == 1 && ((const struct number *)(const void *)item.bytes.data)->n == 44);
    bide_pool_stats stats[2];
    memset(stats, 0xff, sizeof stats);
    bide_pool_stats_get(p, &stats[0]);
    EXPECT(stats[0].workers == 2 && stats[0].done >= 5 && stats[1].workers == -1);
    EXPECT_ZERO(item);
    EXPECT_ZERO(stats[0]);
    EXPECT(bide_pool_serve("no url", "others", .pool = p, .slots = 1) == -EINVAL);

    bide_auto bide_pool *other = bide_pool_new(.kind = BIDE_POOL_THREAD, .workers = 1);
    bide_pool_counts counts;
    EXPECT(other && bide_pool_call(other, bide_job(seven)) == 7 && bide_pool_close(other, 1000, &counts) == 0);
    EXPECT(counts.finished == 1);
    EXPECT_ZERO(counts);

    EXPECT_UNKNOWN(bide_pool_new(.kind = BIDE_POOL_THREAD, .tomorrow = 1));
    EXPECT_UNKNOWN_CODE(bide_pool_call(p, bide_job(seven), .tomorrow = 1));
    EXPECT_UNKNOWN(bide_pool_submit(p, bide_job(seven), .tomorrow = 1));
    EXPECT_UNKNOWN_CODE(bide_pool_map(p, bide_jobs(twice, in, out), 2, .tomorrow = 1));
    EXPECT_UNKNOWN_CODE(bide_pool_each(p, bide_job(seven), .tomorrow = 1));
    EXPECT_UNKNOWN(bide_pool_imap(p, give_job, in, .tomorrow = 1));
    EXPECT_UNKNOWN_CODE(bide_pool_serve("redis://127.0.0.1:1/", "others", .tomorrow = 1));
    return 0;
}

static size_t taken;

static void *take(size_t size, void *user)
{
    (void)user;
    __atomic_add_fetch(&taken, 1, __ATOMIC_RELAXED);
    return malloc(size);
}

static void *resize(void *old, size_t size, void *user)
{
    (void)user;
    return realloc(old, size);
}

static void give(void *p, void *user)
{
    (void)user;
    free(p);
}

/* Before anything is allocated. */
static int heap(void)
{
    EXPECT_UNKNOWN_CODE(bide_set_allocator(.malloc = take, .realloc = resize, .free = give, .tomorrow = 1));
    return bide_set_allocator(.malloc = take, .realloc = resize, .free = give);
}

static int app(void)
{
    BIDE_TRY(core());
    BIDE_TRY(io());
    BIDE_TRY(http());
    BIDE_TRY(pool());
    EXPECT(taken > 0);
    puts("ok");
    return 0;
}

int main(void)
{
    if (heap() < 0) {
        bide_error_print(stderr);
        return 1;
    }
    return bide_main(bide_coro(app));
}
