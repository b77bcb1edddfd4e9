/* SPDX-License-Identifier: MIT */
/*
 * hello_server.c - a web server: one handler, which may await, for all requests at once.
 *
 *     hello_server [PORT]            curl 'http://127.0.0.1:8080/?name=Ada'
 */
#include <bide/bide.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static int hello(bide_exchange *x, void *arg)
{
    char text[256];
    const char *name = bide_exchange_param(x, "name");

    (void)arg;
    BIDE_TRY(bide_sleep_ms(10)); /* ask a database; meanwhile others are served */
    snprintf(text, sizeof text, "hello, %s\n", name ? name : "world");
    return bide_respond_text(x, 200, text);
}

static int app(int port)
{
    bide_auto bide_server *server = bide_server_start(hello, .port = port);
    if (!server)
        return bide_raise();
    bide_auto bide_signals *signals = bide_signals_open((int[]){SIGINT, SIGTERM, 0});
    if (!signals)
        return bide_raise();

    printf("%s\n", bide_server_url(server));
    fflush(stdout);
    BIDE_TRY(bide_signals_wait(signals));
    return bide_server_stop(server, 5000);
}

int main(int argc, char **argv)
{
    return bide_main(bide_coro(app, argc > 1 ? atoi(argv[1]) : 8080));
}
