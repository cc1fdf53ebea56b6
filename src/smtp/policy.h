/*
 * policy.h: the inbound options of one (Listen, Peer) as plain fields, resolved once when a configuration is
 * loaded. The path of a command reads these fields and never looks a name up. Immutable; any thread.
 */
#ifndef IMPULSE_SMTP_POLICY_H
#define IMPULSE_SMTP_POLICY_H

#include "confparse/confparse.h"
#include "module/module.h"

enum esmtp_extension { /* bits of esmtp_policy.extensions */
                       EXTENSION_PIPELINING = 1,
                       EXTENSION_8BITMIME = 2,
                       EXTENSION_SIZE = 4,
                       EXTENSION_ENHANCEDSTATUSCODES = 8,
};

enum line_ending_policy { /* a CR or LF that is not part of a CR LF pair in the content */
                          LINE_ENDINGS_REJECT, /* 550 5.6.0 */
                          LINE_ENDINGS_FIX,    /* each becomes CR LF */
};

struct esmtp_policy {
    const char *banner_hostname;            /* what the banner and EHLO answer call us; never NULL */
    const char *received_hostname;          /* the "by" of the Received field; never NULL */
    const char *static_banner;              /* the whole greeting, "220 " included; NULL: the usual one */
    const char *reconfig_message;           /* after 421 when the configuration changed */
    const char *pathway;                    /* "default" when none */
    uint64_t max_message_size;              /* bytes; 0: no limit */
    uint32_t max_recipients_per_message;    /* 0: no limit */
    uint32_t max_receptions_per_connection; /* 0: no limit */
    uint32_t idle_time;                     /* seconds; 0: no limit */
    unsigned extensions;                    /* enum esmtp_extension */
    enum line_ending_policy line_endings;
    bool require_ehlo;
    struct imp_policy *modules; /* what modules keep with this policy */
};

/*
 * Resolves every option through `chain` and has each module compile its own. Texts are the configuration's.
 * NULL with one line in error[]. Main thread.
 */
struct esmtp_policy *esmtp_policy_create(const struct conf_chain *chain, struct module_set *modules,
                                         char *error, size_t error_size);
void esmtp_policy_free(struct esmtp_policy *policy); /* NULL is harmless */

#endif
