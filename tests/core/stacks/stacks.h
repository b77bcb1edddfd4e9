/* SPDX-License-Identifier: MIT */
/* stacks.h - a pool of stacks, without a loop. */
#ifndef TESTS_CORE_STACKS_STACKS_H
#define TESTS_CORE_STACKS_STACKS_H

#include <stdio.h>
#include <string.h>

#include "core/stack/fiber.h"
#include "core/stack/slab.h"
#include "harness/harness.h"

#define KIB ((size_t)1024)

__attribute__((unused)) static struct stack_pool pool;

__attribute__((unused)) static struct stack *get(size_t size)
{
    struct stack *s = bide__stack_get(&pool, size);
    if (!s)
        fprintf(stderr, "%s\n", bide__stack_error());
    EXPECT_TRUE(s != NULL);
    return s;
}

__attribute__((unused)) static bool instrumented(void)
{
    return BIDE_SANITIZED || bide__valgrind_runs();
}

#endif
