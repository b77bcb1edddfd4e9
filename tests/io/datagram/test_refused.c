/* SPDX-License-Identifier: MIT */
/* test_refused.c - UDP endpoints where the kernel refuses an option: an error that names it, and no descriptor is left. */
#include <unistd.h>

#include <bide/bide.h>

#include "file/no_uring.h"

static void expect_refused(const bide_datagram *d, const char *option)
{
    EXPECT_NULL(d);
    EXPECT_ERR(bide_error_code(), -EPERM);
    EXPECT_CONTAINS(bide_error_text(), "for datagrams: ");
    EXPECT_CONTAINS(bide_error_text(), option);
}

TEST(datagram_option_that_is_refused_is_named, .real_time = true)
{
    int before = dup(0);
    close(before);
    refuse_syscall(SYS_setsockopt, EPERM);
    expect_refused(bide_datagram_open("127.0.0.1", 0, .reuse_address = true), "SO_REUSEADDR");
    expect_refused(bide_datagram_open("127.0.0.1", 0, .reuse_port = true), "SO_REUSEPORT");
    expect_refused(bide_datagram_open("127.0.0.1", 0, .broadcast = true), "SO_BROADCAST");
    expect_refused(bide_datagram_open("127.0.0.1", 0, .receive_buffer = 9000), "SO_RCVBUF");
    expect_refused(bide_datagram_open("127.0.0.1", 0, .send_buffer = 9000), "SO_SNDBUF");
    expect_refused(bide_datagram_open("127.0.0.1", 0, .errors = true), "IP_RECVERR");
    expect_refused(bide_datagram_open("::1", 0, .only_ip6 = true), "IPV6_V6ONLY");
    expect_refused(bide_datagram_open("::1", 0, .errors = true), "IPV6_RECVERR");
    int after = dup(0);
    EXPECT_EQ(after, before);
    close(after);
}

TEST(datagram_multicast_that_is_refused_leaves_the_endpoint, .real_time = true)
{
    bide_address here;
    bide_auto bide_datagram *d = bide_datagram_open("127.0.0.1", 0);
    EXPECT_NOT_NULL(d);
    refuse_syscall(SYS_setsockopt, EPERM);
    EXPECT_ERR(bide_datagram_multicast(d, .ttl = 2), -EPERM);
    EXPECT_ERR(bide_datagram_join(d, "239.1.2.3", NULL), -EPERM);
    EXPECT_EQ(bide_datagram_local(d, &here), 0);
    EXPECT_EQ(bide_datagram_send(d, "x", 1, &here), 0);
}
