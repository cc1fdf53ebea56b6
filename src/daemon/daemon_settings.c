/* daemon_settings: see daemon_settings.h. */
#include "daemon/daemon_settings.h"

static const struct policy_field daemon_fields[] = {
#define DAEMON(field, option, type) POLICY_FIELD(struct daemon_settings, field, option, type),
#include "policy/fields_of.h"
};

static const struct policy_field resolver_fields[] = {
#define RESOLVER(field, option, type) POLICY_FIELD(struct resolver_settings, field, option, type),
#include "policy/fields_of.h"
};

static const struct policy_field spool_fields[] = {
#define SPOOL(field, option, type) POLICY_FIELD(struct spool_settings, field, option, type),
#include "policy/fields_of.h"
};

static void fill(void *holder, const struct policy_field *fields, size_t count, const struct conf *conf)
{
    struct conf_chain chain;
    conf_chain_global(&chain, conf);
    policy_fields_fill(holder, fields, count, &chain);
}

void daemon_settings_fill(struct daemon_settings *settings, const struct conf *conf)
{
    fill(settings, daemon_fields, POLICY_FIELD_COUNT(daemon_fields), conf);
}

void resolver_settings_fill(struct resolver_settings *settings, const struct conf *conf)
{
    fill(settings, resolver_fields, POLICY_FIELD_COUNT(resolver_fields), conf);
}

void spool_settings_fill(struct spool_settings *settings, const struct conf *conf)
{
    fill(settings, spool_fields, POLICY_FIELD_COUNT(spool_fields), conf);
}
