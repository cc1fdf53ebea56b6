/*
 * policy.h: the inbound options of one (Listen, Peer) as plain fields, resolved once when a configuration is
 * loaded. Commands read these fields and never look up a name. options.def says which option fills which
 * field (FIELD(ESMTP, ...)). Immutable; any thread.
 */
#ifndef IMPULSE_SMTP_SERVER_POLICY_H
#define IMPULSE_SMTP_SERVER_POLICY_H

#include "confparse/confparse.h"
#include "module/module.h"
#include "policy/policy_table.h"
#include "smtp/wire/data_reader.h"
#include "smtp/server/extension.h"

struct auth_policy;
struct supplemental_rules;
struct tls_context;

/* In the order of the choices in options.def (STORE_CHOICE in policy/fields.h): */
enum starttls_injection {
    STARTTLS_ALLOW = 1,
    STARTTLS_IGNORE,
    STARTTLS_REJECT
};                                                                /* starttls_injection_policy */
enum date_rule { DATE_IGNORE = 1, DATE_PEDANTIC, DATE_IFNEEDED }; /* rfc2822_date_header */
enum line_length_rule {
    LINE_LENGTH_NONE = 1,
    LINE_LENGTH_FIX,
    LINE_LENGTH_REJECT
}; /* rfc2822_max_line_length_policy */
enum batch_handling { BIFURCATE_ALWAYS = 1, BATCH_BY_DOMAIN };

/* maximum for one message, whatever is configured, so that memory is limited */
enum { RECIPIENTS_MAX = 100000 };

struct esmtp_policy {
    /* names */
    const char *banner_hostname;   /* own name in the banner and in the reply to EHLO; never NULL */
    const char *received_hostname; /* name after "by" in the Received field; never NULL */
    const char *static_banner;     /* the whole greeting, including "220 "; NULL: the default */
    const char *reconfig_message;  /* text after 421 when the configuration has changed */
    const char *pathway;           /* "default" if there is none */
    const char *pathway_group;     /* "default" if there is none */
    const char *recipient_domain; /* added to recipients without domain; NULL: only postmaster may lack one */
    const char *sender_domain;    /* added to senders without domain; NULL: senders must have one */

    /* limits; 0: none */
    uint64_t max_message_size;           /* bytes */
    uint32_t max_recipients_per_message; /* never 0; at most RECIPIENTS_MAX */
    uint32_t max_recipients_per_connection;
    uint32_t max_receptions_per_connection;  /* replies 421 above it */
    uint32_t max_messages_per_connection;    /* replies 452 to MAIL above it; the connection stays open */
    uint32_t idle_time;                      /* seconds without progress; client_timeout if that is set */
    const struct conf_value *client_timeout; /* NULL: not set */
    uint32_t data_processing_timeout;        /* seconds from the end of content to the reply */
    uint32_t proxy_protocol_timeout;         /* seconds for the header */

    /* admission and syntax */
    bool always_deny;
    bool proxy_protocol;
    bool use_ssl;
    bool require_ehlo;
    bool allow_ip_literal;
    bool allow_null_sender;
    bool allow_blanks_in_path;                 /* "< user@example.com >" */
    bool allow_blanks_at_end;                  /* of MAIL and RCPT lines */
    bool pedantic_addresses;                   /* no "a..b@" or "ab.@" */
    bool verified_peer_can_relay;              /* TLS_Verified_Peer_Can_Relay */
    const struct conf_value *named_extensions; /* SMTP_Extensions as set */
    unsigned extensions;                       /* EXTENSION_*; offers.h determines what a session offers */
    enum starttls_injection starttls_injection;
    struct auth_policy *auth;         /* NULL: clients can not and need not authenticate */
    struct tls_context *tls;          /* NULL: neither STARTTLS nor Use_SSL */
    const struct conf_value *context; /* pairs for the connection context; NULL: none */

    /* content */
    enum line_ending_policy line_endings;        /* in the body */
    enum line_ending_policy header_line_endings; /* in the header */
    uint32_t line_length_hard_limit;             /* bytes of a line without CR LF; 0: none */
    uint32_t max_line_length;                    /* limit to which line_length_rule applies */
    enum line_length_rule line_length_rule;
    enum date_rule date_rule;
    bool add_message_id;
    bool refuse_missing_header;
    bool add_received;
    uint32_t data_buffer_size;               /* bytes per read within content */
    uint32_t large_message;                  /* bytes; larger content goes to the spool while it arrives */
    struct supplemental_rules *supplemental; /* the supplemental trace header; owned; NULL: none */

    /* after acceptance */
    bool bounce_refused_recipients; /* generate_bounces_for_multi_recipient_policy_rejections */
    enum batch_handling batch_handling;
    bool deferred_spool;

    struct imp_policy *modules; /* policies of the modules */
};

/* How policy_table_find makes a policy of a chain; `closure` is a struct esmtp_policy_making. Main thread. */
extern const struct policy_kind esmtp_policy_kind;

struct esmtp_policy_making {
    struct module_set *modules; /* each compiles its own policy; NULL: none */
    char *error;                /* out: one line if the policy cannot be made */
    size_t error_size;
};

#endif
