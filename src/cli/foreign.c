/* SPDX-License-Identifier: MIT */
/*
 * foreign.c - options of curl, wget and aria2: what their users type out of habit.
 *
 * One that changes nothing here is taken without a word; one that has another name is answered with that name, and not
 * obeyed: scripts are to be written in one language.  An option of our own always comes first, so that -c is --concurrency.
 */
#include <stdio.h>
#include <string.h>

#include "cli/opt.h"
#include "cli/text.h"

enum how {
    TAKEN, /* it is so anyway */
    SET,   /* the same as ours, if the command has it; else it is so anyway */
    OURS,  /* has another name */
    SAY,   /* ours is no single option: it is written so */
    NONE,  /* there is nothing like it */
};

static const struct word {
    const char *tool, *name;
    char letter;
    enum how how;
    const char *ours; /* OURS, SET: the name; SAY, NONE: what to say */
} words[] = {
    {"curl", "location", 'L', TAKEN, NULL},
    {"curl", "silent", 's', SET, "quiet"},
    {"curl", "show-error", 'S', TAKEN, NULL},
    {"curl", "fail", 'f', TAKEN, NULL},
    {"curl", "progress-bar", '#', TAKEN, NULL},
    {"curl", "no-progress-meter", 0, SET, "quiet"},
    {"curl", "compressed", 0, TAKEN, NULL},
    {"curl", "parallel", 'Z', TAKEN, NULL},
    {"curl", "parallel-immediate", 0, TAKEN, NULL},
    {"curl", "create-dirs", 0, TAKEN, NULL},
    {"curl", "no-buffer", 'N', TAKEN, NULL},
    {"curl", "tcp-nodelay", 0, TAKEN, NULL},
    {"curl", "http1.1", 0, TAKEN, NULL},
    {"curl", "basic", 0, TAKEN, NULL},
    {"curl", "retry-connrefused", 0, TAKEN, NULL},
    {"curl", "styled-output", 0, TAKEN, NULL},
    {"curl", "globoff", 0, SET, "no-glob"},
    {"curl", "fail-early", 0, OURS, "fail-fast"},
    {"curl", "max-time", 'm', OURS, "timeout"},
    {"curl", "retry", 0, OURS, "retries"},
    {"curl", "retry-delay", 0, OURS, "backoff"},
    {"curl", "proxy", 'x', OURS, "proxy"},
    {"curl", "include", 'i', OURS, "include"},
    {"curl", "show-headers", 0, OURS, "include"},
    {"curl", "dump-header", 'D', OURS, "include"},
    {"curl", "write-out", 'w', OURS, "jsonl"},
    {"curl", "parallel-max", 0, OURS, "concurrency"},
    {"curl", "max-filesize", 0, OURS, "max-size"},
    {"curl", "speed-time", 'y', OURS, "stall"},
    {"curl", "resolve", 0, OURS, "connect-to"},
    {"curl", "data-raw", 0, OURS, "data"},
    {"curl", "data-binary", 0, OURS, "data"},
    {"curl", "data-ascii", 0, OURS, "data"},
    {"curl", "variable", 0, NONE, "a URL has globs: [1-9], {a,b}"},
    {"curl", "head", 'I', SAY, "-X HEAD; see also --include"},
    {"curl", "cookie", 'b', SAY, "-H 'Cookie: NAME=VALUE', or -H @FILE"},
    {"curl", "referer", 'e', SAY, "-H 'Referer: URL'"},
    {"curl", "range", 'r', SAY, "-H 'Range: bytes=FROM-TO'"},
    {"curl", "time-cond", 'z', SAY, "-H 'If-Modified-Since: DATE'"},
    {"curl", "upload-file", 'T', SAY, "-X PUT -d @FILE"},
    {"curl", "oauth2-bearer", 0, SAY, "-H 'Authorization: Bearer TOKEN'"},
    {"curl", "remote-name", 0, SAY, "-o '{name}', or -O alone"},
    {"curl", "remote-name-all", 0, SAY, "-o '{name}', or -O alone"},
    {"curl", "url", 0, SAY, "the URL alone"},
    {"curl", "form", 'F', NONE, "-d sends a body as it is, --json JSON"},
    {"curl", "data-urlencode", 0, NONE, "-d sends a body as it is"},
    {"curl", "get", 'G', NONE, "the query is a part of the URL"},
    {"curl", "cookie-jar", 'c', NONE, "-H sends a Cookie"},
    {"curl", "netrc", 'n', NONE, "-u @FILE reads a password"},
    {"curl", "cert", 'E', NONE, NULL},
    {"curl", "remote-header-name", 'J', NONE, "names are made of the URL"},
    {"curl", "remote-time", 'R', NONE, NULL},
    {"curl", "continue-at", 'C', NONE, "a file appears when it is complete"},
    {"curl", "limit-rate", 0, NONE, "--rate counts requests"},
    {"curl", "next", ':', NONE, "all URLs are asked for alike"},
    {"curl", "http2", 0, NONE, "it speaks HTTP/1.1"},
    {"curl", "ipv4", '4', NONE, NULL},
    {"curl", "ipv6", '6', NONE, NULL},
    {"wget", "no-verbose", 0, SET, "quiet"},
    {"wget", "force-directories", 0, OURS, "output-dir"},
    {"wget", "directory-prefix", 'P', OURS, "output-dir"},
    {"wget", "output-document", 0, OURS, "output"},
    {"wget", "input-file", 'i', OURS, "input"},
    {"wget", "no-clobber", 0, OURS, "skip-existing"},
    {"wget", "tries", 't', OURS, "retries"},
    {"wget", "timeout", 'T', OURS, "timeout"},
    {"wget", "wait", 'w', OURS, "rate"},
    {"wget", "max-threads", 0, OURS, "concurrency"},
    {"wget", "max-redirect", 0, OURS, "max-redirs"},
    {"wget", "no-check-certificate", 0, OURS, "insecure"},
    {"wget", "ca-certificate", 0, OURS, "cacert"},
    {"wget", "post-data", 0, OURS, "data"},
    {"wget", "body-data", 0, OURS, "data"},
    {"wget", "method", 0, OURS, "request"},
    {"wget", "http-user", 0, OURS, "user"},
    {"wget", "http-password", 0, OURS, "user"},
    {"wget", "server-response", 0, OURS, "include"},
    {"wget", "spider", 0, SAY, "-X HEAD"},
    {"wget", "post-file", 0, SAY, "-d @FILE"},
    {"wget", "referer", 0, SAY, "-H 'Referer: URL'"},
    {"wget", "load-cookies", 0, NONE, "-H @FILE sends a Cookie"},
    {"wget", "continue", 'c', NONE, "a file appears when it is complete"},
    {"wget", "recursive", 'r', NONE, "it follows no links"},
    {"wget", "mirror", 0, NONE, "it follows no links"},
    {"wget", "page-requisites", 'p', NONE, "it follows no links"},
    {"wget", "timestamping", 0, NONE, "-H 'If-Modified-Since: DATE' asks for what is newer"},
    {"aria2", "max-concurrent-downloads", 'j', OURS, "concurrency"},
    {"aria2", "max-connection-per-server", 'x', OURS, "per-host"},
    {"aria2", "dir", 0, OURS, "output-dir"},
    {"aria2", "out", 0, OURS, "output"},
    {"aria2", "max-tries", 0, OURS, "retries"},
    {"aria2", "retry-wait", 0, OURS, "backoff"},
    {"aria2", "lowest-speed-limit", 0, OURS, "stall"},
    {"aria2", "all-proxy", 0, OURS, "proxy"},
    {"aria2", "http-passwd", 0, OURS, "user"},
    {"aria2", "check-certificate", 0, OURS, "insecure"},
    {"aria2", "split", 's', NONE, "a file comes over one connection, and many files at once"},
    {"aria2", "min-split-size", 0, NONE, "a file comes over one connection"},
    {"aria2", "max-download-limit", 0, NONE, "--rate counts requests"},
    {"aria2", "max-overall-download-limit", 0, NONE, "--rate counts requests"},
    {"others", "no-color", 0, SAY, "--color never"},
    {"others", "colour", 0, OURS, "color"},
};

/* wget has options of two letters, which to others are two options. */
static const struct word pairs[] = {
    {"wget", "nv", 0, SET, "quiet"},
    {"wget", "nc", 0, OURS, "skip-existing"},
    {"wget", "nd", 0, SAY, "-o '{name}'"},
    {"wget", "nH", 0, SAY, "-o '{path}'"},
    {"wget", "np", 0, TAKEN, NULL},
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct opt *row_of(const struct command *c, const char *name)
{
    return opt_find(c, name, strlen(name));
}

/* ---- answers ---- */

static const struct command *owner(const char *name)
{
    for (const struct command *const *c = commands; *c; c++)
        if ((*c)->is_client && row_of(*c, name))
            return *c;
    return NULL;
}

static void add_none(struct text *t, const struct word *w, const char *instead)
{
    text_format(t, "bide has nothing like %s's", w->tool);
    if (instead)
        text_format(t, " (%s)", instead);
}

/* "curl's is --timeout here" */
static void add_answer(struct text *t, const struct command *c, const struct word *w)
{
    bool has_name = w->how == OURS || w->how == SET;
    const struct command *other = has_name && !row_of(c, w->ours) ? owner(w->ours) : NULL;

    if (w->how == NONE)
        add_none(t, w, w->ours);
    else if (w->how == SAY)
        text_format(t, "%s's is %s here", w->tool, w->ours);
    else if (row_of(c, w->ours))
        text_format(t, "%s's is --%s here", w->tool, w->ours);
    else if (other)
        text_format(t, "%s's is --%s of `bide %s`", w->tool, w->ours, other->name);
    else
        add_none(t, w, NULL);
}

/* The first answer has a head. */
static void add(struct text *why, const struct command *c, const struct word *w, const char *shown)
{
    if (why->len == 0)
        text_format(why, "unknown option %s: ", shown);
    else
        text_add_string(why, "; ");
    add_answer(why, c, w);
}

static enum foreign take(const struct command *c, const struct word *w, const struct opt **set)
{
    const struct opt *row = w->how == SET ? row_of(c, w->ours) : NULL;

    if (!row && w->how == SET && strcmp(w->ours, "quiet") == 0)
        row = row_of(c, "no-progress"); /* of get, which says nothing else */
    if (row)
        *set = row;
    return row ? FOREIGN_SET : FOREIGN_TAKEN;
}

static bool is_harmless(const struct word *w)
{
    return w->how == TAKEN || w->how == SET;
}

/* ---- what was written ---- */

enum foreign foreign_name(const struct command *c, const char *name, size_t len, const struct opt **set, struct text *why)
{
    char shown[64];

    snprintf(shown, sizeof shown, "--%.*s", (int)(len < 60 ? len : 60), name);
    for (size_t i = 0; i < COUNT(words) && c->is_client; i++) {
        if (strlen(words[i].name) != len || memcmp(words[i].name, name, len) != 0)
            continue;
        if (is_harmless(&words[i]))
            return take(c, &words[i], set);
        add(why, c, &words[i], shown);
    }
    return why->len > 0 || why->no_memory ? FOREIGN_REFUSED : FOREIGN_UNKNOWN;
}

static enum foreign letter_of(const char *tool, const struct command *c, char letter, const struct opt **set, struct text *why)
{
    const char shown[] = {'-', letter, '\0'};

    for (size_t i = 0; i < COUNT(words) && c->is_client; i++) {
        if (words[i].letter != letter || (tool && strcmp(words[i].tool, tool) != 0))
            continue;
        if (is_harmless(&words[i]))
            return take(c, &words[i], set);
        add(why, c, &words[i], shown);
    }
    return why->len > 0 || why->no_memory ? FOREIGN_REFUSED : FOREIGN_UNKNOWN;
}

/* A number behind -s or -x is aria2's: curl's have none. */
enum foreign foreign_letter(const struct command *c, char letter, bool number, const struct opt **set, struct text *why)
{
    enum foreign is = number ? letter_of("aria2", c, letter, set, why) : FOREIGN_UNKNOWN;

    return is == FOREIGN_UNKNOWN ? letter_of(NULL, c, letter, set, why) : is;
}

enum foreign foreign_word(const struct command *c, const char *word, struct text *why)
{
    bool is_ours = false; /* -n is an option here: the word could mean two of ours */

    for (const struct opt *o = c->options; o && o->name; o++)
        is_ours |= o->letter == 'n';
    for (size_t i = 0; i < COUNT(pairs) && c->is_client; i++) {
        if (strcmp(word + 1, pairs[i].name) != 0)
            continue;
        if (is_harmless(&pairs[i]) && !is_ours)
            return FOREIGN_TAKEN;
        if (!why)
            return FOREIGN_REFUSED;
        if (pairs[i].how == TAKEN)
            text_format(why, "unknown option %s: wget's changes nothing here, leave it out", word);
        else
            add(why, c, &pairs[i], word);
        if (is_ours)
            text_format(why, "; two options of bide's are written apart: -n -%c", word[2]);
        return FOREIGN_REFUSED;
    }
    return FOREIGN_UNKNOWN;
}

const char *foreign_hint(const struct command *c, char letter, const char *value)
{
    bool is_url = strstr(value, "://");

    if (!c->is_client || !is_url)
        return "";
    return letter == 'c'   ? "; wget's -c, which goes on with a partial file, is not known here"
           : letter == 'i' ? "; the head of an answer is shown by `bide get --include`"
           : letter == 'r' ? "; wget's -r, which follows links, is not known here"
                           : "";
}

/* ---- the list of them ---- */

static void add_word(struct text *to, const struct word *w)
{
    if (w->letter)
        text_format(to, "-%c ", w->letter);
    text_format(to, "--%s", w->name);
}

static void add_harmless(struct text *to)
{
    const char *before = "";

    for (size_t i = 0; i < COUNT(words); i++)
        if (is_harmless(&words[i])) {
            text_add_string(to, before);
            add_word(to, &words[i]);
            before = ", ";
        }
}

static void add_line(struct text *to, const struct word *w)
{
    struct text left = {0};

    add_word(&left, w);
    text_format(to, "    %-6s  %-30s  %s%s\n", w->tool, text_string(&left), w->how == OURS ? "--" : "", w->ours);
    to->no_memory |= left.no_memory;
    text_free(&left);
}

void foreign_describe(struct text *to)
{
    text_add_string(to, "`bide get` and `bide fetch` take these, and go on as they would without: redirects are followed, many URLs are asked for at "
                        "once, directories are made, statuses of 400 and more are failures of fetch. -s is -q.\n\n");
    add_harmless(to);
    text_add_string(to, ".\n\n-O URL, without a directory, is -o '{name}' URL. -c is --concurrency, -r --rate, -d a body, -n "
                        "--dry-run, -i --input; what these mean elsewhere is below, as is what else has another name here:\n\n");
    for (size_t i = 0; i < COUNT(words); i++)
        if ((words[i].how == OURS && owner(words[i].ours)) || words[i].how == SAY)
            add_line(to, &words[i]);
    text_add_string(to, "\nNothing like these is there:\n\n");
    const char *before = "";
    for (size_t i = 0; i < COUNT(words); i++)
        if (words[i].how == NONE || (words[i].how == OURS && !owner(words[i].ours))) {
            text_format(to, "%s%s's ", before, words[i].tool);
            add_word(to, &words[i]);
            before = ", ";
        }
    text_add_string(to, ".\n");
}
