/* SPDX-License-Identifier: MIT */
/* content_type.h - the parameter charset of a Content-Type. */
#ifndef BIDE_CLI_FETCH_CONTENT_TYPE_H
#define BIDE_CLI_FETCH_CONTENT_TYPE_H

#include "cli/terminal/text.h"

/* The value of "charset", lower case, without quotes; nothing, if there is none.  parameters: behind the type; or NULL. */
void type_charset(const char *parameters, struct text *to);

#endif
