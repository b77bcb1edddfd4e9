/* SPDX-License-Identifier: MIT */
/* mariadb.c - libmariadb: sleep(); ADDRESS is the path of a Unix socket, or a port. */
#include <mysql.h>

#include "client.h"

static void *open_maria(int i)
{
    MYSQL *c = mysql_init(NULL);
    bool is_path = address[0] == '/';

    (void)i;
    if (!mysql_real_connect(c, is_path ? "localhost" : "127.0.0.1", "root", NULL, NULL, is_path ? 0 : (unsigned)atoi(address),
                            is_path ? address : NULL, 0)) {
        complain("connecting: %s", mysql_error(c));
        mysql_close(c);
        return NULL;
    }
    return c;
}

static int query(void *connection, int i, double seconds)
{
    MYSQL *c = connection;
    char text[100];
    int len = snprintf(text, sizeof text, "select sleep(%g), %d", seconds, i);
    if (mysql_real_query(c, text, (unsigned long)len) != 0) {
        complain("%s", mysql_error(c));
        return -1;
    }
    MYSQL_RES *r = mysql_store_result(c);
    MYSQL_ROW row = r ? mysql_fetch_row(r) : NULL;
    int code = row && atoi(row[1]) == i ? 0 : -1;

    if (code < 0)
        complain("got %s, not %d", row ? row[1] : "no row", i);
    if (r)
        mysql_free_result(r);
    return code;
}

static void close_maria(void *c)
{
    mysql_close(c);
}

__attribute__((constructor)) static void begin(void)
{
    mysql_library_init(0, NULL, NULL);
}

__attribute__((destructor)) static void end(void)
{
    mysql_library_end();
}

const struct client client = {open_maria, query, close_maria};
