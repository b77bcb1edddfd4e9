/* SPDX-License-Identifier: MIT */
/*
 * datagram.h - UDP: datagrams to and from anywhere, or one peer; many with one call; multicast.
 *
 * Several tasks may receive at one endpoint, and each datagram goes to one of them.
 */
#ifndef BIDE_DATAGRAM_H
#define BIDE_DATAGRAM_H

#include <stdbool.h>
#include <sys/types.h>

#include <bide/address.h>
#include <bide/awaitable.h>
#include <bide/error.h>
#include <bide/object.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct bide_datagram bide_datagram;

/* What bide_datagram_open takes; zero means the default. */
typedef struct bide_datagram_args {
    size_t size; /* of this struct; set by the macro */
    const char *host;      /* the address to receive at; default: any, IPv4 (or of the peer's family, with .to_host) */
    int port;              /* 0: any that is free */
    struct bide_use_named_options *guard_;
    const char *to_host;   /* the one peer, a name or an address: nothing else is received, and ICMP's errors are */
    int to_port;
    bool errors;           /* ICMP's errors without .to_host, too: receiving or sending fails with that of an earlier datagram */
    bool broadcast;        /* sending to broadcast addresses is allowed */
    bool reuse_address;    /* the port may be shared with others that say so: multicast */
    bool reuse_port;       /* likewise, and the kernel distributes the datagrams among them */
    bool only_ip6;         /* with an IPv6 .host: no IPv4 as ::ffff:a.b.c.d */
    size_t receive_buffer; /* bytes in the kernel; default: the system's */
    size_t send_buffer;
} bide_datagram_args;

/*
 * Open an endpoint.
 *
 * Suspends:  with .to_host, until the name was looked up; a cancellation point then
 * Returns:   the endpoint, or NULL
 * Errors:    -EADDRINUSE and the like, with the address in the text; BIDE_ENAME, BIDE_EDNS; -EINVAL; BIDE_ENOLOOP; BIDE_ENOMEM
 * Owns:      the result is owned; releasing it closes it, and tasks that use it get BIDE_ECLOSED
 * Example:   bide_auto bide_datagram *d = bide_datagram_open("0.0.0.0", 5353, .reuse_address = true);
 */
#define bide_datagram_open(host_, ...) \
    BIDE__CALL(bide_datagram_open_with(BIDE__ARGS(bide_datagram_args, .host = (host_), .port = __VA_ARGS__)))
BIDE_API BIDE_MUST_USE bide_datagram *bide_datagram_open_with(const bide_datagram_args *args);

/*
 * The port it receives at, also when any free one was asked for; bide_datagram_local: its address with that port, into *out.
 *
 * Returns:   the port; of bide_datagram_local 0
 * Errors:    -EINVAL for NULL
 */
BIDE_API BIDE_MUST_USE int bide_datagram_port(const bide_datagram *d);
BIDE_API BIDE_MUST_USE int bide_datagram_local(const bide_datagram *d, bide_address *out);

/*
 * Receive a datagram.  Its sender is put into *from, unless that is NULL.
 *
 * Suspends:  until one has come; a cancellation point, and nothing is lost
 * Returns:   its length, 0 or more; if that is more than cap, it was cut and the rest is gone
 * Errors:    -ECONNREFUSED, -EHOSTUNREACH and the like: what became of a datagram that was sent before (.to_host, .errors); the
 *            text names its address, and the endpoint goes on.  BIDE_ECLOSED; BIDE_ETIMEDOUT; BIDE_ECANCELED; -EINVAL
 * Owns:      out and from are borrowed for the call
 * Example:   ssize_t n = bide_datagram_receive(d, data, sizeof data, &from);
 */
BIDE_API BIDE_MUST_USE ssize_t bide_datagram_receive(bide_datagram *d, void *out, size_t cap, bide_address *from);
/* The same, to be awaited or chosen (bide_select); d, out and from are borrowed until then. */
BIDE_API bide_awaitable bide_datagram_receive_awaitable(bide_datagram *d, void *out, size_t cap, bide_address *from);

/*
 * Send a datagram; to NULL: to the peer (.to_host).
 *
 * Suspends:  while the kernel's buffer is full; a cancellation point then
 * Returns:   0: the kernel has it; no one says whether it arrives
 * Errors:    -EMSGSIZE; -EACCES: to a broadcast address without .broadcast; -EDESTADDRREQ: to nobody; as bide_datagram_receive,
 *            and then this datagram was not sent
 * Owns:      data and to are borrowed for the call
 * Example:   BIDE_TRY(bide_datagram_send(d, data, (size_t)n, &from));
 */
BIDE_API BIDE_MUST_USE int bide_datagram_send(bide_datagram *d, const void *data, size_t len, const bide_address *to);

/* ---- many with one call ---- */

typedef struct bide_message {
    void *data;
    size_t cap;           /* receiving: the room at data */
    size_t len;           /* of the datagram; received and more than cap: it was cut */
    bide_address address; /* of the sender, or where it goes; all zeros: to the peer */
} bide_message;

/*
 * Receive what is there, up to n datagrams, at least one (recvmmsg).
 *
 * Suspends:  until one has come; a cancellation point, and nothing is lost
 * Returns:   how many, 1 to n
 * Errors:    as bide_datagram_receive
 * Owns:      the messages and what they point to are borrowed for the call
 * Example:   int n = bide_datagram_receive_many(d, messages, 32);
 */
BIDE_API BIDE_MUST_USE int bide_datagram_receive_many(bide_datagram *d, bide_message *messages, int n);

/*
 * Send n datagrams, in this order (sendmmsg).
 *
 * Suspends:  while the kernel's buffer is full; a cancellation point then
 * Returns:   how many were sent: n, or fewer if the next one failed, or the wait for it was interrupted: sending that again says why
 * Errors:    those of the first: as bide_datagram_send
 * Owns:      the messages and what they point to are borrowed for the call
 * Example:   int sent = bide_datagram_send_many(d, messages, n);
 */
BIDE_API BIDE_MUST_USE int bide_datagram_send_many(bide_datagram *d, const bide_message *messages, int n);

/* ---- multicast ---- */

/*
 * Join a multicast group, or leave it; on the interface of this name or address, NULL: the system's choice.
 *
 * Returns:   0
 * Errors:    -EINVAL: it is no group's address, or of another family; -ENODEV: there is no such interface; -EADDRINUSE: joined
 *            already; -EADDRNOTAVAIL: not joined; -ENOBUFS: the system's limit
 * Example:   BIDE_TRY(bide_datagram_join(d, "224.0.0.251", "eth0"));
 */
BIDE_API BIDE_MUST_USE int bide_datagram_join(bide_datagram *d, const char *group, const char *interface);
BIDE_API BIDE_MUST_USE int bide_datagram_leave(bide_datagram *d, const char *group, const char *interface);

/* Options of datagrams that are sent to groups; zero means the default. */
typedef struct bide_multicast_args {
    size_t size; /* of this struct; set by the macro */
    struct bide_use_named_options *guard_;
    int ttl;               /* time to live, 1 to 255: each router takes one off; default 1: this network alone */
    bool no_loop;          /* this machine's own endpoints in the group do not get them */
    const char *interface; /* they leave through it, a name or an address; default: the system's choice */
} bide_multicast_args;

/*
 * Set the options of datagrams that are sent to groups: all of them, also those that are not named.
 *
 * Returns:   0
 * Errors:    -EINVAL; -ENODEV: there is no such interface
 * Example:   BIDE_TRY(bide_datagram_multicast(d, .ttl = 4, .interface = "eth0"));
 */
#define bide_datagram_multicast(d, ...) \
    BIDE__CALL(bide_datagram_multicast_with((d), BIDE__ARGS(bide_multicast_args, __VA_ARGS__)))
BIDE_API BIDE_MUST_USE int bide_datagram_multicast_with(bide_datagram *d, const bide_multicast_args *args);

#ifdef __cplusplus
}
#endif
#endif
