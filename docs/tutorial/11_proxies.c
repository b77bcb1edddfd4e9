/* SPDX-License-Identifier: MIT */
/* 11_proxies.c - through a proxy, around it, and over a Unix socket. */
#include <bide/bide.h>
#include <stdio.h>
#include <unistd.h>

/* A proxy, as far as this page needs one: it answers by itself, and says what it was asked for. */
static int proxy(bide_exchange *x, void *arg)
{
    char text[256];

    (void)arg;
    snprintf(text, sizeof text, "asked for %s, %s", bide_exchange_target(x),
             bide_exchange_header(x, "Proxy-Authorization") ? "with a password" : "without a password");
    return bide_respond_text(x, 200, text);
}

static int show(bide_session *s, const char *url)
{
    bide_auto bide_response *r = bide_get(s, url);
    if (!r)
        return bide_raise();

    printf("%s\n", bide_text(r));
    return 0;
}

static int through(const char *address)
{
    bide_auto bide_session *s = bide_session_new(.proxy = address, .no_proxy = "localhost, 10.0.0.0/8");
    if (!s)
        return bide_raise();

    BIDE_TRY(show(s, "http://a.example/page"));
    if (show(s, "https://a.example/page") < 0) /* this proxy makes no tunnels */
        printf("https: %s\n", bide_strerror(bide_error_code()));

    bide_auto bide_response *r = bide_get(s, "http://127.0.0.1:1/", .proxy = ""); /* this request goes directly */
    if (!r)
        printf("directly: %s\n", bide_strerror(bide_error_code()));
    return 0;
}

static int over_socket(const char *path)
{
    char address[128];
    snprintf(address, sizeof address, "unix:%s", path);
    bide_auto bide_server *local = bide_server_start(proxy, .host = address);
    bide_auto bide_session *s = bide_session_new(.unix_socket = path);
    if (!local || !s)
        return bide_raise();

    return show(s, "http://docker/info");
}

static int app(void)
{
    char address[64], path[64];
    bide_auto bide_server *server = bide_server_start(proxy);
    if (!server)
        return bide_raise();

    snprintf(address, sizeof address, "http://me:secret@127.0.0.1:%d", bide_server_port(server));
    BIDE_TRY(through(address));

    snprintf(path, sizeof path, "/tmp/bide-page-%d", (int)getpid());
    int code = over_socket(path);
    unlink(path);
    return code;
}

int main(void)
{
    return bide_main(bide_coro(app));
}
