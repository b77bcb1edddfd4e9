/* SPDX-License-Identifier: MIT */
/* test_multipart.c - forms with files: as they are written, from memory, files and functions; names; failures. */
#include "uploads.h"

#define OK_0 "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

/* The last body with each boundary replaced by "B"; *boundary as it was. */
static const char *form_of(const struct peer *p, char boundary[80])
{
    static char out[6000];
    const char *head = p->seen + p->starts[p->nrequests - 1], *at = last_body(p);
    const char *given = strstr(head, "\r\nContent-Type: multipart/form-data; boundary=");
    size_t n = 0;

    EXPECT_NOT_NULL(given);
    EXPECT_EQ(sscanf(strstr(given, "boundary="), "boundary=%79[^\r]", boundary), 1);
    while (*at && n < sizeof out - 1)
        if (strncmp(at, boundary, strlen(boundary)) == 0) {
            out[n++] = 'B';
            at += strlen(boundary);
        } else {
            out[n++] = *at++;
        }
    out[n] = '\0';
    return out;
}

static void expect_form(const bide_part *parts, const char *want)
{
    struct peer p = PEER(ASK OK_0);
    char boundary[80];
    peer_start(&p);
    bide_auto bide_session *s = bide_session_new();

    bide_auto bide_response *r = bide_post(s, peer_url(&p, "/"), .multipart = parts);
    EXPECT_EQ(bide_status(r), 200);
    peer_stop(&p);
    EXPECT_STR(form_of(&p, boundary), want);
}

#define PART(fields, content) "--B\r\nContent-Disposition: form-data; " fields "\r\n\r\n" content "\r\n"

/* R16, R7 */
TEST(multipart_of_texts_is_written_as_browsers_do, .real_time = true)
{
    expect_form(BIDE_PARTS({"title", "a cat"}, {"empty", ""}), PART("name=\"title\"", "a cat") PART("name=\"empty\"", "") "--B--\r\n");
    expect_form(BIDE_PARTS({NULL}), "--B--\r\n");
}

/* R16 */
TEST(multipart_names_cannot_end_their_quotes_or_lines, .real_time = true)
{
    expect_form(BIDE_PARTS({"a\"b\r\nc%22", "x", .file_name = "n\"\n.txt"}),
                PART("name=\"a%22b%0D%0Ac%22\"; filename=\"n%22%0A.txt\"\r\nContent-Type: text/plain", "x") "--B--\r\n");

    bide_auto bide_session *s = bide_session_new();
    EXPECT_FAILED(bide_post(s, "http://127.0.0.1:1/", .multipart = BIDE_PARTS({"a\tb", "x"})), -EINVAL, "name of a part", "0x09");
    EXPECT_FAILED(bide_post(s, "http://127.0.0.1:1/", .multipart = BIDE_PARTS({"a", "x", .file_name = "\x7f"})), -EINVAL, "file name", "0x7f");
    EXPECT_FAILED(bide_post(s, "http://127.0.0.1:1/", .multipart = BIDE_PARTS({"a", "x", .type = "a/b\r\nX: y"})), -EINVAL,
                  "multipart", "cannot be sent");
    EXPECT_FAILED(bide_post(s, "http://127.0.0.1:1/", .multipart = BIDE_PARTS({"a", "x", .headers = BIDE_PAIRS({"X Y", "z"})})), -EINVAL,
                  "multipart", "cannot be sent");
    EXPECT_FAILED(bide_post(s, "http://127.0.0.1:1/", .multipart = BIDE_PARTS({"a"})), -EINVAL, "none of", "path");
    EXPECT_FAILED(bide_post(s, "http://127.0.0.1:1/", .multipart = BIDE_PARTS({"a", "b"}), .headers = BIDE_PAIRS({"Content-Type", "a/b"})),
                  -EINVAL, "Content-Type", "boundary");
}

TEST(multipart_of_files_and_bytes_says_their_types, .real_time = true)
{
    const char *cat = make_file("cat.JPG", "\xff\xd8", 2), *raw = make_file("raw", "r", 1);

    expect_form(BIDE_PARTS({"a", .path = cat}, {"b", .path = raw, .file_name = "b.png"}, {"c", .path = raw},
                           {"d", .data = {"{}", 2}, .type = "application/json", .headers = BIDE_PAIRS({"X-Own", "1"})}),
                PART("name=\"a\"; filename=\"cat.JPG\"\r\nContent-Type: image/jpeg", "\xff\xd8")
                PART("name=\"b\"; filename=\"b.png\"\r\nContent-Type: image/png", "r")
                PART("name=\"c\"; filename=\"raw\"\r\nContent-Type: application/octet-stream", "r")
                PART("name=\"d\"\r\nContent-Type: application/json\r\nX-Own: 1", "{}") "--B--\r\n");
}

/* R7 */
TEST(multipart_of_large_files_is_streamed_with_its_length, .real_time = true)
{
    struct peer p = PEER(ASK OK_0);
    peer_start(&p);
    bide_auto bide_session *s = bide_session_new();
    const char *large = make_large_file("large.bin", "x", 9 << 20);
    char *bytes = calloc(1, 3 << 20);

    bide_auto bide_response *r = bide_post(s, peer_url(&p, "/"), .multipart = BIDE_PARTS({"f", .path = large}, {"b", .data = {bytes, 3 << 20}},
                                                                                        {"g", .path = large}));
    EXPECT_EQ(bide_status(r), 200);
    free(bytes);
    peer_stop(&p);
    EXPECT_LT((21 << 20) + 300, p.nbody);
    EXPECT_LT(p.nbody, (21 << 20) + 700);
    EXPECT_NULL(strstr(p.seen, "chunked"));
}

/* D16 */
TEST(multipart_boundaries_differ_and_have_128_bits, .real_time = true)
{
    struct peer p = PEER(ASK OK_0 ASK OK_0);
    char boundaries[2][80];
    peer_start(&p);
    bide_auto bide_session *s = bide_session_new();

    for (int i = 0; i < 2; i++) {
        bide_auto bide_response *r = bide_post(s, peer_url(&p, "/"), .multipart = BIDE_PARTS({"a", "b"}));
        EXPECT_EQ(bide_status(r), 200);
    }
    peer_stop(&p);
    form_of(&p, boundaries[0]);
    p.nrequests = 1;
    form_of(&p, boundaries[1]);
    EXPECT_TRUE(strcmp(boundaries[0], boundaries[1]) != 0);
    EXPECT_EQ(strspn(strrchr(boundaries[0], '-') + 1, "0123456789abcdef"), 32);
}

static ssize_t give_twice(const char **data, void *arg)
{
    int *left = arg;

    *data = "piece";
    return (*left)-- > 0 ? 5 : 0;
}

static int first_of_two(void *arg)
{
    *(int *)arg = 2;
    return 0;
}

/* R7: the length is known when that of all parts is. */
TEST(multipart_with_pieces_has_a_length_if_they_have, .real_time = true)
{
    struct peer p = PEER(ASK OK_0, HEAD PAUSE OK_0 STALL);
    peer_start(&p);
    bide_auto bide_session *s = bide_session_new();
    int left = 2;

    bide_auto bide_response *r = bide_post(s, peer_url(&p, "/"), .headers = BIDE_PAIRS({"Connection", "close"}),
                                           .multipart = BIDE_PARTS({"a", .body = bide_body_from(give_twice, &left, .length = 10)}));
    EXPECT_EQ(bide_status(r), 200);
    left = 2;
    bide_auto bide_response *other = bide_post(s, peer_url(&p, "/"), .multipart = BIDE_PARTS({"a", .body = bide_body_from(give_twice, &left)}));
    EXPECT_EQ(bide_status(other), 200);
    peer_stop(&p);
    EXPECT_CONTAINS(p.seen, "\r\n\r\npiecepiece\r\n--");
    EXPECT_CONTAINS(p.seen + p.starts[1], "\r\nTransfer-Encoding: chunked\r\n");
}

/* R10 */
TEST(multipart_part_of_the_wrong_length_is_named, .real_time = true)
{
    static const struct {
        int length;
        const char *what;
    } cases[] = {{9, "longer than its 9"}, {11, "shorter than its 11"}};
    struct peer p = PEER(HEAD STALL, HEAD STALL);
    peer_start(&p);
    bide_auto bide_session *s = bide_session_new();

    for (int i = 0; i < 2; i++) {
        int left = 2;
        EXPECT_FAILED(bide_post(s, peer_url(&p, "/"), .multipart = BIDE_PARTS({"odd", .body = bide_body_from(give_twice, &left, .length = cases[i].length)})),
                      -EINVAL, "part odd", cases[i].what);
    }
    peer_stop(&p);
}

static int remove_soon(const char *path)
{
    BIDE_TRY(bide_sleep_ms(10));
    return unlink(path);
}

TEST(multipart_file_that_goes_before_its_turn_is_an_error, .real_time = true)
{
    struct peer p = PEER(HEAD PAUSE STALL);
    peer_start(&p);
    bide_auto bide_session *s = bide_session_new();
    const char *first = make_large_file("first", "x", 64 << 20), *second = make_file("second", "y", 1);

    bide_task *t = bide_create_task(bide_coro(remove_soon, second));
    EXPECT_FAILED(bide_post(s, peer_url(&p, "/"), .multipart = BIDE_PARTS({"a", .path = first}, {"b", .path = second})), -ENOENT, "second", "");
    EXPECT_EQ(bide_await(t), 0);
    bide_release(t);
    peer_stop(&p);
}

/* R69 */
TEST(multipart_is_sent_again_after_a_redirect, .real_time = true)
{
    struct peer p = PEER(ASK "HTTP/1.1 307 R\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n" ASK OK_0);
    char boundary[80];
    peer_start(&p);
    bide_auto bide_session *s = bide_session_new();
    int left = 2;

    bide_auto bide_response *r =
        bide_post(s, peer_url(&p, "/"), .multipart = BIDE_PARTS({"a", .path = make_file("a.txt", "file", 4)},
                                                                {"b", .body = bide_body_from(give_twice, &left, .rewind = first_of_two, .length = 10)}));
    EXPECT_EQ(bide_status(r), 200);
    peer_stop(&p);
    EXPECT_STR(form_of(&p, boundary), PART("name=\"a\"; filename=\"a.txt\"\r\nContent-Type: text/plain", "file")
                                      PART("name=\"b\"", "piecepiece") "--B--\r\n");
}

static int post_form(const char *url, const char *path)
{
    bide_auto bide_session *s = bide_session_new();
    bide_auto bide_response *r = s ? bide_post(s, url, .multipart = BIDE_PARTS({"a", "b"}, {"c", .path = path}, {"d", .path = path})) : NULL;

    return r ? 0 : bide_error_code();
}

TEST(multipart_every_allocation_may_fail, .real_time = true)
{
    struct peer p = {.scripts = {ASK OK_0}, .repeat = true};
    peer_start(&p);

    expect_every_allocation_may_fail(&p, (upload_fn *)post_form, make_file("a", "hello", 5));
    peer_stop(&p);
}

TEST(multipart_every_await_may_be_cancelled, .real_time = true)
{
    struct peer p = {.scripts = {ASK OK_0}, .repeat = true};
    peer_start(&p);

    expect_every_await_may_be_cancelled(&p, (upload_fn *)post_form, make_large_file("a", "x", 2 << 20));
    peer_stop(&p);
}
