/* SPDX-License-Identifier: MIT */
/*
 * redis_test.h - a real Redis for a test, and worker hosts as programs of their own (server.c).
 *
 * The server keeps its data in the test's directory, so it can be killed and started again.  What a test has started is
 * killed when it ends, however it ends.
 */
#ifndef TESTS_REDIS_TEST_H
#define TESTS_REDIS_TEST_H

#include "pool/redis/redis.h"
#include "pool_test.h"

struct redis_server {
    pid_t pid;
    int port;
    char url[256];
    char dir[200];
};

/* SKIPs without redis-server (or redis-check-rdb, which is the same program) of version 6.2.  more: further words of its command line, ended by NULL, or NULL. */
void redis_start(struct redis_server *s, const char *const *more);
int redis_free_port(void);
void redis_kill(struct redis_server *s);    /* SIGKILL */
void redis_restart(struct redis_server *s); /* on the same port, with the same data */

/* This program as a worker host: "key=value" settings in its environment, ended by NULL, or NULL. */
pid_t host_start(const struct redis_server *s, const char *const *env);
void host_kill(pid_t pid);
int host_stop(pid_t pid); /* SIGTERM; returns the exit status */
int host_wait(pid_t pid); /* the same, for one that ends anyway */
bool host_said(const struct redis_server *s, const char *part); /* one of them, in a line */

/* One command, also to a server that we would not use. */
void redis_command(const struct redis_server *s, const char *const *texts);
/* One command; the reply's integer, array length, or 0. */
long long redis_say(const struct redis_server *s, const char *const *texts);
#define REDIS_SAY(s, ...) redis_say((s), (const char *const[]){__VA_ARGS__, NULL})

#define OPEN_REDIS(s, ...) OPEN(.redis = (s)->url, .name = "t", ##__VA_ARGS__)

#endif
