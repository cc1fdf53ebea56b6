/* socket_fields: see socket_fields.h. */
#include "policy/socket_fields.h"

#include "policy/fields.h"

static const struct policy_field fields[] = {
#define SOCKET(field, option, type) POLICY_FIELD(struct listener_settings, field, option, type),
#include "policy/fields_of.h"
};

void socket_fields_fill(struct listener_settings *settings, const struct conf_chain *chain)
{
    policy_fields_fill(settings, fields, POLICY_FIELD_COUNT(fields), chain);
}
