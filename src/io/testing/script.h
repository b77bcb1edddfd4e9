/* SPDX-License-Identifier: MIT */
/*
 * script.h - a connection whose other end is a script in memory.
 *
 *     bide_stream                        struct script
 *       top ... lowest --> filter          steps[at]   what the peer does next
 *                          ends            who waits for it, and what is ready; no descriptor
 *                          timer           for the time of a step
 *       try_send -----------------------> pending     sent by the program, not asked for by a step yet
 *                                          received    all of that, as far as it is kept
 *       try_recv <----------------------- to_program  said by steps, not read yet
 *
 * In reading order: script.c (the steps), script_layer.c (the lowest layer of a stream), peer.c (what the user has of it).
 */
#ifndef BIDE_IO_SCRIPT_H
#define BIDE_IO_SCRIPT_H

#include <bide/testing.h>

#include "io/stream/stream.h"

struct bide_test_peer {
    struct object object;
    bide_loop *loop;
    struct arena arena; /* the steps, and what they say */
    bide_test_step *steps;
    size_t nsteps;
    int64_t connect_ms;
    int connect_error, max_connections;
    size_t piece, window;
    struct list_node scripts; /* one for each connection there was */
    int nscripts;
};

struct script {
    struct list_node node; /* peer->scripts */
    bide_test_peer *peer;  /* a share while it is open */
    struct filter filter;
    struct fd ends;
    struct timer timer;
    size_t at;       /* the next step */
    size_t matched;  /* bytes of its expect that have come */
    bool has_come;   /* all that it waits for */
    bool has_waited; /* its time is over */
    struct buf pending, received, to_program;
    bool is_shut;    /* the program sends no more */
    bool ended;      /* the peer sends no more */
    int error;       /* the connection has failed with it; 0: not */
    char failure[240]; /* what did not go by the script; "": nothing yet */
};

static inline bool bide__script_is_over(const struct script *s)
{
    return s->at == s->peer->nsteps || s->failure[0] || s->error;
}

struct script *bide__script_new(bide_test_peer *peer);
void bide__script_free(struct script *s); /* its stream has closed it */
void bide__script_go_on(struct script *s); /* as far as it goes without waiting */
/* How many of len bytes it takes now; the script has not seen them yet. */
size_t bide__script_take(struct script *s, const char *data, size_t len);

extern const struct filter_ops bide__script_ops; /* of struct script */
/* Who waits for it looks again: something to read, an end, room. */
void bide__script_wake(struct script *s);

#endif
