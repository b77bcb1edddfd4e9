/* SPDX-License-Identifier: MIT */
/* policy.c - the row of policies around an exchange: forwards before it, backwards after it. */
#include "http/policy/policy.h"

int bide__policies_before(struct policy_row row, struct request *q)
{
    for (size_t i = 0; i < row.n; i++) {
        const struct policy_ops *ops = row.all[i]->ops;
        int code = ops->before ? ops->before(row.all[i], q) : 0;
        if (code < 0)
            return code;
    }
    return 0;
}

int bide__policies_after(struct policy_row row, struct request *q, const struct outcome *o, const struct policy_ops **by)
{
    while (row.n-- > 0) {
        struct policy *p = row.all[row.n];
        const struct policy_ops *ops = p->ops;
        int verdict = ops->after ? ops->after(p, q, o) : POLICY_ACCEPT;
        if (verdict != POLICY_ACCEPT) {
            *by = ops;
            return verdict;
        }
    }
    return o->code;
}

bool bide__method_is_idempotent(const struct request_head *head)
{
    if (!head->method)
        return false;
    if (bide_method_is_idempotent(head->method))
        return true;
    for (const bide_pair *p = head->headers; p && p->name; p++)
        if (strcasecmp(p->name, "Idempotency-Key") == 0 && !(head->drop & HEADER_BIT(HEADER_IDEMPOTENCY_KEY)))
            return true;
    return false;
}
