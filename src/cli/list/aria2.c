/* SPDX-License-Identifier: MIT */
/*
 * aria2.c - aria2's input files: URLs of one file with tabs between, and below them options, indented.
 *
 * What changes only how fast or how often aria2 asks is passed over, and said once.  What would give another file, or go
 * another way, when it is passed over (checksum, a proxy, a password), and what nobody knows, makes the entry fail.
 */
#include <string.h>

#include "cli/cli.h"
#include "cli/list/list.h"

static const struct {
    const char *name;
    enum item item;
    const char *header; /* ITEM_HEADER: its name; NULL: the value has it */
} taken[] = {
    {"out", ITEM_NAME, NULL},       {"dir", ITEM_DIR, NULL},
    {"header", ITEM_HEADER, NULL},  {"user-agent", ITEM_HEADER, "User-Agent"},
    {"referer", ITEM_HEADER, "Referer"},
    {"method", ITEM_METHOD, NULL},  {"body", ITEM_BODY, NULL},
    {"json", ITEM_JSON, NULL},
};

static const char *const ignored_here[] = {
    "split", "max-connection-per-server", "min-split-size", "piece-length", "continue", "allow-overwrite",
    "auto-file-renaming", "always-resume", "allow-piece-length-change", "async-dns", "connect-timeout", "timeout",
    "max-tries", "retry-wait", "max-file-not-found", "max-resume-failure-tries", "lowest-speed-limit", "max-download-limit",
    "conditional-get", "content-disposition-default-utf8", "enable-http-keep-alive", "enable-http-pipelining",
    "file-allocation", "no-file-allocation-limit", "force-save", "gid", "hash-check-only", "http-accept-gzip",
    "http-no-cache", "no-netrc", "remote-time", "remove-control-file", "reuse-uri", "realtime-chunk-checksum",
    "save-not-found", "server-stat-of", "stream-piece-selector", "uri-selector", "use-head", "enable-mmap",
    "optimize-concurrent-downloads", "pause", "follow-torrent", "follow-metalink", "max-upload-limit", "seed-time",
    "seed-ratio", "bt-max-peers",
};

static const char *const refused_here[] = {
    "checksum", "http-user", "http-passwd", "http-auth-challenge", "load-cookies", "http-proxy", "https-proxy", "all-proxy",
    "http-proxy-user", "http-proxy-passwd", "https-proxy-user", "https-proxy-passwd", "all-proxy-user", "all-proxy-passwd",
    "no-proxy", "proxy-method", "certificate", "private-key", "ca-certificate", "check-certificate", "interface",
    "parameterized-uri", "dry-run", "index-out", "select-file", "ftp-user", "ftp-passwd",
};

/* A word of letters and dashes, and =. */
static size_t name_length(const char *line, size_t len)
{
    size_t n = 0;

    while (n < len && ((line[n] >= 'a' && line[n] <= 'z') || (n > 0 && (line[n] == '-' || line[n] == '_' || (line[n] >= '0' && line[n] <= '9')))))
        n++;
    return n > 0 && n < len && line[n] == '=' ? n : 0;
}

bool aria2_is_option(const char *line, size_t len)
{
    return name_length(line, len) > 0;
}

static bool is_name(const char *name, const char *line, size_t n)
{
    return strlen(name) == n && memcmp(name, line, n) == 0;
}

static void refuse(struct draft *d, const char *line, size_t n)
{
    struct nearest near = {0};
    char name[64] = "", shown[sizeof name * 4];

    memcpy(name, line, n < sizeof name ? n : sizeof name - 1);
    say_clean(name, shown, sizeof shown);
    for (size_t i = 0; i < sizeof refused_here / sizeof *refused_here; i++)
        if (is_name(refused_here[i], line, n)) {
            draft_fault(d, "%s= of aria2 means nothing here, and without it this would be another download", shown);
            return;
        }
    near.wanted = name;
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
        nearest_try(&near, taken[i].name);
    if (near.best)
        draft_fault(d, "%s= is no option; did you mean %s=?", shown, near.best);
    else
        draft_fault(d, "%s= is no option; there are out, dir, header, user-agent, referer, method, body, json", shown);
}

void aria2_option(struct draft *d, const struct list_rules *rules, const char *line, size_t len, const char **ignored)
{
    size_t n = name_length(line, len);
    const char *value = line + n + 1;
    int variable = list_variable(rules, is_name("out", line, n) ? "name" : "", is_name("out", line, n) ? 4 : 0);

    *ignored = NULL;
    len -= n + 1;
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
        if (is_name(taken[i].name, line, n)) {
            if (variable >= 0)
                draft_add_value(d, variable, value, len);
            if (taken[i].header)
                draft_add_header(d, taken[i].header, value, len);
            else
                draft_add(d, taken[i].item, value, len);
            return;
        }
    for (size_t i = 0; i < sizeof ignored_here / sizeof *ignored_here; i++)
        if (is_name(ignored_here[i], line, n)) {
            *ignored = ignored_here[i];
            return;
        }
    refuse(d, line, n);
}

unsigned aria2_ignored_number(const char *name)
{
    _Static_assert(sizeof ignored_here / sizeof *ignored_here <= 64, "a bit for each");
    unsigned i = 0;

    while (ignored_here[i] != name)
        i++;
    return i;
}

/* ---- tabs ---- */

static bool is_url(const char *text, size_t len)
{
    return len > 3 && memmem(text, len, "://", 3) != NULL;
}

static void name_field(struct draft *d, const struct list_rules *rules, const char *field, size_t len, bool is_last)
{
    int variable = list_variable(rules, "name", 4);
    size_t n = name_length(field, len);
    bool is_option = false;

    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
        is_option |= is_name(taken[i].name, field, n);
    if (is_option) {
        draft_fault(d, "%.*s= behind the URL: an option has a line of its own, indented, below it", (int)n, field);
    } else if (!is_last) {
        draft_fault(d, "more than a URL and a file name between tabs: --columns says what they are");
    } else {
        if (variable >= 0)
            draft_add_value(d, variable, field, len);
        draft_add(d, ITEM_NAME, field, len);
    }
}

void aria2_fields(struct draft *d, const struct list_rules *rules, const char *line, size_t len, bool may_name, size_t *url_len)
{
    const char *tab = memchr(line, '\t', len), *end = line + len;

    *url_len = tab ? (size_t)(tab - line) : len;
    for (int field = 2; tab; field++) {
        const char *at = tab + 1;
        tab = memchr(at, '\t', (size_t)(end - at));
        size_t n = tab ? (size_t)(tab - at) : (size_t)(end - at);
        if (n == 0)
            continue;
        if (is_url(at, n) || !may_name)
            draft_add(d, ITEM_MIRROR, at, n);
        else
            name_field(d, rules, at, n, field == 2 && !tab);
    }
}
