/* SPDX-License-Identifier: MIT */
/*
 * command_version.c - `bide version`, `bide --version`.
 */
#include <bide/version.h>

#include <gnu/libc-version.h>
#include <jansson.h>
#include <openssl/crypto.h>
#include <string.h>
#include <sys/utsname.h>
#include <zlib.h>
#include <zstd.h>

#include "cli/option/opt.h"

struct version_options {
    bool verbose;
};

static const struct opt options[] = {
    {"verbose", 'v', NULL, OPT_FLAG(struct version_options, verbose), .help = "and what it was built with, and the libraries that it uses here"},
    {0},
};

/* The program and its library are installed together; where they are not, both are of interest. */
static void print_version(void)
{
    printf("bide %s\n", bide_version());
    if (strcmp(bide_version(), BIDE_VERSION) != 0)
        printf("(the library; the program was built for %s)\n", BIDE_VERSION);
}

int version_print(void)
{
    print_version();
    return say_flush();
}

static int print_all(void)
{
    struct utsname system;

    print_version();
    printf("built in  %s\n", bide_features());
    printf("compiler  %s\n", __VERSION__);
    printf("C library %s\n", gnu_get_libc_version());
    if (uname(&system) == 0)
        printf("system    %s %s %s\n", system.sysname, system.release, system.machine);
    printf("TLS       %s\n", OpenSSL_version(OPENSSL_VERSION));
    printf("zlib      %s\n", zlibVersion());
    printf("zstd      %s\n", ZSTD_versionString());
    printf("jansson   %s\n", jansson_version_str());
    printf("protocols http https, HTTP/1.1\n");
    return say_flush();
}

static int version_main(const struct command *self, int argc, char **argv)
{
    struct version_options o = {0};
    int result = opt_parse(self, &argc, argv, &o);
    if (result != OPT_GO)
        return result;

    return o.verbose ? print_all() : version_print();
}

const struct command command_version = {
    .name = "version",
    .brief = "print the version",
    .options = options,
    .main = version_main,
};
