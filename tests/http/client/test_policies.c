/* SPDX-License-Identifier: MIT */
/*
 * test_policies.c - the row of policies around a request: who is called when, who may ask again, and how often at most.
 *
 * The policies are fakes of a session's; those of every request (redirect, stale retry) stand behind them.
 */
#include "wire.h"

/* Notes its calls in `log`, and does what its script says. */
struct fake {
    struct policy policy;
    char name;          /* in the log: small before, large after */
    int before_code;
    int again;          /* times that it wants to ask again; -1: always */
    int after_code;     /* then */
    struct added_field *adds;
    int last_code, last_status; /* what it saw */
};

static char log_text[256];

static void note(char c)
{
    size_t n = strlen(log_text);

    EXPECT_LT(n, sizeof log_text - 1);
    log_text[n] = c;
}

static int fake_before(struct policy *p, struct request *q)
{
    struct fake *f = container_of(p, struct fake, policy);

    note(f->name);
    if (f->adds) {
        f->adds->next = q->head.added;
        q->head.added = f->adds;
    }
    return f->before_code < 0 ? bide_fail(f->before_code, "not before") : 0;
}

static int fake_after(struct policy *p, struct request *q, const struct outcome *o)
{
    struct fake *f = container_of(p, struct fake, policy);
    (void)q;

    note((char)(f->name - 32));
    f->last_code = o->code;
    f->last_status = o->answer->status;
    if (f->again != 0) {
        f->again -= f->again > 0;
        return POLICY_AGAIN;
    }
    return f->after_code < 0 ? bide_fail(f->after_code, "not after") : POLICY_ACCEPT;
}

static const struct policy_ops fake_ops = {.name = "fake", .before = fake_before, .after = fake_after};

#define FAKE(c, ...) {.policy.ops = &fake_ops, .name = c, ##__VA_ARGS__}

static void plant(bide_session *s, struct policy *const *all, size_t n)
{
    memset(log_text, 0, sizeof log_text);
    s->policies = all;
    s->npolicies = n;
}

#define OK_ALWAYS "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define TO_B      "HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n"

/* ---- the order ---- */

TEST(policies_are_called_forwards_before_a_try_and_backwards_after_it)
{
    struct wire w = WIRE(ON_REQUEST, SAY(OK_ALWAYS));
    struct fake a = FAKE('a'), b = FAKE('b');
    struct policy *row[] = {&a.policy, &b.policy};
    bide_auto bide_session *s = bide_session_new();
    wires_plant(s, &w, 1);
    plant(s, row, 2);

    bide_auto bide_response *r = bide_get(s, "http://a/");
    EXPECT_STR(bide_text(r), "ok");
    EXPECT_STR(log_text, "abBA");
    EXPECT_EQ(a.last_code, 0);
    EXPECT_EQ(a.last_status, 200);
}

TEST(policies_see_every_hop_before_and_none_behind_the_one_that_asks_again_after)
{
    struct wire w = WIRE(ON_REQUEST, SAY(TO_B), ON_REQUEST, SAY(OK_ALWAYS));
    struct fake a = FAKE('a');
    struct policy *row[] = {&a.policy};
    bide_auto bide_session *s = bide_session_new();
    wires_plant(s, &w, 1);
    plant(s, row, 1);

    bide_auto bide_response *r = bide_get(s, "http://a/");
    EXPECT_EQ(bide_response_redirects(r), 1);
    EXPECT_STR(log_text, "aaA"); /* the redirect stands behind it, and was faster */
}

/* ---- asking again ---- */

TEST(policies_that_ask_again_get_another_answer)
{
    struct wire w = WIRE(ON_REQUEST, SAY(OK_ALWAYS), ON_REQUEST, SAY(OK_ALWAYS), ON_REQUEST, SAY(OK_ALWAYS));
    struct fake a = FAKE('a', .again = 2), b = FAKE('b');
    struct policy *row[] = {&a.policy, &b.policy};
    bide_auto bide_session *s = bide_session_new();
    wires_plant(s, &w, 1);
    plant(s, row, 2);

    bide_auto bide_response *r = bide_get(s, "http://a/");
    EXPECT_STR(bide_text(r), "ok");
    EXPECT_STR(log_text, "abBAabBAabBA");
    EXPECT_EQ(bide_session_get_stats(s).connections, 1); /* the answers in between were read to their ends */
    EXPECT_EQ(bide_session_get_stats(s).requests, 3);
}

TEST(policies_that_always_ask_again_end_with_an_error)
{
    struct wire w = WIRE(ON_REQUEST);
    struct fake a = FAKE('a', .again = -1);
    struct policy *row[] = {&a.policy};
    bide_auto bide_session *s = bide_session_new(.max_redirects = BIDE_NONE);
    for (size_t i = 0; i < array_len(w.steps); i += 2) {
        w.steps[i] = (struct wire_step)ON_REQUEST;
        w.steps[i + 1] = (struct wire_step)SAY(OK_ALWAYS);
    }
    wires_plant(s, &w, 1);
    plant(s, row, 1);

    bide_response *r = bide_get(s, "http://a/");
    EXPECT_NULL(r);
    EXPECT_ERR(bide_error_code(), BIDE_ELIMIT);
    EXPECT_CONTAINS(bide_error_text(), "http://a/: ");
    EXPECT_CONTAINS(bide_error_text(), "the policy \"fake\" wants to ask again");
    EXPECT_EQ(strlen(log_text), 2 * 21);
    EXPECT_EQ(bide_session_get_stats(s).open, bide_session_get_stats(s).idle);
    bide_error_clear();
}

TEST(policies_see_a_try_that_failed_and_may_repeat_it)
{
    struct wire w[2] = {WIRE(ON_REQUEST, END_AFTER(5)), WIRE(ON_REQUEST, SAY(OK_ALWAYS))};
    struct fake a = FAKE('a', .again = 1), b = FAKE('b');
    struct policy *row[] = {&a.policy, &b.policy};
    bide_auto bide_session *s = bide_session_new();
    wires_plant(s, w, 2);
    plant(s, row, 2);

    bide_auto bide_response *r = bide_get(s, "http://a/");
    EXPECT_STR(bide_text(r), "ok");
    EXPECT_STR(log_text, "abBAabBA");
    EXPECT_EQ(bide_error_code(), 0); /* the first one's is not on record */
}

TEST(policies_that_accept_a_failure_leave_it_as_it_is)
{
    struct wire w = WIRE(ON_REQUEST, END_AFTER(5));
    struct fake a = FAKE('a');
    struct policy *row[] = {&a.policy};
    bide_auto bide_session *s = bide_session_new();
    wires_plant(s, &w, 1);
    plant(s, row, 1);

    EXPECT_NULL(bide_get(s, "http://a/"));
    EXPECT_ERR(bide_error_code(), BIDE_EDISCONNECTED);
    EXPECT_EQ(a.last_code, BIDE_EDISCONNECTED);
    bide_error_clear();
}

/* ---- failing ---- */

TEST(policies_that_fail_before_a_try_prevent_it)
{
    struct fake a = FAKE('a', .before_code = BIDE_ESTATE), b = FAKE('b');
    struct policy *row[] = {&a.policy, &b.policy};
    bide_auto bide_session *s = bide_session_new();
    wires_plant(s, NULL, 0);
    plant(s, row, 2);

    EXPECT_NULL(bide_get(s, "http://a/"));
    EXPECT_ERR(bide_error_code(), BIDE_ESTATE);
    EXPECT_CONTAINS(bide_error_text(), "http://a/: not before");
    EXPECT_STR(log_text, "a");
    bide_error_clear();
}

TEST(policies_that_fail_after_a_try_end_the_request_and_its_connection_is_kept)
{
    struct wire w = WIRE(ON_REQUEST, SAY(OK_ALWAYS));
    struct fake a = FAKE('a'), b = FAKE('b', .after_code = BIDE_ESTATE);
    struct policy *row[] = {&a.policy, &b.policy};
    bide_auto bide_session *s = bide_session_new();
    wires_plant(s, &w, 1);
    plant(s, row, 2);

    EXPECT_NULL(bide_get(s, "http://a/"));
    EXPECT_CONTAINS(bide_error_text(), "not after");
    EXPECT_STR(log_text, "abB");
    EXPECT_EQ(bide_session_get_stats(s).idle, 1);
    bide_error_clear();
}

/* ---- what they add ---- */

TEST(policies_add_fields_to_one_try)
{
    struct wire w = WIRE(ON_REQUEST, SAY(OK_ALWAYS), ON_REQUEST, SAY(OK_ALWAYS));
    struct added_field field = {.name = "X-Policy", .value = "was here"};
    struct fake a = FAKE('a', .again = 1, .adds = &field);
    struct policy *row[] = {&a.policy};
    bide_auto bide_session *s = bide_session_new();
    wires_plant(s, &w, 1);
    plant(s, row, 1);

    bide_auto bide_response *r = bide_get(s, "http://u:p@a/");
    EXPECT_STR(bide_text(r), "ok");
    int n = 0, both = 0;
    for (const char *at = w.seen; (at = strstr(at, "X-Policy: was here\r\n")); at++)
        n++;
    for (const char *at = w.seen; (at = strstr(at, "Authorization: Basic dTpw\r\n")); at++)
        both++;
    EXPECT_EQ(n, 2); /* once a try, not twice in the second */
    EXPECT_EQ(both, 2);
}
