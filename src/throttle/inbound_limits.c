/* inbound_limits: see inbound_limits.h. */
#include "throttle/inbound_limits.h"

static const struct policy_field fields[] = {
#define LIMITS(field, option, type) POLICY_FIELD(struct inbound_limits, field, option, type),
#include "policy/fields_of.h"
};

void inbound_limits_fill(struct inbound_limits *limits, const struct conf_chain *chain)
{
    policy_fields_fill(limits, fields, POLICY_FIELD_COUNT(fields), chain);
}
