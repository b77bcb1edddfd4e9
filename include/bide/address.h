/* SPDX-License-Identifier: MIT */
/*
 * address.h - an IP address with its port, as a value: copied, compared, printed.
 */
#ifndef BIDE_ADDRESS_H
#define BIDE_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <bide/error.h>
#include <bide/object.h>

#ifdef __cplusplus
extern "C" {
#endif

struct sockaddr;

/* A plain value; all zeros is no address.  Its content is private (it begins with a struct sockaddr_in or sockaddr_in6). */
typedef struct bide_address {
    uint32_t words[8];
} bide_address;

/* Room for any address as text, with its port and NUL. */
#define BIDE_ADDRESS_TEXT 72

/*
 * Parse an address: "127.0.0.1", "::1", "[::1]", "fe80::1%eth0".  No name is looked up.
 *
 * Threads:   any; no loop is needed
 * Returns:   0
 * Errors:    -EINVAL for what is no address, and for a port that is not 0 to 65535
 * Example:   BIDE_TRY(bide_address_parse(&to, "224.0.0.251", 5353));
 */
BIDE_API BIDE_MUST_USE int bide_address_parse(bide_address *out, const char *text, int port);

/*
 * An address from a struct sockaddr, as accept(), recvfrom() and getsockname() fill it in.
 *
 * Threads:   any; no loop is needed
 * Returns:   0
 * Errors:    -EINVAL for what is neither IPv4 nor IPv6, or too short for it
 * Example:   BIDE_TRY(bide_address_from(&a, &sa, len));
 */
BIDE_API BIDE_MUST_USE int bide_address_from(bide_address *out, const struct sockaddr *sa, size_t len);

/*
 * As text into `out`: "127.0.0.1:53", "[fe80::1%eth0]:53"; bide_address_host without the port and brackets.  BIDE_ADDRESS_TEXT bytes
 * are enough; with fewer the text is cut.  No address: "".
 *
 * Threads:   any; no loop is needed
 * Returns:   out, so that it can stand in a printf; "" for NULL
 * Owns:      out is the caller's, borrowed for the call
 * Example:   printf("%s\n", bide_address_text(&from, text, sizeof text));
 */
BIDE_API const char *bide_address_text(const bide_address *a, char *out, size_t cap);
BIDE_API const char *bide_address_host(const bide_address *a, char *out, size_t cap);

/*
 * The port; the family; whether two are the same: address, port and, for IPv6, interface.
 *
 * Threads:   any; no loop is needed
 * Returns:   the port, 0 to 65535; 4 or 6, and 0 for no address; true if they are the same, false if one of them is no address
 */
BIDE_API BIDE_MUST_USE int bide_address_port(const bide_address *a);
BIDE_API BIDE_MUST_USE int bide_address_family(const bide_address *a);
BIDE_API bool bide_address_equal(const bide_address *a, const bide_address *b);

#ifdef __cplusplus
}
#endif
#endif
