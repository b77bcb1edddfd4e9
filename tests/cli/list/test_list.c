/* SPDX-License-Identifier: MIT */
/* test_list.c - entries of lists in all their forms. */
#include <harness/harness.h>

#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/list/list.h"

static char out[16384]; /* what is longer is cut */
static size_t out_len;

static void print(const char *format, ...) BIDE_PRINTF(1, 2);
static void print(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    out_len += (size_t)vsnprintf(out + out_len, sizeof out - out_len, format, args);
    out_len = out_len < sizeof out ? out_len : sizeof out - 1;
    va_end(args);
}

static void print_extras(const struct extras *x, int nvalues)
{
    if (x->dir)
        print(" dir=%s", x->dir);
    if (x->name)
        print(" name=%s", x->name);
    if (x->method)
        print(" %s", x->method);
    for (const bide_pair *p = x->headers; p && p->name; p++)
        print(" %s:%s", p->name, p->value);
    if (x->body.data)
        print(" %s=%.*s(%zu)", x->is_json ? "json" : "body", (int)x->body.len, x->body.data, x->body.len);
    for (const char **m = x->mirrors; m && *m; m++)
        print(" or=%s", *m);
    for (int i = 0; x->values && i < nvalues; i++)
        print(" {%s}", x->values[i] ? x->values[i] : "-");
}

/* What a list gives, as "1:URL extras|2!fault|". */
static const char *read_list(struct list_rules *rules, const char *data, size_t len)
{
    struct list *l = malloc(sizeof *l);
    struct list_entry e;
    char path[256];
    int got, fd;

    snprintf(path, sizeof path, "%s/list", test_tmpdir());
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    EXPECT_EQ(write(fd, data, len), len);
    close(fd);
    EXPECT_EQ(list_open(l, path, rules), EXIT_OK);
    out_len = 0;
    out[0] = '\0';
    while ((got = list_next(l, &e)) != LIST_END) {
        if (got == LIST_MORE) {
            if (lines_fill(&l->lines) < 0) {
                print("cut|");
                list_cut(l);
            }
            continue;
        }
        print("%llu%c%.*s", (unsigned long long)e.line, got == LIST_GOT ? ':' : got == LIST_NOTE ? '~' : got == LIST_BAD ? '!' : '#',
              got == LIST_GOT ? (int)e.len : 0, got == LIST_GOT ? e.url : "");
        if (got != LIST_GOT)
            print("%s", e.fault);
        if (e.extras)
            print_extras(e.extras, rules->nvariables);
        print("|");
        free(e.extras);
        if (got == LIST_REFUSED)
            break;
    }
    list_close(l);
    free(l);
    return out;
}

static const char *read_form(enum list_form form, const char *columns, const char *data, size_t len)
{
    struct list_rules rules = {.form = form, .variables = {"sku", "name"}, .nvariables = 2};
    struct text why = {0};

    if (columns)
        EXPECT_TRUE(columns_parse(&rules.columns, &rules, columns, strlen(columns), ',', &why) == NULL);
    const char *result = read_list(&rules, data, len);
    list_rules_free(&rules);
    text_free(&why);
    return result;
}

#define LIST(form, text) read_form(form, NULL, text, sizeof(text) - 1)
#define AUTO(text) LIST(LIST_AUTO, text)
#define TSV(columns, text) read_form(LIST_TSV, columns, text, sizeof(text) - 1)

UNIT(list_of_plain_lines_has_no_extras)
{
    EXPECT_STR(AUTO("http://a/1\n  http://a/2  \n\n# c\nhttp://a/3"), "1:http://a/1|2:http://a/2|5:http://a/3|");
    EXPECT_STR(AUTO("<http://a/1>\n\"http://a/2\"\r\n <a>\n"), "1:http://a/1|2:http://a/2|3!this is markup, and no URL|");
    EXPECT_STR(LIST(LIST_LINES, "http://a/1\n out=x\n{}\n"), "1:http://a/1|2:out=x|3:{}|");
    EXPECT_STR(AUTO(""), "");
}

UNIT(list_of_aria2_gives_options_to_the_url_above)
{
    EXPECT_STR(AUTO("http://a/1\n out=n1\n header=X-A: 1\n\tdir=d\nhttp://a/2\n"),
               "1:http://a/1 dir=d name=n1 X-A:1 {-} {n1}|5:http://a/2|");
    EXPECT_STR(AUTO("http://a/1\n\n# c\n out=n1\n\nhttp://a/2\n  method=PUT\n  body=x=1 \n"),
               "1:http://a/1 name=n1 {-} {n1}|6:http://a/2 PUT body=x=1(3)|");
    EXPECT_STR(AUTO("http://a/1\r\n out=n1\r\n out=n2\r\n user-agent=me\r\n"), "1:http://a/1 name=n2 User-Agent:me {-} {n2}|");
    EXPECT_STR(AUTO("http://a/1\n dir=.\n out=./x/y\n"), "1:http://a/1 name=x/y {-} {./x/y}|");
    EXPECT_STR(AUTO(" out=n1\nhttp://a/1\n"), "1!an option, and no URL above it|2:http://a/1|");
}

UNIT(list_of_aria2_names_options_that_it_does_not_take)
{
    EXPECT_STR(AUTO("http://a/1\n split=5\n out=x\nhttp://a/2"), "2~split|1:http://a/1 name=x {-} {x}|4:http://a/2|");
    EXPECT_STR(AUTO("http://a/1\n checksum=md5=0\n out=x\nhttp://a/2"),
               "2!checksum= of aria2 means nothing here, and without it this would be another download|4:http://a/2|");
    EXPECT_STR(AUTO("http://a/1\n hader=X: secret\n"), "2!hader= is no option; did you mean header=?|");
    EXPECT_STR(AUTO("http://a/1\n zzz=1\n"), "2!zzz= is no option; there are out, dir, header, user-agent, referer, method, body, json|");
    EXPECT_STR(AUTO("http://a/1\n header=secret\nhttp://a/2\n"), "1!a header is no 'Name: value'|3:http://a/2|");
}

UNIT(list_of_aria2_has_mirrors_between_tabs)
{
    EXPECT_STR(AUTO("http://a/1\thttp://b/1\thttps://c/1\n out=x\nhttp://a/2\n"),
               "1:http://a/1 name=x or=http://b/1 or=https://c/1 {-} {x}|3:http://a/2|");
    EXPECT_STR(LIST(LIST_ARIA2, "http://a/1\tx\n"), "1:http://a/1 or=x|");
}

UNIT(list_with_a_tab_and_a_name_is_understood)
{
    EXPECT_STR(AUTO("http://a/1\tname1\nhttp://a/2\n"), "1:http://a/1 name=name1 {-} {name1}|2:http://a/2|");
    EXPECT_STR(AUTO("http://a/1\tout=x\n"), "1!out= behind the URL: an option has a line of its own, indented, below it|");
    EXPECT_STR(AUTO("http://a/1\tn\t3\n"), "1!more than a URL and a file name between tabs: --columns says what they are|");
}

UNIT(list_with_columns_has_what_they_say)
{
    EXPECT_STR(TSV("name,url,header:X-T,method", "n1\thttp://a/1\tv\tPUT\n\thttp://a/2\n#3\thttp://a/3\t\n"),
               "1:http://a/1 name=n1 PUT X-T:v {-} {n1}|2:http://a/2|3:http://a/3 name=#3 {-} {#3}|");
    EXPECT_STR(TSV("url,sku,body_b64,header,header", "http://a/1\t7\taGk=\tA: 1\tB: 2\n"), "1:http://a/1 A:1 B:2 body=hi(2) {7} {-}|");
    EXPECT_STR(TSV("url,name", "url\tname\nhttp://a/1\tx\n"), "2:http://a/1 name=x {-} {x}|");
    EXPECT_STR(TSV("url", "http://a/1\tx\n\"http://a/2\"\n"), "1!a field number 2, but there are 1 columns: see --columns|2:http://a/2|");
    EXPECT_STR(TSV("sku,url", "7\n\t\n8\t\n"), "1!the field of the column url is empty|3!the field of the column url is empty|");
}

UNIT(list_with_a_head_line_has_what_it_says)
{
    EXPECT_STR(AUTO("sku\turl\tname\r\n7\thttp://a/1\tx\r\n"), "2:http://a/1 name=x {7} {x}|");
    EXPECT_STR(AUTO("\xef\xbb\xbfURL\tsku\nhttp://a/1\t8\n"), "2:http://a/1 {8} {-}|");
    EXPECT_STR(AUTO("url\turl\n"), "1#the column url stands there twice|");
    EXPECT_STR(AUTO("url,name\nhttp://a/1,x\n"), "1#there are commas between the names of columns; tabs are read: --columns url,name,...|");
    EXPECT_STR(LIST(LIST_TSV, "http://a/1\tx\n"), "1#the first line does not name the columns; --columns url,... does|");
}

UNIT(list_of_json_has_what_its_members_say)
{
    EXPECT_STR(AUTO("{\"url\":\"http://a/1\",\"name\":\"n\",\"method\":\"PUT\",\"headers\":{\"A\":\"1\",\"B\":[\"2\",\"3\"],\"C\":4},\"sku\":5}\n"
                    "{ \"body\" : \"x\\u0000y\", \"url\" : \"http://a/2\", \"other\": {}, \"method\": null }\n"),
               "1:http://a/1 name=n PUT A:1 B:2 B:3 C:4 {5} {n}|2:http://a/2 body=x(3)|");
    EXPECT_STR(AUTO("{\"url\":\"http://a/1\",\"json\": {\"a\": [0.1, \"}\\\"\"]} , \"dir\":\"d\"}"), "1:http://a/1 dir=d json={\"a\": [0.1, \"}\\\"\"]}(19)|");
    EXPECT_STR(AUTO("{\"body_b64\":\"/+8\",\"url_b64\":\"aHR0cDovL2EvMQ==\"}"), "1:http://a/1 body=\xff\xef(2)|");
}

UNIT(list_of_json_names_what_is_wrong)
{
    EXPECT_STR(AUTO("{\"url\":\"http://a/1\"}\n{\"url\":\"http://a/1\"\nx\n[]\n{}\n"),
               "1:http://a/1|2!no line of JSON: '}' expected, byte 19|3!no line of JSON: '[' or '{' expected, byte 1|"
               "4!no object, such as {\"url\": \"http://...\"}|5!no member url|");
    EXPECT_STR(AUTO("{\"url\":1}\n{\"url\":\"http://a/1\",\"url\":\"http://a/2\"}\n{\"url\":\"http://a/\\u0000\"}\n"),
               "1!url is no text|2!no line of JSON: duplicate object key, byte 25|3!url: a NUL byte|");
    EXPECT_CONTAINS(AUTO("{\"url\":\"http://a/1\",\"headers\":{\"A\":\"1\\r\\nB: 2\"}}"), "header A: a control character in its value");
    EXPECT_CONTAINS(AUTO("{\"url\":\"http://a/1\",\"headers\":{\"A: b\":\"1\"}}"), "the name of a header is no word");
    EXPECT_CONTAINS(AUTO("{\"url\":\"http://a/1\",\"headers\":{\"transfer-encoding\":\"1\"}}"), "it is written by bide");
    EXPECT_CONTAINS(AUTO("{\"url\":\"http://a/1\",\"headers\":[[[1]]]}"), "headers is no object");
    EXPECT_CONTAINS(AUTO("{\"url\":\"http://a/1\",\"header\":\"A: 1\"}"), "no member is called header");
    EXPECT_CONTAINS(AUTO("{\"url\":\"http://a/1\",\"body\":\"\",\"json\":1}"), "more than one body");
    EXPECT_CONTAINS(AUTO("{\"url\":\"http://a/1\",\"body_b64\":\"a\"}"), "body_b64 is no base64");
    EXPECT_CONTAINS(AUTO("{\"url\":\"http://a/1\",\"body_b64\":\"aa=a\"}"), "body_b64 is no base64");
    EXPECT_CONTAINS(AUTO("{\"url\":\"http://a/1\",\"method\":\"G T\"}"), "its method is none");
    EXPECT_STR(AUTO("{\"a\" \"secret\"}"), "1!no line of JSON: ':' expected, byte 13|");
}

UNIT(list_names_that_lead_out_fail_alone)
{
    static const char *const wrong[] = {"../x", "/etc/x", "a/../../x", "..", "a/.."};

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char text[128];
        snprintf(text, sizeof text, "http://a/1\n out=%s\nhttp://a/2\n dir=%s\nhttp://a/3\n", wrong[i], wrong[i]);
        EXPECT_STR(read_form(LIST_AUTO, NULL, text, strlen(text)),
                   "1!its file name leads out of the directory|3!its file name leads out of the directory|5:http://a/3|");
    }
    EXPECT_CONTAINS(AUTO("{\"url\":\"http://a/1\",\"name\":\"a\\nb\"}"), "a control character in a file name");
    EXPECT_CONTAINS(AUTO("{\"url\":\"http://a/1\",\"name\":\"a\\u0000b\"}"), "a NUL byte");
}

UNIT(list_that_is_something_else_is_refused)
{
    EXPECT_STR(AUTO("<!DOCTYPE html>\n<a href=\"http://a/1\">\n"), "1#this is HTML, no list of URLs|");
    EXPECT_STR(AUTO("\n<?xml version=\"1.0\"?>\n"), "2#this is XML, no list of URLs|");
    EXPECT_STR(AUTO("[{\"url\":\"http://a/1\"}]"), "1#this is an array; lines of JSON are read, one object each: jq -c '.[]' makes them|");
}

UNIT(list_that_is_cut_off_gives_what_is_whole)
{
    /* gzip, one block of 255 stored bytes that ends too early */
#define CUT(text) AUTO("\x1f\x8b\x08\0\0\0\0\0\x02\x03\x01\xff\0\0\xff" text)
    EXPECT_STR(CUT("http://a/1\nhttp://a/2\n"), "1:http://a/1|cut|2:http://a/2|");
    EXPECT_STR(CUT("http://a/1\nhttp://a/2\nhttp://a/33"), "1:http://a/1|2:http://a/2|cut|");
    EXPECT_STR(CUT("http://a/1\n out=x\n hea"), "cut|1!the list is cut off within its options|");
    EXPECT_STR(CUT("http://a/1\n out=x\nhttp"), "cut|1:http://a/1 name=x {-} {x}|");
#undef CUT
}

UNIT(list_entries_have_a_ceiling)
{
    char *big = malloc(3 << 20), *at = big;

    at += sprintf(at, "http://a/1\n");
    for (int i = 0; i < 100; i++)
        at += sprintf(at, " header=X-%d: 1\n", i);
    at += sprintf(at, "http://a/2\n");
    EXPECT_STR(read_form(LIST_AUTO, NULL, big, (size_t)(at - big)), "66!more than 64 values for one URL|102:http://a/2|");

    static const int lens[] = {70000, 1000000, 1100000};
    for (int i = 0; i < 3; i++) {
        at = big + sprintf(big, "{\"url\":\"http://a/1\",\"body\":\"");
        memset(at, 'x', (size_t)lens[i]);
        at += lens[i];
        at += sprintf(at, "\"}\n{\"url\":\"http://a/2\"}\n");
        const char *all = read_form(LIST_JSONL, NULL, big, (size_t)(at - big));
        EXPECT_CONTAINS(all, i == 2 ? "1!the line is longer than 1 MiB|2:http://a/2|" : "1:http://a/1 body=xxx");
    }
    free(big);
}

static uint64_t hash_of(enum item item, const char *text)
{
    struct draft d = {0};
    struct extras *x = NULL;

    draft_add(&d, ITEM_NAME, "name", 4);
    draft_add(&d, item, text, strlen(text));
    EXPECT_TRUE(extras_new(&d, 0, &x) == NULL);
    uint64_t hash = x->hash;
    free(x);
    draft_free(&d);
    return hash;
}

/* The name of a file asks for nothing; the method is compared with that of the options. */
UNIT(extras_have_the_same_hash_when_they_ask_the_same)
{
    EXPECT_EQ(hash_of(ITEM_BODY, "x"), hash_of(ITEM_BODY, "x"));
    EXPECT_TRUE(hash_of(ITEM_BODY, "x") != hash_of(ITEM_BODY, "y"));
    EXPECT_TRUE(hash_of(ITEM_BODY, "1") != hash_of(ITEM_JSON, "1"));
    EXPECT_TRUE(hash_of(ITEM_HEADER, "A: 1") != hash_of(ITEM_HEADER, "A: 2"));
    EXPECT_EQ(hash_of(ITEM_NAME, "a"), 0);
    EXPECT_EQ(hash_of(ITEM_DIR, "a"), 0);
    EXPECT_EQ(hash_of(ITEM_METHOD, "PUT"), 0);
}
