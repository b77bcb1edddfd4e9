/* SPDX-License-Identifier: MIT */
/*
 * json_depth.h - how deep lists and objects stand in one another.
 *
 * jansson's reader, writer and json_decref call themselves for each level, and run on the stack of a task: they need 88, 312
 * and 85 bytes a level, and would take 2,048 levels.
 */
#ifndef BIDE_HTTP_JSON_DEPTH_H
#define BIDE_HTTP_JSON_DEPTH_H

#include <stdbool.h>
#include <stddef.h>

#define JSON_DEPTH_MAX 100

struct json_t;

/* Text, whatever else is wrong with it. */
bool bide__json_text_is_too_deep(const char *text, size_t len);
bool bide__json_is_too_deep(const struct json_t *value);

#endif
