#include "console.h"

#include "problem.h"

#define PATH_BYTES_MAX 128u

static const char missing[] =
    "<!doctype html><html lang=\"zh-CN\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
    "content=\"width=device-width\"><title>Hearback</title><link rel=\"stylesheet\" href=\"/static/portal.css\"></head>"
    "<body><main><h1>本程序未含工作台 / This program was built without the console</h1>"
    "<p>编译时没有 npm，或者取不到它的软件包。安装 nodejs 和 npm，再运行 scripts/run（或 cmake --build "
    "build）。接口与公众门户不受影响。</p>"
    "<p lang=\"en\">There was no npm when it was built, or its packages could not be fetched. Install nodejs and npm "
    "and "
    "run scripts/run (or cmake --build build) again. API and public portal are not affected.</p>"
    "<p><a href=\"/\">门户 / Portal</a></p></main></body></html>";

static const struct console_file *find(const char *name)
{
    for (size_t i = 0; i < console_files_count; i++)
        if (strcmp(console_files[i].name, name) == 0)
            return &console_files[i];
    return NULL;
}

static bool takes_gzip(const struct http_request *request)
{
    const char *given = http_header(request, "Accept-Encoding");
    const char *at = given ? strstr(given, "gzip") : NULL;
    if (!at)
        return false;
    at += strspn(at + 4, " ") + 4;
    return strncmp(at, ";q=0", 4) != 0 || at[4] == '.';
}

static void give(struct http_request *request, const struct console_file *file)
{
    http_set(request, "Vary", "Accept-Encoding");
    if (file->gzip == file->gzip_end || !takes_gzip(request)) {
        http_respond(request, 200, file->type, bytes_of(file->data, (size_t)(file->data_end - file->data)));
        return;
    }
    http_set(request, "Content-Encoding", "gzip");
    http_respond(request, 200, file->type, bytes_of(file->gzip, (size_t)(file->gzip_end - file->gzip)));
}

/* Script and style come from here alone and stand in files. Images: also those that style sheets bear in themselves. */
static void set_policy(struct http_request *request)
{
    http_set(request, "Content-Security-Policy",
             "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
             "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'");
}

/* Names of pages and cases are plain: an address with anything else was not made by the console. */
static bool plain(const char *path)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_/";
    return strlen(path) <= PATH_BYTES_MAX && path[strspn(path, allowed)] == 0;
}

static void refuse(struct http_request *request)
{
    problem_say(request, 404, "unknown_path", "没有这个路径", "there is no such path");
}

/* One page for all addresses: which one it shows it reads from its own. */
void console_page(struct http_request *request)
{
    const struct console_file *file = find("index.html");
    if (!plain(request->path)) {
        refuse(request);
        return;
    }
    set_policy(request);
    http_set(request, "Cache-Control", "no-cache");
    if (file)
        give(request, file);
    else
        http_respond(request, 404, "text/html; charset=utf-8", bytes_of(missing, sizeof missing - 1));
}

void console_asset(struct http_request *request)
{
    const struct console_file *file = find(http_param(request, "file"));
    if (!file || strcmp(file->name, "index.html") == 0) {
        refuse(request);
        return;
    }
    http_set(request, "Cache-Control", "public, max-age=31536000, immutable");
    give(request, file);
}
