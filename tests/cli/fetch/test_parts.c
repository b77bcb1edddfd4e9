/* SPDX-License-Identifier: MIT */
/* test_parts.c - pure parts of `bide fetch`: retries, numbers for people, progress lines, records. */
#include <harness/harness.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bide/error.h>

#include "cli/fetch/report/report.h"
#include "cli/request/retry.h"

/* ---- retry.c ---- */

UNIT(retry_only_what_may_help)
{
    EXPECT_TRUE(retry_helps_status(429) && retry_helps_status(503) && retry_helps_status(408));
    EXPECT_FALSE(retry_helps_status(404) || retry_helps_status(501) || retry_helps_status(200));
    EXPECT_TRUE(retry_helps_error(-ECONNREFUSED) && retry_helps_error(BIDE_ETIMEDOUT));
    EXPECT_FALSE(retry_helps_error(BIDE_ECERT) || retry_helps_error(BIDE_EURL) || retry_helps_error(BIDE_ECANCELED));
}

/* ---- units.c ---- */

static const char *shown(struct text *t)
{
    static char out[256];

    snprintf(out, sizeof out, "%s", t->len > 0 ? t->data : "");
    text_free(t);
    return out;
}

static const char *count(uint64_t n)
{
    struct text t = {0};
    text_add_count(&t, n);
    return shown(&t);
}

static const char *bytes(double n)
{
    struct text t = {0};
    text_add_bytes(&t, n);
    return shown(&t);
}

static const char *duration(int64_t us)
{
    struct text t = {0};
    text_add_time(&t, us);
    return shown(&t);
}

UNIT(units_are_for_people)
{
    EXPECT_STR(count(0), "0");
    EXPECT_STR(count(9999), "9999");
    EXPECT_STR(count(52011), "52 011");
    EXPECT_STR(count(1234567), "1 234 567");
    EXPECT_STR(bytes(0), "0 B");
    EXPECT_STR(bytes(999), "999 B");
    EXPECT_STR(bytes(999.9), "1.0 KB");
    EXPECT_STR(bytes(1234), "1.2 KB");
    EXPECT_STR(bytes(18300000), "18.3 MB");
    EXPECT_STR(bytes(351000), "351 KB");
    EXPECT_STR(duration(310), "310 us");
    EXPECT_STR(duration(2400), "2.4 ms");
    EXPECT_STR(duration(41400), "41 ms");
    EXPECT_STR(duration(1240000), "1.24 s");
    EXPECT_STR(duration(250000000), "250 s");
}

/* ---- progress.c ---- */

static const char *bar(const struct progress *p, const struct progress_view *v, int width)
{
    struct text t = {0};
    progress_bar_line(p, v, width, &t);
    return shown(&t);
}

/* Ten seconds at 2000 a second. */
static struct progress measured(struct progress_view *v)
{
    struct progress p = {0};

    *v = (struct progress_view){.total = 85000, .live = 64, .retries = 12, .bytes_left = -1};
    for (int i = 1; i <= 100; i++) {
        v->done = (uint64_t)i * 200;
        v->received = v->done * 1000;
        progress_measure(&p, v, i * 100000);
    }
    v->failed = 71;
    v->ok = v->done - 71;
    return p;
}

UNIT(progress_bar_shows_all_when_there_is_room)
{
    struct progress_view v;
    struct progress p = measured(&v);

    EXPECT_STR(bar(&p, &v, 130),
               " 23.5% #####...................  20 000/85 000  fail 71  2000/s  eta 0:33  2.0 MB/s  64 live  retry 12");
}

UNIT(progress_bar_narrow_shows_what_matters)
{
    struct progress_view v;
    struct progress p = measured(&v);

    EXPECT_STR(bar(&p, &v, 30), " 23.5%  20 000/85 000  fail 71");
    EXPECT_STR(bar(&p, &v, 22), " 23.5%  20 000/85 000");
    EXPECT_STR(bar(&p, &v, 13), " 23.5% #.....");
    for (int width = 0; width < 200; width++)
        EXPECT_LE(strlen(bar(&p, &v, width)), width);
}

UNIT(progress_bar_total_unknown_has_no_bar)
{
    struct progress_view v;
    struct progress p = measured(&v);

    v.total = 0;
    EXPECT_STR(bar(&p, &v, 60), "  20 000 done  fail 71  2000/s  2.0 MB/s  64 live  retry 12");
}

UNIT(progress_bar_utf8_and_colour_take_the_same_room)
{
    struct progress_view v;
    struct progress p = measured(&v);

    p.has_utf8 = p.has_colour = true;
    for (int width = 0; width < 140; width++) {
        const char *line = bar(&p, &v, width);
        int columns = 0;
        for (const char *c = line; *c; c++) {
            if (*c == '\033')
                c = strchr(c, 'm');
            else
                columns += ((unsigned char)*c & 0xc0) != 0x80;
        }
        EXPECT_LE(columns, width);
    }
    EXPECT_CONTAINS(bar(&p, &v, 130), "\u2588\u2588\u2588\u2588\u2588\u258b");
}

UNIT(progress_plain_line_says_it_in_words)
{
    struct progress_view v;
    struct progress p = measured(&v);
    struct text t = {0};

    progress_plain_line(&p, &v, &t);
    EXPECT_STR(shown(&t), "bide fetch: 20000/85000 (23.5%) done, 19929 ok, 71 failed, 12 retries, 2000/s, 2.0 MB/s, 64 live, "
                          "eta 0:33");
    v.blocked_ms = 6001;
    v.blocked = "api.example.com";
    v.blocked_urls = 3;
    strcpy(v.reason, "429");
    progress_plain_line(&p, &v, &t);
    EXPECT_CONTAINS(shown(&t), ", waiting 7 s for api.example.com (429, 3 urls)");
}

UNIT(progress_json_line_has_what_is_known_as_numbers)
{
    struct progress_view v;
    struct progress p = measured(&v);
    struct text t = {0};

    p.began_us = 1000000;
    progress_json_line(&p, &v, 2500000, &t);
    EXPECT_STR(text_string(&t), "{\"v\":1,\"progress\":{\"done\":20000,\"urls\":85000,\"ok\":19929,\"failed\":71,\"skipped\":0,"
                          "\"retries\":12,\"live\":64,\"waiting\":0,\"bytes\":20000000,\"urls_per_second\":2000.000,"
                          "\"bytes_per_second\":2000000,\"eta\":32.5,\"time\":1.500,\"host\":null,\"file\":null}}");
    text_clear(&t);
    v.total = 0;
    v.blocked_ms = 6001;
    v.blocked = "api.example.com";
    v.blocked_urls = 3;
    strcpy(v.reason, "429");
    v.large = (struct progress_large){.name = "a\"\xff", .id = 1, .received = 500, .length = -1, .seconds = 2};
    progress_json_line(&p, &v, 2500000, &t);
    const char *line = text_string(&t);
    EXPECT_CONTAINS(line, "\"urls\":null");
    EXPECT_CONTAINS(line, "\"eta\":null");
    EXPECT_CONTAINS(line, "\"host\":{\"name\":\"api.example.com\",\"reason\":\"429\",\"wait\":6.001,\"urls\":3}");
    EXPECT_CONTAINS(line, "\"file\":{\"name\":\"a\\\"\xef\xbf\xbd\",\"name_b64\":\"YSL/\",\"bytes\":500,\"length\":null,"
                          "\"bytes_per_second\":250,\"eta\":null}}}");
    text_free(&t);
}

static const char *eta(uint64_t total, uint64_t done, double rate)
{
    struct progress p = {.urls = {.per_second = rate, .weight = 1}};
    struct progress_view v = {.total = total, .done = done, .bytes_left = -1};
    struct text t = {0};

    progress_add_eta(&p, &v, &t);
    return shown(&t);
}

UNIT(progress_eta_is_honest)
{
    EXPECT_STR(eta(0, 0, 5), "eta -");
    EXPECT_STR(eta(100, 0, 0), "eta -");
    EXPECT_STR(eta(100, 40, 4), "eta 0:15");
    EXPECT_STR(eta(100, 100, 4), "eta 0:00");
    EXPECT_STR(eta(10000, 0, 1), "eta 2:46:40");
    EXPECT_STR(eta(10000000, 0, 1), "eta >1d");
}

UNIT(progress_rate_follows_a_change_within_its_memory)
{
    struct progress_view v;
    struct progress p = measured(&v);

    for (int i = 101; i <= 600; i++) { /* now 100 a second */
        v.done += 10;
        progress_measure(&p, &v, i * 100000);
    }
    EXPECT_LT(p.urls.per_second / p.urls.weight, 250);
    EXPECT_LT(95, p.urls.per_second / p.urls.weight);
}

/* ---- summary.c ---- */

static const char *wrapped(const char *line, int width)
{
    struct text from = {0}, to = {0};

    text_add_string(&from, line);
    summary_add_line(&from, width, &to);
    text_free(&from);
    return shown(&to);
}

UNIT(summary_line_that_fits_stays_one)
{
    EXPECT_STR(wrapped("3 urls  3 ok  0 failed", 22), "3 urls  3 ok  0 failed\n");
    EXPECT_STR(wrapped("3 urls  3 ok  0 failed", 0), "3 urls  3 ok  0 failed\n");
    EXPECT_STR(wrapped("", 10), "");
}

UNIT(summary_line_is_broken_between_pieces)
{
    EXPECT_STR(wrapped("3 urls  3 ok  0 failed     out (3 files)", 21), "3 urls  3 ok\n    0 failed\n    out (3 files)\n");
    EXPECT_STR(wrapped("4 failed (http_404 1, http_500 3)", 22), "4 failed (http_404 1,\n    http_500 3)\n");
    EXPECT_STR(wrapped("dns 4 us \u00b7 ttfb 50 ms \u00b7 body 0 us (medians)", 24),
               "dns 4 us \u00b7 ttfb 50 ms \u00b7\n    body 0 us (medians)\n");
    EXPECT_STR(wrapped("limited by: one window, which had grown to 10 (--no-adaptive)  0.30 s", 22),
               "limited by: one\n    window, which had\n    grown to 10\n    (--no-adaptive)\n    0.30 s\n");
    EXPECT_STR(wrapped("1 url  a-name-that-is-longer-than-the-line", 10), "1 url\n    a-name-that-is-longer-than-the-line\n");
}

/* ---- bytes that are on their way ---- */

/* So many seconds of 100 MB/s, of one file of 1 GB; begins at *now_us. */
static void flow(struct progress *p, struct progress_view *v, int64_t *now_us, int seconds)
{
    for (int i = 0; i < seconds * 10; i++) {
        *now_us += 100000;
        v->received += 10000000;
        v->large.received = v->received;
        v->under_way = (double)v->received / 1e9;
        v->bytes_left = 1e9 - (double)v->received;
        progress_measure(p, v, *now_us);
    }
}

static struct progress_view one_file(void)
{
    return (struct progress_view){.total = 1, .live = 1, .large = {.name = "pages/big.iso", .id = 1, .length = 1000000000}};
}

UNIT(progress_of_one_large_file_is_that_of_its_bytes)
{
    struct progress_view v = one_file();
    struct progress p = {.last_us = 0};
    int64_t now_us = 0;

    flow(&p, &v, &now_us, 4);
    EXPECT_STR(bar(&p, &v, 80), " 40.0% #########...............  0/1  eta 0:06  100 MB/s  1 live");
    struct text t = {0};
    progress_large_line(&p, &v, 79, &t);
    EXPECT_STR(shown(&t), "pages/big.iso   40.0%  400 MB/1.0 GB  100 MB/s  eta 0:06");
    progress_plain_line(&p, &v, &t);
    EXPECT_STR(shown(&t), "bide fetch: 0/1 (40.0%) done, 0 ok, 0 failed, 0 retries, 0.0/s, 100 MB/s, 1 live, eta 0:06, "
                          "pages/big.iso   40.0%  400 MB/1.0 GB  100 MB/s  eta 0:06");
}

UNIT(progress_stopped_process_knows_its_rates_again_at_once)
{
    struct progress_view v = one_file();
    struct progress p = {.last_us = 0};
    int64_t now_us = 0;

    flow(&p, &v, &now_us, 4);
    now_us += 600000000; /* ^Z, and ten minutes later fg */
    flow(&p, &v, &now_us, 1);
    struct text t = {0};
    progress_add_eta(&p, &v, &t);
    EXPECT_STR(shown(&t), "eta 0:05");
    EXPECT_CONTAINS(bar(&p, &v, 80), "100 MB/s");
}

UNIT(progress_eta_is_by_urls_when_many_end_and_by_bytes_when_few_do)
{
    struct progress p = {.urls = {.per_second = 10, .weight = 1}, .bytes = {.per_second = 1e6, .weight = 1}};
    struct progress_view v = {.total = 1000, .done = 400, .live = 8, .bytes_left = 3e6};
    struct text t = {0};

    progress_add_eta(&p, &v, &t);
    EXPECT_STR(shown(&t), "eta 1:00");
    v.done = 992; /* the others are on their way */
    progress_add_eta(&p, &v, &t);
    EXPECT_STR(shown(&t), "eta 0:03");
    v.done = 400;
    p.urls.per_second = 0.1;
    progress_add_eta(&p, &v, &t);
    EXPECT_STR(shown(&t), "eta 0:03");
    p.urls.per_second = 10; /* but one of them takes longer than all the others */
    v.large = (struct progress_large){.name = "x", .id = 3, .received = 10, .length = 90000010};
    p.large_id = 3;
    p.large = (struct rate){.per_second = 1e6, .weight = 1};
    progress_add_eta(&p, &v, &t);
    EXPECT_STR(shown(&t), "eta 1:30");
}

UNIT(progress_bytes_that_come_to_nothing_are_no_negative_rate)
{
    struct progress_view v = one_file();
    struct progress p = {.last_us = 0};
    int64_t now_us = 0;

    flow(&p, &v, &now_us, 2);
    v.large = (struct progress_large){.name = "pages/big.iso", .id = 2, .length = 1000000000}; /* from its beginning again */
    v.under_way = 0;
    progress_measure(&p, &v, now_us + 100000);
    EXPECT_LE(0, p.bytes.per_second);
    EXPECT_LE(p.bytes.per_second, 1e8);
    struct text t = {0};
    progress_large_line(&p, &v, 79, &t);
    EXPECT_STR(shown(&t), "pages/big.iso    0.0%  0 B/1.0 GB  0 B/s  eta -");
}

UNIT(progress_large_line_fits_any_width)
{
    struct progress_view v = one_file();
    struct progress p = {.last_us = 0};
    int64_t now_us = 0;

    flow(&p, &v, &now_us, 4);
    v.large.name = "out/\xe7\xac\xac\xe4\xb8\x80\xe7\xab\xa0/\xe5\x9b\xbe.iso\033[31m";
    for (int width = 0; width < 120; width++) {
        struct text t = {0};
        progress_large_line(&p, &v, width, &t);
        EXPECT_LE(text_columns(text_string(&t), t.len), width);
        EXPECT_NULL(t.len > 0 ? strchr(t.data, '\033') : NULL);
        text_free(&t);
    }
    struct text t = {0};
    progress_large_line(&p, &v, 60, &t);
    EXPECT_STR(shown(&t), "...\xe5\x9b\xbe.iso\\x1b[31m   40.0%  400 MB/1.0 GB  100 MB/s  eta 0:06");
}

UNIT(units_columns_are_those_of_a_terminal)
{
    EXPECT_EQ(text_columns("abc", 3), 3);
    EXPECT_EQ(text_columns("\xe7\xac\xac", 3), 2);
    EXPECT_EQ(text_columns("\xc3\xa9\xe2\x96\x88", 5), 2);
    EXPECT_EQ(text_columns("\xf0\x9f\x98\x80", 4), 2);
    EXPECT_EQ(text_columns("\xff", 1), 1);
}

/* ---- jsonl.c ---- */

static const char *quoted(const char *s)
{
    struct text t = {0};
    jsonl_add_member(&t, "s", s);
    return shown(&t) + strlen(",\"s\":");
}

UNIT(jsonl_strings_are_always_json)
{
    EXPECT_STR(quoted(""), "\"\"");
    EXPECT_STR(quoted("a\"b\\c/d"), "\"a\\\"b\\\\c/d\"");
    EXPECT_STR(quoted("\n\t\r\b\f\x01\x1f\x7f"), "\"\\n\\t\\r\\b\\f\\u0001\\u001f\\u007f\"");
    EXPECT_STR(quoted("\xe7\xac\xac \xf0\x9f\x98\x80"), "\"\xe7\xac\xac \xf0\x9f\x98\x80\"");
    EXPECT_STR(quoted("\xff\xc0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\",\"s_b64\":\"/8CA\"");
    EXPECT_STR(quoted("\xed\xa0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\",\"s_b64\":\"7aCA\"");
    EXPECT_STR(quoted("\xc2\x9b \xe2\x80\xae"), "\"\\u009b \\u202e\""); /* a terminal would obey them */
    EXPECT_STR(quoted("\xf3\xa0\x81\xa1"), "\"\\udb40\\udc61\"");
    EXPECT_STR(quoted("\xe7\xac"), "\"\xef\xbf\xbd\xef\xbf\xbd\",\"s_b64\":\"56w=\"");
}

/* ---- the options ---- */

/* What moves may take its time: only silence ends a request by itself. */
UNIT(fetch_has_no_limit_for_a_whole_request_unless_asked)
{
    struct fetch_options o = {0};
    char *words[] = {"fetch", "http://a.example/", NULL}, **argv = words;
    int argc = 2;

    EXPECT_EQ(opt_parse(command_find("fetch"), &argc, argv, &o), OPT_GO);
    EXPECT_EQ(o.http.timeout_ms, BIDE_FOREVER);
    EXPECT_EQ(o.http.stall_ms, 15000);
    EXPECT_FALSE(o.http.ignore_unexpected_eof);
    opt_free(command_find("fetch"), &o);

    char *limited[] = {"fetch", "--timeout", "60s", "--ignore-unexpected-eof", "http://a.example/", NULL};
    o = (struct fetch_options){0};
    argc = 5;
    EXPECT_EQ(opt_parse(command_find("fetch"), &argc, limited, &o), OPT_GO);
    EXPECT_EQ(o.http.timeout_ms, 60000);
    EXPECT_TRUE(o.http.ignore_unexpected_eof);
    opt_free(command_find("fetch"), &o);
}
