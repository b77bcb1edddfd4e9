/* SPDX-License-Identifier: MIT */
/* test_interface.c - what a program sees of a pool that works: call, submit, map, imap, each, payloads, descriptors. */
#include <fcntl.h>
#include <sys/resource.h>

#include "pool_test.h"

/* pool no. 1: results in input order; nothing to do is done at once */
KINDS(map_keeps_the_order_of_its_arguments)
{
    int n[200], codes[200];
    for (int i = 0; i < 200; i++)
        n[i] = i;
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 2);

    EXPECT_OK(bide_pool_map(p, bide_jobs(job_return, n), 200, .codes = codes));
    for (int i = 0; i < 200; i++)
        EXPECT_EQ(codes[i], i);
    EXPECT_EQ(bide_pool_map(p, bide_jobs(job_return, n), 0), 0);
}

/* pool no. 1, 12: typed results in order; pool no. 4: call and submit */
KINDS(typed_structs_cross_and_come_back)
{
    struct pair in[50];
    struct sum out[50];
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 2);

    for (int i = 0; i < 50; i++)
        in[i] = (struct pair){i, 1000};
    EXPECT_EQ(CALL(p, bide_job(job_add, &in[5], &out[5])), 7);
    EXPECT_EQ(out[5].sum, 1005);
    EXPECT_OK(bide_pool_map(p, bide_jobs(job_add, in, out), 50));
    for (int i = 0; i < 50; i++)
        EXPECT_EQ(out[i].sum, 1000 + i);
    EXPECT_EQ(CALL(p, bide_job(job_length, "twelve chars")), 12);
    EXPECT_EQ(kind == BIDE_POOL_THREAD, out[0].pid == getpid());
}

/* pool no. 21: code, text, function, pid, attempt, trace */
KINDS(error_of_a_job_reaches_its_future_with_its_story)
{
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1);
    bide_auto bide_future *f = bide_pool_submit(p, bide_job(job_fail, "no such page"));

    EXPECT_NOT_NULL(f);
    EXPECT_ERR(bide_await(f), -EIO);
    EXPECT_STR(bide_error_text(), "job_fail: reading: no such page");
    const bide_pool_failure *why = bide_pool_failure_of(f);
    EXPECT_NOT_NULL(why);
    EXPECT_EQ(why->code, -EIO);
    EXPECT_STR(why->job, "job_fail");
    EXPECT_EQ(why->attempt, 1);
    EXPECT_EQ(why->pid, bide_pool_pid(p, 0));
    EXPECT_CONTAINS(why->trace, "in job_fail (");
}

/* ---- imap ---- */

struct numbers {
    int next, end, taken;
    int64_t pause_ms;
    int n;
};

static int next_number(void *arg, bide_job *job)
{
    struct numbers *s = arg;
    if (s->next == s->end)
        return 0;
    if (s->pause_ms)
        BIDE_TRY(bide_sleep_ms(s->pause_ms));
    s->n = s->next++;
    s->taken++;
    *job = bide_job(job_return, &s->n);
    return 1;
}

/* pool no. 2: ordered */
KINDS(imap_gives_results_in_the_order_of_the_source)
{
    struct numbers numbers = {.end = 300};
    bide_pool_item item;
    int r, n = 0;
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 2);
    bide_auto bide_pool_stream *s = bide_pool_imap(p, next_number, &numbers, .window = 10);

    while ((r = bide_pool_next(s, &item)) > 0) {
        EXPECT_EQ(item.index, n);
        EXPECT_EQ(item.code, n);
        n++;
    }
    EXPECT_OK(r);
    EXPECT_EQ(n, 300);
    EXPECT_EQ(bide_pool_next(s, &item), 0);
}

static int next_sleep(void *arg, bide_job *job)
{
    struct numbers *s = arg;
    static int ms;

    if (s->next == s->end)
        return 0;
    ms = s->next++ == 0 ? 300 : 5;
    *job = bide_job(job_sleep, &ms);
    return 1;
}

/* pool no. 2: unordered: the first that is finished comes first, at once */
KINDS(imap_unordered_does_not_wait_for_a_slow_first_one)
{
    struct numbers numbers = {.end = 5};
    bide_pool_item item;
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 2);
    bide_auto bide_pool_stream *s = bide_pool_imap(p, next_sleep, &numbers, .unordered = true);
    int64_t start = now_us();

    for (int i = 0; i < 4; i++) {
        EXPECT_EQ(bide_pool_next(s, &item), 1);
        EXPECT_NE(item.index, 0);
    }
    EXPECT_LT(now_us() - start, 200000 * SLOW);
    EXPECT_EQ(bide_pool_next(s, &item), 1);
    EXPECT_EQ(item.index, 0);
    EXPECT_EQ(bide_pool_next(s, &item), 0);
}

/* pool no. 3: never more than window ahead, also of a source without end */
KINDS(imap_reads_an_endless_source_only_as_far_as_its_window)
{
    struct numbers numbers = {.end = -1};
    bide_pool_item item;
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 2);
    bide_auto bide_pool_stream *s = bide_pool_imap(p, next_number, &numbers, .window = 7);

    for (int i = 0; i < 50; i++) {
        EXPECT_EQ(bide_pool_next(s, &item), 1);
        EXPECT_LE(numbers.taken, i + 1 + 7);
    }
    BIDE_IGNORE(bide_sleep_ms(20));
    EXPECT_LE(numbers.taken, 50 + 7);
}

static int bad_source(void *arg, bide_job *job)
{
    (void)arg, (void)job;
    return bide_fail(-EPROTO, "no more lines: the file is broken");
}

TEST(imap_error_of_the_source_ends_the_stream, .real_time = true)
{
    bide_pool_item item;
    bide_auto bide_pool *p = OPEN(.kind = BIDE_POOL_THREAD, .workers = 1);
    bide_auto bide_pool_stream *s = bide_pool_imap(p, bad_source, NULL);

    EXPECT_ERR(bide_pool_next(s, &item), -EPROTO);
    EXPECT_CONTAINS(bide_error_text(), "the file is broken");
}

static int next_failing(void *arg, bide_job *job)
{
    int *n = arg;
    *job = bide_job(job_fail, "odd");
    return (*n)++ < 3;
}

/* An error of a job is an item, not the end. */
TEST(imap_error_of_a_job_is_an_item, .real_time = true)
{
    bide_pool_item item;
    int n = 0;
    bide_auto bide_pool *p = OPEN(.kind = BIDE_POOL_THREAD, .workers = 1);
    bide_auto bide_pool_stream *s = bide_pool_imap(p, next_failing, &n);

    for (int i = 0; i < 3; i++) {
        EXPECT_EQ(bide_pool_next(s, &item), 1);
        EXPECT_EQ(item.code, -EIO);
    }
    EXPECT_EQ(bide_pool_next(s, &item), 0);
}

/* A source that waits does not hold up results; dropping the stream drops the rest. */
TEST(imap_slow_source_does_not_hold_up_results, .real_time = true)
{
    struct numbers numbers = {.end = -1, .pause_ms = 30};
    bide_pool_item item;
    bide_auto bide_pool *p = OPEN(.kind = BIDE_POOL_THREAD, .workers = 1);
    bide_auto bide_pool_stream *s = bide_pool_imap(p, next_number, &numbers);

    for (int i = 0; i < 3; i++)
        EXPECT_EQ(bide_pool_next(s, &item), 1);
    EXPECT_LE(numbers.taken, 4);
}

/* ---- submit, each ---- */

static void count_call(bide_future *f, void *arg)
{
    (void)f;
    ++*(int *)arg;
}

/* pool no. 4: await, poll, cancel, callback */
KINDS(submit_returns_a_future_like_any_other)
{
    int ms = 30, called = 0;
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1);
    bide_auto bide_future *f = bide_pool_submit(p, bide_job(job_sleep, &ms));

    EXPECT_OK(bide_future_add_done_callback(f, count_call, &called));
    EXPECT_FALSE(bide_future_done(f));
    EXPECT_EQ(bide_await(f), 30);
    EXPECT_TRUE(bide_future_done(f));
    EXPECT_EQ(bide_future_result(f), 30);
    BIDE_IGNORE(bide_sleep_ms(0));
    EXPECT_EQ(called, 1);

    bide_auto bide_future *g = bide_pool_submit(p, bide_job(job_sleep, &ms));
    EXPECT_TRUE(bide_future_cancel(g));
    EXPECT_ERR(bide_await(g), BIDE_ECANCELED);
}

/* pool no. 4: each runs once in every worker */
KINDS(each_runs_once_in_every_worker)
{
    int codes[3] = {-1, -1, -1};
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 3);

    EXPECT_OK(bide_pool_each(p, bide_job(job_index), .codes = codes));
    for (int i = 0; i < 3; i++)
        EXPECT_EQ(codes[i], i);
}

/* pool no. 5: up to `concurrency` jobs at once in one worker */
KINDS(jobs_of_one_worker_wait_at_the_same_time)
{
    int ms[16], codes[16];
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1, .concurrency = 16);

    for (int i = 0; i < 16; i++)
        ms[i] = 100;
    int64_t start = now_us();
    EXPECT_OK(bide_pool_map(p, bide_jobs(job_sleep, ms), 16, .codes = codes));
    EXPECT_LT(now_us() - start, 400000 * SLOW);
    EXPECT_LE(100000, now_us() - start);
}

static int serve_hello(bide_stream *s)
{
    BIDE_TRY(bide_write(s, "hello", 5));
    return bide_drain(s);
}

static int hello_for(bide_stream *s, void *arg)
{
    (void)arg;
    return serve_hello(s);
}

static int job_connect(const int *port)
{
    char buf[8];
    bide_auto bide_stream *s = bide_connect("127.0.0.1", *port);
    return s ? (int)bide_read_exactly(s, buf, 5) : bide_raise();
}
BIDE_POOL_TASK(job_connect);

/* pool no. 5: jobs may await sockets */
KINDS(jobs_may_await_sockets)
{
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1);
    bide_auto bide_listener *l = bide_listen_with(BIDE__ARGS(bide_listen_args, .host = "127.0.0.1"));
    bide_auto bide_task *t = bide_create_task(bide_coro(bide_serve, l, hello_for, (void *)NULL));
    int port[8], codes[8];

    for (int i = 0; i < 8; i++)
        port[i] = bide_listener_port(l);
    EXPECT_OK(bide_pool_map(p, bide_jobs(job_connect, port), 8, .codes = codes));
    for (int i = 0; i < 8; i++)
        EXPECT_EQ(codes[i], 5);
}

/* ---- functions ---- */

static int not_registered(void)
{
    return 0;
}

/* pool no. 6: by pointer; no. 7: by name, for EXEC; refused at submit */
TEST(function_without_a_name_is_refused_for_exec, .real_time = true)
{
    needs_processes();
    bide_auto bide_pool *p = OPEN(.kind = BIDE_POOL_EXEC, .workers = 1);

    EXPECT_ERR(CALL(p, bide_job(not_registered)), BIDE_EFUNCTION);
    EXPECT_CONTAINS(bide_error_text(), "BIDE_POOL_TASK(not_registered)");
    bide_error_clear();
    EXPECT_OK(CALL(p, bide_job(job_nothing)));
}

/* pool no. 6: code that the workers do not have is refused with the names of function and object */
#define NAME_10 xxxxxxxxxx
#define LONG_(x) job_long_##x##x##x##x##x##x##x##x##x##x##x##x##x##x##x##x##x##x##x##x
#define LONG(x) LONG_(x)
#define LONG_NAME LONG(NAME_10)
#define REGISTER(f) BIDE_POOL_TASK(f)

/* 209 bytes. */
static int LONG_NAME(void)
{
    return 209;
}
REGISTER(LONG_NAME);

/* It is sent by the name that it is registered under: through a pointer, a macro, with a name of any length. */
PROCESS_KINDS(function_is_found_whatever_it_is_called_here)
{
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1);
    int (*a_pointer)(const int *) = job_return, n = 6;

    EXPECT_EQ(CALL(p, bide_job(a_pointer, &n)), 6);
    EXPECT_EQ(CALL(p, bide_job(LONG_NAME)), 209);
    EXPECT_EQ(CALL(p, bide_job(a_pointer, &n)), 6);
}

/* What a program of another build would send: the function says what it takes (BIDE_POOL_TASK with its parameters). */
TEST(call_made_for_another_struct_is_refused, .real_time = true)
{
    needs_processes();
    struct pair in[2] = {{40, 2}};
    struct sum out[2];
    bide_auto bide_pool *p = OPEN(.kind = BIDE_POOL_EXEC, .workers = 1);
    bide_job good = bide_job(job_add, in, out), larger = good, without = good, shorter = good;

    larger.in_len = 2 * sizeof *in;
    EXPECT_ERR(bide_pool_call(p, larger), BIDE_EFUNCTION);
    EXPECT_STR(bide_error_text(), "job_add: called as job_add(32 bytes, 16 bytes), but its worker has "
                                  "job_add(16 bytes, 16 bytes): two builds with different declarations");
    bide_error_clear();
    shorter.out_len = 4;
    EXPECT_ERR(bide_pool_call(p, shorter), BIDE_EFUNCTION);
    bide_error_clear();
    without.has_out = false;
    EXPECT_ERR(bide_pool_call(p, without), BIDE_EFUNCTION);
    EXPECT_CONTAINS(bide_error_text(), "called as job_add(16 bytes), but");
    bide_error_clear();
    EXPECT_EQ(bide_pool_call(p, good), 7);
    EXPECT_EQ(out[0].sum, 42);
}

TEST(name_that_is_too_long_is_refused, .real_time = true)
{
    char name[260];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    static bide_pool_named named = {.fn = (void (*)(void))strlen};
    bide_auto bide_pool *p = OPEN(.kind = BIDE_POOL_EXEC, .workers = 1);

    named.name = name;
    bide_pool_register(&named);
    bide_job job = {.fn = (void (*)(void))strlen, .name = "strlen"};
    EXPECT_ERR(bide_pool_call(p, job), -ENAMETOOLONG);
    bide_error_clear();
    named.name = "test_long_name"; /* it stays in the list */
}

static int job_registered_late(void)
{
    return 0;
}

/* pool no. 7: registered here, but not in the worker's program: its own error, and nobody else's */
TEST(function_that_the_worker_does_not_know_fails_there, .real_time = true)
{
    needs_processes();
    static bide_pool_named named = {"job_registered_late", (void (*)(void))job_registered_late, NULL};
    bide_auto bide_pool *p = OPEN(.kind = BIDE_POOL_EXEC, .workers = 1);

    bide_pool_register(&named); /* by the test alone: a worker is this program, but does not run it */
    EXPECT_ERR(CALL(p, bide_job(job_registered_late)), BIDE_EFUNCTION);
    EXPECT_CONTAINS(bide_error_text(), "job_registered_late: not registered in the worker's program");
    bide_error_clear();
    EXPECT_OK(CALL(p, bide_job(job_nothing)));
}

TEST(function_loaded_after_the_workers_is_refused, .real_time = true)
{
    needs_processes();
    struct image *none = calloc(1, sizeof *none);

    EXPECT_ERR(bide__image_check(none, (void (*)(void))job_nothing, "job_nothing"), BIDE_EFUNCTION);
    EXPECT_CONTAINS(bide_error_text(), "job_nothing is in ");
    EXPECT_CONTAINS(bide_error_text(), "test-pool");
    EXPECT_CONTAINS(bide_error_text(), "bide_pool_prepare()");
    bide_error_clear();
    free(none);

    static char data[64]; /* no code at all */
    bide_auto bide_pool *p = OPEN(.workers = 1);
    bide_job job = {.fn = (void (*)(void))(uintptr_t)data, .name = "made_code"};
    EXPECT_NULL(bide_pool_submit(p, job));
    EXPECT_EQ(bide_error_code(), BIDE_EFUNCTION);
    EXPECT_CONTAINS(bide_error_text(), "made_code");
    bide_error_clear();
}

/* pool no. 7: two functions of one name fail at the start */
UNIT(function_names_must_differ)
{
    static bide_pool_named twice = {"job_pid", (void (*)(void))job_nothing, NULL};

    EXPECT_EQ(bide__named_check(), 0);
    bide_pool_register(&twice);
    EXPECT_ERR(bide_pool_prepare(), -EEXIST);
    EXPECT_CONTAINS(bide_error_text(), "job_pid");
}

/* ---- payloads ---- */

/* pool no. 8: bytes of any length; no. 9: in place */
KINDS(payloads_of_every_size_come_back_whole, .seconds = 30)
{
    size_t sizes[] = {0, 1, 63, 64, 65, 4096, RECORD_PAYLOAD_MAX - 1, RECORD_PAYLOAD_MAX, RECORD_PAYLOAD_MAX + 1, 100000, 5000000};
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 2);
    char *data = malloc(5000000);

    for (size_t i = 0; i < 5000000; i++)
        data[i] = (char)(i * 31 >> 3);
    for (size_t i = 0; i < array_len(sizes); i++)
        for (int copy = 0; copy < 2; copy++) {
            bide_bytes in = {data, sizes[i]};
            bide_auto bide_future *f = copy ? bide_pool_submit(p, bide_job_bytes(job_echo_copy, in))
                                            : bide_pool_submit(p, bide_job_bytes(job_echo, in));
            EXPECT_OK(f ? bide_await(f) : bide_error_code());
            EXPECT_EQ(bide_pool_result(f).len, sizes[i]);
            EXPECT_MEM(bide_pool_result(f).data, data, sizes[i]);
        }
    free(data);
}

/* pool no. 9: the result is built in place, at once or piece by piece */
KINDS(results_are_built_in_place)
{
    size_t sizes[] = {100, 15999, 16000, 17000, 300000};
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1);

    for (size_t i = 0; i < array_len(sizes); i++)
        for (int grow = 0; grow < 2; grow++) {
            bide_auto bide_future *f = grow ? bide_pool_submit(p, bide_job(job_grow, &sizes[i]))
                                            : bide_pool_submit(p, bide_job(job_fill, &sizes[i]));
            EXPECT_OK(f ? bide_await(f) : bide_error_code());
            bide_bytes got = bide_pool_result(f);
            EXPECT_EQ(got.len, sizes[i]);
            for (size_t k = 0; k < got.len; k++)
                if (got.data[k] != (char)(k * 7))
                    FAIL("byte %zu of %zu is %d", k, got.len, got.data[k]);
        }
}

/* pool no. 9: 1 MiB there and back in place: neither side copies it */
PROCESS_KINDS(payload_of_a_mebibyte_in_place_is_not_copied)
{
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1);

    for (int i = 0; i < 50; i++) {
        char *buffer = bide_pool_buffer(p, 1 << 20);
        EXPECT_NOT_NULL(buffer);
        buffer[12345] = (char)i;
        bide_bytes in = {buffer, 1 << 20};
        bide_auto bide_future *f = bide_pool_submit(p, bide_job_bytes(job_echo, in));
        EXPECT_OK(f ? bide_await(f) : bide_error_code());
        EXPECT_TRUE(bide_pool_result(f).data == buffer);
        EXPECT_EQ(((const char *)bide_pool_result(f).data)[12345], (char)i);
        EXPECT_NULL(bide__job_of(f)->in_block); /* it has become the result, and there is no other */
        EXPECT_EQ(p->arena.nblocks, 1);
    }
}

KINDS(large_structs_cross_too)
{
    struct big *in = calloc(1, sizeof *in), *out = calloc(1, sizeof *out);
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1);

    in->bytes[99999] = 41;
    EXPECT_OK(CALL(p, bide_job(job_big, in, out)));
    EXPECT_EQ(out->bytes[99999], 42);
    EXPECT_EQ(out->bytes[0], 1);
    free(in);
    free(out);
}

TEST(payload_beyond_two_gigabytes_is_refused, .real_time = true)
{
    bide_auto bide_pool *p = OPEN(.kind = BIDE_POOL_THREAD, .workers = 1);
    bide_bytes in = {"", (size_t)PAYLOAD_MAX + 1};

    EXPECT_NULL(bide_pool_submit(p, bide_job_bytes(job_echo, in)));
    EXPECT_EQ(bide_error_code(), -E2BIG);
    bide_error_clear();
    EXPECT_NULL(bide_pool_buffer(p, (size_t)PAYLOAD_MAX + 1));
    EXPECT_EQ(bide_error_code(), -E2BIG);
    bide_error_clear();
    size_t n = (size_t)PAYLOAD_MAX + 1;
    EXPECT_ERR(CALL(p, bide_job(job_fill, &n)), -E2BIG);
}

/* A result that does not fit the caller's struct is an error of that job alone. */
KINDS(result_of_another_size_than_the_struct_is_an_error)
{
    struct sum out = {.sum = 77};
    int n = 1;
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1);

    EXPECT_ERR(CALL(p, bide_job(job_wrong_size, &n, &out)), -EMSGSIZE);
    EXPECT_CONTAINS(bide_error_text(), "job_wrong_size: the result has 20 bytes, the caller expects 16");
    EXPECT_EQ(out.sum, 77);
    EXPECT_OK(CALL(p, bide_job(job_nothing)));
}

TEST(buffer_that_nobody_submits_can_be_put_back, .real_time = true)
{
    bide_auto bide_pool *p = OPEN(.kind = BIDE_POOL_THREAD, .workers = 1);
    void *a = bide_pool_buffer(p, 100000);

    bide_pool_put(p, a);
    EXPECT_TRUE(bide_pool_buffer(p, 100000) == a);
    bide_pool_put(p, a);
    bide_pool_put(p, NULL);
}

static int job_add_up(bide_bytes in)
{
    int sum = 0;

    for (size_t i = 0; i < in.len; i++)
        sum += ((const char *)in.data)[i];
    return sum;
}
BIDE_POOL_TASK(job_add_up);

static bide_bytes filled_buffer(bide_pool *p, char with)
{
    char *b = bide_pool_buffer(p, 100000);

    if (!b)
        FAIL("bide_pool_buffer: %s", bide_error_text());
    memset(b, with, 100000);
    return (bide_bytes){b, 100000};
}

/* A job has the buffer: nobody else gets it, by no second submit, and by no put. */
KINDS(buffer_belongs_to_one_job_at_a_time)
{
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1);
    bide_bytes b = filled_buffer(p, 1);
    bide_auto bide_future *f = bide_pool_submit(p, bide_job_bytes(job_add_up, b));

    EXPECT_NULL(bide_pool_submit(p, bide_job_bytes(job_add_up, b)));
    EXPECT_EQ(bide_error_code(), -EBUSY);
    bide_error_clear();
    bide_pool_put(p, (void *)(uintptr_t)b.data);
    bide_bytes other = filled_buffer(p, 2);
    EXPECT_TRUE(other.data != b.data);
    EXPECT_EQ(bide_await(f), 100000);
    EXPECT_ERR(CALL(p, bide_job_bytes(job_add_up, b)), -EBUSY); /* not even when the job is over */
    bide_error_clear();
    bide_pool_put(p, (void *)(uintptr_t)other.data);
    bide_pool_put(p, (void *)(uintptr_t)other.data);
    bide_bytes one = filled_buffer(p, 1), two = filled_buffer(p, 1);
    EXPECT_TRUE(one.data != two.data);
}

/* A submit that fails has taken nothing: the same bytes go with the next one. */
KINDS(buffer_stays_the_callers_when_submit_fails)
{
    int bad = 999;
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1);
    bide_bytes b = filled_buffer(p, 1);

    EXPECT_NULL(bide_pool_submit(p, bide_job_bytes(job_add_up, b), .fds = &bad, .nfds = 1));
    EXPECT_EQ(bide_error_code(), -EBADF);
    bide_error_clear();
    bide_bytes too_long = {b.data, 100001}, other = filled_buffer(p, 2);
    EXPECT_TRUE(other.data != b.data);
    EXPECT_NULL(bide_pool_submit(p, bide_job_bytes(job_add_up, too_long)));
    EXPECT_EQ(bide_error_code(), -EINVAL);
    bide_error_clear();
    EXPECT_EQ(CALL(p, bide_job_bytes(job_add_up, b)), 100000);
    EXPECT_EQ(CALL(p, bide_job_bytes(job_add_up, other)), 200000);
}

/* The same argument for every worker is copied; so is a result that becomes an argument. */
KINDS(buffer_for_every_worker_and_result_as_an_argument_are_copied)
{
    int codes[2];
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 2);
    bide_bytes b = filled_buffer(p, 1);

    EXPECT_OK(bide_pool_each(p, bide_job_bytes(job_add_up, b), .codes = codes));
    EXPECT_EQ(codes[0], 100000);
    EXPECT_EQ(codes[1], 100000);
    bide_auto bide_future *f = bide_pool_submit(p, bide_job_bytes(job_echo, b));
    EXPECT_EQ(bide_await(f), 0);
    for (int i = 0; i < 2; i++)
        EXPECT_EQ(CALL(p, bide_job_bytes(job_add_up, bide_pool_result(f))), 100000);
}

/* ---- descriptors ---- */

static int job_write_to_fd(const char *text)
{
    int fd = bide_worker_fd(0);
    if (fd < 0 || bide_worker_fd(1) >= 0)
        return bide_fail(-EBADF, "no descriptor");
    return (int)write(fd, text, strlen(text));
}
BIDE_POOL_TASK(job_write_to_fd);

static int job_make_pipe(const char *text)
{
    int ends[2];
    if (pipe(ends) < 0)
        return -errno;
    int n = (int)write(ends[1], text, strlen(text));
    BIDE_TRY(bide_worker_reply_fd(ends[0]));
    close(ends[0]);
    close(ends[1]);
    return n;
}
BIDE_POOL_TASK(job_make_pipe);

static int count_fds(void)
{
    int n = 0;
    for (int fd = 0; fd < 1024; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

static int job_count_fds(void)
{
    return count_fds();
}
BIDE_POOL_TASK(job_count_fds);

/* pool no. 10: descriptors travel with a job and with a result */
KINDS(descriptors_travel_both_ways)
{
    int ends[2];
    char text[16] = "";
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1);
    EXPECT_EQ(pipe(ends), 0);

    EXPECT_EQ(CALL(p, bide_job(job_write_to_fd, "over there"), .fds = &ends[1], .nfds = 1), 10);
    close(ends[1]);
    EXPECT_EQ(read(ends[0], text, sizeof text), 10);
    EXPECT_MEM(text, "over there", 10);
    EXPECT_EQ(read(ends[0], text, sizeof text), 0); /* the worker has closed its copy */
    close(ends[0]);

    bide_auto bide_future *f = bide_pool_submit(p, bide_job(job_make_pipe, "from there"));
    EXPECT_EQ(bide_await(f), 10);
    int fd = bide_pool_take_fd(f, 0);
    EXPECT_LE(0, fd);
    EXPECT_EQ(bide_pool_take_fd(f, 0), -1);
    EXPECT_EQ(read(fd, text, sizeof text), 10);
    EXPECT_MEM(text, "from there", 10);
    close(fd);
}

/* pool no. 10: closed on every path of failure, on both sides */
static int job_give_stdin(const int *ms)
{
    BIDE_TRY(bide_sleep_ms(*ms));
    return bide_worker_reply_fd(0);
}
BIDE_POOL_TASK(job_give_stdin);

/* The program's table is full: the worker is not to blame, and its other jobs go on. */
PROCESS_KINDS(full_table_of_the_program_fails_only_the_job_that_sent_descriptors)
{
    struct rlimit old, tight;
    int ms = 300 * SLOW, at_once = 0;
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1);
    bide_auto bide_future *other = bide_pool_submit(p, bide_job(job_sleep, &ms));
    int top = dup(0);

    close(top);
    EXPECT_EQ(getrlimit(RLIMIT_NOFILE, &old), 0);
    tight = old;
    tight.rlim_cur = (rlim_t)top;
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &tight), 0);
    int code = CALL(p, bide_job(job_give_stdin, &at_once));
    setrlimit(RLIMIT_NOFILE, &old);
    EXPECT_ERR(code, -EMFILE);
    EXPECT_CONTAINS(bide_error_text(), "the result's descriptors");
    bide_error_clear();
    EXPECT_EQ(bide_await(other), ms);
}

/* More descriptors than the socket holds, while the program looks elsewhere: the jobs wait, each with its own. */
PROCESS_KINDS(many_results_with_descriptors_wait_for_a_busy_program, .seconds = 30)
{
    enum { N = 400 };
    bide_future *f[N];
    int ms = 100;
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1, .concurrency = 512);

    for (int i = 0; i < N; i++)
        f[i] = bide_pool_submit(p, bide_job(job_give_stdin, &ms));
    BIDE_IGNORE(bide_sleep_ms(50));
    job_block(&(int){400});
    for (int i = 0; i < N; i++) {
        EXPECT_OK(bide_await(f[i]));
        int fd = bide_pool_take_fd(f[i], 0);
        EXPECT_TRUE(fd >= 0);
        close(fd);
        bide_release(f[i]);
    }
}

PROCESS_KINDS(descriptors_are_closed_on_every_path_of_failure)
{
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC), fds[9], die = 9, ms = 10000;
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1);
    for (int i = 0; i < 9; i++)
        fds[i] = null;
    int there = CALL(p, bide_job(job_count_fds)), here = count_fds();

    for (int i = 0; i < 5; i++) {
        EXPECT_ERR(CALL(p, bide_job(job_fail, "with descriptors"), .fds = fds, .nfds = 8), -EIO);
        bide_error_clear();
        bide_auto bide_future *f = bide_pool_submit(p, bide_job(job_make_pipe, "dropped"));
        EXPECT_EQ(bide_await(f), 7);
    }
    EXPECT_EQ(CALL(p, bide_job(job_count_fds)), there);
    EXPECT_EQ(count_fds(), here);

    EXPECT_NULL(bide_pool_submit(p, bide_job(job_nothing), .fds = fds, .nfds = 9));
    EXPECT_EQ(bide_error_code(), -EINVAL);
    bide_error_clear();
    fds[3] = 999;
    EXPECT_NULL(bide_pool_submit(p, bide_job(job_nothing), .fds = fds, .nfds = 4));
    EXPECT_EQ(bide_error_code(), -EBADF);
    bide_error_clear();
    fds[3] = null;
    EXPECT_ERR(CALL(p, bide_job(job_die, &die), .fds = fds, .nfds = 8), BIDE_EWORKER);
    bide_error_clear();
    bide_release(bide_pool_submit(p, bide_job(job_sleep, &ms), .fds = fds, .nfds = 8));
    EXPECT_OK(CALL(p, bide_job(job_nothing)));
    EXPECT_EQ(CALL(p, bide_job(job_count_fds)), there);
    BIDE_IGNORE(bide_sleep_ms(5));
    EXPECT_EQ(count_fds(), here);
    close(null);
}

/* ---- options ---- */

/* pool no. 11: the options know their size */
TEST(options_of_a_newer_caller_are_refused_and_of_an_older_one_filled_in, .real_time = true)
{
    struct {
        bide_pool_args args;
        char more[16];
    } newer = {.args = {.size = sizeof newer, .kind = BIDE_POOL_THREAD, .workers = 1}, .more = "new"};
    EXPECT_NULL(bide_pool_new_with(&newer.args));
    EXPECT_EQ(bide_error_code(), BIDE_EVERSION);
    EXPECT_CONTAINS(bide_error_text(), "bide_pool_new: an option is set that bide");
    bide_error_clear();

    bide_pool_args older = {.size = offsetof(bide_pool_args, concurrency), .kind = BIDE_POOL_THREAD, .workers = 1};
    older.concurrency = 999999; /* beyond its end: not looked at */
    bide_auto bide_pool *p = opened(bide_pool_new_with(&older));
    EXPECT_OK(CALL(p, bide_job(job_nothing)));
}

TEST(options_that_cannot_be_are_refused, .real_time = true)
{
    EXPECT_NULL(bide_pool_new(.workers = -1));
    EXPECT_EQ(bide_error_code(), -EINVAL);
    EXPECT_CONTAINS(bide_error_text(), "workers = -1");
    bide_error_clear();
    EXPECT_NULL(bide_pool_new(.ring_bytes = 100000));
    EXPECT_EQ(bide_error_code(), -EINVAL);
    bide_error_clear();
    EXPECT_NULL(bide_pool_new(.concurrency = 5000));
    bide_error_clear();
    EXPECT_NULL(bide_pool_new(.kind = (enum bide_pool_kind)9));
    bide_error_clear();
    EXPECT_NULL(bide_pool_new(.prefetch = INT32_MAX));
    EXPECT_EQ(bide_error_code(), -EINVAL);
    bide_error_clear();
    EXPECT_NULL(bide_pool_new(.retries = 300));
    EXPECT_EQ(bide_error_code(), -EINVAL);
    bide_error_clear();
    EXPECT_NULL(bide_pool_new(.min_workers = -1));
    EXPECT_EQ(bide_error_code(), -EINVAL);
    bide_error_clear();
    struct pair in = {1, 2};
    struct sum out;
    EXPECT_NULL(bide_pool_new(.init = bide_job(job_add, &in, &out)));
    EXPECT_EQ(bide_error_code(), -EINVAL);
    EXPECT_CONTAINS(bide_error_text(), "init");
    bide_error_clear();
}

TEST(times_that_cannot_be_are_refused, .real_time = true)
{
    const bide_pool_args bad[] = {{.restart_window_ms = -1}, {.grace_ms = -1}, {.max_age_ms = -1}, {.idle_ms = -1},
                                  {.stall_ms = -1},          {.timeout_ms = -1}, {.close_ms = -1}, {.idle_ms = BIDE_FOREVER}};

    for (size_t i = 0; i < array_len(bad); i++) {
        bide_pool_args args = bad[i];
        args.size = sizeof args;
        args.kind = BIDE_POOL_THREAD;
        EXPECT_NULL(bide_pool_new_with(&args));
        EXPECT_ERR(bide_error_code(), -EINVAL);
        bide_error_clear();
    }
    bide_auto bide_pool *p = OPEN(.kind = BIDE_POOL_THREAD, .workers = 1, .timeout_ms = BIDE_FOREVER, .close_ms = BIDE_FOREVER);
    EXPECT_OK(CALL(p, bide_job(job_nothing), .timeout_ms = BIDE_FOREVER));
    EXPECT_ERR(CALL(p, bide_job(job_nothing), .timeout_ms = BIDE_FOREVER - 1), -EINVAL);
    bide_error_clear();
    EXPECT_ERR(CALL(p, bide_job(job_nothing), .timeout_ms = -5), -EINVAL);
    EXPECT_CONTAINS(bide_error_text(), "job_nothing: timeout_ms = -5");
    bide_error_clear();
}

/* What the options point to is needed for the call alone. */
TEST(program_may_be_forgotten_once_the_pool_is_open, .real_time = true)
{
    needs_processes();
    int die = 9;
    char program[] = "/proc/self/exe";
    bide_auto bide_pool *p = OPEN(.kind = BIDE_POOL_EXEC, .workers = 1, .program = program);

    strcpy(program, "/nobody");
    EXPECT_ERR(CALL(p, bide_job(job_die, &die)), BIDE_EWORKER);
    bide_error_clear();
    EXPECT_OK(CALL(p, bide_job(job_nothing)));
}
