/* SPDX-License-Identifier: MIT */
/*
 * udp_echo.c - a UDP server that sends back what it gets, and beside it the bare calls.
 *
 *     bench-udp_echo bide|batch|epoll DATAGRAMS PEERS
 *     bench-udp_echo load PORT PEERS      asks another program (peers/udp_echo.c and .py), until it is killed, or that has ended
 *
 * A child asks from PEERS sockets, each with one datagram of 64 bytes under way.  What is reported is the server's part alone: bide
 * receives and sends one by one, batch takes up to 32 with a call, epoll is epoll_wait, recvfrom until there is none, sendto.
 */
#include <arpa/inet.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <bide/bide.h>

#include "bench.h"

#define SIZE 64
#define BATCH 32
#define LOST_MS 200 /* a datagram that did not come back by then is sent again */

static long datagrams;

/* ---- who asks ---- */

static void pin(int cpu)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    sched_setaffinity(0, sizeof set, &set);
}

static void ask_all(struct pollfd *fds, int peers)
{
    char data[SIZE] = "";

    for (int i = 0; i < peers; i++)
        if (send(fds[i].fd, data, SIZE, 0) < 0)
            _exit(1);
}

static _Noreturn void load(int port, int peers)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct pollfd *fds = calloc((size_t)peers, sizeof *fds);
    char data[SIZE];

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    pin(0);
    for (int i = 0; i < peers; i++) {
        fds[i] = (struct pollfd){.fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0), .events = POLLIN};
        if (fds[i].fd < 0 || connect(fds[i].fd, (struct sockaddr *)&a, sizeof a) < 0)
            _exit(1);
    }
    for (;;) {
        ask_all(fds, peers);
        while (poll(fds, (nfds_t)peers, LOST_MS) > 0)
            for (int i = 0; i < peers; i++)
                if (fds[i].revents && recv(fds[i].fd, data, SIZE, 0) > 0 && send(fds[i].fd, data, SIZE, 0) < 0)
                    _exit(1);
    }
}

/* The child is killed with us. */
static pid_t start_load(int port, int peers)
{
    pid_t pid = fork();

    if (pid == 0)
        load(port, peers);
    pin(sysconf(_SC_NPROCESSORS_ONLN) > 1 ? 1 : 0);
    return pid;
}

/* ---- servers ---- */

static int serve_each(bide_datagram *d)
{
    char data[2048];
    bide_address from;

    for (long i = 0; i < datagrams; i++) {
        ssize_t n = BIDE_TRY(bide_datagram_receive(d, data, sizeof data, &from));
        BIDE_TRY(bide_datagram_send(d, data, (size_t)n, &from));
    }
    return 0;
}

static int serve_batches(bide_datagram *d)
{
    static char data[BATCH][2048];
    static bide_message messages[BATCH];

    for (int i = 0; i < BATCH; i++)
        messages[i] = (bide_message){.data = data[i], .cap = sizeof data[i]};
    for (long done = 0; done < datagrams;) {
        int n = BIDE_TRY(bide_datagram_receive_many(d, messages, BATCH));
        BIDE_TRY(bide_datagram_send_many(d, messages, n));
        done += n;
    }
    return 0;
}

static int with_bide(int peers, bool in_batches)
{
    struct bench b;
    bide_auto bide_datagram *d = bide_datagram_open("127.0.0.1", 0, .receive_buffer = 1 << 20);
    if (!d)
        return bide_raise();

    pid_t child = start_load(bide_datagram_port(d), peers);
    bench_begin(&b);
    int code = in_batches ? serve_batches(d) : serve_each(d);
    bench_end(&b, datagrams);
    kill(child, SIGKILL);
    return code;
}

static int with_epoll(int peers)
{
    struct bench b;
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0), ep = epoll_create1(0), room = 1 << 20;
    struct epoll_event e = {.events = EPOLLIN}, got;
    char data[2048];
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    if (bind(fd, (struct sockaddr *)&a, len) < 0 || getsockname(fd, (struct sockaddr *)&a, &len) < 0 ||
        epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e) < 0)
        return 1;

    pid_t child = start_load(ntohs(a.sin_port), peers);
    bench_begin(&b);
    for (long done = 0; done < datagrams;) {
        ssize_t n;
        epoll_wait(ep, &got, 1, -1);
        for (; len = sizeof a, (n = recvfrom(fd, data, sizeof data, 0, (struct sockaddr *)&a, &len)) >= 0; done++)
            sendto(fd, data, (size_t)n, 0, (struct sockaddr *)&a, len);
    }
    bench_end(&b, datagrams);
    kill(child, SIGKILL);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: %s bide|batch|epoll DATAGRAMS PEERS, or load PORT PEERS\n", argv[0]);
        return 2;
    }
    datagrams = bench_arg(argc, argv, 2, 200000);
    int peers = (int)bench_arg(argc, argv, 3, 64);
    if (strcmp(argv[1], "load") == 0)
        load((int)datagrams, peers);
    if (strcmp(argv[1], "epoll") == 0)
        return with_epoll(peers);
    return bide_main(bide_coro(with_bide, peers, strcmp(argv[1], "batch") == 0));
}
