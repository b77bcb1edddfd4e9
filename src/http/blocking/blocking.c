/* SPDX-License-Identifier: MIT */
/*
 * blocking.c - a session for threads without a loop: a thread with a loop and a session, which runs the requests of others.
 *
 *     caller: struct call on its stack --- loop's inbox ---> a task of the loop: request, body
 *        ^                                                        |
 *        '------ lock, is_done: response or error <---------------'
 *
 * What the two threads share is the call, under its lock, and what came before the call was posted.  A response is given away with
 * nothing in it that the loop's thread has, too.
 */
#include <pthread.h>

#include <bide/blocking.h>
#include <bide/future.h>
#include <bide/loop.h>
#include <bide/task.h>

#include "http/client/client.h"

enum { THREAD_STARTING, THREAD_RUNS, THREAD_FAILED };

struct bide_blocking {
    struct object object;
    pthread_t thread;
    pthread_mutex_t lock; /* of what is below, until it runs */
    pthread_cond_t changed;
    int state;
    struct error_record error; /* why it failed */
    const bide_session_args *args; /* the caller's, who waits */

    /* the thread's; set before it runs */
    bide_loop *loop;
    bide_session *session;
    bide_future *over;
    struct inbox_item end; /* posted once, when it is released: that cannot fail */
};

/* ---- its thread ---- */

static void set_state(bide_blocking *b, int state)
{
    pthread_mutex_lock(&b->lock);
    b->state = state;
    if (state == THREAD_FAILED)
        b->error = *bide__error_current();
    pthread_cond_signal(&b->changed);
    pthread_mutex_unlock(&b->lock);
}

static int serve(bide_blocking *b)
{
    bide_auto bide_session *session = bide_session_new_with(b->args);
    bide_auto bide_future *over = session ? bide_future_new() : NULL;
    if (!over) {
        set_state(b, THREAD_FAILED);
        return 0;
    }

    b->loop = bide__loop_here;
    b->session = session;
    b->over = over;
    set_state(b, THREAD_RUNS);
    return bide_await(over);
}

static void *thread_main(void *arg)
{
    bide_blocking *b = arg;
    int code = bide_run(bide_coro(serve, b));

    if (code < 0 && b->state == THREAD_STARTING) /* there is no loop: nobody else writes that */
        set_state(b, THREAD_FAILED);
    return NULL;
}

static int start_thread(bide_blocking *b)
{
    int code = bide__quiet_thread(&b->thread, thread_main, b);

    return code == 0 ? 0 : bide_fail(-code, "bide_blocking_new: no thread could be made");
}

static int wait_until_it_runs(bide_blocking *b)
{
    pthread_mutex_lock(&b->lock);
    while (b->state == THREAD_STARTING)
        pthread_cond_wait(&b->changed, &b->lock);
    pthread_mutex_unlock(&b->lock);
    if (b->state == THREAD_RUNS)
        return 0;
    pthread_join(b->thread, NULL);
    bide__error_adopt(&b->error);
    return bide_error_code();
}

/* ---- its life ---- */

static void end(struct inbox_item *item)
{
    bide_blocking *b = container_of(item, bide_blocking, end);

    BIDE_IGNORE(bide_future_set_result(b->over, 0));
}

static void free_it(bide_blocking *b)
{
    pthread_cond_destroy(&b->changed);
    pthread_mutex_destroy(&b->lock);
    bide__object_free(b);
}

static void blocking_destroy(void *object)
{
    bide_blocking *b = object;

    b->end = (struct inbox_item){.run = end};
    bide__list_init(&b->end.node);
    if (bide__loop_post(b->loop, &b->end)) /* not in a child of fork(), which has no such thread */
        pthread_join(b->thread, NULL);
    free_it(b);
}

/* It would wait for itself. */
static void blocking_release(void *object)
{
    bide_blocking *b = object;

    if (bide__loop_here == b->loop)
        bide__loop_report(b->loop, "bide_release of a blocking session in its own thread: it is not released");
    else
        bide__object_unref(b);
}

bide_blocking *bide_blocking_new_with(const bide_session_args *args)
{
    static const struct object_type type = {.name = "blocking session", .destroy = blocking_destroy, .release = blocking_release};
    bide_blocking *b = bide__object_zalloc(sizeof *b);
    if (!b) {
        bide__fail_nomem("a blocking session");
        return NULL;
    }

    bide__object_init(b, &type);
    pthread_mutex_init(&b->lock, NULL);
    pthread_cond_init(&b->changed, NULL);
    b->args = args;
    if (start_thread(b) == 0 && wait_until_it_runs(b) == 0)
        return b;
    free_it(b);
    return NULL;
}

/* ---- a call ---- */

struct call {
    bide_blocking *b;
    const char *method;
    const bide_request_args *args;
    pthread_mutex_t lock;
    pthread_cond_t done;
    bool is_done;
    bide_response *response;
    struct error_record error; /* if there is none */
};

/* The last that the loop's thread does with it. */
static void finish(struct call *c, bide_response *r)
{
    pthread_mutex_lock(&c->lock);
    c->response = r;
    if (!r)
        c->error = *bide__error_current();
    c->is_done = true;
    pthread_cond_signal(&c->done);
    pthread_mutex_unlock(&c->lock);
}

static int run_call(struct call *c)
{
    bide_response *r = bide_request_with(c->b->session, c->method, c->args);

    if (r && !bide_body(r).data) {
        bide_release(r);
        r = NULL;
    }
    if (r && bide__response_detach(r) < 0) {
        bide_release(r);
        r = NULL;
    }
    finish(c, r);
    return 0;
}

static void begin_call(void *arg)
{
    bide_task *t = bide_create_task(bide_coro(run_call, (struct call *)arg));

    if (t)
        bide_detach(t);
    else
        finish(arg, NULL);
}

static bide_response *post_and_wait(struct call *c)
{
    if (bide_loop_call_soon_threadsafe(c->b->loop, begin_call, c) < 0)
        return NULL;

    pthread_mutex_lock(&c->lock);
    while (!c->is_done)
        pthread_cond_wait(&c->done, &c->lock);
    pthread_mutex_unlock(&c->lock);
    if (!c->response)
        bide__error_adopt(&c->error);
    return c->response;
}

bide_response *bide_blocking_request_with(bide_blocking *b, const char *method, const bide_request_args *args)
{
    struct call c = {.b = b, .method = method, .args = args};
    bide_task *t = bide__task_here();
    if (bide__is_null(b, "bide_blocking_request", "the session"))
        return NULL;
    if (bide__loop_here == b->loop) {
        bide_fail(BIDE_EDEADLOCK, "a blocking request in the thread that would send it");
        return NULL;
    }
    if (t)
        bide__loop_report(t->future.loop, "%s makes a blocking %s request: every other task waits", bide_task_name(t), method);

    pthread_mutex_init(&c.lock, NULL);
    pthread_cond_init(&c.done, NULL);
    bide_response *r = post_and_wait(&c);
    pthread_cond_destroy(&c.done);
    pthread_mutex_destroy(&c.lock);
    return r;
}
