/* SPDX-License-Identifier: MIT */
/* test_address.c - addresses as values: from text and from the system, as text, compared. */
#include "harness/harness.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <bide/address.h>

static void check(const char *text, int port, const char *whole, const char *host, int family)
{
    bide_address a;
    char out[BIDE_ADDRESS_TEXT];

    EXPECT_EQ(bide_address_parse(&a, text, port), 0);
    EXPECT_STR(bide_address_text(&a, out, sizeof out), whole);
    EXPECT_STR(bide_address_host(&a, out, sizeof out), host);
    EXPECT_EQ(bide_address_port(&a), port);
    EXPECT_EQ(bide_address_family(&a), family);
}

UNIT(address_from_text_and_back)
{
    check("127.0.0.1", 80, "127.0.0.1:80", "127.0.0.1", 4);
    check("255.255.255.255", 65535, "255.255.255.255:65535", "255.255.255.255", 4);
    check("::1", 0, "[::1]:0", "::1", 6);
    check("[2001:db8::5]", 443, "[2001:db8::5]:443", "2001:db8::5", 6);
    check("fe80::1%lo", 5353, "[fe80::1%lo]:5353", "fe80::1%lo", 6);
    check("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff%4000000000", 65535,
          "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff%4000000000]:65535", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff%4000000000", 6);
}

UNIT(address_that_is_none)
{
    bide_address a = {{0}}, b = {{0}};
    char out[8] = "x";

    EXPECT_EQ(bide_address_parse(&a, "localhost", 1), -EINVAL);
    EXPECT_EQ(bide_address_parse(&a, "1.2.3", 1), -EINVAL);
    EXPECT_EQ(bide_address_parse(&a, "1.2.3.4", 65536), -EINVAL);
    EXPECT_EQ(bide_address_parse(&a, "1.2.3.4", -1), -EINVAL);
    EXPECT_EQ(bide_address_parse(&a, NULL, 1), -EINVAL);
    EXPECT_EQ(bide_address_parse(NULL, "::1", 1), -EINVAL);
    EXPECT_STR(bide_address_text(&a, out, sizeof out), "");
    EXPECT_STR(bide_address_text(NULL, out, sizeof out), "");
    EXPECT_STR(bide_address_text(&a, NULL, 0), "");
    EXPECT_EQ(bide_address_port(&a), 0);
    EXPECT_EQ(bide_address_family(NULL), 0);
    EXPECT_FALSE(bide_address_equal(&a, &b)); /* two that are none are not the same */
    EXPECT_EQ(bide_address_parse(&a, "127.0.0.1", 80), 0);
    EXPECT_STR(bide_address_text(&a, out, 5), "127.");
}

UNIT(address_equal_looks_at_address_port_and_link)
{
    bide_address a, b;

    EXPECT_EQ(bide_address_parse(&a, "10.0.0.1", 80) | bide_address_parse(&b, "10.0.0.1", 80), 0);
    EXPECT_TRUE(bide_address_equal(&a, &b));
    EXPECT_EQ(bide_address_parse(&b, "10.0.0.1", 81), 0);
    EXPECT_FALSE(bide_address_equal(&a, &b));
    EXPECT_EQ(bide_address_parse(&b, "::ffff:10.0.0.1", 80), 0);
    EXPECT_FALSE(bide_address_equal(&a, &b));
    EXPECT_EQ(bide_address_parse(&a, "fe80::1%1", 80) | bide_address_parse(&b, "fe80::1%2", 80), 0);
    EXPECT_FALSE(bide_address_equal(&a, &b));
    EXPECT_FALSE(bide_address_equal(&a, NULL));
}

UNIT(address_from_the_system)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(53)};
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    bide_address a;
    char out[BIDE_ADDRESS_TEXT];

    EXPECT_EQ(bide_address_from(&a, (struct sockaddr *)&in, sizeof in), 0);
    EXPECT_STR(bide_address_text(&a, out, sizeof out), "0.0.0.0:53");
    EXPECT_EQ(bide_address_from(&a, (struct sockaddr *)&in, sizeof in - 1), -EINVAL);
    EXPECT_EQ(bide_address_from(&a, (struct sockaddr *)&in, 0), -EINVAL);
    EXPECT_EQ(bide_address_from(&a, (struct sockaddr *)&un, sizeof un), -EINVAL);
    EXPECT_EQ(bide_address_from(&a, NULL, 4), -EINVAL);
}
