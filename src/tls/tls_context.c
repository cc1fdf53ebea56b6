/*
 * tls_context: shared contexts: all callers with the same settings get the same context, also in the next
 * configuration.
 *
 * When a file changes, a complete new OpenSSL context is created beside the one in use and replaces it only
 * if that succeeds. Connections hold a reference to the context with which they began. One lock protects the
 * list, the reference counts and the replacement; it is held for a few instructions, once per handshake.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include "base/mem.h"
#include "log/paniclog.h"
#include "tls/tls_private.h"
#include "tls/tls_setup.h"
#include "tls/tls_vault.h"

enum {
    WATCHED = 4, /* files that a context is made from */
    /* after this many refreshes, files that could not be used are tried again even if unchanged */
    AGAIN_LOOKS = 20,
};

enum reading {
    READ_NOTHING, /* no file has changed */
    READ_SAME,    /* the content is the same as before */
    READ_OTHER,   /* new connections use the new content */
    READ_FAILED,  /* the content cannot be used */
};

/* Identifies the state of a file. */
struct stamp {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec changed;
};

struct tls_context {
    struct tls_context *next;
    unsigned references;          /* protected by `lock` */
    struct tls_settings settings; /* owned */
    SSL_CTX *ssl;                 /* protected by `lock` */
    pthread_mutex_t refreshing;   /* protects the members below: one thread at a time reads the files */
    struct stamp stamps[WATCHED];
    struct tls_identity identity; /* the identity in `ssl` */
    bool failed;                  /* the files could not be used */
    unsigned looks;               /* refreshes since they failed */
    char complaint[512];          /* last error logged; "": none */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct tls_context *contexts;

/* ---- settings -------------------------------------------------------------------------------- */

/* Lists the text members, for copying, comparing and freeing them. */
#define TEXTS 9
static void list_texts(struct tls_settings *settings, const char **texts[TEXTS])
{
    const char **all[TEXTS] = {
        &settings->certificate,        &settings->key,       &settings->ciphers,
        &settings->ciphersuites,       &settings->protocols, &settings->curves,
        &settings->dh_parameters_file, &settings->client_ca, &settings->hostname,
    };
    memcpy(texts, all, sizeof all);
}

static struct tls_settings copy_settings(const struct tls_settings *settings)
{
    struct tls_settings copy = *settings;
    const char **texts[TEXTS];
    list_texts(&copy, texts);
    for (size_t i = 0; i < TEXTS; i++)
        *texts[i] = mem_dup(*texts[i]);
    return copy;
}

static void free_settings(struct tls_settings *settings)
{
    const char **texts[TEXTS];
    list_texts(settings, texts);
    for (size_t i = 0; i < TEXTS; i++)
        free((char *)*texts[i]);
}

static bool equal_settings(const struct tls_settings *one, const struct tls_settings *other)
{
    struct tls_settings a = *one, b = *other;
    const char **left[TEXTS], **right[TEXTS];
    list_texts(&a, left);
    list_texts(&b, right);
    for (size_t i = 0; i < TEXTS; i++)
        if (!slice_equal(slice_text(*left[i]), slice_text(*right[i])) || !*left[i] != !*right[i])
            return false;
    return a.verify_mode == b.verify_mode && a.enable_dhe == b.enable_dhe &&
           a.allow_renegotiation == b.allow_renegotiation;
}

/* ---- reference counts ------------------------------------------------------------------------- */

static void free_context(struct tls_context *context)
{
    SSL_CTX_free(context->ssl);
    tls_identity_release(&context->identity);
    pthread_mutex_destroy(&context->refreshing);
    free_settings(&context->settings);
    free(context);
}

void tls_context_unref(struct tls_context *context)
{
    if (!context)
        return;
    pthread_mutex_lock(&lock);
    bool last = --context->references == 0;
    struct tls_context **link = &contexts;
    while (last && *link && *link != context)
        link = &(*link)->next;
    if (last && *link)
        *link = context->next;
    pthread_mutex_unlock(&lock);
    if (last)
        free_context(context);
}

SSL *tls_context_converse(struct tls_context *context)
{
    pthread_mutex_lock(&lock);
    SSL_CTX *current = context->ssl;
    SSL_CTX_up_ref(current);
    pthread_mutex_unlock(&lock);
    SSL *ssl = SSL_new(current); /* holds its own reference */
    SSL_CTX_free(current);
    return ssl;
}

static struct tls_context *find(const struct tls_settings *settings)
{
    pthread_mutex_lock(&lock);
    struct tls_context *context = contexts;
    while (context && !equal_settings(&context->settings, settings))
        context = context->next;
    if (context)
        context->references++;
    pthread_mutex_unlock(&lock);
    return context;
}

/* ---- files ----------------------------------------------------------------------------------- */

static void take_stamps(const struct tls_settings *settings, struct stamp stamps[WATCHED])
{
    bool configured = tls_identity_is_configured(settings); /* a key without certificate is not read */
    const char *files[WATCHED] = {configured ? settings->certificate : NULL,
                                  configured ? settings->key : NULL, settings->client_ca,
                                  settings->dh_parameters_file};
    memset(stamps, 0, WATCHED * sizeof *stamps);
    for (size_t i = 0; i < WATCHED; i++) {
        struct stat facts;
        if (!files[i] || tls_vault_is(files[i]) || stat(files[i], &facts) < 0)
            continue;
        stamps[i].device = facts.st_dev;
        stamps[i].inode = facts.st_ino;
        stamps[i].size = facts.st_size;
        stamps[i].changed = facts.st_mtim;
    }
}

/* Creates what the settings describe and replaces the current context with it. */
static enum reading load(struct tls_context *context, char *error, size_t error_size)
{
    struct tls_identity identity;
    struct stamp stamps[WATCHED];
    take_stamps(&context->settings, stamps); /* before reading the files, so that a later change is noticed */
    bool same_files = !context->failed && memcmp(stamps, context->stamps, sizeof stamps) == 0;
    memcpy(context->stamps, stamps, sizeof stamps);
    if (!tls_identity_load(&context->settings, &identity, error, error_size))
        return READ_FAILED;
    if (context->ssl && same_files && tls_identity_equal(&identity, &context->identity)) {
        tls_identity_release(&identity);
        return READ_SAME;
    }
    SSL_CTX *ssl = tls_setup_create(&context->settings, &identity, error, error_size);
    if (!ssl) {
        tls_identity_release(&identity);
        return READ_FAILED;
    }
    pthread_mutex_lock(&lock);
    SSL_CTX *before = context->ssl;
    context->ssl = ssl;
    pthread_mutex_unlock(&lock);
    SSL_CTX_free(before);
    tls_identity_release(&context->identity);
    context->identity = identity;
    return READ_OTHER;
}

static bool has_changed_files(struct tls_context *context)
{
    struct stamp stamps[WATCHED];
    take_stamps(&context->settings, stamps);
    return memcmp(stamps, context->stamps, sizeof stamps) != 0;
}

/* Reads the files if they changed; with `anyhow`, in any case. */
static enum reading reload(struct tls_context *context, bool anyhow, char *error, size_t error_size)
{
    if (!anyhow && !has_changed_files(context))
        return READ_NOTHING;
    enum reading reading = load(context, error, error_size);
    if (reading != READ_FAILED)
        context->failed = false;
    return reading;
}

/* Lines logged in one refresh: scopes that share a file get one line together. */
struct said {
    char **lines;
    size_t count;
};

/* Logs `line`, unless it was logged before, and takes it over. */
static void say_once(struct said *said, enum panic_level level, char *line)
{
    for (size_t i = 0; i < said->count; i++)
        if (strcmp(said->lines[i], line) == 0) {
            free(line);
            return;
        }
    paniclog(level, "%s", line);
    said->lines = mem_resize(said->lines, (said->count + 1) * sizeof *said->lines);
    said->lines[said->count++] = line;
}

static void said_release(struct said *said)
{
    for (size_t i = 0; i < said->count; i++)
        free(said->lines[i]);
    free(said->lines);
}

static char *describe_reading(const struct tls_settings *settings)
{
    if (tls_identity_is_configured(settings))
        return mem_printf("tls_certificate: %s was read again", settings->certificate);
    if (settings->client_ca)
        return mem_printf("tls_client_ca: %s was read again", settings->client_ca);
    return mem_printf("tls_dhparams_file: %s was read again", settings->dh_parameters_file);
}

/*
 * Refreshes one context. If Vault does not answer, the context does not count as failed: Vault is asked each
 * time anyway. The line is logged after the lock is released, because a callback of the log may request a
 * context.
 */
static void refresh(struct tls_context *context, struct said *said)
{
    char error[sizeof context->complaint] = "", *line = NULL;
    pthread_mutex_lock(&context->refreshing);
    bool from_vault = tls_identity_is_in_vault(&context->settings);
    bool again = context->failed && ++context->looks % AGAIN_LOOKS == 0;
    enum reading reading = reload(context, from_vault || again, error, sizeof error);
    context->failed |= reading == READ_FAILED && !from_vault;
    if (reading == READ_FAILED && strcmp(error, context->complaint) != 0)
        line = mem_printf("%s; clients are shown the certificate that was read before", error);
    if (reading == READ_OTHER)
        line = describe_reading(&context->settings);
    if (reading != READ_NOTHING)
        memcpy(context->complaint, error, sizeof error);
    pthread_mutex_unlock(&context->refreshing);
    if (line)
        say_once(said, reading == READ_FAILED ? PANIC_ERROR : PANIC_NOTICE, line);
}

/* Returns references to all contexts, so that they can be used without the lock. */
static struct tls_context **list_contexts(size_t *count)
{
    struct tls_context **all = NULL;
    *count = 0;
    pthread_mutex_lock(&lock);
    for (struct tls_context *context = contexts; context; context = context->next) {
        all = mem_resize(all, (*count + 1) * sizeof *all);
        all[(*count)++] = context;
        context->references++;
    }
    pthread_mutex_unlock(&lock);
    return all;
}

void tls_refresh_all(bool from_vault)
{
    size_t count;
    struct said said = {0};
    struct tls_context **all = list_contexts(&count);
    for (size_t i = 0; i < count; i++) {
        if (tls_identity_is_in_vault(&all[i]->settings) == from_vault)
            refresh(all[i], &said);
        tls_context_unref(all[i]);
    }
    said_release(&said);
    free(all);
}

/* ---- creating --------------------------------------------------------------------------------- */

/*
 * Checks an existing context for a new caller: the current content of its files must be valid, as for a new
 * context.
 */
static bool check_again(struct tls_context *context, char *error, size_t error_size)
{
    pthread_mutex_lock(&context->refreshing);
    enum reading reading = reload(context, context->failed, error, error_size);
    if (reading == READ_FAILED)
        context->failed = true; /* the next caller gets the error as well */
    else if (reading != READ_NOTHING)
        context->complaint[0] = 0;
    pthread_mutex_unlock(&context->refreshing);
    return reading != READ_FAILED;
}

struct tls_context *tls_context_create(const struct tls_settings *settings, char *error, size_t error_size)
{
    struct tls_context *context = find(settings);
    if (context) {
        if (check_again(context, error, error_size))
            return context;
        tls_context_unref(context);
        return NULL;
    }
    context = mem_new(struct tls_context);
    context->references = 1;
    context->settings = copy_settings(settings);
    pthread_mutex_init(&context->refreshing, NULL);
    if (!tls_setup_check(settings, error, error_size) || load(context, error, error_size) == READ_FAILED) {
        free_context(context);
        return NULL;
    }
    tls_setup_warn(settings);
    pthread_mutex_lock(&lock);
    context->next = contexts;
    contexts = context;
    pthread_mutex_unlock(&lock);
    return context;
}
