/* host_name: see host_name.h. */
#include "policy/host_name.h"

#include "base/hostname.h"
#include "policy/fields.h"

struct host_options {
    const char *hostname; /* NULL: not set */
};

static const struct policy_field fields[] = {
#define HOST(field, option, type) POLICY_FIELD(struct host_options, field, option, type),
#include "policy/fields_of.h"
};

const char *policy_host_name(const struct conf *conf)
{
    struct host_options options;
    struct conf_chain chain;
    conf_chain_global(&chain, conf);
    policy_fields_fill(&options, fields, POLICY_FIELD_COUNT(fields), &chain);
    return hostname_or_system(options.hostname);
}
