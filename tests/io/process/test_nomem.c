/* SPDX-License-Identifier: MIT */
/* Out of memory, wherever it strikes: an error, and neither a process nor a descriptor is left. */
#include "base/base.h"
#include "process.h"

#define RUNS_MAX 2000

static int run_one(void)
{
    bide_auto bide_process *p = bide_process_run(NULL, .shell = "cat; echo err >&2", .input = {"text", 4}, .stderr_to = BIDE_PIPE,
                                                 .env = BIDE_PAIRS({"A", "b"}), .timeout_ms = 60000);
    if (!p)
        return bide_error_code();
    EXPECT_STR(bide_process_output(p).data, "text");
    return bide_process_exit_code(p);
}

UNIT(process_each_allocation_fails_in_turn, .seconds = 60)
{
    int failures = 0;
    EXPECT_EQ(bide_run(bide_coro(run_one)), 0); /* what is made once is made now */
    int fds = open_fds();

    for (long n = 0; n < RUNS_MAX; n++) {
        size_t before = bide__alloc_live();
        bide__alloc_fail_at(n);
        int code = bide_run(bide_coro(run_one));
        bool enough = bide__alloc_fail_at(-1);
        if (code != 0)
            EXPECT_ERR(code, BIDE_ENOMEM);
        failures += code != 0;
        EXPECT_EQ(bide__alloc_live(), before);
        EXPECT_EQ(open_fds(), fds);
        EXPECT_TRUE(has_no_child());
        if (enough) {
            EXPECT_LT(5, failures);
            return;
        }
    }
    FAIL("it never ended");
}
