/* SPDX-License-Identifier: MIT */
/*
 * around.h - functions of the program's around each try, as two policies: `first` stands in front of all that the library has, `last`
 * behind those that look at answers.
 */
#ifndef BIDE_HTTP_AROUND_H
#define BIDE_HTTP_AROUND_H

#include <bide/around.h>

#include "http/connect/deadline.h"
#include "http/policy/policy.h"

#define AROUND_MAX 64 /* of one list: a session's, a request's */

struct around_one {
    bide_around how; /* with its default filled in */
    int again;       /* how often it has asked again */
};

struct bide_attempt {
    struct request *q;
    const struct deadline *deadline;
    const struct outcome *outcome; /* after a try */
    enum { ATTEMPT_OTHER, ATTEMPT_BEFORE, ATTEMPT_AFTER } phase;
    int number;
    struct around_one *one; /* whose function is called */
    bool wants_again;

    /* fields of the request that those of this try have taken the place of */
    bool is_changed;
    const bide_pair *headers;
    struct user_fields user;
    uint64_t undropped;
};

struct around {
    struct policy first, last;
    struct bide_attempt attempt;
    struct around_one *all;
    size_t n, ncalled; /* those whose turn it was before this try */
    int64_t again_max; /* of all of them */
};

/* A list of the session's, checked, in its memory.  NULL: none.  0 or an error on record. */
int bide__around_copy(struct arena *arena, const bide_around *list, const bide_around **out);
/* Those of a session, and of a request; NULL: none.  0 or an error on record. */
int bide__around_new(struct request *q, const struct deadline *d, const bide_around *session, const bide_around *own, struct around **out);

#endif
