/* SPDX-License-Identifier: MIT */
/* private.h - what the three files of the harness share: main.c (many tests), child.c (one test), expect.c. */
#ifndef TESTS_HARNESS_PRIVATE_H
#define TESTS_HARNESS_PRIVATE_H

#include <sys/types.h>

#include "harness/harness.h"

#define EXIT_SKIPPED 77

/* What the child tells the parent; in shared memory. */
struct report {
    bool ended; /* the body returned, or ended the test; false: something called exit() in the middle */
    char skip_reason[200];
    char tmpdir[64]; /* where test_tmpdir() is to be; set by the parent */
    bool tmpdir_made;
};

extern struct report *harness_report; /* of the test that runs in this process */

/* Run one test in this process and exit. */
_Noreturn void harness_run(const struct harness_test *test);

/* Is everything slower here: a sanitizer, valgrind, an emulator?  1 if not. */
unsigned harness_slowness(void);

#endif
