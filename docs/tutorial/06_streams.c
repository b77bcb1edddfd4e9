/* SPDX-License-Identifier: MIT */
/* 06_streams.c - a server that answers lines, and two clients that talk to it at the same time. */
#include <bide/bide.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* One task for each connection: read a line, answer it, until the client has said all. */
static int shout(bide_stream *s, void *arg)
{
    const char *line;
    ssize_t n;

    (void)arg;
    while ((n = bide_read_until(s, "\n", &line)) > 0) {
        char loud[256];
        size_t len = (size_t)n < sizeof loud ? (size_t)n : sizeof loud;
        for (size_t i = 0; i < len; i++)
            loud[i] = (char)toupper((unsigned char)line[i]);
        BIDE_TRY(bide_write(s, loud, len));
        BIDE_TRY(bide_drain(s));
    }
    return n == BIDE_EEOF ? 0 : (int)n;
}

static int serve(bide_listener *l)
{
    return bide_serve(l, shout, NULL);
}

static int client(int port, const char *text, char *answer, size_t size)
{
    const char *line;
    bide_auto bide_stream *s = bide_connect("localhost", port);
    if (!s)
        return bide_raise();

    BIDE_TRY(bide_write(s, text, strlen(text)));
    ssize_t n = bide_read_until(s, "\n", &line);
    BIDE_TRY(n);
    snprintf(answer, size, "%.*s", (int)n - 1, line);
    return 0;
}

static int app(void)
{
    char a[64], b[64];
    bide_auto bide_listener *l = bide_listen("127.0.0.1", 0);
    if (!l)
        return bide_raise();
    bide_auto bide_task *server = bide_create_task(bide_coro(serve, l), .name = "server");
    if (!server)
        return bide_raise();

    int port = bide_listener_port(l);
    BIDE_TRY(bide_gather(bide_coro(client, port, "good morning\n", a, sizeof a),
                         bide_coro(client, port, "is it late?\n", b, sizeof b)));
    printf("%s\n%s\n", a, b);
    return 0;
}

int main(void)
{
    return bide_main(bide_coro(app));
}
