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

/* A plain value; all zeros is no address.  What is in it is ours (it begins with a struct sockaddr_in or sockaddr_in6). */
typedef struct bide_address {
    uint32_t words[8];
} bide_address;

/* Room for any address as text, with its port and NUL. */
#define BIDE_ADDRESS_TEXT 72

/*
 * Take an address from text: "127.0.0.1", "::1", "[::1]", "fe80::1%eth0".  No name is looked up.
 *
 * Threads:   any; no loop is needed
 * Returns:   0
 * Errors:    -EINVAL for what is no address, and for a port that is not 0 to 65535
 * Example:   BIDE_TRY(bide_address_parse(&to, "224.0.0.251", 5353));
 */
BIDE_API BIDE_MUST_USE int bide_address_parse(bide_address *out, const char *text, int port);

/*
 * The same from what the system's calls give.
 *
 * Threads:   any; no loop is needed
 * Returns:   0
 * Errors:    -EINVAL for what is neither IPv4 nor IPv6, or too short for it
 * Example:   BIDE_TRY(bide_address_from(&a, &sa, len));
 */
BIDE_API BIDE_MUST_USE int bide_address_from(bide_address *out, const struct sockaddr *sa, size_t len);

/*
 * As text into `out`: "127.0.0.1:53", "[fe80::1%eth0]:53"; the second without the port and brackets.  BIDE_ADDRESS_TEXT bytes are enough;
 * where there are fewer it is cut.  No address: "".
 *
 * Threads:   any; no loop is needed
 * Returns:   out, so that it can stand in a printf; "" for NULL
 * Owns:      out is the caller's, borrowed for the call
 * Example:   printf("%s\n", bide_address_text(&from, text, sizeof text));
 */
BIDE_API const char *bide_address_text(const bide_address *a, char *out, size_t cap);
BIDE_API const char *bide_address_host(const bide_address *a, char *out, size_t cap);

/*
 * Its port; 4 or 6, 0 for no address; the same address, port and link?
 *
 * Threads:   any; no loop is needed
 */
BIDE_API BIDE_MUST_USE int bide_address_port(const bide_address *a);
BIDE_API BIDE_MUST_USE int bide_address_family(const bide_address *a);
BIDE_API bool bide_address_equal(const bide_address *a, const bide_address *b);

#ifdef __cplusplus
}
#endif
#endif
