/* SPDX-License-Identifier: MIT */
/*
 * cplusplus.cpp - the words of bide in C++17, and exceptions that are handled while tasks wait.  For cplusplus.sh, as a
 * program and (PLUGIN) as a library that a C program loads.
 */
#include <cstdio>
#include <cstring>
#include <exception>
#include <stdexcept>
#include <string>

/* Names of a program's own, which the headers leave alone. */
#define T 1
#define A 1
#define P 1
#define In 1
#include <bide/bide.h>
#undef T
#undef A
#undef P
#undef In

static int failures;

#define EXPECT(x) ((x) ? (void)0 : (void)(failures++, std::printf("cplusplus.cpp:%d: not so: %s\n", __LINE__, #x)))

/* ---- words ---- */

enum colour { RED, GREEN };
struct point {
    int x, y;
};

static int six(int a, long b, const char *c, point *p, colour e, bool f)
{
    return a == -1 && b == 2 && std::strcmp(c, "three") == 0 && p->y == 4 && e == GREEN && f ? 6 : -1;
}

static int one()
{
    return 1;
}

static int nap(int ms)
{
    return bide_sleep_ms(ms);
}

static int add(const point *in, int *out)
{
    *out = in->x + in->y;
    return 0;
}

static int length(const char *text)
{
    return static_cast<int>(std::strlen(text));
}

static int first(bide_bytes in)
{
    return in.data[0];
}

#ifndef PLUGIN
BIDE_POOL_TASK(add, const point *, int *);
BIDE_POOL_TASK(length, const char *);
BIDE_POOL_TASK(first, bide_bytes);
BIDE_POOL_TASK(one, void);
#endif

static int tries()
{
    int got = BIDE_TRY(bide_await(bide_coro(one)));
    bide_auto bide_future *f = BIDE_TRY_PTR(bide_future_new());
    BIDE_TRY(bide_future_set_result(f, got + 1));
    return BIDE_TRY(bide_await(f));
}

BIDE_QUEUE_TYPE(point_queue, point);
BIDE_CHANNEL_TYPE(point_channel, point);
BIDE_BROADCAST_TYPE(point_news, point);

static int waits_for_each_other()
{
    bide_lock lock = {};
    bide_event event = {};
    bide_semaphore two = BIDE_SEMAPHORE(2);
    bide_barrier alone = BIDE_BARRIER(1);
    bide_condition condition = {};
    int code;
    bide_lock_hold(&lock, &code) { EXPECT(bide_lock_is_held(&lock)); }
    EXPECT(code == 0 && !bide_lock_is_held(&lock));
    bide_semaphore_hold(&two, &code) { EXPECT(!bide_semaphore_is_locked(&two)); }
    EXPECT(bide_barrier_wait(&alone) == 0);
    bide_lock_hold(bide_condition_lock(&condition), &code) { code = bide_condition_wait_until(&condition, code == 0); }
    EXPECT(code == 0 && bide_event_set(&event) == 0);

    bide_auto point_queue *q = bide_queue_new(point_queue, 2, .order = BIDE_FIFO);
    const point in = {3, 4};
    point out = {};
    EXPECT(bide_queue_put(q, &in) == 0 && bide_queue_is_full(q) == false && bide_queue_len(q) == 1);
    EXPECT(bide_select(nullptr, bide_queue_get_awaitable(q, &out), bide_event_awaitable(&event)) == 0 && out.y == 4);
    EXPECT(bide_queue_get_nowait(q, &out) == -EAGAIN && bide_queue_task_done(q) == 0 && bide_queue_join(q) == 0);
    bide_auto point_channel *c = bide_channel_new(point_channel, 2);
    EXPECT(bide_channel_send(c, &in) == 0 && bide_channel_receive(c, &out) == 0 && bide_channel_close(c) == 0);
    bide_auto point_news *all = bide_broadcast_new(point_news, 2);
    bide_auto point_news_receiver *mine = bide_broadcast_subscribe(all);
    EXPECT(bide_broadcast_send(all, &in) == 1 && bide_broadcast_receive(mine, &out) == 0 && bide_broadcast_missed(mine) == 0);
    EXPECT(bide_broadcast_close(all) == 0 && bide_broadcast_receive_nowait(mine, &out) == BIDE_ECLOSED);
    EXPECT(bide_queue_shutdown(q) == 0 && bide_queue_put(q, &in) == BIDE_ECLOSED);
    return 0;
}

static int tasks()
{
    point p = {3, 4};
    EXPECT(bide_await(bide_coro(six, -1, 2, "three", &p, GREEN, true)) == 6);
    bide_auto bide_task *t = bide_create_task(bide_coro(nap, 1), .name = "napper", .stack_size = 128 * 1024);
    EXPECT(std::strcmp(bide_task_name(t), "napper") == 0);
    bide_auto bide_task *same = bide_retain(t);
    bide_auto bide_task *ensured = bide_ensure_future(bide_coro(one));
    EXPECT(bide_gather(t, bide_coro(one), bide_coro(nap, 2), bide_sleep_awaitable(1)) == 0);
    EXPECT(bide_shield(ensured) == 1);
    int codes[2], codes4[4];
    EXPECT(bide_gather_all(codes, bide_coro(one), bide_coro(nap, 0)) == 0 && codes[0] == 1);
    bide_task *both[] = {t, ensured};
    EXPECT(bide_wait(both, 2, .until = BIDE_ALL_COMPLETED, .timeout_ms = 1000) == 2);
    bide_auto bide_future *f = bide_future_new();
    EXPECT(bide_future_set_bytes(f, "text", 4) == 0);
    EXPECT(std::strcmp(bide_future_bytes(f).data, "text") == 0);
    bide_auto bide_thread_pool *pool = bide_thread_pool_new(.name = "own", .threads = 1);
    EXPECT(bide_to_thread(bide_coro(one), .pool = pool) == 1 && bide_to_thread(bide_coro(one)) == 1);
    bool done[4];
    EXPECT(bide_wait(BIDE_AWAITABLES(t, f, bide_coro(one), bide_to_thread_awaitable(bide_coro(one))), .done = done, .codes = codes4) == 4);
    bide_future *futures[] = {f};
    EXPECT(bide_wait(futures, 1, .timeout_ms = 100) == 1);
    bide_auto bide_completed *c = bide_as_completed(BIDE_AWAITABLES(bide_coro(nap, 2), bide_coro(one)));
    std::size_t index = 9;
    bide_future *next = nullptr;
    EXPECT(bide_completed_next(c, &index) == 1 && index == 1);
    EXPECT(bide_completed_next(c, &next) == 1 && bide_future_done(next));
    bide_auto bide_completed *of_tasks = bide_as_completed(both, 2, .timeout_ms = 1000);
    bide_task *ended = nullptr;
    EXPECT(bide_completed_next(of_tasks, &ended) == 1 && (ended == t || ended == ensured));
    EXPECT(bide_shield(bide_coro(one)) == 1);
    EXPECT(bide_gather_n(both, 2) == 0);
    int outcome = 0;
    EXPECT(bide_select(&outcome, bide_coro(nap, 1000), bide_coro(one), bide_sleep_awaitable(100)) == 1 && outcome == 1);
    EXPECT(bide_select_n(nullptr, both, 2) == 0);
    bide_timeout(5) EXPECT(bide_sleep_ms(60000) == BIDE_ETIMEDOUT);
    bide_timeout_at(0) EXPECT(bide_sleep_ms(60000) == BIDE_ETIMEDOUT);
    bide_scope(s) {
        EXPECT(bide_scope_cancel(s));
        EXPECT(bide_sleep_ms(60000) == BIDE_ECANCELED);
        bide_scope(cleanup, .shield = true, .timeout_ms = 5) EXPECT(bide_sleep_ms(1) == 0);
    }
    EXPECT(bide_wait_for(bide_coro(one), 100) == 1);
    bide_task *moved = bide_take(same);
    EXPECT(!same && moved == t);
    bide_release(moved);
    EXPECT(tries() == 2);
    return 0;
}

static int answer(bide_exchange *x, void *)
{
    const char *agent = bide_exchange_header(x, "X-Agent");
    return bide_respond_text(x, 200, agent ? agent : "nobody");
}

static int requests()
{
    bide_auto bide_server *server = bide_server_start(answer);
    bide_auto bide_session *s = bide_session_new(.limit_per_host = 8);
    bide_auto bide_response *r = bide_get(s, bide_server_url(server), .headers = BIDE_PAIRS({"X-Agent", "me"}, {"X-Other", "o"}));
    EXPECT(r && bide_status(r) == 200 && std::strcmp(bide_text(r), "me") == 0);
    bide_auto bide_response *form = bide_post(s, bide_server_url(server), .multipart = BIDE_PARTS({"a", "b"}, {.name = "c", .path = "/dev/null"}));
    EXPECT(form && bide_status(form) == 200);
    bide_auto bide_response *none = bide_post(s, bide_server_url(server), .body = bide_body_from_fd(-1, .offset = 1, .length = 1));
    EXPECT(none == nullptr && bide_error_code() == -EBADF);
    bide_auto bide_file *f = bide_open("/dev/null");
    EXPECT(f != nullptr);
    bide_auto bide_process *p = bide_process_run(BIDE_ARGS("printf", "a"), .stderr_to = BIDE_NULL);
    EXPECT(p && strcmp(bide_process_output(p).data, "a") == 0);
    return 0;
}

#ifndef PLUGIN
static int jobs()
{
    bide_auto bide_pool *pool = bide_pool_new(.workers = 1);
    static const point points[] = {{1, 2}, {3, 4}};
    int sum = 0, sums[2] = {};
    const char *texts[] = {"a", "bcd"};
    EXPECT(bide_pool_call(pool, bide_job(one)) == 1);
    EXPECT(bide_pool_call(pool, bide_job(add, &points[1], &sum)) == 0 && sum == 7);
    EXPECT(bide_pool_call(pool, bide_job(length, "four")) == 4);
    bide_auto bide_future *submitted = bide_pool_submit(pool, bide_job(add, &points[0], &sum));
    EXPECT(bide_gather(submitted, bide_coro(nap, 1)) == 0 && sum == 3);
    EXPECT(bide_pool_call(pool, bide_job_bytes(first, (bide_bytes{"xyz", 3}))) == 'x');
    EXPECT(bide_pool_map(pool, bide_jobs(add, points, sums), 2) >= 0 && sums[0] == 3 && sums[1] == 7);
    int codes[2] = {};
    EXPECT(bide_pool_map(pool, bide_jobs(length, texts), 2, .codes = codes) >= 0 && codes[0] == 1 && codes[1] == 3);
    return 0;
}
#endif

/* ---- exceptions ---- */

static int handled;

static void check(const std::exception &e, const std::string &want)
{
    EXPECT(want == e.what());
    handled++;
}

/* Waits in catch blocks, rethrows what it has waited in, and asks what is being handled. */
static int waits_in_catch(long n)
{
    const std::string want = "exception " + std::to_string(n);
    try {
        throw std::runtime_error(want);
    } catch (const std::exception &e) {
        EXPECT(bide_sleep_ms(n % 7) == 0);
        check(e, want);
        try {
            try {
                EXPECT(bide_sleep_ms(n % 3) == 0);
                throw;
            } catch (const std::exception &inner) {
                EXPECT(bide_sleep_ms((n * 3) % 5) == 0);
                check(inner, want);
                throw;
            }
        } catch (const std::runtime_error &again) {
            EXPECT(bide_sleep_ms(1) == 0);
            check(again, want);
        }
        try {
            std::rethrow_exception(std::current_exception());
        } catch (const std::exception &current) {
            check(current, want);
        }
    }
    EXPECT(!std::current_exception() && std::uncaught_exceptions() == 0);
    return 0;
}

/* The destructor waits while an exception is on its way. */
struct waits_when_it_dies {
    ~waits_when_it_dies()
    {
        EXPECT(std::uncaught_exceptions() == 1);
        EXPECT(bide_sleep_ms(2) == 0);
        EXPECT(std::uncaught_exceptions() == 1);
    }
};

static int waits_while_thrown(long n)
{
    try {
        waits_when_it_dies w;
        throw n;
    } catch (long got) {
        EXPECT(got == n);
    }
    return 0;
}

static int throws_at_once()
{
    try {
        throw 1;
    } catch (int one_of_many) {
        return one_of_many;
    }
}

static int exceptions()
{
    bide_awaitable all[120];
    for (int i = 0; i < 60; i++) {
        all[2 * i] = BIDE_AW(bide_coro(waits_in_catch, i));
        all[2 * i + 1] = i % 2 ? BIDE_AW(bide_coro(waits_while_thrown, i)) : BIDE_AW(bide_coro(throws_at_once));
    }
    EXPECT(bide_gather_n(all, 120) == 0);
    EXPECT(handled == 240);
    handled = 0;
    try {
        throw std::runtime_error("outside");
    } catch (const std::exception &e) { /* while others run, started by this one */
        bide_auto bide_task *t = bide_create_task(bide_coro(waits_in_catch, 3));
        EXPECT(bide_await(t) == 0);
        EXPECT(std::string("outside") == e.what());
    }
    return 0;
}

/* A plugin is loaded by a task and called at once: also the exceptions of the task that loaded it are its own. */
extern "C" int cplusplus_begin()
{
    try {
        throw std::runtime_error("at once");
    } catch (const std::exception &e) {
        EXPECT(bide_gather(bide_coro(waits_in_catch, 1), bide_coro(waits_in_catch, 2)) == 0);
        EXPECT(std::string("at once") == e.what());
        handled = 0;
    }
    return exceptions() < 0 || failures > 0;
}

#ifdef PLUGIN
extern "C" int cplusplus_unused()
{
    return tasks() + waits_for_each_other() + requests() + static_cast<int>(reinterpret_cast<long>(&length) + reinterpret_cast<long>(&first) +
                                                   reinterpret_cast<long>(&add));
}
#else
static int app()
{
    BIDE_TRY(tasks());
    BIDE_TRY(waits_for_each_other());
    BIDE_TRY(requests());
    BIDE_TRY(jobs());
    return cplusplus_begin();
}

int main()
{
    return bide_main(bide_coro(app), .threads = 4);
}
#endif
