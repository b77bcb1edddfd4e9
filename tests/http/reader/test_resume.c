/* SPDX-License-Identifier: MIT */
/* test_resume.c - a file that goes on where an earlier request ended (R119). */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bide/file.h>

#include "wire.h"

static const char *at(const char *name)
{
    static char paths[4][160];
    static int next;
    char *path = paths[next++ % 4];

    snprintf(path, sizeof paths[0], "%s/%s", test_tmpdir(), name);
    return path;
}

static void expect_file(const char *name, const char *text)
{
    size_t len;
    char *got = bide_file_read_all(at(name), 0, &len);

    EXPECT_STR(got, text);
    free(got);
}

static bool is_there(const char *name)
{
    return access(at(name), F_OK) == 0;
}

/* What one request to this wire makes of the file. */
static int64_t resume(struct wire *w)
{
    bide_auto bide_session *s = bide_session_new();
    wires_plant(s, w, 1);
    bide_auto bide_response *r = bide_get(s, "http://a/f", .resume = at("f"));
    return r ? bide_save(r, at("f")) : bide_error_code();
}

/* Half of it is here. */
static void begin(void)
{
    struct wire w = WIRE(ON_REQUEST, SAY("HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nContent-Length: 10\r\n\r\nhello"), END_AFTER(10));

    EXPECT_ERR((int)resume(&w), BIDE_ETRUNCATED);
    bide_error_clear();
    EXPECT_NULL(strstr(w.seen, "\r\nRange: "));
    EXPECT_CONTAINS(w.seen, "\r\nAccept-Encoding: identity\r\n");
    expect_file("f.part", "hello");
    expect_file("f.part.tag", "\"v1\"");
    EXPECT_FALSE(is_there("f"));
}

static void expect_whole(const char *text)
{
    expect_file("f", text);
    EXPECT_FALSE(is_there("f.part") || is_there("f.part.tag"));
}

/* R119 */
TEST(resume_asks_for_the_rest_of_just_that_and_goes_on)
{
    struct wire w = WIRE(ON_REQUEST, SAY("HTTP/1.1 206 Partial\r\nETag: \"v1\"\r\nContent-Range: bytes 5-9/10\r\nContent-Length: 5\r\n\r\nworld"));

    begin();
    EXPECT_EQ(resume(&w), 10);
    EXPECT_CONTAINS(w.seen, "\r\nRange: bytes=5-\r\n");
    EXPECT_CONTAINS(w.seen, "\r\nIf-Range: \"v1\"\r\n");
    expect_whole("helloworld");
}

/* R119 */
TEST(resume_of_what_has_changed_begins_anew)
{
    struct wire w = WIRE(ON_REQUEST, SAY("HTTP/1.1 200 OK\r\nETag: \"v2\"\r\nContent-Length: 5\r\n\r\nother"));

    begin();
    EXPECT_EQ(resume(&w), 5);
    expect_whole("other");
}

/* R119: nothing is missing */
TEST(resume_of_what_is_whole_already_is_done)
{
    struct wire w = WIRE(ON_REQUEST, SAY("HTTP/1.1 416 No\r\nContent-Range: bytes */5\r\nContent-Length: 0\r\n\r\n"));

    begin();
    EXPECT_EQ(resume(&w), 5);
    expect_whole("hello");
}

/* R119: what is here is no beginning of what is there */
TEST(resume_refused_for_another_reason_asks_for_all_of_it)
{
    struct wire w = WIRE(ON_REQUEST, SAY("HTTP/1.1 416 No\r\nContent-Range: bytes */3\r\nContent-Length: 0\r\n\r\n"),
                         ON_REQUEST, SAY("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"));

    begin();
    EXPECT_EQ(resume(&w), 3);
    EXPECT_EQ(w.requests, 2);
    EXPECT_NULL(strstr(strstr(w.seen, "\r\n\r\n"), "Range: "));
    expect_whole("abc");
}

/* It may be there, and would be thrown away. */
TEST(resume_of_a_part_that_cannot_be_looked_at_is_an_error)
{
    begin();
    EXPECT_EQ(unlink(at("f.part.tag")), 0);
    EXPECT_EQ(mkdir(at("f.part.tag"), 0700), 0);
    struct wire w = WIRE(ON_REQUEST);

    EXPECT_ERR((int)resume(&w), -EISDIR);
    EXPECT_CONTAINS(bide_error_text(), "f.part.tag");
    EXPECT_EQ(w.nseen, 0);
    bide_error_clear();
    expect_file("f.part", "hello");
}

/* R119 */
TEST(resume_takes_no_part_but_the_one_that_is_missing)
{
    static const char *const ranges[] = {"bytes 4-9/10", "bytes 5-8/10", "bytes 5-10/10", "bytes */10", "bytes 5-9/10x", "5-9/10",
                                         "bytes 9-5/10", "bytes 5-99999999999999999999/10", ""};

    begin();
    for (size_t i = 0; i < array_len(ranges); i++) {
        static char text[256];
        snprintf(text, sizeof text, "HTTP/1.1 206 P\r\nContent-Range: %s\r\nContent-Length: 5\r\n\r\nworld", ranges[i]);
        struct wire w = WIRE(ON_REQUEST, SAY(text));
        EXPECT_ERR((int)resume(&w), BIDE_EHTTP);
        EXPECT_CONTAINS(bide_error_text(), "http://a/f: asked for the bytes from 5 on, and ");
        bide_error_clear();
        expect_file("f.part", "hello"); /* and may be gone on with */
    }
    struct wire other = WIRE(ON_REQUEST, SAY("HTTP/1.1 206 P\r\nETag: \"v2\"\r\nContent-Range: bytes 5-9/10\r\nContent-Length: 5\r\n\r\nworld"));
    EXPECT_ERR((int)resume(&other), BIDE_EHTTP);
    EXPECT_CONTAINS(bide_error_text(), "its ETag is not that of what is here");
    bide_error_clear();
}

/* R119: a weak tag does not say that two bodies have the same bytes */
TEST(resume_without_a_strong_tag_keeps_no_part)
{
    struct wire weak = WIRE(ON_REQUEST, SAY("HTTP/1.1 200 OK\r\nETag: W/\"v1\"\r\nContent-Length: 10\r\n\r\nhello"), END_AFTER(10));
    struct wire again = WIRE(ON_REQUEST, SAY("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));

    EXPECT_ERR((int)resume(&weak), BIDE_ETRUNCATED);
    bide_error_clear();
    EXPECT_FALSE(is_there("f.part") || is_there("f.part.tag"));
    EXPECT_EQ(resume(&again), 2);
    EXPECT_NULL(strstr(again.seen, "\r\nRange: "));
    expect_whole("ok");
}

TEST(resume_an_error_page_is_no_file)
{
    struct wire w = WIRE(ON_REQUEST, SAY("HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone"));

    begin();
    EXPECT_ERR((int)resume(&w), BIDE_ESTATUS);
    EXPECT_CONTAINS(bide_error_text(), "http://a/f: 404 Not Found");
    bide_error_clear();
    expect_file("f.part", "hello");
    EXPECT_FALSE(is_there("f"));
}

TEST(resume_is_for_get_without_a_range_and_a_file)
{
    struct wire w = WIRE(ON_REQUEST);
    bide_auto bide_session *s = bide_session_new();

    wires_plant(s, &w, 1);
    EXPECT_NULL(bide_post(s, "http://a/f", .resume = at("f")));
    EXPECT_ERR(bide_error_code(), -EINVAL);
    EXPECT_NULL(bide_get(s, "http://a/f", .resume = at("f"), .headers = BIDE_PAIRS({"Range", "bytes=1-"})));
    EXPECT_ERR(bide_error_code(), -EINVAL);
    EXPECT_NULL(bide_get(s, "http://a/f", .resume = "/tmp/"));
    EXPECT_ERR(bide_error_code(), -EINVAL);
    EXPECT_NULL(bide_get(s, "http://a/f", .resume = "/tmp"));
    EXPECT_ERR(bide_error_code(), -EISDIR);
    EXPECT_EQ(mkfifo(at("pipe"), 0600), 0);
    EXPECT_NULL(bide_get(s, "http://a/f", .resume = at("pipe")));
    EXPECT_ERR(bide_error_code(), -EINVAL);
    EXPECT_CONTAINS(bide_error_text(), "no regular file");
    bide_error_clear();
}
