/* SPDX-License-Identifier: MIT */
/*
 * multipart.c - a form with files as a body to send: multipart/form-data (RFC 7578), as browsers write it (HTML 4.10.22.8).
 *
 *     --boundary CRLF  fields  CRLF CRLF  content  CRLF
 *     --boundary CRLF  fields  CRLF CRLF  content  CRLF
 *     --boundary-- CRLF
 *
 * What is short goes into texts; files, pieces and long bytes stand between them, so a form of texts is one piece.  The boundary
 * is 128 random bits: no content has it but by knowing it.
 */
#include "http/field/headers.h"
#include "http/source/source.h"

#define BOUNDARY_PREFIX "----bide-"
#define BOUNDARY_LEN (sizeof BOUNDARY_PREFIX - 1 + 32)
#define COPIED_MAX 4096 /* bytes of a content that are copied into the text */

struct builder {
    struct arena *arena;
    struct chain_source *chain;
    struct buf text; /* not in the chain yet */
    char boundary[BOUNDARY_LEN + 1];
};

/* ---- the chain ---- */

static void add_segment(struct builder *b, struct body_source *source, const char *name, struct file_source *file)
{
    b->chain->all[b->chain->n++] = (struct segment){.source = source, .name = name, .file = file};
}

static int add_bytes(struct builder *b, bide_bytes bytes, const char *name)
{
    struct bytes_source *source = bide__arena_alloc(b->arena, sizeof *source);
    if (!source)
        return BIDE_ENOMEM;

    bide__bytes_source_init(source, bytes);
    add_segment(b, &source->source, name, NULL);
    return 0;
}

/* What was written so far becomes a segment. */
static int end_text(struct builder *b)
{
    size_t len = bide__buf_len(&b->text);
    char *copy = bide__arena_strndup(b->arena, bide__buf_head(&b->text), len);
    if (!copy)
        return BIDE_ENOMEM;

    bide__buf_consume(&b->text, len);
    return add_bytes(b, (bide_bytes){copy, len}, NULL);
}

/* ---- the fields of a part ---- */

static int put(struct builder *b, const char *text)
{
    return bide__buf_append(&b->text, text, strlen(text));
}

/* What would end the quoted string, or the line, is written as browsers do it; %, for one, is not encoded. */
static int put_quoted(struct builder *b, const char *what, const char *text)
{
    BIDE_TRY(put(b, "\""));
    for (; *text; text++) {
        char c = *text;
        const char *encoded = c == '"' ? "%22" : c == '\r' ? "%0D" : c == '\n' ? "%0A" : NULL;
        if (!encoded && ((unsigned char)c < ' ' || c == 0x7f))
            return bide_fail(-EINVAL, "multipart: the %s of a part has the control character 0x%02x", what, (unsigned char)c);
        BIDE_TRY(encoded ? put(b, encoded) : bide__buf_append(&b->text, &c, 1));
    }
    return put(b, "\"");
}

static int put_field(struct builder *b, const char *name, const char *value)
{
    if (!bide__header_name_ok(name, strlen(name)) || !value || !bide__header_value_ok(value, strlen(value)))
        return bide_fail(-EINVAL, "multipart: a field of a part cannot be sent: its name or its value is none");
    if (strcasecmp(name, "Content-Disposition") == 0)
        return bide_fail(-EINVAL, "multipart: Content-Disposition is written from name and file_name");
    return bide__buf_printf(&b->text, "%s: %s\r\n", name, value);
}

static const char *file_name_of(const bide_part *p)
{
    if (p->file_name || !p->path || p->value || p->data.data)
        return p->file_name;
    const char *slash = strrchr(p->path, '/');
    return slash ? slash + 1 : p->path;
}

static int put_head(struct builder *b, const bide_part *p)
{
    const char *file_name = file_name_of(p), *type = p->type;

    BIDE_TRY(bide__buf_printf(&b->text, "--%s\r\nContent-Disposition: form-data; name=", b->boundary));
    BIDE_TRY(put_quoted(b, "name", p->name));
    if (file_name) {
        BIDE_TRY(put(b, "; filename="));
        BIDE_TRY(put_quoted(b, "file name", file_name));
        type = type ? type : bide__media_type_of(file_name);
    }
    BIDE_TRY(put(b, "\r\n"));
    if (type)
        BIDE_TRY(put_field(b, "Content-Type", type));
    for (const bide_pair *f = p->headers; f && f->name; f++)
        BIDE_TRY(put_field(b, f->name, f->value));
    return put(b, "\r\n");
}

/* ---- its content ---- */

static int add_file(struct builder *b, const bide_part *p, const char *path, const bide_body_source *from)
{
    struct file_source *file = bide__arena_alloc(b->arena, sizeof *file);
    if (!file)
        return BIDE_ENOMEM;

    BIDE_TRY(bide__file_source_open(file, path, from));
    bide__file_source_rest(file);
    add_segment(b, &file->source, p->name, file);
    return 0;
}

static int add_source(struct builder *b, const bide_part *p)
{
    bide_body_source from;
    BIDE_TRY(bide__source_take(&from, p->body));
    if (from.from_fd)
        return add_file(b, p, NULL, &from);
    struct user_source *source = bide__arena_alloc(b->arena, sizeof *source);
    if (!source)
        return BIDE_ENOMEM;

    bide__user_source_init(source, &from);
    add_segment(b, &source->source, p->name, NULL);
    return 0;
}

static int put_content(struct builder *b, const bide_part *p)
{
    bool is_file = p->path && !p->value && !p->data.data;
    bide_bytes bytes = p->value ? (bide_bytes){p->value, strlen(p->value)} : p->data;
    if (!is_file && !p->body && !bytes.data)
        return bide_fail(-EINVAL, "multipart: a part has none of value, data, path and body");
    if (bytes.data && bytes.len <= COPIED_MAX)
        return bide__buf_append(&b->text, bytes.data, bytes.len);

    BIDE_TRY(end_text(b));
    if (bytes.data)
        return add_bytes(b, bytes, p->name);
    return is_file ? add_file(b, p, p->path, NULL) : add_source(b, p);
}

/* ---- all of it ---- */

static void choose_boundary(struct builder *b)
{
    unsigned char random[16];
    char *at = mempcpy(b->boundary, BOUNDARY_PREFIX, sizeof BOUNDARY_PREFIX - 1);

    bide__random_bytes(random, sizeof random);
    for (size_t i = 0; i < sizeof random; i++)
        at += sprintf(at, "%02x", random[i]);
}

static int put_parts(struct builder *b, const bide_part *parts)
{
    for (const bide_part *p = parts; p->name; p++) {
        BIDE_TRY(put_head(b, p));
        BIDE_TRY(put_content(b, p));
        BIDE_TRY(put(b, "\r\n"));
    }
    BIDE_TRY(bide__buf_printf(&b->text, "--%s--\r\n", b->boundary));
    return end_text(b);
}

static struct chain_source *chain_for(struct arena *arena, const bide_part *parts)
{
    size_t n = 0;
    struct chain_source *c = bide__arena_alloc(arena, sizeof *c);

    while (parts[n].name)
        n++;
    struct segment *all = c ? bide__arena_alloc(arena, (2 * n + 1) * sizeof *all) : NULL;
    if (!all)
        return NULL;
    *c = (struct chain_source){.all = all};
    return c;
}

static const char *content_type_of(struct arena *arena, const char *boundary)
{
    static const char before[] = "multipart/form-data; boundary=";
    char *value = bide__arena_alloc(arena, sizeof before + BOUNDARY_LEN);

    if (value)
        strcpy(mempcpy(value, before, sizeof before - 1), boundary);
    return value;
}

int bide__multipart_open(struct arena *arena, const bide_part *parts, struct body_source **out, const char **content_type)
{
    struct builder b = {.arena = arena, .chain = chain_for(arena, parts)};
    if (!b.chain)
        return BIDE_ENOMEM;

    bide__buf_init(&b.text, SIZE_MAX);
    choose_boundary(&b);
    *content_type = content_type_of(arena, b.boundary);
    int code = *content_type ? put_parts(&b, parts) : BIDE_ENOMEM;
    bide__buf_free(&b.text);
    bide__chain_source_init(b.chain);
    if (code < 0)
        b.chain->source.ops->close(&b.chain->source);
    *out = b.chain->n == 1 ? b.chain->all[0].source : &b.chain->source;
    return code < 0 ? code : 0;
}
