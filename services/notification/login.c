/* Signing in at the mail server. The password is read from its file for every mail, so a changed one counts at once,
   and is nowhere kept or told. It never travels in the clear: without TLS only to this very machine. */
#include "smtp.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>

#define PASSWORD_BYTES_MAX 1024u

/* The host in smtp://host:port or smtps://[::1]:port is this machine. */
bool smtp_is_loopback(const char *url)
{
    const char *host = strstr(url, "://");
    host = host ? host + 3 : url;
    char name[64];
    struct in_addr address;
    size_t size = *host == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":/");
    if (size >= sizeof name)
        return false;
    snprintf(name, sizeof name, "%.*s", (int)size, host);
    return strcmp(name, "localhost") == 0 || strcmp(name, "[::1]") == 0 ||
           (inet_pton(AF_INET, name, &address) == 1 && ntohl(address.s_addr) >> 24 == 127);
}

static bool read_password(const char *path, char *password, const char **why_out)
{
    FILE *file = fopen(path, "re");
    size_t size = file ? fread(password, 1, PASSWORD_BYTES_MAX + 1, file) : 0;
    bool failed = !file || ferror(file);
    *why_out = failed ? strerror(errno) : NULL;
    if (file)
        fclose(file);
    if (!failed && size > PASSWORD_BYTES_MAX)
        *why_out = "a password has at most 1024 bytes";
    size_t length = size > PASSWORD_BYTES_MAX ? 0 : size;
    while (length && (password[length - 1] == '\n' || password[length - 1] == '\r'))
        length--;
    password[length] = 0;
    if (!*why_out && (length == 0 || strlen(password) != length))
        *why_out = "a password is one line of text";
    return !*why_out;
}

bool smtp_login(void *easy, const Config__Smtp *config, struct arena *arena, const char **why_out)
{
    char password[PASSWORD_BYTES_MAX + 2];
    const char *why;
    if (!*config->user)
        return true;
    bool read = read_password(config->password_file, password, &why);
    if (read) {
        curl_easy_setopt(easy, CURLOPT_USERNAME, config->user);
        curl_easy_setopt(easy, CURLOPT_PASSWORD, password);
        if (!smtp_is_loopback(config->url))
            curl_easy_setopt(easy, CURLOPT_USE_SSL, (long)CURLUSESSL_ALL);
    } else {
        *why_out = arena_printf(arena, "smtp.password_file %s: %s", config->password_file, why);
    }
    sodium_memzero(password, sizeof password);
    return read;
}
