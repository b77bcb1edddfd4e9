/* SPDX-License-Identifier: MIT */
/*
 * patterns.c - the URL patterns of the command line, and whether what they stand for can be asked for.
 *
 * The first and the last URL of a pattern stand for all: others can only be wrong where a set has an odd text, and then they
 * fail alone.
 */
#include "cli/pattern/glob.h"
#include "cli/request/request.h"
#include "cli/terminal/text.h"

int request_check_pattern(const struct request *q, const struct glob *g)
{
    struct text url = {0};
    int code = EXIT_OK;

    for (int last = 0; last <= (g->count > 1) && code == EXIT_OK; last++) {
        text_clear(&url);
        glob_add_nth(g, last ? g->count - 1 : 0, &url);
        if (url.no_memory)
            code = say_no_memory();
        else
            code = q ? request_check_user(q, text_string(&url)) : request_check_url(text_string(&url));
    }
    text_free(&url);
    return code;
}

int request_read_pattern(struct glob *g, const char *pattern, bool literal, uint64_t *total)
{
    struct text why = {0};
    char shown[512];
    int code = glob_parse(g, pattern, literal, &why);

    secrets_shown_url(pattern, shown, sizeof shown);
    if (code != EXIT_OK)
        say("%s: %s", shown, text_string(&why));
    code = why.no_memory ? EXIT_LOCAL : code;
    text_free(&why);
    if (code == EXIT_OK)
        code = request_check_pattern(NULL, g);
    if (code == EXIT_OK && __builtin_add_overflow(*total, g->count, total)) {
        say("%s: these are more URLs than there are numbers for", shown);
        code = EXIT_USAGE;
    }
    return code;
}
