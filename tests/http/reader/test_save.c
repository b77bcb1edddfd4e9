/* SPDX-License-Identifier: MIT */
/* test_save.c - bodies into files: by splice, by memory, decoded; their names; and what is left when it fails. */
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "client.h"
#include "coded.h"

static char folder[64];

static const char *in_folder(const char *name)
{
    static char paths[4][128];
    static int next;
    char *path = paths[next++ % 4];

    if (!folder[0]) {
        strcpy(folder, "/tmp/bide-save-XXXXXX");
        EXPECT_NOT_NULL(mkdtemp(folder));
    }
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

/* How many files there are; they go, and the folder with them. */
static int clear_folder(void)
{
    DIR *d = opendir(folder);
    int n = 0;

    for (struct dirent *e; d && (e = readdir(d));)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) {
            n++;
            unlinkat(dirfd(d), e->d_name, 0);
        }
    if (d)
        closedir(d);
    rmdir(folder);
    folder[0] = '\0';
    return n;
}

static void expect_file(const char *path, const char *data, size_t len)
{
    size_t there = 0;
    char *got = bide_file_read_all(path, 0, &there);

    EXPECT_EQ(there, len);
    EXPECT_MEM(got, data, len);
    free(got);
}

/* A script: a head, and so many letters. */
static char *large_script(const char *head, size_t len, const char *behind)
{
    char *script = malloc(strlen(head) + len + strlen(behind) + 1), *at = stpcpy(script, head);

    for (size_t i = 0; i < len; i++)
        at[i] = (char)('a' + i * 7 % 26 % 23);
    strcpy(at + len, behind);
    return script;
}

#define LARGE 3000000

static void expect_saved(const char *head, const char *behind, const char *cert)
{
    char *script = large_script(head, LARGE, behind);
    struct peer p = {.scripts = {script}, .cert = cert};
    peer_start(&p);
    {
        bide_auto bide_session *s = bide_session_new(.ca_file = cert ? cert_path("ca") : NULL);
        bide_auto bide_response *r = bide_get(s, peer_url(&p, "/"));
        EXPECT_EQ(bide_save(r, in_folder("f")), LARGE);
        EXPECT_STR(bide_response_saved_path(r), in_folder("f"));
        EXPECT_EQ(bide_response_body_bytes(r), LARGE);
        expect_file(in_folder("f"), script + strlen(head), LARGE);
        EXPECT_EQ(bide_session_get_stats(s).idle, strstr(head, "-") != NULL); /* but that which ends with it */
    }
    peer_stop(&p);
    free(script);
    EXPECT_EQ(clear_folder(), 1);
}

TEST(save_a_large_body_of_any_framing_plain_and_over_tls, .real_time = true)
{
    certs_make();
    expect_saved(ASK "HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n", STALL, NULL);
    expect_saved(ASK "HTTP/1.1 200 OK\r\n\r\n", "", NULL);
    expect_saved(ASK "HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n", STALL, "good");
    expect_saved(ASK "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2dc6c0\r\n", "\r\n0\r\n\r\n" STALL, NULL);
}

static int64_t real_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Spliced or copied, there is a pause after each piece: three seconds' worth less one turn. */
TEST(save_at_a_rate_takes_its_time_plain_and_over_tls, .real_time = true)
{
    certs_make();
    for (int tls = 0; tls < 2; tls++) {
        char *script = large_script(ASK "HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n", LARGE, STALL);
        struct peer p = {.scripts = {script}, .cert = tls ? "good" : NULL};
        peer_start(&p);
        {
            bide_auto bide_session *s = bide_session_new(.max_rate = 6000000, .ca_file = tls ? cert_path("ca") : NULL);
            bide_auto bide_response *r = bide_get(s, peer_url(&p, "/"));
            int64_t begun = real_ms();
            EXPECT_EQ(bide_save(r, in_folder("f")), LARGE);
            EXPECT_LE(500 - 70, real_ms() - begun);
            expect_file(in_folder("f"), strchr(script, '\r') + strlen("\r\nContent-Length: 3000000\r\n\r\n"), LARGE);
        }
        peer_stop(&p);
        free(script);
        EXPECT_EQ(clear_folder(), 1);
    }
}

/* The kernel moves them: what the connection had in memory, and not much more, was received into it. */
static ssize_t (*real_recv)(struct filter *f, void *out, size_t cap);
static size_t through_memory;

static ssize_t counted_recv(struct filter *f, void *out, size_t cap)
{
    ssize_t n = real_recv(f, out, cap);

    through_memory += n > 0 ? (size_t)n : 0;
    return n;
}

TEST(save_a_plain_body_does_not_pass_through_memory, .real_time = true)
{
    char *script = large_script(ASK "HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n", LARGE, PAUSE);
    struct peer p = {.scripts = {script}};
    peer_start(&p);
    {
        bide_auto bide_session *s = bide_session_new();
        bide_auto bide_response *r = bide_get(s, peer_url(&p, "/"));
        struct h1_exchange *x = h1_of(r->chain.exchange);
        static struct filter_ops ops; /* for as long as the connection: it may be kept, or closed by the peer at any time */
        ops = *x->conn->stream->top->ops;
        real_recv = ops.try_recv;
        ops.try_recv = counted_recv;
        x->conn->stream->top->ops = &ops;
        EXPECT_EQ(bide_save(r, in_folder("f")), LARGE);
        EXPECT_EQ(through_memory, 0);
    }
    peer_stop(&p);
    free(script);
    clear_folder();
}

static bide_response *get_said(bide_session *s, struct wire *w, const char *url)
{
    wires_plant(s, w, 1);
    return bide_get(s, url);
}

TEST(save_a_body_in_a_coding_is_decoded_under_a_ceiling_in_bytes)
{
    static struct message m;
    static char zeros[2 << 20];
    encode(&m, CODING_BR, zeros, sizeof zeros); /* a ratio of many thousands */
    put_head(&m, "200 OK", "Content-Encoding: br\r\n");
    struct wire one = WIRE(ON_REQUEST, SAY_BYTES(m)), two = WIRE(ON_REQUEST, SAY_BYTES(m));
    bide_auto bide_session *s = bide_session_new(), *t = bide_session_new();

    bide_auto bide_response *r = get_said(s, &one, "http://a/");
    EXPECT_EQ(bide_save(r, in_folder("f")), sizeof zeros);
    expect_file(in_folder("f"), zeros, sizeof zeros);
    bide_auto bide_response *x = get_said(t, &two, "http://a/");
    EXPECT_ERR((int)bide_save(x, in_folder("g"), .max_bytes = sizeof zeros - 1), BIDE_ETOOBIG);
    EXPECT_CONTAINS(bide_error_text(), "GET http://a/: the body is larger than 2097151 bytes when decoded");
    bide_error_clear();
    EXPECT_EQ(clear_folder(), 1);
}

#define WHOLE(fields) SAY("HTTP/1.1 200 OK\r\n" fields "Content-Length: 5\r\n\r\nhello")

/* D19 */
TEST(save_in_a_directory_under_the_name_that_is_said)
{
    static const struct {
        struct wire_step said;
        const char *url, *name;
    } cases[] = {{WHOLE("Content-Disposition: attachment; filename=\"a.txt\"\r\n"), "http://a/b", "a.txt"},
                 {WHOLE("Content-Disposition: attachment; filename=\"../../etc/.passwd\"\r\n"), "http://a/b", "_passwd"},
                 {WHOLE("Content-Disposition: inline\r\n"), "http://a/x/b%20c.txt?q=/d#e/f", "b c.txt"},
                 {WHOLE(""), "http://a/x/..%2f..%2fevil", "evil"},
                 {WHOLE(""), "http://a/", "index.html"}};

    for (size_t i = 0; i < array_len(cases); i++) {
        struct wire w = WIRE(ON_REQUEST, cases[i].said);
        bide_auto bide_session *s = bide_session_new();
        bide_auto bide_response *r = get_said(s, &w, cases[i].url);
        EXPECT_EQ(bide_save(r, in_folder("")), 5);
        EXPECT_STR(bide_response_saved_path(r), in_folder(cases[i].name));
        expect_file(in_folder(cases[i].name), "hello", 5);
    }
    EXPECT_EQ(clear_folder(), 5);
}

/* D19 */
TEST(save_under_a_name_of_the_server_replaces_nothing_and_under_ours_does)
{
    struct wire one = WIRE(ON_REQUEST, WHOLE("")), two = WIRE(ON_REQUEST, WHOLE(""));
    bide_auto bide_session *s = bide_session_new(), *t = bide_session_new();

    EXPECT_EQ(bide_file_write_all(in_folder("f"), "old", 3), 0);
    bide_auto bide_response *r = get_said(s, &one, "http://a/f");
    EXPECT_ERR((int)bide_save(r, in_folder("")), -EEXIST);
    EXPECT_CONTAINS(bide_error_text(), "GET http://a/f: write /tmp/bide-save-");
    bide_error_clear();
    expect_file(in_folder("f"), "old", 3);
    EXPECT_EQ(bide_save(r, in_folder("f")), 5); /* the body is there still */
    expect_file(in_folder("f"), "hello", 5);

    bide_auto bide_response *x = get_said(t, &two, "http://a/f");
    EXPECT_EQ(bide_save(x, in_folder("f")), 5);
    EXPECT_EQ(clear_folder(), 1);
}

/* ---- what is left when it fails ---- */

TEST(save_a_body_that_is_cut_off_leaves_nothing, .real_time = true)
{
    char *script = large_script(ASK "HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n", LARGE / 2, "");
    struct peer p = {.scripts = {script, script}};
    peer_start(&p);
    {
        bide_auto bide_session *s = bide_session_new();
        bide_auto bide_response *r = bide_get(s, peer_url(&p, "/"));
        EXPECT_ERR((int)bide_save(r, in_folder("f")), BIDE_ETRUNCATED);
        EXPECT_CONTAINS(bide_error_text(), "the body ended after 1500000 of 3000000 bytes");
        bide_error_clear();
        EXPECT_NULL(bide_response_saved_path(r));
        EXPECT_EQ(clear_folder(), 0);

        bide_auto bide_response *x = bide_get(s, peer_url(&p, "/"));
        bide_auto bide_file *f = bide_open(in_folder("g"), .flags = O_RDWR | O_CREAT);
        EXPECT_ERR((int)bide_save_to(x, f), BIDE_ETRUNCATED);
        bide_error_clear();
        expect_file(in_folder("g"), strchr(script, '\n') ? strstr(script, "\r\n\r\n") + 4 : "", LARGE / 2); /* what came is there */
    }
    peer_stop(&p);
    free(script);
    clear_folder();
}

TEST(save_on_a_full_disk_says_what_was_tried)
{
    struct wire w = WIRE(ON_REQUEST, WHOLE(""));
    bide_auto bide_session *s = bide_session_new();
    bide_auto bide_response *r = get_said(s, &w, "http://a/");
    bide_auto bide_file *full = bide_open("/dev/full", .flags = O_WRONLY);

    EXPECT_ERR((int)bide_save_to(r, full), -ENOSPC);
    EXPECT_CONTAINS(bide_error_text(), "GET http://a/: write /dev/full: No space left on device, of a body of which 5 bytes have come");
    bide_error_clear();
}

TEST(save_announced_too_large_is_refused_before_a_byte_is_written)
{
    struct wire w = WIRE(ON_REQUEST, WHOLE(""));
    bide_auto bide_session *s = bide_session_new();
    bide_auto bide_response *r = get_said(s, &w, "http://a/");

    EXPECT_ERR((int)bide_save(r, in_folder("f"), .max_bytes = 4), BIDE_ETOOBIG);
    bide_error_clear();
    EXPECT_EQ(clear_folder(), 0);
}

static int note_bytes(uint64_t bytes, void *arg)
{
    *(uint64_t *)arg = bytes;
    return bytes > 3 ? bide_fail(-EDOM, "that is enough") : 0;
}

TEST(save_reports_progress_and_is_stopped_by_it)
{
    struct wire w = WIRE(ON_REQUEST, SAY("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel"), AFTER(10, "lo"));
    bide_auto bide_session *s = bide_session_new();
    bide_auto bide_response *r = get_said(s, &w, "http://a/");
    uint64_t seen = 0;

    EXPECT_ERR((int)bide_save(r, in_folder("f"), .progress = note_bytes, .progress_arg = &seen), -EDOM);
    EXPECT_CONTAINS(bide_error_text(), "that is enough");
    EXPECT_EQ(seen, 5);
    bide_error_clear();
    EXPECT_EQ(clear_folder(), 0);
}

TEST(save_behind_read_chunk_is_a_mistake_and_so_is_no_path)
{
    struct wire w = WIRE(ON_REQUEST, WHOLE(""));
    bide_auto bide_session *s = bide_session_new();
    bide_auto bide_response *r = get_said(s, &w, "http://a/");
    const char *data;

    EXPECT_ERR((int)bide_save(r, ""), -EINVAL);
    EXPECT_ERR((int)bide_save(NULL, "f"), -EINVAL);
    EXPECT_EQ(bide_read_chunk(r, &data), 5);
    EXPECT_ERR((int)bide_save(r, in_folder("f")), BIDE_ESTATE);
    bide_error_clear();
    EXPECT_EQ(clear_folder(), 0);
}

static int save_slowly(bide_session *s, const char *url)
{
    bide_auto bide_response *r = bide_get(s, url);

    return r ? (int)bide_save(r, in_folder("f")) : bide_error_code();
}

TEST(save_that_is_cancelled_leaves_nothing_and_the_pool_works, .real_time = true)
{
    char *script = large_script(ASK "HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n", LARGE / 2, STALL);
    struct peer p = {.scripts = {script, ASK OK("2") "ok"}};
    peer_start(&p);
    {
        bide_auto bide_session *s = bide_session_new();
        bide_auto bide_task *t = bide_create_task(bide_coro(save_slowly, s, peer_url(&p, "/")));
        EXPECT_EQ(bide_sleep_ms(60), 0);
        BIDE_IGNORE(bide_task_cancel(t));
        EXPECT_ERR(bide_await(t), BIDE_ECANCELED);
        bide_error_clear();
        EXPECT_EQ(clear_folder(), 0);
        expect_get(s, peer_url(&p, "/"), "ok");
    }
    peer_stop(&p);
    free(script);
}
