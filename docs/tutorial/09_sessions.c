/* SPDX-License-Identifier: MIT */
/* 09_sessions.c - who asks: cookies, user and password, and asking again. */
#include <bide/bide.h>
#include <stdio.h>
#include <string.h>

static int asked; /* how often /busy was */

/* A site with a login, a door for Basic, and a page that is busy at first. */
static int site(bide_exchange *x, void *arg)
{
    const char *path = bide_exchange_path(x), *cookie = bide_exchange_header(x, "Cookie");
    const char *who = bide_exchange_header(x, "Authorization");

    (void)arg;
    if (strcmp(path, "/login") == 0) {
        BIDE_TRY(bide_respond_header(x, "Set-Cookie", "sid=31d4; Path=/; HttpOnly"));
        BIDE_TRY(bide_respond_header(x, "Location", "/home"));
        return bide_respond_text(x, 303, "");
    }
    if (strcmp(path, "/busy") == 0 && asked++ < 2)
        return bide_respond_text(x, 503, "later");
    if (strcmp(path, "/door") == 0)
        return bide_respond_text(x, who ? 200 : 401, who ? who : "who are you?");
    return bide_respond_text(x, 200, cookie ? cookie : "no cookie");
}

static int show(bide_response *r)
{
    if (!r)
        return bide_raise();
    printf("%d: %s\n", bide_status(r), bide_text(r));
    return 0;
}

static int cookies(bide_session *s)
{
    bide_auto bide_response *in = bide_post(s, "login", .form = (bide_pair[]){{"user", "me"}, {0}}); /* 303, and on to /home */
    BIDE_TRY(show(in));

    bide_cookie c = {0};
    while (bide_cookie_jar_next(bide_session_cookies(s), &c))
        printf("kept: %s of %s\n", c.name, c.domain);
    BIDE_TRY(bide_cookie_jar_save(bide_session_cookies(s), "/tmp/bide-page-cookies.txt"));
    return remove("/tmp/bide-page-cookies.txt");
}

static int doors(bide_session *s)
{
    bide_auto bide_response *shut = bide_get(s, "door");
    BIDE_TRY(show(shut));
    bide_auto bide_response *open = bide_get(s, "door", .auth = BIDE_BASIC("me", "secret"));

    return show(open);
}

static int again(bide_session *s)
{
    bide_auto bide_response *r = bide_get(s, "busy", .retry = {.attempts = 4, .wait_ms = 10});
    bide_hop hop;
    BIDE_TRY(show(r));

    for (int i = 0; bide_history_at(r, i, &hop); i++)
        printf("before: %d\n", hop.status);
    return 0;
}

static int app(void)
{
    bide_auto bide_server *server = bide_server_start(site);
    char base[64];
    if (!server)
        return bide_raise();

    snprintf(base, sizeof base, "http://127.0.0.1:%d/", bide_server_port(server));
    bide_auto bide_session *s = bide_session_new(.base_url = base);
    if (!s)
        return bide_raise();
    BIDE_TRY(cookies(s));
    BIDE_TRY(doors(s));
    return again(s);
}

int main(void)
{
    return bide_main(bide_coro(app));
}
