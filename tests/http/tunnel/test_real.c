/* SPDX-License-Identifier: MIT */
/*
 * test_real.c - real proxies: squid, tinyproxy and dante, each started on loopback as it is, with files in the test's folder.
 *
 * A program that is not there is said to be missing; scripts/deps.sh --ci brings all of them.
 */
#include <pwd.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <bide/stream.h>

#include "client.h"

static const char *path_of(const char *name)
{
    static char path[4][512];
    static unsigned i;
    char *p = path[i++ % 4];

    snprintf(p, sizeof path[0], "%s/%s", test_tmpdir(), name);
    return p;
}

static int free_port(void)
{
    bide_auto bide_listener *l = bide_listen("127.0.0.1", 0);

    return bide_listener_port(l);
}

static void write_file(const char *name, const char *text)
{
    FILE *f = fopen(path_of(name), "we");
    EXPECT_NOT_NULL(f);
    fputs(text, f);
    fclose(f);
}

/* Runs it in the foreground, until it listens. */
static pid_t start(int port, const char *const *words)
{
    pid_t pid = fork();

    if (pid == 0) {
        (void)!freopen(path_of("output"), "we", stdout);
        dup2(1, 2);
        execv(words[0], (char *const *)(uintptr_t)words);
        _exit(127);
    }
    for (int i = 0; i < 200; i++) {
        bide_auto bide_stream *s = bide_connect("127.0.0.1", port);
        if (s)
            return pid;
        bide_error_clear();
        EXPECT_EQ(waitpid(pid, NULL, WNOHANG), 0);
        EXPECT_EQ(bide_sleep_ms(25), 0);
    }
    FAIL("%s does not listen", words[0]);
}

static void end(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static int hello(bide_exchange *x, void *arg)
{
    (void)arg;
    return bide_respond_text(x, 200, bide_exchange_header(x, "Proxy-Authorization") ? "leaked" : "hello");
}

struct servers {
    bide_server *plain, *secure;
};

static struct servers servers_start(void)
{
    certs_make();
    return (struct servers){bide_server_start(hello),
                            bide_server_start(hello, .cert_file = cert_path("good"), .key_file = cert_path("good"))};
}

static void servers_stop(struct servers *s)
{
    bide_release(s->plain);
    bide_release(s->secure);
}

/* http and https through it. */
static void ask_both(const struct servers *to, const char *scheme, const char *user, int port)
{
    char proxy[128], url[64];
    snprintf(proxy, sizeof proxy, "%s://%s127.0.0.1:%d", scheme, user, port);
    bide_auto bide_session *s = bide_session_new(.ca_file = cert_path("ca"), .proxy = proxy);

    for (int i = 0; i < 2; i++) {
        snprintf(url, sizeof url, "http://127.0.0.1:%d/", bide_server_port(to->plain));
        expect_get(s, url, "hello");
        snprintf(url, sizeof url, "https://127.0.0.1:%d/", bide_server_port(to->secure));
        expect_get(s, url, "hello");
    }
}

static bool is_there(const char *program)
{
    if (access(program, X_OK) == 0)
        return true;
    SKIP(program);
    return false;
}

TEST(tinyproxy_passes_requests_on_and_makes_tunnels, .real_time = true)
{
    static const char program[] = "/usr/bin/tinyproxy";
    char config[256];
    int port = free_port();
    if (!is_there(program))
        return;
    struct servers to = servers_start();
    snprintf(config, sizeof config, "Port %d\nListen 127.0.0.1\nTimeout 60\nMaxClients 10\nBasicAuth me secret\n", port);
    write_file("tinyproxy.conf", config);
    pid_t pid = start(port, (const char *const[]){program, "-d", "-c", path_of("tinyproxy.conf"), NULL});

    ask_both(&to, "http", "me:secret@", port);
    snprintf(config, sizeof config, "http://me:wrong@127.0.0.1:%d", port);
    bide_auto bide_session *s = bide_session_new(.proxy = config);
    EXPECT_FAILED(bide_get(s, "https://a.test/"), BIDE_EPROXY, "proxy http://127.0.0.1", "CONNECT a.test:443: 40");
    end(pid);
    servers_stop(&to);
}

TEST(squid_passes_requests_on_and_makes_tunnels_for_who_logs_in_with_digest, .real_time = true)
{
    static const char program[] = "/usr/sbin/squid", helper[] = "/usr/lib/squid/digest_file_auth";
    char config[2048];
    int port = free_port();
    if (!is_there(program) || !is_there(helper))
        return;
    struct servers to = servers_start();
    char passwords[] = "/tmp/bide-squid-XXXXXX"; /* not in the test's folder: as root it becomes another user, who may not look there */
    int fd = mkstemp(passwords);
    EXPECT_EQ(write(fd, "me:secret\n", 10), 10);
    EXPECT_EQ(fchmod(fd, 0644), 0);
    close(fd);
    snprintf(config, sizeof config,
             "http_port 127.0.0.1:%d\npid_filename none\ncache deny all\naccess_log none\ncache_log /dev/null\nshutdown_lifetime 0 seconds\n"
             "auth_param digest program %s %s\nauth_param digest children 1\nauth_param digest realm test\n"
             "acl known proxy_auth REQUIRED\nhttp_access allow known\nhttp_access deny all\n",
             port, helper, passwords);
    write_file("squid.conf", config);
    pid_t pid = start(port, (const char *const[]){program, "-N", "-f", path_of("squid.conf"), NULL});

    ask_both(&to, "http", "me:secret@", port);
    snprintf(config, sizeof config, "http://me:wrong@127.0.0.1:%d", port);
    bide_auto bide_session *s = bide_session_new(.proxy = config);
    EXPECT_FAILED(bide_get(s, "https://a.test/"), BIDE_EPROXY, "407 Proxy Authentication Required", "proxy http://127.0.0.1");
    unlink(passwords);
    end(pid);
    servers_stop(&to);
}

TEST(dante_carries_both_over_socks, .real_time = true)
{
    static const char program[] = "/usr/sbin/danted";
    char config[1024];
    int port = free_port();
    struct passwd *me = getpwuid(getuid());
    if (!is_there(program))
        return;
    struct servers to = servers_start();
    snprintf(config, sizeof config,
             "logoutput: stderr\ninternal: 127.0.0.1 port = %d\nexternal: 127.0.0.1\nsocksmethod: none\nclientmethod: none\n"
             "user.privileged: %s\nuser.unprivileged: %s\n"
             "client pass { from: 127.0.0.0/8 to: 0.0.0.0/0 }\nsocks pass { from: 127.0.0.0/8 to: 0.0.0.0/0 }\n",
             port, me->pw_name, me->pw_name);
    write_file("danted.conf", config);
    pid_t pid = start(port, (const char *const[]){program, "-f", path_of("danted.conf"), "-p", path_of("danted.pid"), NULL});

    ask_both(&to, "socks5h", "", port);
    ask_both(&to, "socks5", "", port);
    ask_both(&to, "socks4a", "", port);
    end(pid);
    servers_stop(&to);
}
