/* control_options: see control_options.h. */
#include "control/control_options.h"

static const struct policy_field fields[] = {
#define CONSOLE(field, option, type) POLICY_FIELD(struct control_options, field, option, type),
#include "policy/fields_of.h"
};

void control_options_fill(struct control_options *options, const struct conf_chain *chain)
{
    policy_fields_fill(options, fields, POLICY_FIELD_COUNT(fields), chain);
}
