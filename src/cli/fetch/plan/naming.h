/* SPDX-License-Identifier: MIT */
/*
 * naming.h - the file name of a URL.
 */
#ifndef BIDE_CLI_FETCH_PLAN_NAMING_H
#define BIDE_CLI_FETCH_PLAN_NAMING_H

#include <time.h>

#include "cli/pattern/names.h"
#include "cli/pattern/nameset.h"
#include "cli/pattern/template.h"
#include "cli/schedule/job.h"

struct fetch;

/* How files are called, and what of it is known to be different. */
struct naming {
    struct template template; /* of -o */
    bool has_template;
    const char *directory;    /* of -O */
    bool to_stdout;
    bool direct;              /* -o names a device or a pipe: written to as it is */
    char date[16];            /* of the run's start */
    time_t began;             /* the same */
    bool is_proven;           /* no two URLs have one name */
    bool are_checked;         /* all names of the lists were compared: --dry-run */
    struct nameset names;     /* else: those that were given */
    struct nameset directories; /* of -o and of lists: and those above them */
    struct text root;         /* the directory that no name leads out of, with its slash */
    int root_fd;              /* -1: not open */
};

static inline bool naming_saves(const struct naming *n)
{
    return n->has_template || n->directory;
}

/* Where it is below the root. */
static inline const char *naming_below(const struct naming *n, const struct text *name)
{
    return name->data + (n->has_template ? n->template.root_len : n->root.len);
}

/* What of an answer can be part of its file's name. */
struct answer {
    const char *extension; /* of its type: names_extension */
    int status;
    const unsigned char *sha256; /* of its body, if the name asks for it */
};

/* Does the name depend on the answer? */
static inline bool naming_is_late(const struct naming *n)
{
    return n->directory || (n->has_template && n->template.needs_answer);
}

/*
 * The name of a job's file.  a: its answer; NULL: not known yet, and what depends on it stands there as in a template.
 *
 * Returns:   NULL: *out is the name; else what is wrong with it
 */
extern const char fetch_not_a_url[], fetch_no_memory[], fetch_no_value[]; /* some of these faults */
const char *fetch_name(struct fetch *f, const struct job *job, const struct answer *a, struct text *out);
/* Does its list have a say in the name? */
bool fetch_is_named_by_list(const struct naming *n, const struct job *job);
/* Can no other URL have this name? */
bool fetch_name_is_unique(const struct naming *n, const struct job *job, const struct text *name);
/* Claim the name; a later attempt may do so again.  Returns: NULL, or what is wrong: another URL has it. */
const char *fetch_claim_name(struct fetch *f, struct job *job, const struct text *name);
/* The same with -O for what the list says of it, as its line is read: the first line has the name in whatever order answers come. */
void fetch_claim_list_name(struct fetch *f, struct job *job);

#endif
