/* SPDX-License-Identifier: MIT */
/* test_authority.c - user and host of a text that has not been parsed. */
#include <stdio.h>

#include <bide/url.h>

#include "harness/guarded.h"
#include "harness/harness.h"

/* "user|host" */
static const char *found(const char *text)
{
    static char out[200];
    struct guarded g = guarded_copy(text, strlen(text));
    bide_url_authority a = bide_url_find_authority(g.data, strlen(text));

    EXPECT_TRUE(a.host.data >= g.data && a.host.data + a.host.len <= g.data + strlen(text));
    snprintf(out, sizeof out, "%.*s|%.*s", a.user.data ? (int)a.user.len : 1, a.user.data ? a.user.data : "-", (int)a.host.len,
             a.host.data);
    guarded_free(&g);
    return out;
}

UNIT(authority_of_a_url_is_found_as_it_is_written)
{
    static const char *const pairs[][2] = {
        {"https://me:secret@Example.com:8080/a/b?c=d#e", "me:secret|Example.com:8080"},
        {"http://h", "-|h"},
        {"http://h/@x", "-|h"},
        {"http://h?a@b", "-|h"},
        {"http://h#a@b", "-|h"},
        {"http://h:80/http://other@else/", "-|h:80"},
        {"http://@h/", "|h"},
        {"http://a@b@c/", "a@b|c"},
        {"http://[::1]:81/", "-|[::1]:81"},
        {"http:///h/x", "-|h"},
        {"//h/x", "-|"},
        {"h:81/x@y", "-|h:81"},
        {"me@h", "me|h"},
        {"--proxy=http://me:x@h/", "me:x|h"},
        {"", "-|"},
        {"http://", "-|"},
        {"http:////", "-|"},
        {"http://@", "|"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        EXPECT_STR(found(pairs[i][0]), pairs[i][1]);
}

UNIT(authority_of_what_is_accepted_is_that_of_the_url)
{
    static const char *const urls[] = {"http://a.example/", "https://A.Example:8443", "http://u:p@h/x@y", "http:///x/y", "ws://127.0.0.1:9?q"};

    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        bide_auto bide_url *u = bide_url_parse(urls[i]);
        bide_bytes host = bide_url_find_authority(urls[i], strlen(urls[i])).host;
        EXPECT_EQ(strlen(bide_url_host(u)), host.len);
        EXPECT_EQ(strncasecmp(bide_url_host(u), host.data, host.len), 0);
    }
}
