/* SPDX-License-Identifier: MIT */
/*
 * trace.h - the room's header: the steps of one request, reported to the .trace of the session.
 *
 * A request of a session without .trace has no tracer, and those that could tell something have a pointer that is NULL.  It is
 * handed down in the request's deadline, to those who wait, in its watch, to the exchange, and as the observer of those who connect,
 * who know nothing of requests.
 */
#ifndef BIDE_HTTP_TRACE_H
#define BIDE_HTTP_TRACE_H

#include <bide/response.h>
#include <bide/trace.h>

#include "io/io.h"

struct tracer {
    struct connect_observer observer; /* of connections that are opened for it */
    bide_trace_fn *fn;
    void *arg;
    bide_loop *loop;
    int64_t begun_ns;
    uint64_t number;  /* of the request */
    uint64_t bytes;   /* of the body of the present answer, on the wire */
    const char *const *method, *const *url; /* where they are */
    const bide_response *response;
    int attempt;
    bool asks_again;  /* another try follows */
    bool is_over;     /* the last step was emitted */
};

/* fn is called with the event; of it, the caller sets what belongs to its kind alone.  Never suspends. */
void bide__trace_emit(struct tracer *t, bide_trace_event event);
/* Only the kind. */
void bide__trace_mark(struct tracer *t, enum bide_trace_kind kind);
void bide__trace_see(struct connect_observer *o, const struct connect_step *step); /* tracer.observer.see */

#endif
