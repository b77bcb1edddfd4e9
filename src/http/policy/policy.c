/* SPDX-License-Identifier: MIT */
/* policy.c - the row of policies around an exchange: forwards before it, backwards after it. */
#include "http/policy/policy.h"

int bide__policies_before(struct policy *const *row, struct request *q)
{
    for (; *row; row++) {
        const struct policy_ops *ops = (*row)->ops;
        int code = ops->before ? ops->before(*row, q) : 0;
        if (code < 0)
            return code;
    }
    return 0;
}

int bide__policies_after(struct policy *const *row, struct request *q, const struct outcome *o, const char **by)
{
    size_t n = 0;

    while (row[n])
        n++;
    while (n-- > 0) {
        const struct policy_ops *ops = row[n]->ops;
        int verdict = ops->after ? ops->after(row[n], q, o) : POLICY_ACCEPT;
        if (verdict != POLICY_ACCEPT) {
            *by = ops->name;
            return verdict;
        }
    }
    return o->code;
}

bool bide__request_is_idempotent(const struct request_head *head)
{
    static const char *const methods[] = {"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"};
    if (!head->method)
        return false;
    if (head->method_len == 3 && memcmp(head->method, "GET", 3) == 0) /* nearly always, and asked for every request */
        return true;

    for (size_t i = 0; i < array_len(methods); i++)
        if (strcmp(head->method, methods[i]) == 0)
            return true;
    for (const bide_pair *p = head->headers; p && p->name; p++)
        if (strcasecmp(p->name, "Idempotency-Key") == 0 && !(head->drop & HEADER_BIT(HEADER_IDEMPOTENCY_KEY)))
            return true;
    return false;
}
