/* SPDX-License-Identifier: MIT */
/*
 * blocking.c - the same request without await: the whole thread waits (Python's requests.get).
 *
 * A loop and a session of its own run until the body is there; nothing of the caller's loop, if there is one, is
 * touched.  The response then stands alone: it needs neither of them.  With libbide-unblock in the program a task runs the
 * same in place, and only that task waits.
 */
#include "http/client/client.h"

struct blocking {
    const char *method;
    const bide_request_args *args;
    bide_response *response;
    const bide_loop *outer; /* of the task that blocks; NULL: none */
};

static int fetch(struct blocking *b)
{
    bide_auto bide_session *s = bide_session_new(.headers = BIDE_PAIRS({"Connection", "close"}));
    if (!s)
        return bide_error_code();
    bide_response *r = bide_request_with(s, b->method, b->args);
    if (!r)
        return bide_error_code();
    if (!bide_body(r).data) {
        bide_release(r);
        return bide_error_code();
    }
    if (bide__response_detach(r) < 0) {
        bide_release(r);
        return bide_error_code();
    }
    if (bide__ledger_is_kept) /* it outlives the loop that runs here */
        bide__ledger_note(r, b->outer, "");
    b->response = r;
    return 0;
}

bide_response *bide_request_blocking_with(const char *method, const bide_request_args *options)
{
    bide_request_args args;
    if (bide__options_take(&args, sizeof args, options, "bide_request_blocking") < 0)
        return NULL;
    bide_task *t = bide__task_here();
    struct blocking b = {.method = method, .args = &args, .outer = t ? t->future.loop : NULL};

    if (bide__request_check(method, &args) < 0)
        return NULL;
    if (t && !bide__blocking_waits())
        bide__loop_report(t->future.loop, "%s makes a blocking %s request: every other task waits", bide_task_name(t), method);
    return bide__run_private(bide_coro(fetch, &b)) < 0 ? NULL : b.response;
}
