/* SPDX-License-Identifier: MIT */
/* 16_udp.c - a clock that answers datagrams, and a client that asks again when one was lost. */
#include <bide/bide.h>
#include <stdio.h>
#include <string.h>

/* It loses every second question, as networks do. */
static int serve(bide_datagram *d)
{
    char question[64], from_text[BIDE_ADDRESS_TEXT];
    bide_address from;

    for (int i = 1;; i++) {
        ssize_t n = bide_datagram_receive(d, question, sizeof question, &from);
        BIDE_TRY(n);
        if (bide_address_family(&from) != 4)
            printf("from %s?\n", bide_address_text(&from, from_text, sizeof from_text));
        if (i % 2 == 0)
            BIDE_TRY(bide_datagram_send(d, "twelve", 6, &from));
    }
}

/* Send, wait for a while, and send again. */
static int ask(int port)
{
    char answer[64];
    bide_auto bide_datagram *d = bide_datagram_open(NULL, 0, .to_host = "localhost", .to_port = port);
    if (!d)
        return bide_raise();

    for (int try = 1; try <= 3; try++) {
        ssize_t n = 0;
        BIDE_TRY(bide_datagram_send(d, "what time is it?", 16, NULL));
        bide_timeout(50)
            n = bide_datagram_receive(d, answer, sizeof answer, NULL);
        if (n >= 0) {
            printf("try %d: %.*s\n", try, (int)n, answer);
            return 0;
        }
        if (n != BIDE_ETIMEDOUT)
            return (int)n;
        printf("try %d: no answer\n", try);
    }
    return bide_fail(BIDE_ETIMEDOUT, "three questions, and no answer");
}

/* A port where nobody listens says so. */
static int ask_nobody(int port)
{
    char answer[64];
    bide_auto bide_datagram *d = bide_datagram_open(NULL, 0, .to_host = "127.0.0.1", .to_port = port);
    if (!d)
        return bide_raise();
    BIDE_TRY(bide_datagram_send(d, "anybody?", 8, NULL));
    ssize_t n = bide_datagram_receive(d, answer, sizeof answer, NULL);
    printf("nobody: %s\n", bide_strerror((int)n));
    return 0;
}

static int app(void)
{
    bide_auto bide_datagram *d = bide_datagram_open("127.0.0.1", 0);
    bide_auto bide_task *server = d ? bide_create_task(bide_coro(serve, d), .name = "server") : NULL;
    if (!server)
        return bide_raise();

    int port = bide_datagram_port(d);
    BIDE_TRY(ask(port));
    bide_release(bide_take(server));
    bide_release(bide_take(d));
    return ask_nobody(port);
}

int main(void)
{
    return bide_main(bide_coro(app));
}
