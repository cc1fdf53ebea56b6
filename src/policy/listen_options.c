/* listen_options: see listen_options.h. */
#include "policy/listen_options.h"

#include "policy/fields.h"

static const struct policy_field fields[] = {
#define LISTEN(field, option, type) POLICY_FIELD(struct listen_options, field, option, type),
#include "policy/fields_of.h"
};

static const struct policy_field socket_fields[] = {
#define SOCKET(field, option, type) POLICY_FIELD(struct listener_settings, field, option, type),
#include "policy/fields_of.h"
};

void listen_options_fill(struct listen_options *options, const struct conf_chain *chain)
{
    policy_fields_fill(options, fields, POLICY_FIELD_COUNT(fields), chain);
}

bool listen_is_enabled(const struct conf_chain *chain)
{
    struct listen_options options;
    listen_options_fill(&options, chain);
    return options.enable;
}

void listen_socket_fill(struct listener_settings *settings, const struct conf_chain *chain)
{
    policy_fields_fill(settings, socket_fields, POLICY_FIELD_COUNT(socket_fields), chain);
}
