/* SPDX-License-Identifier: MIT */
/*
 * test_endpoints.c - the endpoints of `bide serve` and the files below --root, asked in one process.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <jansson.h>
#include <zlib.h>

#include <bide/bide.h>

#include "cli/serve/serve.h"
#include "harness/harness.h"

static char reply[1 << 20];
static size_t reply_len;

static struct serve serve = {.root_fd = -1};

static void start(void)
{
    serve.server = bide_server_start(serve_request, .arg = &serve);
    EXPECT_NOT_NULL(serve.server);
}

static void stop(void)
{
    bide_release(serve.server);
    if (serve.root_fd >= 0)
        close(serve.root_fd);
}

/* One exchange on a connection of its own; the whole answer is in reply.  Returns its body. */
static const char *exchange(const char *head, const char *body)
{
    bide_auto bide_stream *c = bide_connect("127.0.0.1", bide_server_port(serve.server));
    EXPECT_NOT_NULL(c);
    EXPECT_EQ(bide_write(c, head, strlen(head)), 0);
    EXPECT_EQ(bide_write(c, body, strlen(body)), 0);
    reply_len = 0;
    for (ssize_t n = 1; n > 0; reply_len += (size_t)n) {
        n = bide_read(c, reply + reply_len, sizeof reply - 1 - reply_len);
        EXPECT_LE(0, n);
    }
    reply[reply_len] = '\0';
    const char *end = strstr(reply, "\r\n\r\n");
    EXPECT_NOT_NULL(end);
    return end + 4;
}

static const char *request(const char *method, const char *target, const char *fields)
{
    char head[4096];

    snprintf(head, sizeof head, "%s %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n%s\r\n", method, target, fields);
    return exchange(head, "");
}

static const char *get(const char *target)
{
    return request("GET", target, "");
}

static int status(void)
{
    return atoi(reply + 9);
}

static json_t *get_json(const char *target)
{
    json_t *doc = json_loads(get(target), 0, NULL);
    EXPECT_NOT_NULL(doc);
    return doc;
}

static long long number(json_t *doc, const char *key)
{
    return json_integer_value(json_object_get(doc, key));
}

static const char *text(json_t *doc, const char *key)
{
    return json_string_value(json_object_get(doc, key));
}

/* ---- endpoints ---- */

TEST(serve_status_answers_with_it_and_retry_after, .real_time = true)
{
    start();
    get("/status/404");
    EXPECT_EQ(status(), 404);
    get("/status/429?retry_after=7");
    EXPECT_EQ(status(), 429);
    EXPECT_CONTAINS(reply, "\r\nRetry-After: 7\r\n");
    get("/status/200?retry_after=7");
    EXPECT_FALSE(strstr(reply, "Retry-After"));
    get("/status/204");
    EXPECT_EQ(status(), 204);
    for (const char *bad[] = {"/status/", "/status/99", "/status/600", "/status/2x", "/status/503?retry_after=x", NULL},
                   **at = bad; *at; at++) {
        get(*at);
        EXPECT_EQ(status(), 400);
    }
    stop();
}

TEST(serve_delay_waits, .real_time = true)
{
    start();
    int64_t before = bide_loop_time_ms(bide_get_event_loop());
    EXPECT_CONTAINS(get("/delay/60"), "{\"delay_ms\":60}");
    EXPECT_LE(before + 60, bide_loop_time_ms(bide_get_event_loop()));
    get("/delay/-1");
    EXPECT_EQ(status(), 400);
    stop();
}

TEST(serve_option_delay_holds_up_all_but_stats, .real_time = true)
{
    serve.options.delay_ms = 60;
    start();
    int64_t begin = bide_loop_time_ms(bide_get_event_loop());
    get("/stats");
    EXPECT_LT(bide_loop_time_ms(bide_get_event_loop()), begin + 50);
    get("/json");
    EXPECT_LE(begin + 60, bide_loop_time_ms(bide_get_event_loop()));
    stop();
}

TEST(serve_bytes_are_the_same_each_time_and_a_prefix_of_more, .real_time = true)
{
    static char first[200001];
    start();
    memcpy(first, get("/bytes/200001"), sizeof first);
    EXPECT_CONTAINS(reply, "\r\nContent-Length: 200001\r\n");
    EXPECT_MEM(get("/bytes/70000"), first, 70000);
    EXPECT_EQ(reply_len - (size_t)(strstr(reply, "\r\n\r\n") + 4 - reply), 70000);
    EXPECT_STR(get("/bytes/0"), "");
    get("/bytes/many");
    EXPECT_EQ(status(), 400);
    EXPECT_STR(request("HEAD", "/bytes/5", ""), "");
    EXPECT_CONTAINS(reply, "\r\nContent-Length: 5\r\n");
    stop();
}

TEST(serve_json_and_gzip_are_the_same_document, .real_time = true)
{
    char plain[1024] = "", again[1024] = "";
    z_stream z = {.next_out = (unsigned char *)again, .avail_out = sizeof again - 1};
    start();
    snprintf(plain, sizeof plain, "%s", get("/json"));
    json_t *doc = json_loads(plain, 0, NULL);
    EXPECT_STR(text(doc, "title"), "bide");
    json_decref(doc);

    const char *packed = get("/gzip");
    EXPECT_CONTAINS(reply, "\r\nContent-Encoding: gzip\r\n");
    z.next_in = (unsigned char *)(uintptr_t)packed;
    z.avail_in = (unsigned)(reply + reply_len - packed);
    EXPECT_EQ(inflateInit2(&z, 15 + 16), Z_OK);
    EXPECT_EQ(inflate(&z, Z_FINISH), Z_STREAM_END);
    inflateEnd(&z);
    EXPECT_STR(again, plain);
    stop();
}

TEST(serve_echo_tells_the_request, .real_time = true)
{
    start();
    const char *body = exchange("PUT /echo?a=1 HTTP/1.1\r\nHost: h\r\nX-A: 1\r\nX-A: 2\r\nConnection: close\r\n"
                                "Content-Length: 8\r\n\r\n",
                                "\"gr\xc3\xbc\xc3\x9f\"");
    json_t *doc = json_loads(body, 0, NULL), *headers = json_object_get(doc, "headers");
    EXPECT_STR(text(doc, "method"), "PUT");
    EXPECT_STR(text(doc, "target"), "/echo?a=1");
    EXPECT_STR(text(headers, "Host"), "h");
    EXPECT_STR(text(headers, "X-A"), "1, 2");
    EXPECT_STR(text(doc, "body"), "\"gr\xc3\xbc\xc3\x9f\"");
    json_decref(doc);
    stop();
}

TEST(serve_echo_gives_bytes_that_are_no_text_in_base64, .real_time = true)
{
    static const char *const bodies[] = {"\xff", "\xff\xfe", "\xff\xfe\xfd", "\xff\xfe\xfd\xfc"};
    static const char *const encoded[] = {"/w==", "//4=", "//79", "//79/A=="};
    char head[128];
    start();
    for (int i = 0; i < 4; i++) {
        snprintf(head, sizeof head, "POST /echo HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: %d\r\n\r\n", i + 1);
        json_t *doc = json_loads(exchange(head, bodies[i]), 0, NULL);
        EXPECT_STR(text(doc, "body_base64"), encoded[i]);
        EXPECT_NULL(json_object_get(doc, "body"));
        json_decref(doc);
    }
    stop();
}

TEST(serve_redirect_counts_down_to_json, .real_time = true)
{
    start();
    get("/redirect/2");
    EXPECT_EQ(status(), 302);
    EXPECT_CONTAINS(reply, "\r\nLocation: /redirect/1\r\n");
    get("/redirect/1");
    EXPECT_CONTAINS(reply, "\r\nLocation: /json\r\n");
    EXPECT_CONTAINS(get("/redirect/0"), "\"title\"");
    EXPECT_EQ(status(), 200);
    stop();
}

TEST(serve_stream_is_chunked_lines, .real_time = true)
{
    start();
    EXPECT_STR(get("/stream/2"), "12\r\n{\"line\":0,\"of\":2}\n\r\n12\r\n{\"line\":1,\"of\":2}\n\r\n0\r\n\r\n");
    EXPECT_CONTAINS(reply, "\r\nTransfer-Encoding: chunked\r\n");
    EXPECT_STR(get("/stream/0"), "0\r\n\r\n");
    stop();
}

TEST(serve_pagelist_has_the_shape_of_the_real_one, .real_time = true)
{
    start();
    json_t *doc = get_json("/x/player/pagelist?aid=27960015"), *again = get_json("/x/player/pagelist?aid=27960015");
    json_t *other = get_json("/x/player/pagelist?aid=27960016"), *page = json_array_get(json_object_get(doc, "data"), 0);
    EXPECT_EQ(number(doc, "code"), 0);
    EXPECT_STR(text(doc, "message"), "0");
    EXPECT_EQ(number(doc, "ttl"), 1);
    EXPECT_EQ(number(page, "page"), 1);
    EXPECT_LT(0, number(page, "cid"));
    EXPECT_LT(0, number(page, "duration"));
    EXPECT_STR(text(page, "from"), "vupload");
    EXPECT_EQ(number(json_object_get(page, "dimension"), "height"), 1080);
    EXPECT_TRUE(json_equal(doc, again));
    EXPECT_FALSE(json_equal(doc, other));
    json_decref(doc), json_decref(again), json_decref(other);
    stop();
}

TEST(serve_pagelist_refuses_a_missing_or_bad_aid, .real_time = true)
{
    start();
    for (const char *bad[] = {"", "?aid=", "?aid=x", "?aid=-1", "?aid=0", "?aid=99999999999999999999", "?bid=1", NULL},
                   **at = bad; *at; at++) {
        char target[64];
        snprintf(target, sizeof target, "/x/player/pagelist%s", *at);
        EXPECT_STR(get(target), "{\"code\":-400,\"message\":\"Request error\",\"ttl\":1}");
    }
    stop();
}

TEST(serve_stats_counts_by_status, .real_time = true)
{
    start();
    get("/json"), get("/json"), get("/nothing"), get("/status/503");
    json_t *doc = get_json("/stats"), *counts = json_object_get(doc, "status");
    EXPECT_EQ(number(doc, "requests"), 4);
    EXPECT_EQ(number(doc, "connections"), 5);
    EXPECT_EQ(number(counts, "200"), 2);
    EXPECT_EQ(number(counts, "404"), 1);
    EXPECT_EQ(number(counts, "503"), 1);
    json_decref(doc);
    stop();
}

TEST(serve_unknown_paths_and_methods_are_refused_in_json, .real_time = true)
{
    start();
    EXPECT_STR(get("/nothing"), "{\"error\":\"not found\",\"status\":404}\n");
    EXPECT_CONTAINS(reply, "\r\nContent-Type: application/json\r\n");
    request("DELETE", "/json", "");
    EXPECT_EQ(status(), 405);
    EXPECT_CONTAINS(reply, "\r\nAllow: GET, HEAD\r\n");
    EXPECT_CONTAINS(get("/"), "/x/player/pagelist");
    stop();
}

/* ---- files ---- */

static void make_file(const char *path, const char *content)
{
    FILE *f = fopen(path, "w");
    EXPECT_NOT_NULL(f);
    fputs(content, f);
    EXPECT_EQ(fclose(f), 0);
}

/* root/ with files, and a secret beside it. */
static void start_root(void)
{
    EXPECT_EQ(chdir(test_tmpdir()), 0);
    make_file("secret", "secret");
    EXPECT_EQ(mkdir("root", 0755) | mkdir("root/sub", 0755) | mkdir("root/bare", 0755), 0);
    make_file("root/index.html", "front");
    make_file("root/a b.txt", "blank");
    make_file("root/sub/index.html", "sub");
    make_file("root/data.JSON", "{}");
    make_file("root/empty", "");
    EXPECT_EQ(symlink("../secret", "root/out") | symlink("a b.txt", "root/in"), 0);
    EXPECT_EQ(symlink("/", "root/top") | mkfifo("root/fifo", 0644), 0);
    EXPECT_EQ(mkdir("root/.git", 0755) | mkdir("root/sub/.d", 0755) | mkdir("root/closed", 0), 0);
    make_file("root/.git/config", "secret");
    make_file("root/.env", "secret");
    make_file("root/sub/.d/a", "secret");
    make_file("root/a.b", "a.b");
    make_file("root/unreadable", "secret");
    EXPECT_EQ(chmod("root/unreadable", 0), 0);
    serve.root_fd = serve_files_open("root");
    EXPECT_LE(0, serve.root_fd);
    start();
}

TEST(serve_root_gives_files_with_type_length_and_date, .real_time = true)
{
    start_root();
    struct timespec when[2] = {{.tv_sec = 784111777}, {.tv_sec = 784111777}};
    EXPECT_EQ(utimensat(AT_FDCWD, "root/data.JSON", when, 0), 0);
    EXPECT_STR(get("/data.JSON"), "{}");
    EXPECT_CONTAINS(reply, "\r\nContent-Type: application/json\r\n");
    EXPECT_CONTAINS(reply, "\r\nContent-Length: 2\r\n");
    EXPECT_CONTAINS(reply, "\r\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
    request("GET", "/data.JSON", "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
    EXPECT_EQ(status(), 304);
    EXPECT_STR(request("HEAD", "/data.JSON", ""), "");
    EXPECT_CONTAINS(reply, "\r\nContent-Length: 2\r\n");
    EXPECT_STR(get("/a%20b.txt"), "blank");
    EXPECT_STR(get("/in"), "blank");
    EXPECT_STR(get("/empty"), "");
    EXPECT_EQ(status(), 200);
    stop();
}

TEST(serve_root_directory_is_its_index_or_nothing, .real_time = true)
{
    start_root();
    EXPECT_STR(get("/"), "front");
    EXPECT_STR(get("/sub/"), "sub");
    get("/sub");
    EXPECT_EQ(status(), 301);
    EXPECT_CONTAINS(reply, "\r\nLocation: ./sub/\r\n");
    get("/bare/");
    EXPECT_EQ(status(), 404);
    get("/bare");
    EXPECT_EQ(status(), 404);
    stop();
}

TEST(serve_root_lets_nobody_out, .real_time = true)
{
    static const char *const targets[] = {"/../secret", "/%2e%2e/secret", "/%2E./secret", "/sub/../../secret", "/out",
                                          "/top/etc/passwd", "/..%2fsecret", "/%2e%2e%2fsecret", "//../secret",
                                          "/sub/..%5c..%5csecret", "/secret", "/%00", "/a%2", "/%zz", "/fifo",
                                          "/./../secret", "/bare/../../secret", "/etc/passwd", "///etc/passwd"};
    start_root();
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        get(targets[i]);
        if (status() != 404)
            FAIL("%s gave %d", targets[i], status());
        EXPECT_FALSE(strstr(reply, "secret"));
    }
    stop();
}

/* Nobody can tell what is refused from what is not there. */
TEST(serve_root_hidden_and_refused_names_look_like_missing_ones, .real_time = true)
{
    static const char *const targets[] = {"/.env", "/.git/config", "/.git", "/.git/", "/%2egit/config", "/sub/.d/a",
                                          "/sub/%2Ed/a", "//.env", "/.", "/sub/.", "/.none", "/out", "/top/etc/passwd",
                                          "/fifo", "/socket"};
    char missing[400];
    start_root();
    struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "root/socket"};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    EXPECT_EQ(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    snprintf(missing, sizeof missing, "%s", get("/missing"));
    EXPECT_EQ(status(), 404);
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        const char *body = get(targets[i]);
        if (status() != 404)
            FAIL("%s gave %d", targets[i], status());
        EXPECT_STR(body, missing);
        EXPECT_FALSE(strstr(reply, "Location"));
    }
    if (geteuid() != 0) {
        EXPECT_STR(get("/unreadable"), missing);
        EXPECT_STR(get("/closed/a"), missing);
    }
    EXPECT_STR(get("/a.b"), "a.b");
    close(fd);
    stop();
}

TEST(serve_root_large_file_comes_whole, .real_time = true)
{
    static char content[300001];
    start_root();
    for (size_t i = 0; i + 1 < sizeof content; i++)
        content[i] = (char)('a' + i % 19);
    make_file("root/large", content);
    const char *body = get("/large");
    EXPECT_EQ(strlen(body), sizeof content - 1);
    EXPECT_STR(body, content);
    stop();
}

UNIT(serve_root_that_is_no_directory_is_refused)
{
    EXPECT_EQ(serve_files_open("/nonexistent"), -1);
    EXPECT_EQ(serve_files_open("/etc/passwd"), -1);
}

/* ---- ranges ---- */

UNIT(serve_range_is_one_part_of_what_is_there)
{
    static const struct {
        const char *text;
        int64_t size;
        enum serve_range is;
        int64_t first, last;
    } cases[] = {
        {"bytes=0-0", 10, RANGE_PART, 0, 0},          {"bytes=0-9", 10, RANGE_PART, 0, 9},
        {"bytes=3-", 10, RANGE_PART, 3, 9},           {"bytes=9-100", 10, RANGE_PART, 9, 9},
        {"bytes=-3", 10, RANGE_PART, 7, 9},           {"bytes=-100", 10, RANGE_PART, 0, 9},
        {"BYTES=1-2", 10, RANGE_PART, 1, 2},          {"bytes=2-99999999999999999999999", 10, RANGE_PART, 2, 9},
        {"bytes=-99999999999999999999999", 10, RANGE_PART, 0, 9},
        {"bytes=10-", 10, RANGE_NOT_THERE, 0, 0},     {"bytes=-0", 10, RANGE_NOT_THERE, 0, 0},
        {"bytes=0-", 0, RANGE_NOT_THERE, 0, 0},       {"bytes=-1", 0, RANGE_NOT_THERE, 0, 0},
        {"bytes=99999999999999999999999-", 10, RANGE_NOT_THERE, 0, 0},
        {"bytes=2-1", 10, RANGE_NONE, 0, 0},          {"bytes=", 10, RANGE_NONE, 0, 0},
        {"bytes=-", 10, RANGE_NONE, 0, 0},            {"bytes=a-b", 10, RANGE_NONE, 0, 0},
        {"bytes=1-2x", 10, RANGE_NONE, 0, 0},         {"bytes=1", 10, RANGE_NONE, 0, 0},
        {"bytes=0-1,3-4", 10, RANGE_NONE, 0, 0},      {"bytes=--1", 10, RANGE_NONE, 0, 0},
        {"bytes 0-1", 10, RANGE_NONE, 0, 0},          {"lines=0-1", 10, RANGE_NONE, 0, 0},
        {"bytes=+1-2", 10, RANGE_NONE, 0, 0},         {"", 10, RANGE_NONE, 0, 0},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t first = 0, last = 0;
        enum serve_range is = serve_read_range(cases[i].text, cases[i].size, &first, &last);
        if (is != cases[i].is || (is == RANGE_PART && (first != cases[i].first || last != cases[i].last)))
            FAIL("'%s' of %lld gave %d, %lld to %lld", cases[i].text, (long long)cases[i].size, is, (long long)first,
                 (long long)last);
    }
}
