/* SPDX-License-Identifier: MIT */
/*
 * jsonl.c - records in batches.
 */
#include "cli/jsonl.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bide/task.h>

#include "cli/cli.h"

#define PERIOD_MS 50
#define FULL      (1 << 20)

int jsonl_open(struct jsonl *j, const char *path)
{
    *j = (struct jsonl){.path = path};
    if (!path || output_is_stdout(path))
        return 0;
    j->file = bide_open(path, .flags = O_WRONLY | O_CREAT | (output_names_descriptor(path) ? O_APPEND : O_TRUNC));
    return j->file ? 0 : bide_raise();
}

bool jsonl_is_full(const struct jsonl *j)
{
    return j->lines.len >= FULL && !j->error;
}

void jsonl_end_line(struct jsonl *j, size_t begin)
{
    struct text *t = &j->lines;

    if (!t->no_memory) {
        text_add_string(t, "}\n");
        if (!t->no_memory)
            return;
    }
    t->no_memory = false;
    t->len = begin;
}

static void count_lines(struct jsonl *j, size_t len)
{
    const char *at = j->going.data, *end = at + len;

    while ((at = memchr(at, '\n', (size_t)(end - at)))) {
        at++;
        j->written++;
    }
}

/* The batch is there in part: of a file the whole lines stay, so that every line of it can be read. */
static void keep_whole_lines(struct jsonl *j)
{
    struct stat st;

    if (!j->file || stat(j->path, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size <= j->size)
        return;
    size_t len = (size_t)(st.st_size - j->size);
    len = len < j->going.len ? len : j->going.len;
    while (len > 0 && j->going.data[len - 1] != '\n')
        len--;
    if (truncate(j->path, j->size + (int64_t)len) == 0)
        count_lines(j, len);
}

static int write_batch(struct jsonl *j)
{
    struct text spare = j->going;

    j->going = j->lines;
    j->lines = spare;
    text_clear(&j->lines);
    ssize_t n = j->file ? bide_file_write(j->file, j->going.data, j->going.len, -1) : output_write(j->going.data, j->going.len);
    if (n < 0) {
        keep_whole_lines(j);
        return (int)n;
    }
    j->size += (int64_t)j->going.len;
    count_lines(j, j->going.len);
    return 0;
}

int jsonl_writer(struct jsonl *j)
{
    bool last = false;

    while (!last && !j->error) {
        last = j->is_closing;
        if (j->lines.len > 0)
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

static void add_escaped(struct text *to, uint32_t c)
{
    const char *at = c < 0x80 ? strchr("\"\"\\\\\bb\ff\nn\rr\tt", (int)c) : NULL;

    if (c && at)
        text_format(to, "\\%c", c == '"' || c == '\\' ? (int)c : at[1]);
    else if (c < 0x10000)
        text_format(to, "\\u%04x", c);
    else
        text_format(to, "\\u%04x\\u%04x", 0xd800 + ((c - 0x10000) >> 10), 0xdc00 + ((c - 0x10000) & 0x3ff));
}

void jsonl_add_string(struct text *to, const char *s)
{
    size_t left = strlen(s);
    uint32_t c = 0;

    text_add_char(to, '"');
    while (left > 0) {
        size_t n = 0;
        while (n < left && s[n] >= ' ' && s[n] < 0x7f && s[n] != '"' && s[n] != '\\')
            n++;
        size_t plain = n;
        if (n == 0 && (n = plain_decode(s, left, &c)) > 0 && c >= 0x80 && plain_in_message(c))
            plain = n;
        if (plain > 0)
            text_add(to, s, plain);
        else if (n > 0)
            add_escaped(to, c); /* also what a terminal would obey, should the line be shown on one */
        else
            text_add_string(to, "\xef\xbf\xbd");
        n = n ? n : 1;
        s += n;
        left -= n;
    }
    text_add_char(to, '"');
}
