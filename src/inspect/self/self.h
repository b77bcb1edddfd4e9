/* SPDX-License-Identifier: MIT */
/* self.h - the tasks of this process, said by itself. */
#ifndef BIDE_INSPECT_SELF_H
#define BIDE_INSPECT_SELF_H

#include "core/task/group.h"

void bide__report_begin(void);       /* before the first loop: is a signal wanted that has all tasks reported? */
void bide__report_crashes(void);     /* in debug mode */
uint64_t bide__report_signals(void); /* a bit for each that only reports */

#endif
