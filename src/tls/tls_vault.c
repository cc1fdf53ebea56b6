/*
 * tls_vault: sends GET /v1/MOUNT/data/PATH and returns a field of the JSON reply.
 *
 * Redirects are not followed, because the token would be sent to their target.
 */
#include "tls/tls_vault.h"

#include <curl/curl.h>
#include <jansson.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "base/buf.h"
#include "base/mem.h"

enum {
    CONNECT_SECONDS = 3,
    ALL_SECONDS = 5,
    ANSWER_MAX = 1024 * 1024, /* bytes */
};

static const struct slice scheme = {"vault://", 8};

struct vault_place { /* points into the URI */
    struct slice mount, path;
    const char *field;
};

static bool is_plain(struct slice part)
{
    for (size_t i = 0; i < part.size; i++)
        if (part.data[i] <= ' ' || part.data[i] == 127 || part.data[i] == '?')
            return false;
    return part.size > 0;
}

static bool read_uri(const char *uri, struct vault_place *place)
{
    const char *rest = uri + scheme.size;
    const char *field = strchr(rest, '#');
    const char *end = field ? field : rest + strlen(rest);
    const char *slash = memchr(rest, '/', (size_t)(end - rest));
    if (!slash)
        return false;
    place->mount = slice_of(rest, (size_t)(slash - rest));
    place->path = slice_of(slash + 1, (size_t)(end - slash - 1));
    place->field = field ? field + 1 : "key";
    return is_plain(place->mount) && is_plain(place->path) && *place->field;
}

/* ---- HTTP ------------------------------------------------------------------------------------ */

static size_t on_data(char *data, size_t size, size_t count, void *answer)
{
    size_t bytes = size * count;
    if (buf_size(answer) + bytes > ANSWER_MAX)
        return 0; /* ends the transfer with an error */
    buf_append(answer, data, bytes);
    return bytes;
}

static void start_curl(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* Returns 0 if there is a reply, whose status is then in `*status`. */
static CURLcode get(const char *url, const char *token, struct buf *answer, long *status)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, start_curl);
    CURL *curl = curl_easy_init();
    char *header = mem_printf("X-Vault-Token: %s", token);
    struct curl_slist *headers = curl_slist_append(NULL, header);
    CURLcode code = CURLE_OUT_OF_MEMORY;
    if (curl && headers) {
        curl_easy_setopt(curl, CURLOPT_URL, url);
        curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
        curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
        curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
        curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)ALL_SECONDS);
        curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_data);
        curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
        code = curl_easy_perform(curl);
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, status);
    }
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    OPENSSL_cleanse(header, strlen(header));
    free(header);
    return code;
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static char *read_answer(struct slice answer, const char *field, char *error, size_t error_size)
{
    json_error_t wrong;
    json_t *root = json_loadb(answer.data, answer.size, 0, &wrong);
    const json_t *data = json_object_get(json_object_get(root, "data"), "data");
    const char *text = json_string_value(json_object_get(data, field));
    char *copy = text ? mem_dup(text) : NULL;
    if (!root)
        snprintf(error, error_size, "Vault's answer is not JSON: %s", wrong.text);
    else if (!copy)
        snprintf(error, error_size, "the secret has no field \"%s\" that is a text", field);
    json_decref(root);
    return copy;
}

static const char *explain(long status)
{
    switch (status) {
    case 403:
        return ": VAULT_TOKEN may not read it";
    case 404:
        return ": there is no such secret";
    default:
        return "";
    }
}

char *tls_vault_fetch(const char *uri, char *error, size_t error_size)
{
    struct vault_place place;
    const char *address = getenv("VAULT_ADDR"), *token = getenv("VAULT_TOKEN");
    if (!read_uri(uri, &place)) {
        snprintf(error, error_size, "vault://MOUNT/PATH#FIELD was expected");
        return NULL;
    }
    if (!address || !*address || !token || !*token || strpbrk(token, "\r\n")) {
        snprintf(error, error_size, "VAULT_ADDR and VAULT_TOKEN are needed in the environment");
        return NULL;
    }
    size_t length = strlen(address);
    while (length > 0 && address[length - 1] == '/')
        length--;
    char *url = mem_printf("%.*s/v1/%.*s/data/%.*s", (int)length, address, (int)place.mount.size,
                           place.mount.data, (int)place.path.size, place.path.data);
    struct buf answer = {0};
    long status = 0;
    char *text = NULL;
    CURLcode code = get(url, token, &answer, &status);
    if (code != CURLE_OK)
        snprintf(error, error_size, "cannot ask Vault: %s", curl_easy_strerror(code));
    else if (status != 200)
        snprintf(error, error_size, "Vault answers %ld%s", status, explain(status));
    else
        text = read_answer(buf_slice(&answer), place.field, error, error_size);
    if (answer.memory)
        OPENSSL_cleanse(answer.memory, answer.capacity);
    buf_release(&answer);
    free(url);
    return text;
}
