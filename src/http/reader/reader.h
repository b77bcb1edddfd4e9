/* SPDX-License-Identifier: MIT */
/* reader.h - the room's header: a body as its user wants it, on what client/ gives piece by piece. */
#ifndef BIDE_HTTP_READER_H
#define BIDE_HTTP_READER_H

#include <bide/save.h>

#include "http/client/client.h"

/* ---- save.c ---- */

/* All of the body into the file where it stands, which has so many bytes before: how many then; or an error. */
int64_t bide__body_save(bide_response *r, bide_file *file, const bide_save_args *args, uint64_t before);

/* ---- save_resumed.c ---- */

/* bide_save of the answer to a request with .resume. */
int64_t bide__resume_save(bide_response *r, const bide_save_args *args);

#endif
