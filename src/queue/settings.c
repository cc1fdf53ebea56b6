/*
 * settings: from the scopes of the configuration to struct queue_settings.
 *
 * A table says which option fills which field; what is neither a number nor a plain text has a reader of its
 * own. The fallbacks are the manual's defaults, for an option that the schema leaves without one.
 */
#include <limits.h>
#include <pthread.h>
#include <search.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/mem.h"
#include "queue/generation.h"

struct settings_table {
    pthread_mutex_t lock;
    void *tree; /* of struct interned, for tsearch */
};

struct interned {
    struct queue_settings settings;
    char *delivery_method; /* owned */
    size_t level_count;
    const struct conf_scope *levels[]; /* the key */
};

/* ---- reading one option ------------------------------------------------------------------------------ */

static const struct number_row {
    const char *option;
    size_t offset;
    unsigned fallback;
} numbers[] = {
#define NUMBER(field, fallback)                                                                              \
    {                                                                                                        \
#field, offsetof(struct queue_settings, field), fallback                                             \
    }
    NUMBER(retry_interval, 1200),
    NUMBER(max_retry_interval, 43200),
    NUMBER(message_expiration, 86400),
    NUMBER(delay_dsn_retry_interval, 3600),
    NUMBER(max_outbound_connections, 32),
    NUMBER(max_deliveries_per_connection, 0),
    NUMBER(max_recipients_per_batch, 100),
    NUMBER(connect_timeout, 300),
    NUMBER(ehlo_timeout, 300),
    NUMBER(mailfrom_timeout, 300),
    NUMBER(rcptto_timeout, 300),
    NUMBER(body_timeout, 600),
    NUMBER(rset_timeout, 30),
    NUMBER(idle_timeout, 5),
#undef NUMBER
};

static const struct text_row {
    const char *option;
    size_t offset;
} texts[] = {
    {"gateway", offsetof(struct queue_settings, gateway)},
    {"ehlo_hostname", offsetof(struct queue_settings, ehlo_hostname)},
    {"mailerdaemon", offsetof(struct queue_settings, mailerdaemon)},
};

/* A negative number means "no limit" where the manual allows one. */
static unsigned to_unsigned(int64_t number)
{
    return number < 0 || number > UINT_MAX ? UINT_MAX : (unsigned)number;
}

/* NULL for an empty text: an option set to "" is the way to unset it in an inner scope. */
static const char *read_text(const struct conf_chain *chain, const char *option)
{
    const char *text = conf_chain_text(chain, option, NULL);
    return text && *text ? text : NULL;
}

/* The position of `text` in a NULL-terminated list of names, or `otherwise`. */
static int read_name(const char *text, const char *const names[], int otherwise)
{
    for (int i = 0; names[i]; i++)
        if (slice_equal_nocase(slice_text(text), slice_text(names[i])))
            return i;
    return otherwise;
}

/* "true" drops the message after it was accepted, as "internal" does; see doc/compatibility.md. */
static int read_blackhole(const struct conf_chain *chain)
{
    static const char *const names[] = {"internal", "true", "yes", "on", "1", "enabled", "inline", NULL};
    int which = read_name(conf_chain_text(chain, "blackhole", "false"), names, -1);
    return which < 0 ? BLACKHOLE_NO : names[which + 1] ? BLACKHOLE_INTERNAL : BLACKHOLE_INLINE;
}

static char *read_lower(const struct conf_chain *chain, const char *option, const char *fallback)
{
    char *text = mem_dup(conf_chain_text(chain, option, fallback));
    for (char *c = text; *c; c++)
        *c = ascii_lower(*c);
    return text;
}

static void read_routes(const struct conf_chain *chain, struct queue_settings *settings)
{
    const struct conf_value *value = conf_chain_value(chain, "routes");
    if (!value)
        return;
    settings->route_count = value->count;
    settings->routes = value->items;
}

static void resolve(struct interned *entry, const struct conf_chain *chain)
{
    static const char *const originals[] = {"headers", "none", "all", NULL};
    struct queue_settings *settings = &entry->settings;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        *(unsigned *)(void *)((char *)settings + numbers[i].offset) =
            to_unsigned(conf_chain_int(chain, numbers[i].option, numbers[i].fallback));
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        *(const char **)(void *)((char *)settings + texts[i].offset) = read_text(chain, texts[i].option);
    settings->blackhole = read_blackhole(chain);
    settings->max_retries = (int)conf_chain_int(chain, "max_retries", QUEUE_RETRIES_AUTO); /* none: -1 */
    settings->never_retry = conf_chain_bool(chain, "never_retry", false);
    settings->never_attempt_expired = conf_chain_bool(chain, "never_attempt_expired_messages", false);
    settings->suspend_delivery = conf_chain_bool(chain, "suspend_delivery", false);
    settings->generate_bounces = conf_chain_bool(chain, "generate_bounces", true);
    settings->bounces_inline_original =
        read_name(conf_chain_text(chain, "bounces_inline_original", "headers"), originals, BOUNCE_HEADERS);
    settings->remote_smtp_port = (uint16_t)conf_chain_int(chain, "remote_smtp_port", 25);
    settings->lmtp_port = (uint16_t)conf_chain_int(chain, "lmtp_port", 2003);
    entry->delivery_method = read_lower(chain, "delivery_method", "esmtp");
    settings->delivery_method = entry->delivery_method;
    settings->bind_address = read_text(chain, "bind_address");
    if (settings->bind_address && strcmp(settings->bind_address, "*") == 0)
        settings->bind_address = NULL;
    if (!settings->ehlo_hostname)
        settings->ehlo_hostname = "__hostname__";
    read_routes(chain, settings);
}

/* ---- interning --------------------------------------------------------------------------------------- */

static int compare_interned(const void *left, const void *right)
{
    const struct interned *a = left, *b = right;
    if (a->level_count != b->level_count)
        return a->level_count < b->level_count ? -1 : 1;
    return memcmp(a->levels, b->levels, a->level_count * sizeof *a->levels);
}

static void free_interned(void *pointer)
{
    struct interned *entry = pointer;
    free(entry->delivery_method);
    free(entry);
}

const struct queue_settings *generation_settings(struct generation *generation, struct slice binding,
                                                 struct slice domain)
{
    struct conf_chain chain;
    char *binding_text = mem_copy_text(binding.data, binding.size);
    char *domain_text = mem_copy_text(domain.data, domain.size);
    conf_chain_outbound(&chain, generation->conf, binding_text, domain_text);
    free(binding_text);
    free(domain_text);

    struct interned *entry = mem_zalloc(sizeof *entry + chain.count * sizeof *entry->levels);
    entry->level_count = chain.count;
    memcpy(entry->levels, chain.levels, chain.count * sizeof *entry->levels);
    pthread_mutex_lock(&generation->table->lock);
    struct interned **found = tsearch(entry, &generation->table->tree, compare_interned);
    if (!found)
        abort(); /* out of memory, as mem_* would have it */
    if (*found == entry)
        resolve(entry, &chain);
    else
        free_interned(entry);
    const struct queue_settings *settings = &(*found)->settings;
    pthread_mutex_unlock(&generation->table->lock);
    return settings;
}

/* ---- generations ------------------------------------------------------------------------------------- */

static char *find_hostname(const struct conf *conf)
{
    struct conf_chain chain;
    conf_chain_global(&chain, conf);
    const char *option = conf_chain_text(&chain, "hostname", NULL);
    char system[256] = "";
    if (option && *option)
        return mem_dup(option);
    if (gethostname(system, sizeof system - 1) != 0 || !*system)
        return mem_dup("localhost");
    return mem_dup(system);
}

struct generation *generation_create(struct conf *conf, struct module_set *modules)
{
    static _Atomic unsigned last_serial;
    struct generation *generation = mem_new(struct generation);
    atomic_init(&generation->references, 1);
    generation->serial = atomic_fetch_add(&last_serial, 1) + 1;
    generation->conf = conf_ref(conf);
    generation->modules = module_set_ref(modules);
    generation->hostname = find_hostname(conf);
    generation->table = mem_new(struct settings_table);
    pthread_mutex_init(&generation->table->lock, NULL);
    return generation;
}

struct generation *generation_ref(struct generation *generation)
{
    atomic_fetch_add_explicit(&generation->references, 1, memory_order_relaxed);
    return generation;
}

void generation_unref(struct generation *generation)
{
    if (!generation || atomic_fetch_sub_explicit(&generation->references, 1, memory_order_acq_rel) != 1)
        return;
    tdestroy(generation->table->tree, free_interned);
    pthread_mutex_destroy(&generation->table->lock);
    free(generation->table);
    free(generation->hostname);
    module_set_unref(generation->modules);
    conf_unref(generation->conf);
    free(generation);
}
