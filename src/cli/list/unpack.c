/* SPDX-License-Identifier: MIT */
/*
 * unpack.c - gzip, zstd and UTF-16 into lines.
 *
 *     stored bytes -> in -> inflate or zstd -> bytes -> UTF-16 into UTF-8 -> out -> lines
 *
 * Several gzip members or zstd frames in a row are one list, as `cat a.gz b.gz` makes them.
 */
#include "cli/list/unpack.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include <bide/error.h>

#include "cli/list/lines.h"

#define PIECE 16384

enum pack { PACK_NONE, PACK_GZIP, PACK_ZSTD };

struct unpack {
    enum pack pack;
    bool is_wide, is_big_endian;
    bool is_looked_at;  /* what came out first */
    bool is_between;    /* members or frames: the list may end here */
    bool has_more;      /* comes out without more going in */
    bool at_end;
    uint64_t stored;    /* bytes used, for messages */
    z_stream z;
    ZSTD_DCtx *zstd;
    size_t in_at, in_len, bytes_len, out_at, out_len;
    unsigned char in[LINES_BUFFER];
    unsigned char bytes[PIECE];
    char out[PIECE / 2 * 3];
};

/* ---- kinds ---- */

struct kind {
    size_t len;
    const char *magic;
    const char *what; /* refused, with what may be done */
};

static const struct kind refused[] = {
    {3, "BZh", "is compressed with bzip2; gzip and zstd are read here: bzip2 -dc FILE | bide fetch -i -"},
    {6, "\xfd" "7zXZ\0", "is compressed with xz; gzip and zstd are read here: xz -dc FILE | bide fetch -i -"},
    {4, "\x04\x22\x4d\x18", "is compressed with lz4; gzip and zstd are read here: lz4 -dc FILE | bide fetch -i -"},
    {2, "\x1f\x9d", "is compressed with compress; gzip and zstd are read here: gzip -dc FILE | bide fetch -i -"},
    {4, "LZIP", "is compressed with lzip; gzip and zstd are read here: lzip -dc FILE | bide fetch -i -"},
    {4, "PK\3\4", "is a zip archive (or a document of an office program), no list; unzip -p FILE NAME | bide fetch -i -"},
    {6, "7z\xbc\xaf\x27\x1c", "is a 7z archive, no list; 7z x -so FILE | bide fetch -i -"},
    {5, "%PDF-", "is a PDF, no list"},
    {4, "\xff\xfe\0\0", "is UTF-32; UTF-8 and UTF-16 are read here: iconv -f UTF-32 -t UTF-8 FILE | bide fetch -i -"},
    {4, "\0\0\xfe\xff", "is UTF-32; UTF-8 and UTF-16 are read here: iconv -f UTF-32 -t UTF-8 FILE | bide fetch -i -"},
    {6, "SQLite", "is a database of SQLite, no list"},
    {4, "\x7f" "ELF", "is a program, no list"},
    {4, "\x89PNG", "is a picture, no list"},
    {0},
};

static bool begins_with(const unsigned char *p, size_t len, const char *magic, size_t n)
{
    return len >= n && memcmp(p, magic, n) == 0;
}

static int check_kind(const char *name, const unsigned char *p, size_t len)
{
    for (const struct kind *k = refused; k->len > 0; k++)
        if (begins_with(p, len, k->magic, k->len))
            return bide_fail(-EBADMSG, "%s %s", name, k->what);
    return 0;
}

static enum pack pack_of(const unsigned char *p, size_t len)
{
    if (begins_with(p, len, "\x1f\x8b", 2))
        return PACK_GZIP;
    /* RFC 8878 3.1: a frame, or one that is skipped. */
    if (begins_with(p, len, "\x28\xb5\x2f\xfd", 4) || (len >= 4 && (p[0] & 0xf0) == 0x50 && memcmp(p + 1, "\x2a\x4d\x18", 3) == 0))
        return PACK_ZSTD;
    return PACK_NONE;
}

static bool is_text(unsigned char c)
{
    return c == '\t' || c == '\n' || c == '\r' || (c >= ' ' && c < 0x7f);
}

/* Also without a mark in front: two letters with NULs where UTF-16 has them.  *skip: the mark's length. */
static bool looks_wide(const unsigned char *p, size_t len, bool *is_big_endian, size_t *skip)
{
    *skip = 0;
    *is_big_endian = false;
    if (begins_with(p, len, "\xff\xfe", 2) || begins_with(p, len, "\xfe\xff", 2)) {
        *is_big_endian = p[0] == 0xfe;
        *skip = 2;
        return true;
    }
    if (len < 4 || !(p[0] ? is_text(p[0]) && is_text(p[2]) && !p[1] && !p[3] : is_text(p[1]) && is_text(p[3]) && !p[2]))
        return false;
    *is_big_endian = p[0] == 0;
    return true;
}

/* ---- opening ---- */

static int open_pack(struct unpack *u, const char *name)
{
    bool is_open = true;

    if (u->pack == PACK_GZIP)
        is_open = inflateInit2(&u->z, 15 + 16) == Z_OK; /* with a gzip header */
    else if (u->pack == PACK_ZSTD)
        is_open = (u->zstd = ZSTD_createDCtx()) != NULL;
    return is_open ? 0 : bide_fail(BIDE_ENOMEM, "%s: out of memory", name);
}

int unpack_open(struct unpack **out, const char *name, const char *first, size_t len)
{
    const unsigned char *p = (const unsigned char *)first;
    bool is_big_endian;
    size_t skip;

    BIDE_TRY(check_kind(name, p, len));
    enum pack pack = pack_of(p, len);
    if (pack == PACK_NONE && !looks_wide(p, len, &is_big_endian, &skip))
        return 0;
    struct unpack *u = malloc(sizeof *u);
    if (!u)
        return bide_fail(BIDE_ENOMEM, "%s: out of memory", name);
    memset(u, 0, offsetof(struct unpack, in));
    u->pack = pack;
    u->is_between = pack == PACK_NONE; /* stored as it is, it may end anywhere */
    u->in_len = len;
    memcpy(u->in, first, len);
    int code = open_pack(u, name);
    if (code < 0) {
        free(u);
        return code;
    }
    *out = u;
    return 0;
}

void unpack_free(struct unpack *u)
{
    if (u && u->pack == PACK_GZIP)
        inflateEnd(&u->z);
    if (u)
        ZSTD_freeDCtx(u->zstd);
    free(u);
}

bool unpack_is_wide(const struct unpack *u)
{
    return u->is_wide;
}

/* ---- out of what is compressed ---- */

static int damaged(const struct unpack *u, const struct lines *l, const char *how)
{
    return bide_fail(-EBADMSG, "%s: its %s data %s, after %llu bytes; %llu lines were read, and nothing behind them", l->name,
                     u->pack == PACK_GZIP ? "gzip" : u->pack == PACK_ZSTD ? "zstd" : "UTF-16", how,
                     (unsigned long long)u->stored, (unsigned long long)l->number);
}

static void use(struct unpack *u, size_t n)
{
    u->in_at += n;
    u->in_len -= n;
    u->stored += n;
}

/* Between two members: the next one, or zeros up to the end of a block. */
static int begin_member(struct unpack *u, const struct lines *l)
{
    while (u->in_len > 0 && u->in[u->in_at] == 0)
        use(u, 1);
    if (u->in_len == 0)
        return 0;
    if (u->in[u->in_at] != 0x1f)
        return damaged(u, l, "are followed by others");
    u->is_between = false;
    inflateReset(&u->z);
    return 0;
}

static ssize_t read_gzip(struct unpack *u, const struct lines *l, unsigned char *to, size_t room)
{
    if (u->is_between)
        BIDE_TRY(begin_member(u, l));
    if (u->is_between)
        return 0;
    u->z.next_in = u->in + u->in_at;
    u->z.avail_in = (uInt)u->in_len;
    u->z.next_out = to;
    u->z.avail_out = (uInt)room;
    int code = inflate(&u->z, Z_NO_FLUSH);
    use(u, u->in_len - u->z.avail_in);
    bool is_good = code == Z_OK || code == Z_STREAM_END || code == Z_BUF_ERROR;
    u->has_more = u->z.avail_out == 0 || !is_good;
    u->is_between = code == Z_STREAM_END;
    if (code == Z_MEM_ERROR)
        return bide_fail(BIDE_ENOMEM, "%s: out of memory", l->name);
    if (!is_good && u->z.avail_out == room)
        return damaged(u, l, "are damaged");
    return (ssize_t)(room - u->z.avail_out); /* what stands before the damage; the next call meets it again */
}

static ssize_t read_zstd(struct unpack *u, const struct lines *l, unsigned char *to, size_t room)
{
    ZSTD_inBuffer in = {u->in + u->in_at, u->in_len, 0};
    ZSTD_outBuffer out = {to, room, 0};
    size_t code = ZSTD_decompressStream(u->zstd, &out, &in);

    use(u, in.pos);
    u->has_more = out.pos == room;
    if (ZSTD_isError(code))
        return damaged(u, l, ZSTD_getErrorName(code));
    if (in.pos > 0 || out.pos > 0)
        u->is_between = code == 0;
    return (ssize_t)out.pos;
}

static ssize_t read_stored(struct unpack *u, unsigned char *to, size_t room)
{
    size_t n = u->in_len < room ? u->in_len : room;

    memcpy(to, u->in + u->in_at, n);
    use(u, n);
    return (ssize_t)n;
}

/* More of l's into u->in, which is empty.  Returns: as lines_read_stored. */
static ssize_t refill(struct unpack *u, struct lines *l)
{
    ssize_t n = lines_read_stored(l, u->in, sizeof u->in);

    u->in_at = 0;
    u->in_len = n > 0 ? (size_t)n : 0;
    if (n == 0 && !u->is_between)
        return damaged(u, l, "end too early");
    return n;
}

/* Bytes behind those in u->bytes.  Returns: how many; 0: the end; or an error. */
static ssize_t read_bytes(struct unpack *u, struct lines *l)
{
    unsigned char *to = u->bytes + u->bytes_len;
    size_t room = sizeof u->bytes - u->bytes_len;

    for (;;) {
        if (u->in_len == 0 && !u->has_more) {
            ssize_t more = refill(u, l);
            if (more <= 0)
                return more;
        }
        ssize_t n = u->pack == PACK_GZIP ? read_gzip(u, l, to, room) : u->pack == PACK_ZSTD ? read_zstd(u, l, to, room) : read_stored(u, to, room);
        if (n != 0)
            return n;
        u->has_more = false;
    }
}

/* ---- out of UTF-16 ---- */

static int look_at_first(struct unpack *u, const struct lines *l)
{
    size_t skip;

    u->is_looked_at = true;
    if (u->pack != PACK_NONE) {
        BIDE_TRY(check_kind(l->name, u->bytes, u->bytes_len));
        if (pack_of(u->bytes, u->bytes_len) != PACK_NONE)
            return bide_fail(-EBADMSG, "%s is compressed twice; once is read here", l->name);
    }
    u->is_wide = looks_wide(u->bytes, u->bytes_len, &u->is_big_endian, &skip);
    if (u->is_wide && skip > 0)
        memmove(u->bytes, u->bytes + skip, u->bytes_len -= skip);
    return 0;
}

static void convert(struct unpack *u)
{
    size_t used = u->bytes_len;

    u->out_at = 0;
    if (u->is_wide) {
        u->out_len = utf16_decode(u->bytes, u->bytes_len, u->is_big_endian, u->out, &used);
    } else {
        u->out_len = used;
        memcpy(u->out, u->bytes, used);
    }
    u->bytes_len -= used;
    memmove(u->bytes, u->bytes + used, u->bytes_len);
}

/* What came out is given before the error behind it is, which the next call meets again. */
static bool is_put_off(const struct unpack *u, ssize_t code)
{
    return code == -EBADMSG && !u->is_looked_at && u->bytes_len > 0;
}

/* Something into u->out, which is empty.  Returns: 0; it may still be empty, then u->at_end is set */
static int produce(struct unpack *u, struct lines *l)
{
    ssize_t n = read_bytes(u, l);

    if (n < 0 && !is_put_off(u, n))
        return (int)n;
    u->bytes_len += n > 0 ? (size_t)n : 0;
    u->at_end = n == 0;
    if (!u->is_looked_at && (n <= 0 || u->bytes_len >= UNPACK_MAGIC))
        BIDE_TRY(look_at_first(u, l));
    if (u->is_looked_at)
        convert(u);
    return u->at_end && u->bytes_len > 0 ? damaged(u, l, "end in the middle of a character") : 0;
}

ssize_t unpack_read(struct unpack *u, struct lines *l, char *to, size_t room)
{
    while (u->out_len == 0 && !u->at_end)
        BIDE_TRY(produce(u, l));
    size_t n = u->out_len < room ? u->out_len : room;
    memcpy(to, u->out + u->out_at, n);
    u->out_at += n;
    u->out_len -= n;
    return (ssize_t)n;
}
