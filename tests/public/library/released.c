/* SPDX-License-Identifier: MIT */
/*
 * released.c - mistakes with objects, one for each name that is given as an argument.  For released.sh.
 *
 *     use TYPE       use an object after it was released
 *     twice TYPE     release an object twice
 *     leak TYPE      make three and release none
 *     keep TYPE      make one and release it: nothing is wrong
 *     look WHAT      look at bytes that were lent, after they went back
 *     fail           drop a task that failed
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bide/bide.h>

static bide_server *server;
static bide_session *session;
static bide_pool *pool;

static int answer(bide_exchange *x, void *arg)
{
    static char body[1 << 20];
    (void)arg;
    return bide_respond(x, 200, "text/plain", body, sizeof body);
}

static int one(void)
{
    return 1;
}

static int twice_as_much(const int *n)
{
    return *n * 2;
}

static int reply(bide_bytes in)
{
    return bide_worker_reply(in.data, in.len);
}

static const char *url(void)
{
    static char text[100];
    snprintf(text, sizeof text, "%s/", bide_server_url(server));
    return text;
}

static void *make_task(void)
{
    bide_task *t = bide_create_task(bide_coro(one), .name = "number one");
    BIDE_IGNORE(bide_await(t));
    return t;
}

static void *make_future(void)
{
    return bide_future_new();
}

static void *make_response(void)
{
    return bide_get(session, url());
}

static void *make_session(void)
{
    return bide_session_new();
}

static void *make_file(void)
{
    return bide_open("/dev/null");
}

static void *make_stream(void)
{
    const char *port = strrchr(bide_server_url(server), ':') + 1;
    return bide_connect("127.0.0.1", atoi(port));
}

static void *make_url(void)
{
    return bide_url_parse("http://a.example/path");
}

static void *make_job(void)
{
    static int n = 4;
    bide_future *f = bide_pool_submit(pool, bide_job(twice_as_much, &n));
    BIDE_IGNORE(bide_await(f));
    return f;
}

static void *make_signals(void)
{
    static const int usr1[] = {10, 0};
    return bide_signals_open(usr1);
}

static void *make_process(void)
{
    static const char *const args[] = {"true", NULL};
    return bide_process_spawn(args, .stdout_to = BIDE_NULL);
}

static void *make_directory(void)
{
    return bide_directory_open("/");
}

static void *make_watch(void)
{
    return bide_watch_open("/", BIDE_WATCH_CREATED);
}

static volatile long sink;

static void use_task(void *p) { sink = bide_task_result(p); }
static void use_future(void *p) { sink = bide_future_done(p); }
static void use_response(void *p) { sink = bide_status(p); }
static void use_session(void *p) { sink = (long)bide_session_get_stats(p).connections; }
static void use_file(void *p) { sink = bide_file_sync(p); }
static void use_stream(void *p) { sink = bide_stream_peer(p)[0]; }
static void use_url(void *p) { sink = (long)bide_url_host(p); }
static void use_process(void *p) { sink = bide_process_pid(p); }
static void use_directory(void *p)
{
    bide_directory_entry e;
    sink = bide_directory_next(p, &e);
}
static void use_watch(void *p)
{
    bide_watch_event e;
    sink = bide_watch_next(p, &e);
}
static void use_signals(void *p) { sink = bide_signals_wait(p); }

static const struct type {
    const char *name;
    void *(*make)(void);
    void (*use)(void *p);
} types[] = {
    {"task", make_task, use_task},          {"future", make_future, use_future}, {"response", make_response, use_response},
    {"session", make_session, use_session}, {"file", make_file, use_file},       {"stream", make_stream, use_stream},
    {"url", make_url, use_url},             {"job", make_job, use_future},       {"signals", make_signals, use_signals},
    {"process", make_process, use_process}, {"directory", make_directory, use_directory}, {"watch", make_watch, use_watch},
};

/* ---- bytes that were lent ---- */

static long add_up(const char *bytes, size_t n)
{
    long sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += bytes[i];
    return sum;
}

static int look_at_body(void)
{
    bide_response *r = bide_get(session, url());
    const char *text = bide_text(r);
    bide_release(r);
    sink = add_up(text, 10);
    return 0;
}

static int look_at_field(void)
{
    bide_response *r = bide_get(session, url());
    const char *text = bide_header(r, "content-type");
    bide_release(r);
    bide_auto bide_response *other = bide_get(session, url());
    sink = add_up(text, 4);
    return 0;
}

static int look_at_piece(void)
{
    bide_auto bide_response *r = bide_get(session, url());
    const char *data, *next;
    ssize_t n = bide_read_chunk(r, &data);
    while (bide_read_chunk(r, &next) > 0)
        ;
    sink = n > 0 ? add_up(data, (size_t)n) : 0;
    return 0;
}

static int look_at_line(void)
{
    bide_auto bide_stream *s = make_stream();
    const char *line, *next;
    static const char request[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    BIDE_TRY(bide_write(s, request, sizeof request - 1));
    BIDE_TRY(bide_drain(s));
    BIDE_TRY((int)bide_read_until(s, "\r\n", &line));
    BIDE_TRY((int)bide_read_until(s, "\r\n", &next));
    sink = add_up(line, 4);
    return 0;
}

static int look_at_reply(void)
{
    static char in[100000];
    bide_future *f = bide_pool_submit(pool, bide_job_bytes(reply, ((bide_bytes){in, sizeof in})));
    BIDE_TRY(bide_await(f));
    bide_bytes out = bide_pool_result(f);
    bide_release(f);
    sink = add_up(out.data, 1000);
    return 0;
}

static char *frame_of_a_task;

static int lend_frame(void)
{
    char frame[1000];
    memset(frame, 7, sizeof frame);
    frame_of_a_task = frame;
    return bide_sleep_ms(1);
}

static int look_at_frame(void)
{
    BIDE_TRY(bide_gather(bide_coro(lend_frame)));
    sink = add_up(frame_of_a_task, 100);
    return 0;
}

static const struct lent {
    const char *name;
    int (*look)(void);
} all_lent[] = {
    {"body", look_at_body}, {"field", look_at_field}, {"piece", look_at_piece},
    {"line", look_at_line}, {"reply", look_at_reply}, {"frame", look_at_frame},
};

static int fails(void)
{
    return bide_fail(BIDE_ESTATE, "this one failed");
}

static int drop_a_failed_task(void)
{
    BIDE_IGNORE(bide_create_task(bide_coro(fails), .name = "dropped"));
    return bide_sleep_ms(1);
}

static int mistake(const char *what, const struct type *t)
{
    void *p = t->make();
    if (!p)
        return bide_error_code();
    if (strcmp(what, "leak") == 0)
        return t->make() && t->make() ? 0 : bide_error_code();
    bide_release(p);
    if (strcmp(what, "use") == 0)
        t->use(p);
    if (strcmp(what, "twice") == 0)
        bide_release(p);
    return 0;
}

static int choose(const char *what, const char *name)
{
    if (strcmp(what, "fail") == 0)
        return drop_a_failed_task();
    for (size_t i = 0; i < sizeof all_lent / sizeof *all_lent; i++)
        if (strcmp(what, "look") == 0 && strcmp(name, all_lent[i].name) == 0)
            return all_lent[i].look();
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(name, types[i].name) == 0)
            return mistake(what, &types[i]);
    return bide_fail(-22, "no such mistake");
}

static int app(const char *what, const char *name)
{
    bide_auto bide_server *own = server = bide_server_start(answer);
    bide_auto bide_session *s = session = bide_session_new();
    bool needs_pool = strcmp(name, "job") == 0 || strcmp(name, "reply") == 0;
    bide_auto bide_pool *p = pool = needs_pool ? bide_pool_new(.workers = 1) : NULL;
    if (!server || !session || (needs_pool && !pool))
        return bide_error_code();
    return choose(what, name);
}

int main(int argc, char **argv)
{
    return bide_main(bide_coro(app, argc > 1 ? argv[1] : "", argc > 2 ? argv[2] : ""));
}
