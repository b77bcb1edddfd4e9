/* SPDX-License-Identifier: MIT */
/* server.c - see redis_test.h. */
#include <arpa/inet.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "redis_test.h"

#define HOST_VARIABLE "BIDE_TEST_HOST"
#define STARTED_MAX   16

static pid_t started[STARTED_MAX];

static void kill_started(void)
{
    for (int i = 0; i < STARTED_MAX; i++)
        if (started[i] > 0) {
            kill(started[i], SIGCONT);
            kill(started[i], SIGKILL);
            waitpid(started[i], NULL, 0);
        }
}

static void note_started(pid_t pid)
{
    static bool registered;

    if (!registered)
        atexit(kill_started);
    registered = true;
    for (int i = 0; i < STARTED_MAX; i++)
        if (started[i] == 0) {
            started[i] = pid;
            return;
        }
    FAIL("more than %d processes", STARTED_MAX);
}

static int forget_started(pid_t pid)
{
    int status = 0;

    for (int i = 0; i < STARTED_MAX; i++)
        if (started[i] == pid)
            started[i] = 0;
    waitpid(pid, &status, 0);
    return status;
}

/* A child that dies with us, also when the alarm kills the test. */
static pid_t spawn(char *const *argv, const char *const *env, const char *log)
{
    pid_t parent = getpid(), pid = fork();
    if (pid < 0)
        FAIL("fork: %s", strerror(errno));
    if (pid > 0) {
        note_started(pid);
        return pid;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    for (; env && *env; env++)
        putenv((char *)(uintptr_t)*env);
    if (log && (!freopen(log, "a", stdout) || dup2(fileno(stdout), 2) < 0))
        _exit(1);
    execvp(argv[0], argv);
    if (strcmp(argv[0], "redis-server") == 0)
        execvp("redis-check-rdb", argv); /* the same program, which looks at the name that it is called by */
    _exit(127);
}

/* ---- the server ---- */

int redis_free_port(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&a, len) < 0 || getsockname(fd, (struct sockaddr *)&a, &len) < 0)
        FAIL("no port: %s", strerror(errno));
    close(fd);
    return ntohs(a.sin_port);
}

/* It answers, so its loop runs, and all that it listens at is there: a port alone is open before a socket of Unix is. */
static bool answers(const struct sockaddr_in *a)
{
    struct timeval limit = {.tv_sec = 1};
    char byte;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    bool yes = connect(fd, (const struct sockaddr *)a, sizeof *a) == 0 && send(fd, "PING\r\n", 6, MSG_NOSIGNAL) == 6 &&
               recv(fd, &byte, 1, 0) == 1;
    close(fd);
    return yes;
}

static void wait_until_ready(const struct redis_server *s)
{
    struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)s->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    for (int i = 0; i < 500 * SLOW; i++) {
        if (answers(&a))
            return;
        if (waitpid(s->pid, NULL, WNOHANG) == s->pid)
            FAIL("redis-server has ended; see %s/log", s->dir);
        usleep(10000);
    }
    FAIL("redis-server does not answer");
}

static const char *const *more_words;

static void run_server(struct redis_server *s)
{
    char port[16], log[256];
    char *argv[40] = {"redis-server", "--port", port,    "--bind", "127.0.0.1",  "--save", "",
                      "--appendonly", "yes",    "--dir", s->dir,   "--loglevel", "warning"};
    size_t n = 13;

    snprintf(port, sizeof port, "%d", s->port);
    snprintf(log, sizeof log, "%s/log", s->dir);
    for (const char *const *w = more_words; w && *w; w++)
        argv[n++] = (char *)(uintptr_t)*w;
    s->pid = spawn(argv, NULL, log);
    wait_until_ready(s);
}

/* It says so in its log, those that are too old at any level: the tests of the others do not need to know. */
static void skip_if_old(const struct redis_server *s)
{
    char path[256], line[600];
    int major = 0, minor = 0;

    snprintf(path, sizeof path, "%s/log", s->dir);
    FILE *f = fopen(path, "r");
    while (f && major == 0 && fgets(line, sizeof line, f)) {
        const char *version = strstr(line, "Redis version=");
        if (version)
            sscanf(version, "Redis version=%d.%d", &major, &minor);
    }
    if (f)
        fclose(f);
    if (major > 0 && (major < 6 || (major == 6 && minor < 2)))
        SKIP("this Redis is older than 6.2");
}

void redis_start(struct redis_server *s, const char *const *more)
{
    if (system("{ command -v redis-server || command -v redis-check-rdb; } >/dev/null") != 0)
        SKIP("there is no redis-server, and no redis-check-rdb");
    snprintf(s->dir, sizeof s->dir, "%s", test_tmpdir());
    s->port = redis_free_port();
    snprintf(s->url, sizeof s->url, "redis://127.0.0.1:%d/0", s->port);
    more_words = more;
    run_server(s);
    skip_if_old(s);
}

void redis_kill(struct redis_server *s)
{
    kill(s->pid, SIGKILL);
    forget_started(s->pid);
    s->pid = 0;
}

void redis_restart(struct redis_server *s)
{
    run_server(s);
}

void redis_command(const struct redis_server *s, const char *const *texts)
{
    redisContext *c = redisConnect("127.0.0.1", s->port);
    int n = 0;

    while (texts[n])
        n++;
    redisReply *r = c && !c->err ? redisCommandArgv(c, n, (const char **)(uintptr_t)texts, NULL) : NULL;
    if (!r || r->type == REDIS_REPLY_ERROR)
        FAIL("%s: %s", texts[0], r ? r->str : "no connection");
    freeReplyObject(r);
    redisFree(c);
}

long long redis_say(const struct redis_server *s, const char *const *texts)
{
    struct redis_address a;
    long long n = 0;
    EXPECT_OK(bide__redis_address(&a, s->url, "t"));
    struct redis_conn *c = NULL;
    for (int i = 0; i < 200 && !(c = bide__redis_open(&a)); i++) { /* it may still be loading */
        bide_error_clear();
        EXPECT_OK(bide_sleep_ms(25));
    }
    redisReply *r = c ? bide__redis_ask(c, texts, REDIS_QUIET_MS) : NULL;
    if (!r)
        FAIL("%s: %s", texts[0], bide_error_text());
    n = r->type == REDIS_REPLY_INTEGER ? r->integer : r->type == REDIS_REPLY_ARRAY ? (long long)r->elements : 0;
    freeReplyObject(r);
    bide__redis_close(c);
    bide_release(a.context);
    return n;
}

/* ---- worker hosts ---- */

static long number(const char *name, long otherwise)
{
    const char *text = getenv(name);

    return text ? atol(text) : otherwise;
}

static int be_host(void)
{
    bide_auto bide_pool *pool = bide_pool_new(.kind = (enum bide_pool_kind)number("HOST_KIND", BIDE_POOL_PROCESS),
                                              .workers = (int)number("HOST_WORKERS", 1), .close_ms = 100);
    if (!pool)
        return bide_raise();
    return bide_pool_serve(NULL, "t", .pool = pool, .lease_ms = number("HOST_LEASE", 500),
                           .slots = (int)number("HOST_SLOTS", 0), .close_ms = number("HOST_CLOSE", 5000),
                           .max_deliveries = (int)number("HOST_DELIVERIES", 0));
}

__attribute__((constructor(2000))) static void be_host_if_asked(void)
{
    if (!getenv(HOST_VARIABLE))
        return;
    unsetenv(HOST_VARIABLE);
    exit(bide_main(bide_coro(be_host)));
}

pid_t host_start(const struct redis_server *s, const char *const *env)
{
    char url[280], log[256];
    const char *all[16] = {url, HOST_VARIABLE "=1", "ASAN_OPTIONS=detect_leaks=0"};
    size_t n = 3;

    snprintf(url, sizeof url, "BIDE_REDIS=%s", s->url);
    snprintf(log, sizeof log, "%s/host.log", s->dir);
    for (; env && *env; env++)
        all[n++] = *env;
    return spawn((char *[]){"/proc/self/exe", NULL}, all, log);
}

void host_kill(pid_t pid)
{
    kill(pid, SIGKILL);
    forget_started(pid);
}

int host_wait(pid_t pid)
{
    int status = forget_started(pid);

    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int host_stop(pid_t pid)
{
    kill(pid, SIGTERM);
    return host_wait(pid);
}

bool host_said(const struct redis_server *s, const char *part)
{
    char path[256], line[600];
    bool found = false;

    snprintf(path, sizeof path, "%s/host.log", s->dir);
    FILE *f = fopen(path, "r");
    while (f && !found && fgets(line, sizeof line, f))
        found = strstr(line, part);
    if (f)
        fclose(f);
    return found;
}
