/* SPDX-License-Identifier: MIT */
/*
 * headers.h - field names that we know by number.
 *
 * The parser gives every field one of these ids in the pass that reads it, so that framing,
 * cookies, redirects and the rest ask for a number and never compare names.  Id 0 is "any other
 * name".  Ids fit the bits of a uint64_t: a head says in one word which known fields it has.
 */
#ifndef BIDE_HTTP_HEADERS_H
#define BIDE_HTTP_HEADERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hardening.h"

/*
 * X(id, spelling, slot).  The slot is the perfect hash of the name: see bide__header_id.  A new
 * name that collides needs another multiplier there; test_names.c checks that every name finds
 * itself.
 */
#define BIDE_HEADERS(X)                                                               \
    X(HEADER_ACCEPT, "Accept", 184)                                                   \
    X(HEADER_ACCEPT_ENCODING, "Accept-Encoding", 201)                                 \
    X(HEADER_ACCEPT_LANGUAGE, "Accept-Language", 155)                                 \
    X(HEADER_ACCEPT_RANGES, "Accept-Ranges", 89)                                      \
    X(HEADER_ACCESS_CONTROL_ALLOW_ORIGIN, "Access-Control-Allow-Origin", 127)         \
    X(HEADER_AGE, "Age", 142)                                                         \
    X(HEADER_ALLOW, "Allow", 193)                                                     \
    X(HEADER_ALT_SVC, "Alt-Svc", 83)                                                  \
    X(HEADER_AUTHORIZATION, "Authorization", 240)                                     \
    X(HEADER_CACHE_CONTROL, "Cache-Control", 31)                                      \
    X(HEADER_CF_RAY, "CF-Ray", 148)                                                   \
    X(HEADER_CONNECTION, "Connection", 140)                                           \
    X(HEADER_CONTENT_DISPOSITION, "Content-Disposition", 215)                         \
    X(HEADER_CONTENT_ENCODING, "Content-Encoding", 107)                               \
    X(HEADER_CONTENT_LANGUAGE, "Content-Language", 60)                                \
    X(HEADER_CONTENT_LENGTH, "Content-Length", 242)                                   \
    X(HEADER_CONTENT_LOCATION, "Content-Location", 20)                                \
    X(HEADER_CONTENT_RANGE, "Content-Range", 123)                                     \
    X(HEADER_CONTENT_SECURITY_POLICY, "Content-Security-Policy", 230)                 \
    X(HEADER_CONTENT_TYPE, "Content-Type", 58)                                        \
    X(HEADER_COOKIE, "Cookie", 178)                                                   \
    X(HEADER_DATE, "Date", 98)                                                        \
    X(HEADER_ETAG, "ETag", 190)                                                       \
    X(HEADER_EXPECT, "Expect", 121)                                                   \
    X(HEADER_EXPIRES, "Expires", 163)                                                 \
    X(HEADER_HOST, "Host", 139)                                                       \
    X(HEADER_IDEMPOTENCY_KEY, "Idempotency-Key", 250)                                 \
    X(HEADER_IF_MATCH, "If-Match", 154)                                               \
    X(HEADER_IF_MODIFIED_SINCE, "If-Modified-Since", 157)                             \
    X(HEADER_IF_NONE_MATCH, "If-None-Match", 224)                                     \
    X(HEADER_IF_RANGE, "If-Range", 82)                                                \
    X(HEADER_IF_UNMODIFIED_SINCE, "If-Unmodified-Since", 30)                          \
    X(HEADER_KEEP_ALIVE, "Keep-Alive", 52)                                            \
    X(HEADER_LAST_MODIFIED, "Last-Modified", 19)                                      \
    X(HEADER_LINK, "Link", 114)                                                       \
    X(HEADER_LOCATION, "Location", 191)                                               \
    X(HEADER_ORIGIN, "Origin", 202)                                                   \
    X(HEADER_P3P, "P3P", 90)                                                          \
    X(HEADER_PRAGMA, "Pragma", 194)                                                   \
    X(HEADER_PROXY_AUTHENTICATE, "Proxy-Authenticate", 47)                            \
    X(HEADER_PROXY_AUTHORIZATION, "Proxy-Authorization", 72)                          \
    X(HEADER_PROXY_CONNECTION, "Proxy-Connection", 134)                               \
    X(HEADER_RANGE, "Range", 67)                                                      \
    X(HEADER_REFERER, "Referer", 251)                                                 \
    X(HEADER_REFERRER_POLICY, "Referrer-Policy", 174)                                 \
    X(HEADER_RETRY_AFTER, "Retry-After", 241)                                         \
    X(HEADER_SEC_WEBSOCKET_ACCEPT, "Sec-WebSocket-Accept", 170)                       \
    X(HEADER_SEC_WEBSOCKET_EXTENSIONS, "Sec-WebSocket-Extensions", 152)               \
    X(HEADER_SEC_WEBSOCKET_KEY, "Sec-WebSocket-Key", 96)                              \
    X(HEADER_SEC_WEBSOCKET_PROTOCOL, "Sec-WebSocket-Protocol", 106)                   \
    X(HEADER_SEC_WEBSOCKET_VERSION, "Sec-WebSocket-Version", 91)                      \
    X(HEADER_SERVER, "Server", 238)                                                   \
    X(HEADER_SET_COOKIE, "Set-Cookie", 185)                                           \
    X(HEADER_STRICT_TRANSPORT_SECURITY, "Strict-Transport-Security", 104)             \
    X(HEADER_TE, "TE", 222)                                                           \
    X(HEADER_TRAILER, "Trailer", 92)                                                  \
    X(HEADER_TRANSFER_ENCODING, "Transfer-Encoding", 207)                             \
    X(HEADER_UPGRADE, "Upgrade", 87)                                                  \
    X(HEADER_USER_AGENT, "User-Agent", 125)                                           \
    X(HEADER_VARY, "Vary", 164)                                                       \
    X(HEADER_VIA, "Via", 32)                                                          \
    X(HEADER_WWW_AUTHENTICATE, "WWW-Authenticate", 252)                               \
    X(HEADER_X_CONTENT_TYPE_OPTIONS, "X-Content-Type-Options", 8)

enum header_id {
    HEADER_OTHER = 0,
#define BIDE__ID(id, name, slot) id,
    BIDE_HEADERS(BIDE__ID)
#undef BIDE__ID
    HEADER_COUNT
};

/* The bit of an id in a head's `seen`. */
#define HEADER_BIT(id) ((uint64_t)1 << (id))

/* The id of a name, in any case; HEADER_OTHER if it is not one of ours.  The name must be a
 * token (RFC 9110 5.6.2). */
never_indirect enum header_id bide__header_id(const char *name, size_t len);

/* The usual spelling of an id; "" for HEADER_OTHER. */
const char *bide__header_name(enum header_id id);

/* May this name, this value be sent?  A token; no control characters but HTAB, no white space at
 * the ends (RFC 9110 5.5, 5.6.2).  Checked when a field is set and again when it is written. */
never_indirect bool bide__header_name_ok(const char *name, size_t len);
bool bide__header_value_ok(const char *value, size_t len);

/* Is `token` (lower case) an element of this comma-separated list, in any case? */
bool bide__header_has_token(const char *value, size_t len, const char *token);

/*
 * Step through a comma-separated list: the next element, trimmed.  *at starts at 0.  False at the
 * end.  Empty elements are given too: who must ignore them (RFC 9110 5.6.1.2) does, who must
 * refuse them (Content-Length) can.
 */
never_indirect bool bide__header_next_element(const char *value, size_t len, size_t *at, const char **element,
                               size_t *element_len);

/* Do two byte strings say the same in any case?  `lower` is lower case already. */
bool bide__header_equals(const char *text, size_t len, const char *lower);

#endif
