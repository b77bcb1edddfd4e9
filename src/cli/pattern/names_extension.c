/* SPDX-License-Identifier: MIT */
/*
 * names_extension.c - the extensions of file names: those of types, and where one begins.
 */
#include <string.h>
#include <strings.h>

#include "cli/pattern/names.h"

#define EXTENSION_MAX 9 /* with the point */

static const char *const extensions[][2] = {
    {"application/json", ".json"},  {"application/gzip", ".gz"},     {"application/javascript", ".js"},
    {"application/pdf", ".pdf"},    {"application/wasm", ".wasm"},   {"application/x-ndjson", ".jsonl"},
    {"application/xml", ".xml"},    {"application/zip", ".zip"},     {"application/xhtml+xml", ".xhtml"},
    {"application/rss+xml", ".xml"}, {"application/atom+xml", ".xml"}, {"audio/mpeg", ".mp3"},
    {"image/gif", ".gif"},          {"image/jpeg", ".jpg"},          {"image/png", ".png"},
    {"image/svg+xml", ".svg"},      {"image/webp", ".webp"},         {"text/css", ".css"},
    {"text/csv", ".csv"},           {"text/html", ".html"},          {"text/javascript", ".js"},
    {"text/markdown", ".md"},       {"text/plain", ".txt"},          {"text/xml", ".xml"},
    {"video/mp4", ".mp4"},          {"video/webm", ".webm"},
    {"application/octet-stream", ".bin"},
};

#define EXTENSIONS (sizeof extensions / sizeof *extensions)

const char *names_extension(const char *mime)
{
    size_t len = mime ? strcspn(mime, "; \t") : 0;

    for (size_t i = 0; len > 0 && i < EXTENSIONS; i++)
        if (strlen(extensions[i][0]) == len && strncasecmp(mime, extensions[i][0], len) == 0)
            return extensions[i][1];
    return ".bin";
}

const char *names_extension_number(unsigned n)
{
    return n < EXTENSIONS ? extensions[n][1] : NULL;
}

static bool is_alnum(char c)
{
    return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z');
}

size_t names_extension_at(const char *name, size_t len)
{
    size_t at = len;
    bool has_letter = false; /* 1.2 is a version */

    while (at > 0 && is_alnum(name[at - 1]))
        has_letter |= name[--at] > '9';
    return has_letter && at > 1 && name[at - 1] == '.' && len - at + 1 <= EXTENSION_MAX ? at - 1 : len;
}
