/* SPDX-License-Identifier: MIT */
/* modules.h - libdw, and what this process has loaded, as it sees it. */
#ifndef BIDE_INSPECT_MODULES_H
#define BIDE_INSPECT_MODULES_H

#include "dwarf/libdw.h"

/* What is read in between is kept; it has descriptors open.  They nest. */
void bide__libdw_begin(void);
void bide__libdw_end(void);
/* In the child of a fork: what was read stays, unused, for the lock over it may have been held. */
void bide__libdw_forget(void);
/* Inside of these: NULL: it is not there.  The modules are those that are loaded now; locked until libdw_unlock. */
const struct libdw *bide__libdw_lock(Dwfl **dwfl);
void bide__libdw_unlock(void);

#endif
