/* SPDX-License-Identifier: MIT */
/* test_left.c - responses that are not released when their session is: who made them is reported, to who debugs. */
#include "client.h"

#include "base/checker.h"

static char heard[16384];
static bide_response *kept[8];
static struct peer p = PEER(ASK OK("2") "ok");

static void note_message(bide_loop *loop, const char *message, void *arg)
{
    (void)loop, (void)arg;
    strcat(strcat(heard, message), "\n");
}

static int keeps(int n)
{
    bide_auto bide_session *s = bide_session_new();

    for (int i = 0; i < n; i++)
        kept[i] = bide_get(s, peer_url(&p, i == 0 ? "/first" : "/page"));
    EXPECT_EQ(bide_session_get_stats(s).responses, n);
    return 0;
}

/* Runs it on a loop of its own, whose reports are heard. */
static void run(int n, bool debug)
{
    p.repeat = true;
    peer_start(&p);
    if (debug)
        setenv("BIDE_DEBUG", "1", 1);
    bide_loop *loop = bide_loop_new();
    bide_loop_set_exception_handler(loop, note_message, NULL);
    EXPECT_EQ(bide_run_until_complete_with(loop, BIDE_AW(bide_coro(keeps, n))), 0);
    EXPECT_EQ(bide_loop_close(loop), 0);
    for (int i = 0; i < n; i++)
        bide_release(kept[i]);
    bide_release(loop);
    peer_stop(&p);
}

UNIT(left_responses_are_reported_with_url_and_place)
{
    run(2, true);
    EXPECT_CONTAINS(heard, "a session is released before 2 of its responses\nnot released: response GET http://127.0.0.1:");
    EXPECT_CONTAINS(heard, "/first, made at ");
    EXPECT_CONTAINS(heard, "/page, made at ");
    EXPECT_CONTAINS(heard, "not released when the event loop was closed: 2 responses");
    EXPECT_CONTAINS(heard, "not released: 2 responses (the first: GET http://127.0.0.1:");
}

UNIT(left_responses_by_the_dozen_are_counted)
{
    run(8, true);
    EXPECT_CONTAINS(heard, "a session is released before 8 of its responses\n");
    EXPECT_CONTAINS(heard, "not released: ... and 3 more of them\n");
}

UNIT(left_responses_are_nobodys_business_without_debugging)
{
    if (bide__memcheck_runs() || BIDE_IS_ASAN || getenv("BIDE_DEBUG"))
        SKIP("there is a ledger");
    run(2, false);
    EXPECT_STR(heard, "");
}
