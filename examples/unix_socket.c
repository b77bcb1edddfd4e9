/* SPDX-License-Identifier: MIT */
/*
 * unix_socket.c - ask a server that listens on a Unix socket: unix_socket /run/app.socket http://app/status ...
 *
 * The session opens connections with a function of ours.  All else is as ever: they are kept open and used again, and https://
 * would be TLS over the socket, with the certificate of the host in the URL.
 */
#include <stdio.h>

#include <bide/bide.h>

struct socket_path {
    char address[128]; /* unix:PATH */
    int connections;
};

static bide_stream *dial(const char *host, int port, void *arg)
{
    struct socket_path *path = arg;

    (void)host; /* it goes into the Host header only */
    path->connections++;
    return bide_connect(path->address, port);
}

static int get_all(const char *socket, char **urls, int n)
{
    struct socket_path path = {.connections = 0};
    bide_auto bide_session *s = bide_session_new(.dial = dial, .dial_arg = &path);
    if (!s)
        return bide_raise();

    snprintf(path.address, sizeof path.address, "unix:%s", socket);
    for (int i = 0; i < n; i++) {
        bide_auto bide_response *r = bide_get(s, urls[i]);
        if (!r || !bide_text(r))
            return bide_raise();
        printf("%d %s\n", bide_status(r), bide_text(r));
    }
    printf("%d requests, %d connections\n", n, path.connections);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: unix_socket PATH URL...\n");
        return 2;
    }
    return bide_main(bide_coro(get_all, argv[1], argv + 2, argc - 2));
}
