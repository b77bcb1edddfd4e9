/* SPDX-License-Identifier: MIT */
/*
 * jsonl.c - records in batches.
 */
#include "cli/jsonl.h"

#include <fcntl.h>
#include <string.h>

#include <bide/task.h>

#include "cli/cli.h"

#define PERIOD_MS 50
#define FULL      (1 << 20)

int jsonl_open(struct jsonl *j, const char *path)
{
    *j = (struct jsonl){.path = path};
    if (!path || strcmp(path, "-") == 0)
        return 0;
    j->file = bide_open(path, .flags = O_WRONLY | O_CREAT | O_TRUNC);
    return j->file ? 0 : bide_raise();
}

bool jsonl_is_full(const struct jsonl *j)
{
    return j->lines.len >= FULL && !j->error;
}

static int write_batch(struct jsonl *j)
{
    struct text spare = j->going;

    j->going = j->lines;
    j->lines = spare;
    text_clear(&j->lines);
    if (j->going.no_memory)
        return bide_fail(BIDE_ENOMEM, "%s: out of memory", j->path);
    if (j->file)
        return (int)(bide_file_write(j->file, j->going.data, j->going.len, -1) < 0 ? bide_error_code() : 0);
    return output_write(j->going.data, j->going.len);
}

int jsonl_writer(struct jsonl *j)
{
    bool last = false;

    while (!last && !j->error) {
        last = j->is_closing;
        if (j->lines.len > 0 || j->lines.no_memory)
            j->error = write_batch(j);
        else if (!last)
            j->error = bide_sleep_ms(PERIOD_MS);
    }
    if (j->file) {
        int closed = bide_file_close(bide_take(j->file));
        j->error = j->error ? j->error : closed;
    }
    return j->error;
}

void jsonl_finish(struct jsonl *j)
{
    j->is_closing = true;
}

void jsonl_free(struct jsonl *j)
{
    bide_release(j->file);
    text_free(&j->lines);
    text_free(&j->going);
    j->file = NULL;
}

/* ---- strings ---- */

/* Length of the UTF-8 sequence at s, 0 if it is none (RFC 3629). */
static size_t utf8_length(const unsigned char *s)
{
    static const struct {
        unsigned char first, last, low, high;
        size_t len;
    } forms[] = {{0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
                 {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
                 {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4}};

    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (s[0] < forms[i].first || s[0] > forms[i].last || s[1] < forms[i].low || s[1] > forms[i].high)
            continue;
        for (size_t k = 2; k < forms[i].len; k++)
            if ((s[k] & 0xc0) != 0x80)
                return 0;
        return forms[i].len;
    }
    return 0;
}

static void add_special(struct text *to, unsigned char c)
{
    const char *at = strchr("\"\"\\\\\bb\ff\nn\rr\tt", c);

    if (c && at) {
        const char pair[] = {'\\', c == '"' || c == '\\' ? (char)c : at[1]};
        text_add(to, pair, 2);
    } else if (c < 0x20 || c == 0x7f) {
        text_format(to, "\\u%04x", c);
    } else {
        text_add_string(to, "\xef\xbf\xbd");
    }
}

void jsonl_add_string(struct text *to, const char *s)
{
    const unsigned char *p = (const unsigned char *)s;

    text_add_char(to, '"');
    while (*p) {
        size_t n = 0;
        while (p[n] >= 0x20 && p[n] < 0x7f && p[n] != '"' && p[n] != '\\')
            n++;
        if (n == 0 && *p >= 0x80)
            n = utf8_length(p);
        if (n > 0) {
            text_add(to, (const char *)p, n);
            p += n;
        } else {
            add_special(to, *p++);
        }
    }
    text_add_char(to, '"');
}
