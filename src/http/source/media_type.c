/* SPDX-License-Identifier: MIT */
/* media_type.c - what is in a file, by the ending of its name: those that forms are used for. */
#include <strings.h>

#include "http/source/source.h"

static const struct {
    const char *ending, *type;
} types[] = {
    {"7z", "application/x-7z-compressed"}, {"aac", "audio/aac"},           {"avif", "image/avif"},
    {"bmp", "image/bmp"},                  {"css", "text/css"},            {"csv", "text/csv"},
    {"doc", "application/msword"},         {"docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
    {"epub", "application/epub+zip"},      {"flac", "audio/flac"},         {"gif", "image/gif"},
    {"gz", "application/gzip"},            {"heic", "image/heic"},         {"htm", "text/html"},
    {"html", "text/html"},                 {"ico", "image/vnd.microsoft.icon"}, {"jpeg", "image/jpeg"},
    {"jpg", "image/jpeg"},                 {"js", "text/javascript"},      {"json", "application/json"},
    {"md", "text/markdown"},               {"mov", "video/quicktime"},     {"mp3", "audio/mpeg"},
    {"mp4", "video/mp4"},                  {"odt", "application/vnd.oasis.opendocument.text"}, {"ogg", "audio/ogg"},
    {"pdf", "application/pdf"},            {"png", "image/png"},           {"ppt", "application/vnd.ms-powerpoint"},
    {"pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"}, {"rtf", "application/rtf"},
    {"svg", "image/svg+xml"},              {"tar", "application/x-tar"},   {"tif", "image/tiff"},
    {"tiff", "image/tiff"},                {"txt", "text/plain"},          {"wasm", "application/wasm"},
    {"wav", "audio/wav"},                  {"webm", "video/webm"},         {"webp", "image/webp"},
    {"xls", "application/vnd.ms-excel"},   {"xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
    {"xml", "application/xml"},            {"zip", "application/zip"},     {"zst", "application/zstd"},
};

const char *bide__media_type_of(const char *file_name)
{
    const char *dot = strrchr(file_name, '.');

    for (size_t i = 0; dot && i < array_len(types); i++)
        if (strcasecmp(dot + 1, types[i].ending) == 0)
            return types[i].type;
    return "application/octet-stream";
}
