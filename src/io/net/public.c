/* SPDX-License-Identifier: MIT */
/*
 * public.c - is an address one of the public internet?
 *
 * Those of IANA's special-purpose registries (RFC 6890) are not, nor multicast; of IPv6 only 2000::/3 is given out at all.  An
 * IPv6 address that leads to an IPv4 one (mapped, NAT64, 6to4) is what that is.
 */
#include <string.h>

#include "io/net/connect.h"

struct block4 {
    uint32_t first;
    int bits;
};

static const struct block4 special4[] = {
    {0x00000000, 8},  {0x0a000000, 8},  {0x64400000, 10}, {0x7f000000, 8},  {0xa9fe0000, 16}, {0xac100000, 12}, {0xc0000000, 24},
    {0xc0000200, 24}, {0xc0586300, 24}, {0xc0a80000, 16}, {0xc6120000, 15}, {0xc6336400, 24}, {0xcb007100, 24}, {0xe0000000, 3},
};

struct block6 {
    uint8_t first[6];
    int bits;
};

static const struct block6 special6[] = {
    {{0x20, 0x01, 0x00, 0x00}, 23}, /* protocols, Teredo among them */
    {{0x20, 0x01, 0x0d, 0xb8}, 32}, /* documentation */
    {{0x3f, 0xff, 0x00, 0x00}, 20},
};

static bool is_public4(uint32_t address)
{
    for (size_t i = 0; i < array_len(special4); i++)
        if ((address ^ special4[i].first) >> (32 - special4[i].bits) == 0)
            return false;
    return true;
}

static uint32_t number4(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static bool begins_with(const uint8_t *bytes, const uint8_t *first, int bits)
{
    int whole = bits / 8, rest = bits % 8;

    return memcmp(bytes, first, (size_t)whole) == 0 && (rest == 0 || (bytes[whole] ^ first[whole]) >> (8 - rest) == 0);
}

static bool is_public6(const uint8_t bytes[16])
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff}, nat64[12] = {0x00, 0x64, 0xff, 0x9b}, to4[2] = {0x20, 0x02};

    if (memcmp(bytes, mapped, 12) == 0 || memcmp(bytes, nat64, 12) == 0)
        return is_public4(number4(bytes + 12));
    if (memcmp(bytes, to4, 2) == 0)
        return is_public4(number4(bytes + 2));
    for (size_t i = 0; i < array_len(special6); i++)
        if (begins_with(bytes, special6[i].first, special6[i].bits))
            return false;
    return bytes[0] >> 5 == 1;
}

bool bide__addr_is_public(const struct addr *a)
{
    if (a->sa.sa_family == AF_INET)
        return is_public4(ntohl(a->in.sin_addr.s_addr));
    return a->sa.sa_family == AF_INET6 && is_public6(a->in6.sin6_addr.s6_addr);
}
