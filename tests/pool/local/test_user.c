/* SPDX-License-Identifier: MIT */
/* test_user.c - a user pointer at an object of each type: its destructor is called exactly once, at the object's end. */
#include <signal.h>

#include "pool_test.h"

static int freed;

static void count(void *user)
{
    freed++;
    ++*(int *)user; /* once too often is twice */
}

/* Attach, release, and see. */
#define EXPECT_FREED_WITH(object)                                    \
    do {                                                             \
        int times_ = 0;                                              \
        void *object_ = (object);                                    \
        EXPECT_NOT_NULL(object_);                                    \
        EXPECT_ERR(bide_set_user(object_, &times_, count), 0);       \
        EXPECT_TRUE(bide_user(object_) == &times_ && times_ == 0);   \
        (bide_release)(object_);                                     \
        EXPECT_EQ(times_, 1);                                        \
    } while (0)

static int wait_long(void)
{
    return bide_sleep_ms(60000);
}

static int answer(bide_exchange *x, void *arg)
{
    return bide_respond_text(x, 200, arg);
}

static int no_more(void *arg, bide_job *job)
{
    (void)arg, (void)job;
    return 0;
}

TEST(user_pointer_goes_with_every_type_of_object, .real_time = true)
{
    bide_task *t = bide_create_task(bide_coro(wait_long));
    EXPECT_FREED_WITH(bide_as_completed(&t, 1));
    EXPECT_FREED_WITH(t); /* runs: cancelled */
    EXPECT_FREED_WITH(bide_future_new());
    EXPECT_FREED_WITH(bide_open("/dev/null"));
    EXPECT_FREED_WITH(bide_signals_open((int[]){SIGUSR1, 0}));
    EXPECT_FREED_WITH(bide_tls_new());
    EXPECT_FREED_WITH(bide_url_parse("http://a/"));
    EXPECT_FREED_WITH(bide_session_new());

    bide_listener *l = bide_listen("127.0.0.1", 0);
    EXPECT_FREED_WITH(bide_connect("127.0.0.1", bide_listener_port(l)));
    EXPECT_FREED_WITH(l);

    bide_server *server = bide_server_start(answer, .arg = (char[]){"hello"});
    bide_session *s = bide_session_new();
    for (int i = 0; i < 3; i++) { /* its memory is used again */
        bide_response *r = bide_get(s, bide_server_url(server));
        EXPECT_NULL(bide_user(r));
        EXPECT_FREED_WITH(r);
    }
    bide_release(s);
    EXPECT_FREED_WITH(server);

    bide_pool *p = bide_pool_new(.kind = BIDE_POOL_THREAD, .workers = 1);
    EXPECT_FREED_WITH(bide_pool_imap(p, no_more, NULL));
    bide_future *f = bide_pool_submit(p, bide_job(job_nothing));
    EXPECT_ERR(bide_await(f), 0); /* until then the pool has a share */
    EXPECT_FREED_WITH(f);
    EXPECT_FREED_WITH(p);
    EXPECT_EQ(freed, 17);
}

/* ---- a pointer at what a callback belongs to is there for as long as it may be called ---- */

static void called(void *arg)
{
    EXPECT_EQ(*(int *)arg, 0);
}

TEST(user_pointer_of_a_call_goes_when_it_was_made_or_cancelled)
{
    int made = 0, cancelled = 0, later = 0;
    bide_loop *loop = bide_get_event_loop();
    EXPECT_ERR(bide_set_user(bide_loop_call_soon(loop, called, &made), &made, count), 0);
    EXPECT_ERR(bide_set_user(bide_loop_call_later(loop, 20, called, &later), &later, count), 0);
    bide_handle *h = bide_loop_call_later(loop, 10, called, &cancelled);
    EXPECT_ERR(bide_set_user(h, &cancelled, count), 0);
    bide_handle_cancel(h);

    EXPECT_EQ(bide_sleep_ms(1), 0);
    EXPECT_TRUE(made == 1 && later == 0);
    EXPECT_EQ(bide_sleep_ms(40), 0);
    EXPECT_TRUE(made == 1 && later == 1 && cancelled == 1);
}

static void done(bide_future *f, void *arg)
{
    (void)f;
    called(arg);
}

TEST(user_pointer_of_a_future_outlives_its_done_callbacks)
{
    int one = 0, dropped = 0;
    bide_future *f = bide_future_new(), *g = bide_future_new();
    EXPECT_ERR(bide_set_user(f, &one, count), 0);
    EXPECT_ERR(bide_future_add_done_callback(f, done, &one), 0);
    EXPECT_ERR(bide_set_user(g, &dropped, count), 0);
    EXPECT_ERR(bide_future_add_done_callback(g, done, &dropped), 0);

    EXPECT_ERR(bide_future_set_result(f, 1), 0);
    bide_release(f); /* the callback is still to come */
    bide_release(g);
    EXPECT_EQ(bide_sleep_ms(1), 0);
    EXPECT_TRUE(one == 1 && dropped == 1);
}

UNIT(user_pointer_of_a_call_and_of_the_loop_go_when_it_is_closed)
{
    int call = 0, of_loop = 0;
    bide_loop *loop = bide_loop_new();
    EXPECT_ERR(bide_set_user(loop, &of_loop, count), 0);
    EXPECT_ERR(bide_set_user(bide_loop_call_later(loop, 1000, called, &call), &call, count), 0);

    EXPECT_ERR(bide_loop_close(loop), 0);
    EXPECT_EQ(call, 1);
    bide_release(loop);
    EXPECT_TRUE(call == 1 && of_loop == 1);
}

TEST(user_pointer_of_a_call_that_is_refused_is_freed)
{
    int times = 0;

    EXPECT_ERR(bide_set_user(bide_loop_call_soon(bide_get_event_loop(), NULL, NULL), &times, count), -EINVAL);
    EXPECT_EQ(times, 1);
}
