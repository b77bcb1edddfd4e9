/* SPDX-License-Identifier: MIT */
/* expect.c - once more without "Expect: 100-continue", if the server does not know that (417; RFC 9110 10.1.1). */
#include "http/policy/policy.h"

static int after(struct policy *p, struct request *q, const struct outcome *o)
{
    (void)p;
    bool is_refused = o->code == 0 && o->answer->status == 417 && q->head.expect_ms > 0;
    if (!is_refused || !bide__body_source_may_be_sent(q->head.body))
        return POLICY_ACCEPT;

    q->head.expect_ms = 0;
    return POLICY_AGAIN;
}

const struct policy_ops bide__expect_ops = {.name = "expect", .after = after};
