/*
 * fields.h: resolves options through the fallback into the fields of a flat struct.
 *
 * A row of confparse/options.def says everything about an option, and with FIELD(HOLDER, field, ...) also
 * which field of which struct holds it. The owner of the struct makes a table of those rows and fills the
 * struct by it:
 *
 *     static const struct policy_field fields[] = {
 *     #define ESMTP(field, option, type) POLICY_FIELD(struct esmtp_policy, field, option, type),
 *     #include "policy/fields_of.h"
 *     };
 *     policy_fields_fill(policy, fields, POLICY_FIELD_COUNT(fields), chain);
 *
 * So a new option is one row and one field. An option that two structs hold has a second row (ALSO). A field
 * whose type does not suit the option does not compile. The default is the row's: code that reads fields
 * repeats none.
 */
#ifndef IMPULSE_POLICY_FIELDS_H
#define IMPULSE_POLICY_FIELDS_H

#include "confparse/confparse.h"

/* How a value is put into its field. Numbers that do not fit become the nearest that does. */
enum policy_store {
    STORE_BOOL,
    STORE_U16,
    STORE_INT,
    STORE_UNSIGNED, /* a negative number, where the row allows one, means "no limit": UINT_MAX */
    STORE_I64,
    STORE_U64,    /* likewise: UINT64_MAX */
    STORE_CHOICE, /* an enum in the order of the row's choices, from 1; 0: not set, and there is no default */
    STORE_TEXT,   /* never empty: a text set to "" is not set, and the default or NULL applies */
    STORE_VALUE, /* the value itself, for lists and dictionaries, and where it matters where it was written */
    STORE_SETTING, /* struct policy_setting, where it matters which scope sets it */
};

struct policy_setting {
    const struct conf_value *value; /* NULL: no level sets the option, and its row has no default */
    size_t level; /* of the chain, the one that sets it; the number of levels: none, `value` is the default */
};

struct policy_field {
    const char *option;
    enum policy_store store;
    size_t offset; /* in the struct that holds it */
};

#define POLICY_FIELD(holder, field, option, type)                                                            \
    {                                                                                                        \
        option, POLICY_STORE_##type(((holder *)0)->field), offsetof(holder, field)                           \
    }
#define POLICY_FIELD_COUNT(fields) (sizeof(fields) / sizeof *(fields))

/* Which types of C an option of each type may be stored in; any other does not compile. */
#define POLICY_STORE_BOOL(field)                                                                             \
    _Generic((field), bool: STORE_BOOL, const struct conf_value *: STORE_VALUE,                              \
             struct policy_setting: STORE_SETTING)
#define POLICY_STORE_INT(field)                                                                              \
    _Generic((field), int: STORE_INT, unsigned: STORE_UNSIGNED, int64_t: STORE_I64, uint64_t: STORE_U64,         \
             const struct conf_value *: STORE_VALUE, struct policy_setting: STORE_SETTING)
#define POLICY_STORE_SIZE(field)     POLICY_STORE_INT(field)
#define POLICY_STORE_DURATION(field) POLICY_STORE_INT(field)
#define POLICY_STORE_MODE(field)     POLICY_STORE_INT(field)
#define POLICY_STORE_PORT(field)     _Generic((field), uint16_t : STORE_U16)
#define POLICY_STORE_STRING(field)                                                                           \
    _Generic((field), const char * : STORE_TEXT, const struct conf_value * : STORE_VALUE)
#define POLICY_STORE_ADDRESS(field) POLICY_STORE_STRING(field)
#define POLICY_STORE_CIDR(field)    POLICY_STORE_STRING(field)
/* gcc and clang take an enum without negative values for unsigned. */
#define POLICY_STORE_ENUM(field) _Generic((field), unsigned : STORE_CHOICE)
#define POLICY_STORE_LIST(field)                                                                             \
    _Generic((field), const struct conf_value * : STORE_VALUE, struct policy_setting : STORE_SETTING)
#define POLICY_STORE_CIDR_LIST(field) POLICY_STORE_LIST(field)
#define POLICY_STORE_DICT(field)      POLICY_STORE_LIST(field)
#define POLICY_STORE_THROTTLE(field)  POLICY_STORE_LIST(field)

/*
 * Asks `chain` for each option and stores what applies. Texts and values are the configuration's, and live as
 * long as it does. An option that is not set and has no default leaves 0, false or NULL. Any thread.
 */
void policy_fields_fill(void *holder, const struct policy_field *fields, size_t count,
                        const struct conf_chain *chain);
/*
 * Stores only what `scope` itself sets, for stanzas that have no fallback and defaults that depend on what the
 * struct is for: the other fields are not touched. NULL sets nothing. Any thread.
 */
void policy_fields_overlay(void *holder, const struct policy_field *fields, size_t count,
                           const struct conf *conf, const struct conf_scope *scope);

#endif
