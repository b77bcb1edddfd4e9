/* SPDX-License-Identifier: MIT */
/*
 * udp_echo.c - what bench/udp_echo.c does, by libuv.
 *
 *     udp_echo LOAD DATAGRAMS PEERS      LOAD: bench-udp_echo, which asks
 */
#include <arpa/inet.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>
#include <uv.h>

static long left;
static char room[65536];

static void fail(const char *what, int code)
{
    fprintf(stderr, "udp_echo: %s: %s\n", what, uv_strerror(code));
    exit(1);
}

static void give_room(uv_handle_t *h, size_t suggested, uv_buf_t *buf)
{
    (void)h, (void)suggested;
    *buf = uv_buf_init(room, sizeof room);
}

/* Also called when there is nothing more to read: from NULL. */
static void echo(uv_udp_t *udp, ssize_t n, const uv_buf_t *buf, const struct sockaddr *from, unsigned flags)
{
    uv_buf_t answer = uv_buf_init(buf->base, (unsigned)(n > 0 ? n : 0));
    (void)flags;
    if (!from)
        return;

    int sent = uv_udp_try_send(udp, &answer, 1, from);
    if (sent < 0)
        fail("uv_udp_try_send", sent);
    if (--left == 0)
        uv_stop(udp->loop);
}

static pid_t start_load(const char *load, int port, const char *peers)
{
    char number[12];
    pid_t pid = fork();

    snprintf(number, sizeof number, "%d", port);
    if (pid == 0) {
        execl(load, load, "load", number, peers, (char *)NULL);
        _exit(1);
    }
    return pid;
}

static double cpu_s(long *rss_kb)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    *rss_kb = u.ru_maxrss;
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

int main(int argc, char **argv)
{
    uv_udp_t udp;
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int len = sizeof a, size = 1 << 20, code;
    cpu_set_t cpus;
    long rss_kb, n = left = argc > 2 ? atol(argv[2]) : 0;
    if (argc != 4 || n <= 0)
        return 2;
    if ((code = uv_udp_init(uv_default_loop(), &udp)) < 0 || (code = uv_udp_bind(&udp, (struct sockaddr *)&a, 0)) < 0 ||
        (code = uv_recv_buffer_size((uv_handle_t *)&udp, &size)) < 0 ||
        (code = uv_udp_getsockname(&udp, (struct sockaddr *)&a, &len)) < 0 || (code = uv_udp_recv_start(&udp, give_room, echo)) < 0)
        fail("uv_udp", code);

    pid_t load = start_load(argv[1], ntohs(a.sin_port), argv[3]);
    CPU_ZERO(&cpus);
    CPU_SET(sysconf(_SC_NPROCESSORS_ONLN) > 1 ? 1 : 0, &cpus);
    sched_setaffinity(0, sizeof cpus, &cpus);
    uint64_t began = uv_hrtime();
    double before = cpu_s(&rss_kb);
    uv_run(uv_default_loop(), UV_RUN_DEFAULT);
    double cpu = cpu_s(&rss_kb) - before;
    printf("{\"ops\":%ld,\"secs\":%f,\"cpu_s\":%f,\"rss_kb\":%ld}\n", n, (double)(uv_hrtime() - began) / 1e9, cpu, rss_kb);
    return kill(load, SIGKILL);
}
