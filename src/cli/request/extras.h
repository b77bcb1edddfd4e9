/* SPDX-License-Identifier: MIT */
/*
 * extras.h - what an entry of a list says besides its URL: file name, directory, method, headers, body, mirrors, values for -o.
 *
 * A parser puts what it finds into a draft, in any order; extras_new checks it and makes one block of it.  A URL that
 * stands alone has none: NULL.
 */
#ifndef BIDE_CLI_REQUEST_EXTRAS_H
#define BIDE_CLI_REQUEST_EXTRAS_H

#include <bide/http.h>

#include "cli/terminal/text.h"

#define DRAFT_ITEMS 64          /* that one entry may have */
#define DRAFT_BYTES (1 << 20)   /* of all of them */

struct extras {
    size_t bytes;          /* of memory that it takes */
    uint64_t hash;         /* of what makes another request: headers, body, mirrors; 0: nothing of it.  The method is not in it */
    const char *name;      /* of the file, below dir; NULL: as others */
    const char *dir;       /* below -O; NULL */
    const char *method;    /* NULL: that of the options */
    bide_pair *headers;    /* ended by a NULL name; or NULL */
    bide_bytes body;       /* data NULL: that of the options */
    bool is_json;
    const char **mirrors;  /* further URLs of the same, ended by NULL; or NULL */
    const char **values;   /* for -o, by the number of the variable; NULL: it has no value here.  Or NULL */
};

/* What is said of one request alone; each NULL: nothing. */
struct request_of_one {
    const struct extras *extras; /* by a list */
    void *watcher;               /* for on_redirect */
    bide_cookie_jar *jar;        /* in place of the session's */
    const char *resume;          /* a file of which a part may be here */
    struct seen *seen;           /* its facts; NULL: nobody looks */
};

enum item { ITEM_NAME, ITEM_DIR, ITEM_METHOD, ITEM_HEADER, ITEM_BODY, ITEM_JSON, ITEM_MIRROR, ITEM_VALUE };

struct draft {
    struct text bytes; /* of the items, each with a NUL behind */
    struct {
        enum item item;
        int which; /* of ITEM_VALUE */
        size_t at, len;
    } items[DRAFT_ITEMS];
    size_t n;
    struct text why;   /* for faults with a name in them */
    const char *fault; /* the first; NULL: none */
};

void draft_clear(struct draft *d);
void draft_free(struct draft *d);
/* One more; of ITEM_NAME, _DIR and _METHOD the last one counts, as with aria2.  What is wrong is in d->fault then. */
void draft_add(struct draft *d, enum item item, const char *data, size_t len);
void draft_add_value(struct draft *d, int which, const char *data, size_t len);
/* An ITEM_HEADER in two parts. */
void draft_add_header(struct draft *d, const char *name, const char *value, size_t len);
/* ITEM_BODY out of base64. */
void draft_add_base64(struct draft *d, const char *data, size_t len);
extern const char extras_no_memory[]; /* this fault: it is not the entry's */
void draft_no_memory(struct draft *d);
/* What is wrong with the entry, if nothing was yet. */
void draft_fault(struct draft *d, const char *format, ...) BIDE_PRINTF(2, 3);

/*
 * Make them of a draft.  nvalues: how many variables -o has.
 *
 * Returns:   NULL: *out has them, owned, or is NULL if there are none; else what is wrong, until the draft changes
 */
const char *extras_new(struct draft *d, int nvalues, struct extras **out);
/* Extras that only keep a fault's text.  Returns: the text, or one that needs no memory. */
const char *extras_keep_fault(const char *fault, struct extras **out);

/* ---- send_extras.c ---- */

/* As request_send; there are extras. */
struct request;
bide_response *request_send_extras(const struct request *q, bide_session *s, const char *url, const struct request_of_one *one);
/* The method of a request. */
const char *request_method(const struct request *q, const struct extras *x);

#endif
