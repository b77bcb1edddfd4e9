/* SPDX-License-Identifier: MIT */
/* test_openssl.c - TLS with the openssl program as the other side: versions, tickets, certificates, key updates. */
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "tls/tls_pair.h"

struct program {
    pid_t pid;
    int in, out, port;
};

/* Runs openssl s_server; it says its port first. */
static struct program s_server(const char *extra)
{
    char command[2048], line[256];
    int in[2], out[2];
    struct program p = {.port = 0};
    snprintf(command, sizeof command, "exec openssl s_server -accept 127.0.0.1:0 -cert '%s' %s 2>/dev/null",
             cert_path("good"), extra);
    EXPECT_EQ(pipe2(in, O_CLOEXEC), 0);
    EXPECT_EQ(pipe2(out, O_CLOEXEC), 0);
    p.pid = fork();
    EXPECT_LE(0, p.pid);
    if (p.pid == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    p.in = in[1];
    p.out = out[0];
    FILE *from = fdopen(dup(p.out), "r");
    while (p.port == 0 && fgets(line, sizeof line, from))
        sscanf(line, "ACCEPT 127.0.0.1:%d", &p.port);
    fclose(from);
    if (p.port == 0)
        SKIP("openssl s_server does not run here");
    return p;
}

static void program_end(struct program *p)
{
    kill(p->pid, SIGKILL);
    waitpid(p->pid, NULL, 0);
    close(p->in);
    close(p->out);
}

/* A GET from s_server -www; returns whether the session was resumed. */
static bool get_www(int port, bide_tls *tls)
{
    char buf[4096];
    size_t total = 0;
    bide_auto bide_stream *s = dial(port, tls, "good.test");
    if (!s)
        FAIL("%s", bide_error_text());
    bool resumed = bide__tls_was_resumed(s);
    EXPECT_EQ(bide_write(s, "GET / HTTP/1.0\r\n\r\n", 18), 0);
    for (ssize_t n; (n = bide_read(s, buf, sizeof buf)) != 0; total += (size_t)n)
        if (n < 0)
            FAIL("%s", bide_error_text());
    EXPECT_LT(200, total);
    return resumed;
}

static void expect_resumption(const char *extra)
{
    certs_make();
    bide_auto bide_tls *tls = client_tls();
    struct program p = s_server(extra);
    EXPECT_FALSE(get_www(p.port, tls));
    EXPECT_TRUE(get_www(p.port, tls));
    EXPECT_TRUE(get_www(p.port, tls));
    program_end(&p);
}

TEST(tls_openssl_server_1_3_resumes, .real_time = true)
{
    expect_resumption("-www -tls1_3");
}

TEST(tls_openssl_server_1_2_resumes, .real_time = true)
{
    expect_resumption("-www -tls1_2");
}

TEST(tls_openssl_server_1_2_without_tickets_resumes, .real_time = true)
{
    expect_resumption("-www -tls1_2 -no_ticket");
}

TEST(tls_many_tickets_in_the_middle_are_taken, .real_time = true)
{
    certs_make();
    bide_auto bide_tls *tls = client_tls();
    struct program p = s_server("-www -tls1_3 -num_tickets 20");
    EXPECT_FALSE(get_www(p.port, tls));
    EXPECT_TRUE(get_www(p.port, tls));
    program_end(&p);
}

/* R103 */
TEST(tls_1_1_is_refused, .real_time = true)
{
    certs_make();
    bide_auto bide_tls *tls = client_tls();
    struct program p = s_server("-www -tls1_1 -cipher 'DEFAULT:@SECLEVEL=0'");
    bide_auto bide_stream *s = dial(p.port, tls, "good.test");
    EXPECT_NULL(s);
    EXPECT_EQ(bide_error_code(), BIDE_ETLS);
    EXPECT_CONTAINS(bide_error_text(), "protocol version");
    program_end(&p);
}

/* TLS 1.2 has no alert for it; but the server has asked. */
TEST(tls_1_2_server_that_requires_a_certificate_says_so, .real_time = true)
{
    certs_make();
    bide_auto bide_tls *tls = client_tls();
    struct program p = s_server("-www -tls1_2 -Verify 1 -verify_return_error");
    bide_auto bide_stream *s = dial(p.port, tls, "good.test");
    EXPECT_NULL(s);
    EXPECT_EQ(bide_error_code(), BIDE_ETLS);
    EXPECT_CONTAINS(bide_error_text(), "the peer refused: the server requires a client certificate (handshake_failure)");
    program_end(&p);
}

TEST(tls_minimum_1_3_refuses_1_2, .real_time = true)
{
    certs_make();
    bide_auto bide_tls *tls = bide_tls_new(.ca_file = cert_path("ca"), .min_version = 0x0304);
    struct program p = s_server("-www -tls1_2");
    bide_auto bide_stream *s = dial(p.port, tls, "good.test");
    EXPECT_NULL(s);
    EXPECT_EQ(bide_error_code(), BIDE_ETLS);
    program_end(&p);
}

TEST(tls_records_of_one_fragment_size_arrive_whole, .real_time = true)
{
    certs_make();
    bide_auto bide_tls *tls = client_tls();
    struct program p = s_server("-www -max_send_frag 512 -split_send_frag 512");
    EXPECT_FALSE(get_www(p.port, tls));
    program_end(&p);
}

/* Key updates and renegotiation requests are typed into s_server: K asks for a key update of both sides. */
TEST(tls_key_update_in_the_middle_is_answered, .real_time = true)
{
    char buf[16];
    certs_make();
    bide_auto bide_tls *tls = client_tls();
    struct program p = s_server("-tls1_3");
    {
        bide_auto bide_stream *s = dial(p.port, tls, "good.test");
        EXPECT_NOT_NULL(s);
        EXPECT_EQ(write(p.in, "one\n", 4), 4);
        EXPECT_EQ(bide_read_exactly(s, buf, 4), 4);
        EXPECT_EQ(write(p.in, "K\n", 2), 2);
        EXPECT_EQ(bide_sleep_ms(50), 0);
        EXPECT_EQ(write(p.in, "two\n", 4), 4);
        EXPECT_EQ(bide_read_exactly(s, buf, 4), 4);
        EXPECT_MEM(buf, "two\n", 4);
        EXPECT_EQ(bide_write(s, "yes\n", 4), 0);
        EXPECT_EQ(bide_drain(s), 0);
    }
    program_end(&p);
}
