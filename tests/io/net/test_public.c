/* SPDX-License-Identifier: MIT */
/* test_public.c - which addresses are of the public internet: the edges of each block of IANA's registries. */
#include "harness/harness.h"
#include "io/net/connect.h"

static bool is_public(const char *text)
{
    struct addr a;

    EXPECT_TRUE(bide__addr_parse(&a, text, 80));
    return bide__addr_is_public(&a);
}

TEST(public_addresses_are_told_from_others)
{
    static const char *const no[] = {
        "0.0.0.0", "0.255.255.255", "10.0.0.1", "10.255.255.255", "100.64.0.0", "100.127.255.255", "127.0.0.1", "127.255.255.255",
        "169.254.169.254", "172.16.0.0", "172.31.255.255", "192.0.0.1", "192.0.2.1", "192.88.99.1", "192.168.0.1", "198.18.0.0",
        "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
        "::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::", "2002:a9fe:a9fe::1",
        "100::1", "2001::1", "2001:1ff::1", "2001:db8::1", "3fff::1", "3fff:fff::1", "4000::1", "5f00::1", "fc00::1", "fdff::1", "fe80::1", "ff02::1",
    };
    static const char *const yes[] = {
        "1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0", "169.253.0.1", "169.255.0.1",
        "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.0.3.0", "192.167.0.1", "192.169.0.1", "198.17.255.255", "198.20.0.0", "223.255.255.255",
        "::ffff:1.1.1.1", "64:ff9b::101:101", "2002:101:101::1", "2001:200::1", "2001:db7::1", "2001:db9::1", "2606:4700::1111", "3fff:1000::1",
    };

    for (size_t i = 0; i < array_len(no); i++)
        if (is_public(no[i]))
            FAIL("%s is not public", no[i]);
    for (size_t i = 0; i < array_len(yes); i++)
        if (!is_public(yes[i]))
            FAIL("%s is public", yes[i]);
}
