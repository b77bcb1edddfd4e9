/* SPDX-License-Identifier: MIT */
/*
 * inside_libuv.c - bide inside libuv's loop: its tasks run between libuv's own timers.
 *
 * Before libuv waits, a prepare handle asks bide for how long it may, and gives that to a timer; a poll handle watches bide's
 * descriptor.  Both do one turn.
 */
#include <stdio.h>
#include <uv.h>

#include <bide/bide.h>

struct inside {
    bide_loop *loop;
    uv_prepare_t prepare;
    uv_timer_t timer;
    uv_poll_t poll;
};

static void turn(struct inside *in)
{
    if (bide_loop_run_once(in->loop) > 0)
        return;
    uv_close((uv_handle_t *)&in->prepare, NULL); /* nothing is left: then libuv's loop may end */
    uv_close((uv_handle_t *)&in->timer, NULL);
    uv_close((uv_handle_t *)&in->poll, NULL);
}

static void on_time(uv_timer_t *timer)
{
    turn(timer->data);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    turn(poll->data);
}

static void before_waiting(uv_prepare_t *prepare)
{
    struct inside *in = prepare->data;
    int ms = bide_loop_timeout_ms(in->loop);

    if (ms < 0)
        uv_timer_stop(&in->timer);
    else
        uv_timer_start(&in->timer, on_time, (uint64_t)ms, 0);
}

static void attach(struct inside *in, bide_loop *loop, uv_loop_t *uv)
{
    in->loop = loop;
    in->prepare.data = in->timer.data = in->poll.data = in;
    uv_prepare_init(uv, &in->prepare);
    uv_prepare_start(&in->prepare, before_waiting);
    uv_timer_init(uv, &in->timer);
    uv_poll_init(uv, &in->poll, bide_loop_fd(loop));
    uv_poll_start(&in->poll, UV_READABLE, on_readable);
}

/* ---- a program that uses both ---- */

static int ticks;

static void on_tick(uv_timer_t *timer)
{
    if (++ticks == 5)
        uv_close((uv_handle_t *)timer, NULL);
}

static int echo(bide_stream *s, void *arg)
{
    char data[64];
    ssize_t n;

    (void)arg;
    while ((n = bide_read(s, data, sizeof data)) > 0)
        BIDE_TRY(bide_write(s, data, (size_t)n));
    return (int)n;
}

static int serve(bide_listener *l)
{
    return bide_serve(l, echo, NULL);
}

static int talk(void)
{
    char answer[6] = "";
    bide_auto bide_listener *l = BIDE_TRY_PTR(bide_listen("127.0.0.1", 0));
    bide_auto bide_task *server = BIDE_TRY_PTR(bide_create_task(bide_coro(serve, l)));
    bide_auto bide_stream *s = BIDE_TRY_PTR(bide_connect("127.0.0.1", bide_listener_port(l)));
    for (int i = 0; i < 3; i++) {
        BIDE_TRY(bide_write(s, "hello", 5));
        BIDE_TRY(bide_read_exactly(s, answer, 5));
        printf("bide: %s\n", answer);
        BIDE_TRY(bide_sleep_ms(20));
    }
    return 0;
}

int main(void)
{
    struct inside in;
    uv_timer_t tick;
    bide_loop *loop = bide_get_event_loop();
    bide_auto bide_task *t = bide_create_task(bide_coro(talk));
    attach(&in, loop, uv_default_loop());
    uv_timer_init(uv_default_loop(), &tick);
    uv_timer_start(&tick, on_tick, 5, 5);

    uv_run(uv_default_loop(), UV_RUN_DEFAULT);
    printf("libuv: its timer ran %d times\n", ticks);
    uv_loop_close(uv_default_loop());
    return bide_task_done(t) && bide_task_result(t) == 0 && bide_loop_close(loop) == 0 ? 0 : 1;
}
