/* SPDX-License-Identifier: MIT */
/* test_auth.c - who asks: users and passwords on the way, challenges and their answers, and where they do not go. */
#include <stdlib.h>
#include <unistd.h>

#include "wire.h"

#define OK2       "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define NO(field) "HTTP/1.1 401 No\r\n" field "Content-Length: 0\r\n\r\n"
#define ASKS(challenge) NO("WWW-Authenticate: " challenge "\r\n")
#define GOES(location) "HTTP/1.1 302 Found\r\nLocation: " location "\r\nContent-Length: 0\r\n\r\n"
#define DIGEST(nonce) "Digest realm=\"r\", nonce=\"" nonce "\", qop=\"auth\", algorithm=SHA-256, opaque=\"o\""
#define FIELD(value) "\r\nAuthorization: " value "\r\n"
#define NOBODY ((bide_auth){BIDE_AUTH_UNSAID, NULL, NULL})

static int get(bide_session *s, const char *url, bide_auth auth)
{
    bide_auto bide_response *r = bide_get(s, url, .auth = auth);

    return r ? bide_status(r) : bide_error_code();
}

static int nfields(const char *seen)
{
    int n = 0;

    for (; (seen = strstr(seen, "\r\nAuthorization: ")); seen++)
        n++;
    return n;
}

/* ---- Basic and Bearer ---- */

/* R117 */
TEST(auth_basic_is_sent_unasked_with_every_request_of_a_session)
{
    struct wire w = WIRE(ON_REQUEST, SAY(OK2), ON_REQUEST, SAY(OK2));
    bide_auto bide_session *s = bide_session_new(.auth = BIDE_BASIC("Aladdin", "open sesame"));
    wires_plant(s, &w, 1);

    EXPECT_EQ(get(s, "http://a.example/", NOBODY), 200);
    EXPECT_EQ(get(s, "http://a.example/", NOBODY), 200);
    EXPECT_EQ(nfields(w.seen), 2);
    EXPECT_CONTAINS(w.seen, FIELD("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="));
}

TEST(auth_of_a_request_takes_the_place_of_the_sessions)
{
    struct wire w = WIRE(ON_REQUEST, SAY(OK2), ON_REQUEST, SAY(OK2), ON_REQUEST, SAY(OK2));
    bide_auto bide_session *s = bide_session_new(.auth = BIDE_BASIC("a", "b"));
    wires_plant(s, &w, 1);

    EXPECT_EQ(get(s, "http://a.example/", BIDE_BEARER("t0k")), 200);
    EXPECT_EQ(get(s, "http://a.example/", BIDE_NO_AUTH), 200);
    EXPECT_EQ(nfields(w.seen), 1);
    EXPECT_CONTAINS(w.seen, FIELD("Bearer t0k"));
    EXPECT_EQ(get(s, "http://u:p@a.example/", NOBODY), 200);
    EXPECT_CONTAINS(w.seen, FIELD("Basic dTpw"));
}

TEST(auth_and_a_field_of_the_users_exclude_each_other_or_the_nearer_one_is_sent)
{
    struct wire w = WIRE(ON_REQUEST, SAY(OK2)), v = WIRE(ON_REQUEST, SAY(OK2));
    bide_auto bide_session *s = bide_session_new(.auth = BIDE_BASIC("a", "b"));
    bide_auto bide_session *t = bide_session_new(.headers = BIDE_PAIRS({"Authorization", "Own x"}));
    const bide_pair *own = BIDE_PAIRS({"Authorization", "Own y"});
    wires_plant(s, &w, 1);

    EXPECT_NULL(bide_get(s, "http://a.example/", .headers = own, .auth = BIDE_BASIC("c", "d")));
    EXPECT_ERR(bide_error_code(), -EINVAL);
    EXPECT_NULL(bide_get(s, "http://u:p@a.example/", .auth = BIDE_BASIC("c", "d")));
    EXPECT_ERR(bide_error_code(), -EINVAL);
    EXPECT_NULL(bide_session_new(.headers = own, .auth = BIDE_BASIC("c", "d")));
    EXPECT_ERR(bide_error_code(), -EINVAL);
    bide_auto bide_response *r = bide_get(s, "http://a.example/", .headers = own);
    EXPECT_EQ(bide_status(r), 200);
    EXPECT_CONTAINS(w.seen, FIELD("Own y"));
    wires_plant(t, &v, 1);
    EXPECT_EQ(get(t, "http://a.example/", BIDE_BASIC("", "")), 200);
    EXPECT_CONTAINS(v.seen, FIELD("Basic Og=="));
    EXPECT_EQ(nfields(v.seen), 1);
}

TEST(auth_that_is_none_is_refused)
{
    static const bide_auth bad[] = {{BIDE_AUTH_BASIC, "a:b", "c"}, {BIDE_AUTH_BEARER, "", NULL}, {BIDE_AUTH_BEARER, "a\r\nb", NULL},
                                    {BIDE_AUTH_BEARER, NULL, NULL}, {BIDE_AUTH_ANY + 1, "a", "b"}, {BIDE_AUTH_UNSAID, "a", "b"},
                                    {BIDE_AUTH_DIGEST, NULL, "b"}};
    bide_auto bide_session *s = bide_session_new();

    for (size_t i = 0; i < array_len(bad); i++) {
        EXPECT_NULL(bide_session_new(.auth = bad[i]));
        EXPECT_ERR(bide_error_code(), -EINVAL);
        EXPECT_NULL(bide_get(s, "http://a.example/", .auth = bad[i]));
        EXPECT_ERR(bide_error_code(), -EINVAL);
    }
}

/* R64, D2 */
TEST(auth_stays_at_the_origin_that_was_asked_also_when_a_redirect_leads_back)
{
    struct wire w[2] = {WIRE(ON_REQUEST, SAY(GOES("/in")), ON_REQUEST, SAY(GOES("http://b.example/")), ON_REQUEST, SAY(ASKS(DIGEST("n")))),
                        WIRE(ON_REQUEST, SAY(GOES("http://a.example/end")))};
    bide_auto bide_session *s = bide_session_new(.auth = BIDE_BASIC("a", "b"));
    wires_plant(s, w, 2);

    EXPECT_EQ(get(s, "http://a.example/", NOBODY), 401);
    EXPECT_EQ(nfields(w[0].seen), 2);
    EXPECT_EQ(nfields(w[1].seen), 0);
}

/* ---- Digest ---- */

/* R118 */
TEST(auth_digest_answers_a_challenge_once_and_counts_its_nonce_on)
{
    struct wire w = WIRE(ON_REQUEST, SAY(ASKS("Basic realm=\"x\", " DIGEST("n1"))), ON_REQUEST, SAY(OK2), ON_REQUEST, SAY(OK2));
    bide_auto bide_session *s = bide_session_new(.auth = BIDE_DIGEST("me", "pw"));
    wires_plant(s, &w, 1);

    EXPECT_EQ(get(s, "http://a.example/p?q=1", NOBODY), 200);
    EXPECT_EQ(get(s, "http://a.example/", NOBODY), 200);
    EXPECT_EQ(nfields(w.seen), 2);
    EXPECT_CONTAINS(w.seen, "Digest username=\"me\", realm=\"r\", nonce=\"n1\", uri=\"/p?q=1\", response=\"");
    EXPECT_CONTAINS(w.seen, "nc=00000001, cnonce=");
    EXPECT_CONTAINS(w.seen, "nc=00000002, cnonce=");
    EXPECT_EQ(bide_session_get_stats(s).connections, 1);
}

/* R118 */
TEST(auth_digest_with_a_wrong_password_is_a_401_and_asks_no_third_time)
{
    struct wire w = WIRE(ON_REQUEST, SAY(ASKS(DIGEST("n1"))), ON_REQUEST, SAY(ASKS(DIGEST("n2"))));
    bide_auto bide_session *s = bide_session_new();
    wires_plant(s, &w, 1);

    EXPECT_EQ(get(s, "http://a.example/", BIDE_DIGEST("me", "wrong")), 401);
    EXPECT_EQ(bide_session_get_stats(s).requests, 2);
}

/* R118 */
TEST(auth_digest_takes_a_stale_nonce_for_no_refusal_but_not_forever)
{
    struct wire w = WIRE(ON_REQUEST, SAY(ASKS(DIGEST("n1"))), ON_REQUEST, SAY(ASKS(DIGEST("n2") ", stale=true")), ON_REQUEST, SAY(OK2)),
                v = WIRE(ON_REQUEST, SAY(ASKS(DIGEST("n1") ", stale=TRUE")), ON_REQUEST, SAY(ASKS(DIGEST("n2") ", stale=TRUE")),
                         ON_REQUEST, SAY(ASKS(DIGEST("n3") ", stale=TRUE")), ON_REQUEST, SAY(ASKS(DIGEST("n4") ", stale=TRUE")));
    bide_auto bide_session *s = bide_session_new(.auth = BIDE_DIGEST("me", "pw")), *t = bide_session_new(.auth = BIDE_DIGEST("me", "pw"));

    wires_plant(s, &w, 1);
    EXPECT_EQ(get(s, "http://a.example/", NOBODY), 200);
    EXPECT_CONTAINS(strstr(w.seen, "nonce=\"n2\""), "nc=00000001");
    wires_plant(t, &v, 1);
    EXPECT_EQ(get(t, "http://a.example/", NOBODY), 401);
    EXPECT_EQ(bide_session_get_stats(t).requests, 4);
}

/* R118: an old nonce, and a server that does not say that it is stale */
TEST(auth_digest_answers_a_new_nonce_after_one_that_was_kept)
{
    struct wire w = WIRE(ON_REQUEST, SAY(ASKS(DIGEST("n1"))), ON_REQUEST, SAY(OK2), ON_REQUEST, SAY(ASKS(DIGEST("n2"))), ON_REQUEST, SAY(OK2));
    bide_auto bide_session *s = bide_session_new(.auth = BIDE_DIGEST("me", "pw"));
    wires_plant(s, &w, 1);

    EXPECT_EQ(get(s, "http://a.example/", NOBODY), 200);
    EXPECT_EQ(get(s, "http://a.example/", NOBODY), 200);
    EXPECT_EQ(nfields(w.seen), 3);
}

/* R69 */
TEST(auth_digest_sends_the_body_again)
{
    struct wire w = WIRE(ON_REQUEST, SAY(ASKS(DIGEST("n1"))), ON_REQUEST, SAY(OK2));
    bide_auto bide_session *s = bide_session_new(.auth = BIDE_DIGEST("me", "pw"));
    wires_plant(s, &w, 1);

    bide_auto bide_response *r = bide_post(s, "http://a.example/", .data = {"body", 4});
    EXPECT_EQ(bide_status(r), 200);
    EXPECT_CONTAINS(strstr(w.seen, "\r\nAuthorization"), "\r\n\r\nbody");
}

/* The value of this parameter of the last Authorization. */
static const char *said(const char *seen, const char *name)
{
    static char out[2][128];
    static int turn;
    const char *at = strstr(strstr(seen, "\r\nAuthorization"), name);
    char *value = out[++turn % 2];

    EXPECT_NOT_NULL(at);
    at += strlen(name);
    snprintf(value, sizeof out[0], "%.*s", (int)strcspn(at, "\""), at);
    return value;
}

#define DIGEST_INT "Digest realm=\"r\", nonce=\"n\", qop=\"auth-int\", algorithm=SHA-256"

/* R118 */
TEST(auth_digest_with_a_hash_of_the_body_is_answered_if_that_is_at_hand)
{
    struct wire w = WIRE(ON_REQUEST, SAY(ASKS(DIGEST_INT)), ON_REQUEST, SAY(OK2));
    struct digest d = {.is_set = false};
    char answer[600];
    bide_auto bide_session *s = bide_session_new(.auth = BIDE_DIGEST("me", "pw"));
    wires_plant(s, &w, 1);

    bide_auto bide_response *r = bide_post(s, "http://a.example/p?q", .data = {"body", 4});
    EXPECT_NOT_NULL(r);
    EXPECT_EQ(bide_status(r), 200);
    EXPECT_CONTAINS(w.seen, "qop=auth-int");
    bide__digest_choose(&d, DIGEST_INT, strlen(DIGEST_INT));
    struct digest_request q = {.method = "POST", .target = "/p?q", .body = "body", .body_len = 4, .cnonce = said(w.seen, "cnonce=\"")};
    EXPECT_LT(0, bide__digest_answer(&d, &(struct digest_user){"me", "pw"}, &q, answer, sizeof answer));
    EXPECT_CONTAINS(answer, said(w.seen, "response=\""));
}

static ssize_t one_piece(const char **data, void *arg)
{
    *data = "piece";
    return (*(int *)arg)++ == 0 ? 5 : 0;
}

static int from_the_beginning(void *arg)
{
    *(int *)arg = 0;
    return 0;
}

/* R118 */
TEST(auth_digest_with_a_hash_of_a_body_that_is_not_at_hand_says_so)
{
    struct wire w = WIRE(ON_REQUEST, ON_REQUEST, SAY(ASKS(DIGEST_INT)), ON_REQUEST);
    int given = 0;
    bide_auto bide_session *s = bide_session_new(.auth = BIDE_DIGEST("me", "pw"));
    wires_plant(s, &w, 1);

    EXPECT_NULL(bide_post(s, "http://a.example/", .body = bide_body_from(one_piece, &given, .rewind = from_the_beginning)));
    EXPECT_ERR(bide_error_code(), BIDE_ESTATE);
    EXPECT_CONTAINS(bide_error_text(), "POST http://a.example/: Digest: the server asks for a hash of the body, which is not at hand");
    bide_error_clear();
}

/* D2: whatever a challenge says */
TEST(auth_digest_domain_of_a_challenge_leads_to_no_other_origin)
{
    struct wire w[2] = {WIRE(ON_REQUEST, SAY(ASKS(DIGEST("n1") ", domain=\"/private http://b.example/\"")), ON_REQUEST, SAY(OK2), ON_REQUEST, SAY(OK2)),
                        WIRE(ON_REQUEST, SAY(OK2))};
    bide_auto bide_session *s = bide_session_new(.auth = BIDE_DIGEST("me", "pw"));
    wires_plant(s, w, 2);

    EXPECT_EQ(get(s, "http://a.example/private", NOBODY), 200);
    EXPECT_EQ(get(s, "http://a.example/other", NOBODY), 200);
    EXPECT_EQ(get(s, "http://b.example/", NOBODY), 200);
    EXPECT_EQ(nfields(w[0].seen), 2);
    EXPECT_EQ(nfields(w[1].seen), 0);
}

/* R118 */
TEST(auth_digest_that_cannot_be_answered_is_the_answer)
{
    static const char *const asks[] = {ASKS("Digest realm=\"r\", nonce=\"n\", algorithm=MD4"), ASKS("Digest realm=\"r"), ASKS("Basic realm=\"r\""),
                                       NO(""), ASKS("Negotiate")};

    for (size_t i = 0; i < array_len(asks); i++) {
        struct wire w = WIRE(ON_REQUEST, SAY(asks[i]));
        bide_auto bide_session *s = bide_session_new(.auth = BIDE_DIGEST("me", "pw"));
        wires_plant(s, &w, 1);
        EXPECT_EQ(get(s, "http://a.example/", NOBODY), 401);
        EXPECT_EQ(bide_error_code(), 0);
    }
}

/* R118 */
TEST(auth_digest_keeps_what_each_origin_and_user_was_asked_for)
{
    struct wire w[3] = {WIRE(ON_REQUEST, SAY(ASKS(DIGEST("a1"))), ON_REQUEST, SAY(OK2), ON_REQUEST, SAY(ASKS(DIGEST("a2"))), ON_REQUEST, SAY(OK2)),
                        WIRE(ON_REQUEST, SAY(ASKS(DIGEST("b1"))), ON_REQUEST, SAY(OK2))};
    bide_auto bide_session *s = bide_session_new();
    wires_plant(s, w, 2);

    EXPECT_EQ(get(s, "http://a.example/", BIDE_DIGEST("me", "pw")), 200);
    EXPECT_EQ(get(s, "http://b.example/", BIDE_DIGEST("me", "pw")), 200);
    EXPECT_EQ(get(s, "http://a.example/", BIDE_DIGEST("you", "pw")), 200);
    EXPECT_EQ(nfields(w[0].seen), 2);
    EXPECT_EQ(nfields(w[1].seen), 1);
}

/* ---- what is asked for ---- */

TEST(auth_of_any_scheme_answers_digest_and_no_basic_without_tls)
{
    struct wire w = WIRE(ON_REQUEST, SAY(ASKS("Basic realm=\"b\"")), ON_REQUEST, SAY(ASKS(DIGEST("n"))), ON_REQUEST, SAY(OK2));
    bide_auto bide_session *s = bide_session_new(.auth = BIDE_ANY_AUTH("me", "pw"));
    wires_plant(s, &w, 1);

    EXPECT_EQ(get(s, "http://a.example/", NOBODY), 401);
    EXPECT_EQ(get(s, "http://a.example/", NOBODY), 200);
    EXPECT_EQ(nfields(w.seen), 1);
    EXPECT_CONTAINS(w.seen, "\r\nAuthorization: Digest ");
}

TEST(auth_without_a_user_says_how_that_of_the_url_is_used)
{
    struct wire w = WIRE(ON_REQUEST, SAY(ASKS(DIGEST("n"))), ON_REQUEST, SAY(OK2), ON_REQUEST, SAY(OK2));
    bide_auto bide_session *s = bide_session_new(.auth = BIDE_DIGEST(NULL, NULL));
    wires_plant(s, &w, 1);

    EXPECT_EQ(get(s, "http://u%20v:p@a.example/", NOBODY), 200);
    EXPECT_CONTAINS(w.seen, "Digest username=\"u v\"");
    EXPECT_EQ(get(s, "http://a.example/", NOBODY), 200);
    EXPECT_EQ(nfields(w.seen), 1);
}

/* ---- .netrc ---- */

static const char *write_file(const char *text)
{
    static char path[] = "/tmp/bide-netrc-XXXXXX";
    strcpy(path, "/tmp/bide-netrc-XXXXXX");
    int fd = mkstemp(path);

    EXPECT_EQ(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    return path;
}

/* D15 */
TEST(auth_of_netrc_is_for_the_very_host_that_is_asked_by_nobody_else)
{
    struct wire w[3] = {WIRE(ON_REQUEST, SAY(OK2), ON_REQUEST, SAY(OK2), ON_REQUEST, SAY(GOES("http://b.example/"))), WIRE(ON_REQUEST, SAY(OK2)),
                        WIRE(ON_REQUEST, SAY(OK2))};
    const char *path = write_file("machine a.example login u password p\nmachine b.example login x password y\n");
    bide_auto bide_session *s = bide_session_new(.netrc = path);
    unlink(path);
    wires_plant(s, w, 3);

    EXPECT_EQ(get(s, "http://a.example/", NOBODY), 200);
    EXPECT_CONTAINS(w[0].seen, FIELD("Basic dTpw"));
    EXPECT_EQ(get(s, "http://own:1@a.example/", NOBODY), 200);
    EXPECT_CONTAINS(w[0].seen, FIELD("Basic b3duOjE="));
    EXPECT_EQ(get(s, "http://a.example/", NOBODY), 200);
    EXPECT_EQ(nfields(w[1].seen), 0); /* the initial origin alone */
    EXPECT_EQ(get(s, "http://www.a.example/", NOBODY), 200);
    EXPECT_EQ(nfields(w[2].seen), 0);
}

/* D15 */
TEST(auth_of_netrc_that_cannot_be_read_fails_the_session)
{
    EXPECT_NULL(bide_session_new(.netrc = "/nowhere/netrc"));
    EXPECT_ERR(bide_error_code(), -ENOENT);
    EXPECT_NULL(bide_session_new(.netrc = "/tmp"));
    EXPECT_ERR(bide_error_code(), -EISDIR);
    const char *path = write_file("machine a login b passwort c\n");
    EXPECT_NULL(bide_session_new(.netrc = path));
    EXPECT_ERR(bide_error_code(), BIDE_ESTATE);
    EXPECT_CONTAINS(bide_error_text(), path);
    unlink(path);
    setenv("NETRC", "/nowhere/netrc", 1);
    bide_auto bide_session *s = bide_session_new(.netrc = BIDE_DEFAULT_NETRC);
    EXPECT_NOT_NULL(s);
}

/* ---- faults ---- */

TEST(auth_without_memory_fails_the_request_and_nothing_is_lost)
{
    bool failed = false;

    for (int n = 1; n < 80; n++) {
        struct wire w = WIRE(ON_REQUEST, SAY(ASKS(DIGEST("n1"))), ON_REQUEST, SAY(OK2));
        bide__alloc_fail_at(n);
        bide_auto bide_session *s = bide_session_new(.auth = BIDE_DIGEST("me", "pw"));
        int code = BIDE_ENOMEM;
        if (s)
            wires_plant(s, &w, 1);
        if (s)
            code = get(s, "http://a.example/", NOBODY);
        bide__alloc_fail_at(-1);
        failed |= code == BIDE_ENOMEM;
        EXPECT_TRUE(code == 200 || code == BIDE_ENOMEM);
    }
    EXPECT_TRUE(failed);
}
