/* SPDX-License-Identifier: MIT */
/*
 * inside_glib.c - bide inside GLib's main loop: its tasks run between GLib's own timers.
 *
 * A GSource stands for bide's loop: GLib polls its descriptor, and waits no longer than its timers allow.
 */
#include <glib-unix.h>
#include <stdio.h>

#include <bide/bide.h>

struct bide_source {
    GSource source;
    bide_loop *loop;
    gpointer fd; /* GLib's name for the descriptor */
};

static gboolean prepare(GSource *source, gint *timeout_ms)
{
    *timeout_ms = bide_loop_timeout_ms(((struct bide_source *)source)->loop);
    return *timeout_ms == 0;
}

static gboolean check(GSource *source)
{
    struct bide_source *s = (struct bide_source *)source;

    return g_source_query_unix_fd(source, s->fd) != 0 || bide_loop_timeout_ms(s->loop) == 0;
}

static gboolean dispatch(GSource *source, GSourceFunc unused, gpointer unused_too)
{
    (void)unused;
    (void)unused_too;
    return bide_loop_run_once(((struct bide_source *)source)->loop) >= 0 ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

static GSourceFuncs functions = {.prepare = prepare, .check = check, .dispatch = dispatch};

static GSource *attach(bide_loop *loop, GMainContext *context)
{
    GSource *source = g_source_new(&functions, sizeof(struct bide_source));
    struct bide_source *s = (struct bide_source *)source;

    s->loop = loop;
    s->fd = g_source_add_unix_fd(source, bide_loop_fd(loop), G_IO_IN);
    g_source_attach(source, context);
    return source;
}

/* ---- a program that uses both ---- */

static GMainLoop *glib;

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
    g_main_loop_quit(glib);
    return 0;
}

static gboolean tick(gpointer count)
{
    ++*(int *)count;
    return G_SOURCE_CONTINUE;
}

int main(void)
{
    int ticks = 0;
    glib = g_main_loop_new(NULL, FALSE);
    bide_loop *loop = bide_get_event_loop();
    GSource *source = attach(loop, NULL);
    guint timer = g_timeout_add(5, tick, &ticks);
    bide_auto bide_task *t = bide_create_task(bide_coro(talk));

    g_main_loop_run(glib);
    while (!bide_task_done(t) && bide_loop_run_once(loop) >= 0)
        ; /* talk() has asked GLib to stop, and then released what it had */
    printf("GLib: %s\n", ticks >= 3 ? "its timer ran meanwhile" : "its timer did not run");
    g_source_remove(timer);
    g_source_destroy(source);
    g_source_unref(source);
    g_main_loop_unref(glib);
    return bide_task_done(t) && bide_task_result(t) == 0 && bide_loop_close(loop) == 0 ? 0 : 1;
}
