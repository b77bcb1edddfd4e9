/* SPDX-License-Identifier: MIT */
/* test_har.c - sessions recorded as HAR, and played back; files of others, and files that are none. */
#include <jansson.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bide/file.h>
#include <bide/http.h>
#include <bide/json.h>

#include "../wire.h"
#include "http/transport/har.h"

#define OK(length) "HTTP/1.1 200 OK\r\nContent-Length: " length "\r\n\r\n"

static const char *path_of(const char *name)
{
    static char path[4][300];
    static int i;
    i = (i + 1) % 4;
    snprintf(path[i], sizeof path[i], "%s/%s", test_tmpdir(), name);
    return path[i];
}

static int get_status(bide_session *s, const char *url)
{
    bide_auto bide_response *r = bide_get(s, url);

    return r && bide_body(r).data ? bide_status(r) : bide_error_code();
}

static json_t *load(const char *path)
{
    json_error_t error;
    json_t *doc = json_load_file(path, JSON_ALLOW_NUL, &error);
    if (!doc)
        FAIL("%s: line %d: %s", path, error.line, error.text);
    return doc;
}

static const char *text_at(const json_t *object, const char *one, const char *two)
{
    return json_string_value(json_object_get(json_object_get(object, one), two));
}

static const char *field_of(const json_t *entry, const char *side, const char *name)
{
    const json_t *list = json_object_get(json_object_get(entry, side), "headers"), *field;
    size_t i;

    json_array_foreach(list, i, field)
        if (strcasecmp(json_string_value(json_object_get(field, "name")), name) == 0)
            return json_string_value(json_object_get(field, "value"));
    return NULL;
}

/* ---- recording ---- */

TEST(har_recording_has_redirects_retries_and_secrets_masked)
{
    struct wire w = WIRE(ON_REQUEST, AFTER(100, "HTTP/1.1 302 Found\r\nLocation: /b?x=1&y\r\nSet-Cookie: id=secret; Path=/; Secure\r\nSet-Cookie: a=b\r\n"
                                                "Content-Length: 4\r\n\r\ngone"),
                         ON_REQUEST, SAY("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"), ON_REQUEST, SAY(OK("5")),
                         AFTER(70, "hello"));
    bide_auto bide_transport *t = bide_transport_record(path_of("a.har"));
    bide_auto bide_session *s = bide_session_new(.transport = t, .auth = BIDE_BASIC("me", "secret"), .retry = {.attempts = 2});
    wires_plant(s, &w, 1);

    EXPECT_EQ(get_status(s, "http://a/"), 200);
    EXPECT_EQ(access(path_of("a.har"), F_OK), -1);
    EXPECT_EQ(bide_transport_end(t), 3);
    EXPECT_ERR(bide_transport_end(t), BIDE_ESTATE);
    EXPECT_EQ(bide_transport_check(t), 0);
    EXPECT_EQ(bide_transport_request_count(t), 3);
    struct stat st;
    EXPECT_EQ(stat(path_of("a.har"), &st), 0);
    EXPECT_EQ(st.st_mode & 0777, 0600);
    json_t *doc = load(path_of("a.har")), *log = json_object_get(doc, "log"), *entries = json_object_get(log, "entries");
    EXPECT_STR(json_string_value(json_object_get(log, "version")), "1.2");
    EXPECT_STR(text_at(log, "creator", "name"), "bide");
    EXPECT_EQ(json_array_size(entries), 3);
    json_t *first = json_array_get(entries, 0), *second = json_array_get(entries, 1), *last = json_array_get(entries, 2);
    EXPECT_STR(text_at(first, "request", "url"), "http://a/");
    EXPECT_STR(field_of(first, "request", "authorization"), "Basic ***");
    EXPECT_STR(field_of(first, "response", "set-cookie"), "id=***; Path=/; Secure");
    EXPECT_STR(text_at(first, "response", "redirectURL"), "/b?x=1&y");
    EXPECT_STR(text_at(json_object_get(first, "response"), "content", "text"), "gone");
    EXPECT_STR(field_of(second, "request", "Cookie"), "a=***");
    EXPECT_EQ(json_array_size(json_object_get(json_object_get(second, "request"), "queryString")), 2);
    EXPECT_EQ(json_integer_value(json_object_get(json_object_get(second, "response"), "status")), 503);
    EXPECT_STR(text_at(json_object_get(last, "response"), "content", "text"), "hello");
    const json_t *timings = json_object_get(first, "timings");
    EXPECT_EQ(json_real_value(json_object_get(timings, "wait")), 100);
    EXPECT_EQ(json_real_value(json_object_get(timings, "connect")), -1);
    EXPECT_EQ(json_real_value(json_object_get(json_object_get(last, "timings"), "receive")), 70);
    EXPECT_EQ(strlen(json_string_value(json_object_get(first, "startedDateTime"))), strlen("2026-11-29T23:11:43.123Z"));
    json_decref(doc);
}

TEST(har_recording_keeps_secrets_if_it_is_told_to_and_bodies_up_to_a_ceiling)
{
    struct wire w = WIRE(ON_REQUEST, SAY(OK("6")), SAY("\xff\xfe\xfd" "abc"), ON_REQUEST, SAY(OK("2")), SAY("ok"));
    bide_auto bide_transport *t = bide_transport_record(path_of("b.har"), .with_secrets = true, .max_body_bytes = 4);
    bide_auto bide_session *s = bide_session_new(.transport = t);
    wires_plant(s, &w, 1);
    bide_auto bide_response *r = bide_post(s, "http://a/", .text = "longer", .cookies = BIDE_PAIRS({"a", "b"}));

    EXPECT_EQ(bide_body(r).len, 6);
    EXPECT_EQ(get_status(s, "http://a/"), 200);
    EXPECT_EQ(bide_transport_end(t), 2);
    json_t *doc = load(path_of("b.har")), *entry = json_array_get(json_object_get(json_object_get(doc, "log"), "entries"), 0);
    const json_t *content = json_object_get(json_object_get(entry, "response"), "content");
    EXPECT_STR(field_of(entry, "request", "Cookie"), "a=b");
    EXPECT_STR(text_at(json_object_get(entry, "request"), "postData", "text"), "long");
    EXPECT_TRUE(json_is_true(json_object_get(json_object_get(json_object_get(entry, "request"), "postData"), "_truncated")));
    EXPECT_STR(json_string_value(json_object_get(content, "encoding")), "base64");
    EXPECT_STR(json_string_value(json_object_get(content, "text")), "//79YQ==");
    EXPECT_EQ(json_integer_value(json_object_get(content, "size")), 6);
    EXPECT_TRUE(json_is_true(json_object_get(content, "_truncated")));
    json_decref(doc);
    bide_auto bide_transport *again = bide_transport_replay(path_of("b.har"));
    bide_auto bide_session *played = bide_session_new(.transport = again);
    bide_auto bide_response *cut = bide_post(played, "http://a/", .text = "longer");
    EXPECT_NULL(bide_body(cut).data);
    EXPECT_ERR(bide_error_code(), BIDE_ETRUNCATED);
    EXPECT_EQ(bide_body_so_far(cut).len, 4);
}

TEST(har_recording_leaves_out_what_is_too_much_and_says_so)
{
    struct wire w = WIRE(ON_REQUEST, SAY(OK("2")), SAY("ok"), ON_REQUEST, SAY(OK("2")), SAY("ok"));
    bide_auto bide_transport *t = bide_transport_record(path_of("c.har"), .max_file_bytes = 1300);
    bide_auto bide_session *s = bide_session_new(.transport = t);
    wires_plant(s, &w, 1);

    EXPECT_EQ(get_status(s, "http://a/"), 200);
    EXPECT_EQ(get_status(s, "http://a/"), 200);
    EXPECT_ERR(bide_transport_check(t), BIDE_ETOOBIG);
    EXPECT_EQ(bide_transport_end(t), 1);
    json_t *doc = load(path_of("c.har"));
    EXPECT_CONTAINS(text_at(doc, "log", "comment"), "1 exchanges are left out");
    json_decref(doc);
}

TEST(har_recording_that_is_not_ended_leaves_nothing)
{
    struct wire w = WIRE(ON_REQUEST, SAY(OK("2")), SAY("ok"));
    bide_session *s;
    char command[400];
    {
        bide_auto bide_transport *t = bide_transport_record(path_of("d.har"));
        s = bide_session_new(.transport = t);
    }
    wires_plant(s, &w, 1);
    EXPECT_EQ(get_status(s, "http://a/"), 200);
    bide_release(s);
    snprintf(command, sizeof command, "test -z \"$(ls %s)\"", test_tmpdir());
    EXPECT_EQ(system(command), 0);
    EXPECT_NULL(bide_transport_record("/nowhere/at/all.har"));
    EXPECT_ERR(bide_error_code(), -ENOENT);
    EXPECT_NULL(bide_transport_record(NULL));
    EXPECT_ERR(bide_error_code(), -EINVAL);
}

TEST(har_recording_replaces_files_alone)
{
    struct stat st;

    EXPECT_EQ(mkfifo(path_of("pipe"), 0600), 0);
    EXPECT_NULL(bide_transport_record(path_of("pipe")));
    EXPECT_ERR(bide_error_code(), -EINVAL);
    EXPECT_CONTAINS(bide_error_text(), "no regular file");
    EXPECT_EQ(stat(path_of("pipe"), &st), 0);
    EXPECT_TRUE(S_ISFIFO(st.st_mode));
    EXPECT_NULL(bide_transport_record(test_tmpdir()));
    EXPECT_ERR(bide_error_code(), -EISDIR);
    bide_error_clear();
}

TEST(har_recording_has_what_failed_and_what_was_not_read)
{
    struct wire w[2] = {WIRE(ON_REQUEST, SAY("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nsome")),
                        WIRE(ON_REQUEST, SAY("nonsense\r\n\r\n"))};
    bide_auto bide_transport *t = bide_transport_record(path_of("e.har"));
    bide_auto bide_session *s = bide_session_new(.transport = t, .limit = 1);
    wires_plant(s, w, 2);
    bide_response *r = bide_get(s, "http://a/");
    const char *piece;

    EXPECT_NULL(bide_get(s, "http://a/queue", .queue_timeout_ms = 50));
    EXPECT_EQ(bide_read_chunk(r, &piece), 4);
    bide_release(r);
    EXPECT_ERR(get_status(s, "http://a/bad"), BIDE_EHTTP);
    EXPECT_EQ(bide_transport_end(t), 3);
    bide_auto bide_transport *again = bide_transport_replay(path_of("e.har"));
    bide_auto bide_session *played = bide_session_new(.transport = again);
    EXPECT_ERR(get_status(played, "http://a/queue"), BIDE_ETIMEDOUT);
    EXPECT_ERR(get_status(played, "http://a/bad"), BIDE_EHTTP);
    EXPECT_ERR(get_status(played, "http://a/"), BIDE_ETRUNCATED);
    EXPECT_EQ(bide_transport_check(again), 0);
}

/* ---- playing ---- */

TEST(har_recording_plays_as_it_was_with_coded_bodies_decoded)
{
    static const char zipped[] = "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xcb\x48\xcd\xc9\xc9\x07\x00\x86\xa6\x10\x36\x05\x00\x00\x00";
    bide_bytes body = {zipped, 25};
    struct wire w = WIRE(ON_REQUEST, SAY("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Type: text/plain\r\nContent-Length: 25\r\n\r\n"),
                         SAY_BYTES(body), ON_REQUEST, SAY("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"),
                         AFTER(5, "0\r\n\r\n"), ON_REQUEST, SAY("HTTP/1.1 200 OK\r\nContent-Length: 77\r\n\r\n"));
    bide_auto bide_transport *t = bide_transport_record(path_of("f.har"));
    bide_auto bide_session *s = bide_session_new(.transport = t);
    wires_plant(s, &w, 1);
    bide_auto bide_response *r = bide_get(s, "http://a/"), *chunked = NULL, *head = NULL;
    EXPECT_STR(bide_text(r), "hello");
    chunked = bide_put(s, "http://a/", .text = "up");
    EXPECT_STR(bide_text(chunked), "abc");
    head = bide_head(s, "http://a/");
    EXPECT_EQ(bide_status(head), 200);
    EXPECT_EQ(bide_transport_end(t), 3);

    json_t *doc = load(path_of("f.har")), *entry = json_array_get(json_object_get(json_object_get(doc, "log"), "entries"), 0);
    const json_t *content = json_object_get(json_object_get(entry, "response"), "content");
    EXPECT_STR(json_string_value(json_object_get(content, "text")), "hello");
    EXPECT_EQ(json_integer_value(json_object_get(content, "compression")), 5 - 25);
    json_decref(doc);
    bide_auto bide_transport *again = bide_transport_replay(path_of("f.har"));
    bide_auto bide_session *played = bide_session_new(.transport = again);
    bide_auto bide_response *p = bide_get(played, "http://a/"), *pc = bide_put(played, "http://a/", .text = "up"),
                            *ph = bide_head(played, "http://a/");
    EXPECT_STR(bide_text(p), "hello");
    EXPECT_NULL(bide_header(p, "Content-Encoding"));
    EXPECT_STR(bide_header(p, "Content-Length"), "5");
    EXPECT_STR(bide_text(pc), "abc");
    EXPECT_STR(bide_header(ph, "Content-Length"), "77");
    EXPECT_EQ(bide_transport_check(again), 0);
}

static const char *write_har(const char *entries)
{
    char text[8000];
    const char *path = path_of("x.har");
    int n = snprintf(text, sizeof text, "\xef\xbb\xbf{\"log\": {\"version\": \"1.2\", \"pages\": [], \"entries\": [%s]}}", entries);

    EXPECT_EQ(bide_file_write_all(path, text, (size_t)n), 0);
    return path;
}

#define ENTRY(method, url, answer) "{\"request\": {\"method\": \"" method "\", \"url\": \"" url "\"}, \"response\": {" answer "}}"

/* As browsers write them. */
TEST(har_of_a_browser_plays)
{
    const char *path = write_har(
        "{\"_initiator\": {\"type\": \"other\"}, \"request\": {\"method\": \"GET\", \"url\": \"HTTPS://A.example#top\", \"httpVersion\": \"h2\","
        " \"headers\": [{\"name\": \":authority\", \"value\": \"a.example\"}]},"
        " \"response\": {\"status\": 200, \"statusText\": \"\", \"headers\": [{\"name\": \":status\", \"value\": \"200\"},"
        " {\"name\": \"content-encoding\", \"value\": \"br\"}, {\"name\": \"content-length\", \"value\": \"3\"},"
        " {\"name\": \"set-cookie\", \"value\": \"a=1\\nb=2; Path=/\"}, {\"name\": \"odd\", \"value\": \"a\\u0001b\"}],"
        " \"content\": {\"size\": 9, \"mimeType\": \"text/html\", \"text\": \"aGVsbG8g\\nd29ybGQ=\", \"encoding\": \"base64\"}}},"
        ENTRY("GET", "https://a.example/logo.png", "\"status\": 200, \"headers\": [], \"content\": {\"size\": 4000}") ","
        ENTRY("GET", "https://a.example/blocked", "\"status\": 0, \"headers\": [], \"content\": {\"size\": 0}") ","
        ENTRY("GET", "https://a.example/cached", "\"status\": 304, \"headers\": [], \"content\": {\"size\": 4000}"));
    bide_auto bide_transport *t = bide_transport_replay(path);
    bide_auto bide_session *s = bide_session_new(.transport = t);
    bide_auto bide_response *r = bide_get(s, "https://a.example/");

    EXPECT_STR(bide_text(r), "hello world");
    EXPECT_STR(bide_header(r, "Content-Length"), "11");
    EXPECT_NULL(bide_header(r, "odd"));
    EXPECT_ERR(get_status(s, "https://a.example/logo.png"), BIDE_ETRUNCATED);
    EXPECT_ERR(get_status(s, "https://a.example/blocked"), BIDE_EDISCONNECTED);
    EXPECT_EQ(get_status(s, "https://a.example/cached"), 304);
    bide_cookie c = {.id = 0};
    int n = 0;
    while (bide_cookie_jar_next(bide_session_cookies(s), &c))
        n++;
    EXPECT_EQ(n, 2);
}

TEST(har_entries_play_once_in_order_and_by_body_or_repeatedly)
{
#define POSTED(body, status) "{\"request\": {\"method\": \"POST\", \"url\": \"http://a/\", \"postData\": {\"text\": \"" body "\"}}," \
                             " \"response\": {\"status\": " status ", \"content\": {}}}"
    const char *path = write_har(ENTRY("GET", "http://a/", "\"status\": 500") "," ENTRY("GET", "http://a/", "\"status\": 200") ","
                                 POSTED("one", "201") "," POSTED("two", "202"));
    bide_auto bide_transport *once = bide_transport_replay(path), *often = bide_transport_replay(path, .repeat = true);
    bide_auto bide_session *s = bide_session_new(.transport = once), *again = bide_session_new(.transport = often);

    EXPECT_EQ(get_status(s, "http://a/"), 500);
    EXPECT_EQ(get_status(s, "http://a/"), 200);
    EXPECT_ERR(get_status(s, "http://a/"), -ENOENT);
    EXPECT_CONTAINS(bide_error_text(), "GET http://a/: the recording has no further answer");
    EXPECT_ERR(get_status(s, "http://a/other"), -ENOENT);
    EXPECT_CONTAINS(bide_error_text(), "no such answer; the nearest is that to GET http://a/");
    EXPECT_ERR(bide_transport_check(once), BIDE_ESTATE);
    EXPECT_CONTAINS(bide_error_text(), "POST http://a/ (entry 2 of the recording)");
    const char *const bodies[] = {"two", "one", "one", "two"};
    const int want[] = {202, 201, 201, 202};
    for (int i = 0; i < 4; i++) {
        bide_auto bide_response *r = bide_post(i < 2 ? s : again, "http://a/", .text = bodies[i]);
        EXPECT_EQ(bide_status(r), want[i]);
    }
    EXPECT_EQ(bide_transport_check(once), 0);
    EXPECT_EQ(get_status(again, "http://a/"), 500);
    EXPECT_EQ(get_status(again, "http://a/"), 200);
    EXPECT_EQ(get_status(again, "http://a/"), 200);
    bide_auto bide_response *r = bide_post(again, "http://a/", .text = "one");
    EXPECT_EQ(bide_status(r), 201);
}

TEST(har_file_that_is_none_names_the_place)
{
    const struct {
        const char *entries, *text;
    } bad[] = {{"{", "line 1, column"},
               {"{}", "log.entries[0].request.method"},
               {"{\"request\": {\"method\": \"GET\"}}", "log.entries[0].request.url"},
               {ENTRY("GET", "http://a/", "\"status\": 200") "," ENTRY("GET", "http://a/", "\"status\": \"x\""), "log.entries[1].response.status"},
               {ENTRY("GET", "http://a/", "\"status\": 200, \"headers\": 5"), "log.entries[0].response.headers"},
               {ENTRY("GET", "http://a/", "\"status\": 200, \"headers\": [{}]"), "a field without name"},
               {ENTRY("GET", "http://a/", "\"status\": 200, \"content\": {\"text\": \"a\", \"encoding\": \"base64\"}"), "not in base64"},
               {ENTRY("GET", "http://a/", "\"status\": 200, \"content\": {\"text\": \"a\", \"encoding\": \"rot13\"}"), "not in base64"}};
    char deep[400];

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        EXPECT_NULL(bide_transport_replay(write_har(bad[i].entries)));
        EXPECT_ERR(bide_error_code(), BIDE_EJSON);
        EXPECT_CONTAINS(bide_error_text(), bad[i].text);
        EXPECT_CONTAINS(bide_error_text(), "x.har: not a HAR file");
    }
    memset(deep, '[', sizeof deep - 1);
    deep[sizeof deep - 1] = '\0';
    EXPECT_NULL(bide_transport_replay(write_har(deep)));
    EXPECT_CONTAINS(bide_error_text(), "lists in lists");
    EXPECT_NULL(bide_transport_replay(write_har(""), .max_file_bytes = 10));
    EXPECT_ERR(bide_error_code(), BIDE_ELIMIT);
    EXPECT_EQ(bide_file_write_all(path_of("y.har"), "[]", 2), 0);
    EXPECT_NULL(bide_transport_replay(path_of("y.har")));
    EXPECT_CONTAINS(bide_error_text(), "there is no list log.entries");
    EXPECT_NULL(bide_transport_replay(path_of("none.har")));
    EXPECT_ERR(bide_error_code(), -ENOENT);
    EXPECT_NULL(bide_transport_replay(NULL));
    EXPECT_ERR(bide_error_code(), -EINVAL);
    bide_auto bide_transport *t = bide_transport_replay(write_har(""));
    EXPECT_ERR(bide_transport_end(t), -EINVAL);
    EXPECT_ERR(bide_transport_end(NULL), -EINVAL);
}

/* As deep as may be, on the stack of a task. */
TEST(har_extras_of_others_are_passed_over_however_deep)
{
    char text[1000] = "{\"_deep\": ";
    memset(text + strlen(text), '[', 95);
    memset(strchr(text, '\0'), ']', 95);
    strcat(text, ", \"request\": {\"method\": \"GET\", \"url\": \"http://a/\"}, \"response\": {\"status\": 204}}");
    bide_auto bide_transport *t = bide_transport_replay(write_har(text));
    bide_auto bide_session *s = bide_session_new(.transport = t);

    EXPECT_EQ(get_status(s, "http://a/"), 204);
}

UNIT(har_base64_goes_both_ways)
{
    char coded[BASE64_ROOM(4)], back[16];
    const char *const texts[] = {"", "f", "fo", "foo", "foob"}, *const want[] = {"", "Zg==", "Zm8=", "Zm9v", "Zm9vYg=="};
    const char *const bad[] = {"a", "a===", "Zg==Zg", "Z!g=", "===="};

    for (size_t i = 0; i < 5; i++) {
        bide__base64_encode(coded, texts[i], strlen(texts[i]));
        EXPECT_STR(coded, want[i]);
        EXPECT_EQ(bide__base64_decode(back, coded, strlen(coded)), (ssize_t)strlen(texts[i]));
        EXPECT_MEM(back, texts[i], strlen(texts[i]));
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        EXPECT_EQ(bide__base64_decode(back, bad[i], strlen(bad[i])), -1);
}
