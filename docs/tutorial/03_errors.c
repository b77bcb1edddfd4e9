/* SPDX-License-Identifier: MIT */
/* 03_errors.c - what went wrong, and the way it came. */
#include <bide/bide.h>
#include <stdio.h>
#include <stdlib.h>

static int parse_port(const char *text)
{
    char *end;
    long port = strtol(text, &end, 10);

    if (*end || port < 1 || port > 65535)
        return bide_fail(-EINVAL, "port %s: must be 1 to 65535", text);
    return (int)port;
}

static int greet(const char *host, const char *port_text)
{
    int port = BIDE_TRY(parse_port(port_text));
    bide_auto bide_stream *s = BIDE_TRY_PTR(bide_connect(host, port, .timeout_ms = 1000));

    BIDE_TRY(bide_write(s, "hello\n", 6));
    return bide_drain(s);
}

static int app(void)
{
    /* An error that is expected is dealt with on the spot. */
    if (greet("127.0.0.1", "http") == -EINVAL)
        printf("not fatal: %s\n", bide_error_text());

    /* One that is not goes up.  Nobody listens on port 1. */
    BIDE_TRY(greet("127.0.0.1", "1"));
    return 0;
}

int main(void)
{
    return bide_main(bide_coro(app));
}
