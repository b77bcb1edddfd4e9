/* SPDX-License-Identifier: MIT */
/*
 * h1_chunked.c - the chunked transfer coding.
 *
 * Each state has a function that takes what it can and returns how much that was.  Chunk lines may
 * be cut anywhere by the network, so they are read byte by byte; they are short.  Data is skipped
 * over in one go.
 *
 * Overhead: a peer may send a megabyte of extensions with every byte of data.  Each chunk earns 16
 * bytes of framing plus twice its data; who spends H1_CHUNK_OVERHEAD_MAX more than was earned is
 * refused (CVE-2023-39326).
 *
 * CRLF is two bytes here, never one (CVE-2025-22871), and a quote in an extension hides nothing:
 * the line ends at CRLF.  Blanks between a size and CRLF, as servers pad them, are no extension and
 * can be nothing else; they are let pass in answers.
 */
#include <string.h>

#include "http/h1/h1_chunked.h"

#include "base/hex.h"
#include "http/field/scan.h"

enum { SIZE, EXT, SIZE_LF, DATA, DATA_CR, DATA_LF, TRAILER };

/* The chunk line is read: does its length stand in any relation to the data it brings? */
static int charge_overhead(struct h1_chunked *c)
{
    uint64_t earned = c->left < H1_CHUNK_OVERHEAD_MAX ? 16 + 2 * c->left
                                                      : 2 * H1_CHUNK_OVERHEAD_MAX;

    c->overhead += (int64_t)c->line + 4 - (int64_t)earned;
    if (c->overhead < 0)
        c->overhead = 0;
    return c->overhead > H1_CHUNK_OVERHEAD_MAX ? H1_ECHUNKOVERHEAD : 0;
}

/* 1 to 16 hex digits, at most 2^63 - 1. */
static int take_size(struct h1_chunked *c, char byte)
{
    int digit = bide__hex_digit(byte);

    if (digit >= 0) {
        if (c->digits == 16 || c->left > ((uint64_t)INT64_MAX >> 4))
            return H1_ECHUNKSIZE;
        c->digits++;
        c->left = c->left << 4 | (unsigned)digit;
        return 0;
    }
    if (c->digits == 0)
        return H1_ECHUNKSIZE;
    if (byte == '\r')
        c->state = SIZE_LF;
    else if (byte == ';' || byte == ' ' || byte == '\t')
        c->state = EXT;
    else
        return byte == '\n' ? H1_ECHUNKLINE : H1_ECHUNKSIZE;
    c->ext = byte == ';';
    return 0;
}

/* Ignored, but bounded.  White space may stand before the ';'; "5 \r\n" is no chunk line, unless we
 * are lenient. */
static int take_ext(struct h1_chunked *c, char byte)
{
    bool in_ext = c->ext > 0;

    if (byte == '\r' && (in_ext || c->lenient)) {
        c->odd |= !in_ext;
        c->state = SIZE_LF;
        return 0;
    }
    if (byte == '\n' || byte == '\r')
        return H1_ECHUNKLINE;
    if (!char_is(byte, CHAR_VALUE) || c->line > H1_CHUNK_EXT_MAX + 16)
        return H1_ECHUNKEXT;
    if (!in_ext && byte != ';')
        return byte == ' ' || byte == '\t' ? 0 : H1_ECHUNKSIZE;
    return ++c->ext > H1_CHUNK_EXT_MAX ? H1_ECHUNKEXT : 0;
}

static int take_size_lf(struct h1_chunked *c, char byte)
{
    if (byte != '\n')
        return H1_ECHUNKLINE;
    c->state = c->left > 0 ? DATA : TRAILER;
    return charge_overhead(c);
}

static int take_data_end(struct h1_chunked *c, char byte)
{
    if (byte != (c->state == DATA_CR ? '\r' : '\n'))
        return H1_ECHUNKEND;
    c->state = c->state == DATA_CR ? DATA_LF : SIZE;
    c->line = c->digits = c->text_len = 0;
    c->ext = 0;
    return 0;
}

static void note_byte(struct h1_chunked *c, char byte)
{
    if (c->text_len < sizeof c->text)
        c->text[c->text_len++] = byte;
}

/* The rest of a line that is refused, as far as it is here. */
static void note_rest(struct h1_chunked *c, const char *in, const char *end)
{
    while (in < end && *in != '\n' && c->text_len < sizeof c->text)
        note_byte(c, *in++);
    while (c->text_len > 0 && (c->text[c->text_len - 1] == '\r' || c->text[c->text_len - 1] == '\n'))
        c->text_len--;
}

static int take_byte(struct h1_chunked *c, char byte)
{
    c->line++;
    note_byte(c, byte);
    switch (c->state) {
    case SIZE:
        return take_size(c, byte);
    case EXT:
        return take_ext(c, byte);
    case SIZE_LF:
        return take_size_lf(c, byte);
    default:
        return take_data_end(c, byte);
    }
}

static size_t take_data(struct h1_chunked *c, const char *in, size_t len, const char **data,
                        size_t *data_len)
{
    size_t n = len < c->left ? len : (size_t)c->left;

    *data = in;
    *data_len = n;
    c->left -= n;
    if (c->left == 0) {
        c->state = DATA_CR;
        c->text_len = 0;
    }
    return n;
}

static void note_trailer(struct h1_chunked *c, const struct h1_head *trailers)
{
    c->text_len = 0;
    if (trailers->odd.len > 0)
        note_rest(c, trailers->base + trailers->odd.off, trailers->base + trailers->odd.off + trailers->odd.len);
}

/*
 * As heads of answers are read: what a strict reader would refuse is odd, but a line without a colon is too much.  In a
 * copy, for the parser unfolds values in place: the same bytes may be looked at again, and must be odd again.
 */
static ssize_t take_odd_trailers(struct h1_chunked *c, const char *in, size_t len)
{
    struct field fields[H1_TRAILER_FIELDS_MAX];
    struct h1_head forget = {.fields = fields, .fields_cap = H1_TRAILER_FIELDS_MAX};
    struct h1_parser parser = {.limits = c->parser.limits};
    char copy[H1_TRAILER_MAX];
    size_t look = len < sizeof copy ? len : sizeof copy;

    memcpy(copy, in, look);
    ssize_t n = bide__h1_parse_trailers(&parser, copy, look, &forget);
    n = n > 0 && forget.no_colon ? H1_ENOCOLON : n;
    c->odd = true;
    if (n < 0)
        note_trailer(c, &forget);
    return n;
}

static ssize_t take_trailers(struct h1_chunked *c, char *in, size_t len)
{
    struct field fields[H1_TRAILER_FIELDS_MAX];
    struct h1_head forget = {.fields = fields, .fields_cap = H1_TRAILER_FIELDS_MAX};

    ssize_t n = bide__h1_parse_trailers(&c->parser, in, len, &forget);
    if (n < 0 && c->lenient)
        n = take_odd_trailers(c, in, len);
    else if (n < 0)
        note_trailer(c, &forget);
    c->done = n > 0;
    c->trailer_len = n > 0 ? (uint32_t)n : 0;
    return n == H1_EHEADSIZE || n == H1_EFIELDSIZE ? H1_ETRAILERSIZE : n;
}

ssize_t bide__h1_chunked_step(struct h1_chunked *c, char *in, size_t len, const char **data,
                              size_t *data_len)
{
    size_t used = 0;

    *data = in;
    *data_len = 0;
    while (used < len && !c->done) {
        if (c->state == DATA) {
            used += take_data(c, in + used, len - used, data, data_len);
            break;
        }
        if (c->state == TRAILER) {
            ssize_t n = take_trailers(c, in + used, len - used);
            return n < 0 ? n : (ssize_t)used + n;
        }
        int r = take_byte(c, in[used++]);
        if (r < 0) {
            note_rest(c, in + used, in + len);
            return r;
        }
    }
    return (ssize_t)used;
}
