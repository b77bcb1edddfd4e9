/* SPDX-License-Identifier: MIT */
/*
 * other_headers.c - a program that calls every function that takes options, for other_headers.py.
 *
 * It names no member that stands last in its struct: earlier headers do not have it.
 */
#include <stdio.h>
#include <stdlib.h>

#include <bide/bide.h>

#define EXPECT(condition)                                                              \
    do {                                                                               \
        if (!(condition))                                                              \
            return bide_fail(-EIO, "line %d: %s: %s", __LINE__, #condition, bide_error_text()); \
    } while (0)

/* With later headers: a member that the library does not know is an error of its own. */
#ifdef LATER
#define EXPECT_UNKNOWN(call) EXPECT(!(call) && is_of_later_headers())
#define EXPECT_UNKNOWN_CODE(call) EXPECT((call) == BIDE_EVERSION && is_of_later_headers())

static bool is_of_later_headers(void)
{
    return bide_error_code() == BIDE_EVERSION && strstr(bide_error_text(), "does not know");
}
#else
#define EXPECT_UNKNOWN(call) (void)0
#define EXPECT_UNKNOWN_CODE(call) (void)0
#endif

static int hello(bide_request_in *q, void *arg)
{
    return bide_respond_text(q, 200, arg);
}

static int http(void)
{
    bide_auto bide_server *server = bide_server_start(hello, .arg = (char[]){"hello"}, .max_connections = 7);
    EXPECT(server);
    bide_auto bide_session *s = bide_session_new(.limit = 3, .user_agent = "other");
    EXPECT(s);
    bide_auto bide_response *r = bide_get(s, bide_server_url(server), .timeout_ms = 5000, .query = BIDE_PAIRS({"a", "b"}));
    EXPECT(r && bide_status(r) == 200 && strcmp(bide_text(r), "hello") == 0);
    EXPECT(strcmp(bide_response_url(r) + strlen(bide_server_url(server)), "/?a=b") == 0);
    bide_auto bide_response *none = bide_get_blocking("http://127.0.0.1:1/", .timeout_ms = 5000);
    EXPECT(!none && bide_error_code() == -ECONNREFUSED);

    EXPECT_UNKNOWN(bide_server_start(hello, .tomorrow = 1));
    EXPECT_UNKNOWN(bide_session_new(.tomorrow = 1));
    EXPECT_UNKNOWN(bide_get(s, bide_server_url(server), .tomorrow = 1));
    EXPECT_UNKNOWN(bide_get_blocking("http://127.0.0.1:1/", .tomorrow = 1));
    return 0;
}

static int app(void)
{
    BIDE_TRY(http());
    puts("ok");
    return 0;
}

int main(void)
{
    return bide_main(bide_coro(app));
}
