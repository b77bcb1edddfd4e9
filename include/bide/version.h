/* SPDX-License-Identifier: MIT */
/* version.h - which bide these headers belong to.  The build reads the number from here. */
#ifndef BIDE_VERSION_H
#define BIDE_VERSION_H

#define BIDE_VERSION "0.1.0"

/* For comparisons: #if BIDE_VERSION_NUMBER >= 0x000200 (major, minor, patch: one byte each) */
#define BIDE_VERSION_NUMBER 0x000100

#endif
