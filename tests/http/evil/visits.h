/* SPDX-License-Identifier: MIT */
/*
 * visits.h - what a client does with the servers of origin.h, in each of the ways that it can, and what must hold afterwards: for
 * tests that cancel it at every point, and deny it every allocation and every descriptor.
 */
#ifndef TESTS_HTTP_EVIL_VISITS_H
#define TESTS_HTTP_EVIL_VISITS_H

#include <bide/http.h>

#include "evil/origin.h"
#include "harness/harness.h"

struct scene {
    struct origin_server origin;
    char file[256]; /* something to upload, of UPLOAD bytes */
    char dir[256];  /* where to save */
    char save[256]; /* a file there */
    int connect_ms; /* 0: as long as needed */
};

#define UPLOAD 200000

/* It is given a session, and returns 0 or a code: 0, when nothing is in its way. */
struct visit {
    const char *name;
    int (*go)(bide_session *s, const struct scene *p);
    enum { DIRECT, BY_HTTP, BY_ASKING, BY_SOCKS } way;
    bool resolves; /* names, with a function of its own */
};

extern const struct visit visits[];
extern const size_t nvisits;

void scene_open(struct scene *p);
void scene_close(struct scene *p);
/* The session for a visit; NULL and an error on record. */
bide_session *visit_session(const struct visit *v, const struct scene *p);
/* Whatever has become of a visit: the session works, its numbers are right, and no file is half there.  Gives the session back. */
void visit_expect_well(const struct visit *v, const struct scene *p, bide_session *s);

#endif
