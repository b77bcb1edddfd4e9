/* SPDX-License-Identifier: MIT */
/*
 * unique.h - a check that all URLs get different file names: from the shape of the template, without looking at them.
 */
#ifndef BIDE_CLI_PATTERN_UNIQUE_H
#define BIDE_CLI_PATTERN_UNIQUE_H

#include "cli/pattern/template.h"

/* All sources of URLs whose names come from one template. */
struct unique_sources {
    const struct glob *globs; /* patterns, and their bindings */
    const struct template_binding *bindings;
    size_t n;
    bool has_list;  /* and URLs that are read from lists */
    uint64_t count; /* URLs of the patterns */
};

/*
 * Can it be proven that no two URLs have the same name?  false: it is not known.
 *
 * Proven, if the values that tell the URLs apart can be read back from any name: the number {i} or {n}; or, of a single
 * pattern, the value of each of its globs.
 */
bool unique_is_proven(const struct template *t, const struct unique_sources *s);

/* Can it be proven that the URLs of a pattern are different pages, however a server may be asked for them? */
bool unique_urls_are_proven(const struct glob *g);

#endif
