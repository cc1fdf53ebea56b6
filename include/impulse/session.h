/*
 * impulse/session.h: the SMTP session that a hook is asked about, its transaction, and the two contexts.
 *
 * Thread: all functions here are called from within a hook, on the thread that runs it. Text that they return is
 * NUL-terminated, belongs to the session and is valid until the hook returns. A hook that suspends copies what it needs
 * later: once it has returned, nothing of the session may be touched.
 * A session that is NULL, where a point is about none, is named in the paniclog; the answer is NULL, 0, false or "".
 */
#ifndef IMPULSE_SESSION_H
#define IMPULSE_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "impulse/module.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- the connection ---------------------------------------------------------------------------------------- */

/* The connection id, as in the logs. */
IMP_API uint64_t imp_session_id(const struct imp_session *session);
IMP_API const char *imp_session_peer_text(const struct imp_session *session);  /* "10.0.0.1", "unix" */
IMP_API const char *imp_session_local_text(const struct imp_session *session); /* "10.0.0.5:25" */
/* The peer as 16 bytes in network order, IPv4 as ::ffff:a.b.c.d. False for a Unix socket. */
IMP_API bool imp_session_peer_address(const struct imp_session *session, uint8_t address[16]);
/* The argument of EHLO or HELO; "" before it. */
IMP_API const char *imp_session_ehlo(const struct imp_session *session);
/* What this module instance kept with the policy that applies to the session (imp_policy_set), or NULL. Lives as long
 * as the generation of the session. */
IMP_API void *imp_session_policy(const struct imp_session *session, const struct imp_module *module);

/* ---- the transaction --------------------------------------------------------------------------------------- */

/* Without <>; "" for the null reverse-path. NULL before MAIL. */
IMP_API const char *imp_session_reverse_path(const struct imp_session *session);
/* The part after '@', "" when there is none. */
IMP_API const char *imp_session_reverse_path_domain(const struct imp_session *session);
/*
 * In hooks that are called for one recipient, such as validate_rcptto and validate_data_spool_each_rcpt: its address
 * and the part after '@', valid until imp_recipient_set_address changes it. NULL elsewhere.
 */
IMP_API const char *imp_session_recipient(const struct imp_session *session);
IMP_API const char *imp_session_recipient_domain(const struct imp_session *session);
/* Recipients accepted so far. */
IMP_API size_t imp_session_recipient_count(const struct imp_session *session);
/* From validate_data on: size in bytes, trace header included. 0 before. */
IMP_API uint64_t imp_session_message_size(const struct imp_session *session);
/* From validate_data on: the first *size bytes of the content (all of it when it is at most 256 KiB), not
 * NUL-terminated. *size is 0 before. */
IMP_API const char *imp_session_message_head(const struct imp_session *session, size_t *size);

/*
 * In validate_rcptto: this recipient may be relayed. Without a permission from some module the answer is
 * 550 5.7.1 relaying denied.
 */
IMP_API void imp_session_permit_relay(struct imp_session *session);
/* In validate_set_binding: the binding (and its group; NULL: the one its stanza stands in) for the recipient in
 * question. Copied. */
IMP_API void imp_session_set_binding(struct imp_session *session, const char *binding, const char *group);

/* ---- authentication, in validate_auth ------------------------------------------------------------------------ */

/*
 * A client has answered everything that its mechanism asks, and the passwords have been looked at. IMP_CONT: what they
 * say is right. IMP_DONE after imp_call_reject: refused, with that answer (535 5.7.8 is the usual one). IMP_DONE
 * without: the client is who it says, whatever the passwords say; a user without a name is refused all the same. A hook
 * that has to ask elsewhere suspends the session; imp_suspension_resume with IMP_DONE and code 0 accepts.
 * Source: Momentum 4 manual, validate_auth, auth_ds.
 */
enum imp_auth_status {
    IMP_AUTH_PASS,
    IMP_AUTH_FAIL,
    IMP_AUTH_ERROR, /* there are no passwords: no file can be read, or `uri` names no file */
};
IMP_API enum imp_auth_status
imp_session_auth_status(const struct imp_session *session);                        /* of the passwords */
IMP_API const char *imp_session_auth_mechanism(const struct imp_session *session); /* "PLAIN", ... */
IMP_API const char *imp_session_auth_user(const struct imp_session *session); /* "" when it is not known */
/* As the client gave it; NULL unless the mechanism is PLAIN or LOGIN. */
IMP_API const char *imp_session_auth_password(const struct imp_session *session);
/* `uri` of the mechanism's parameters: a scheme that is not file:// or digest:// can be a module's own. May be NULL. */
IMP_API const char *imp_session_auth_uri(const struct imp_session *session);

/*
 * One pointer of this module instance, kept with the connection. `release` (may be NULL) is called with it when it is
 * replaced, or when the connection ends: on the session's event loop, where it must not block. NULL `data` takes it
 * away.
 */
IMP_API void imp_session_attach(struct imp_session *session, struct imp_module *module, void *data,
                                void (*release)(void *data));
IMP_API void *imp_session_attached(const struct imp_session *session, const struct imp_module *module);

/* ---- contexts ---------------------------------------------------------------------------------------------- */

enum imp_context {
    IMP_CONTEXT_CONNECTION, /* lives as long as the connection */
    IMP_CONTEXT_MESSAGE,    /* lives as long as the transaction, and is stored with the message */
};

/*
 * Strings under names; names are case-sensitive. Both are copied; a NULL value removes the name. 64 KiB of names
 * and values per context; false when a value does not fit or there is no transaction.
 * Source: Momentum 4 manual, "Policy", validation context.
 */
IMP_API bool imp_context_set(struct imp_session *session, enum imp_context which, const char *name,
                             const char *value);
/* NULL when the name is not set. Valid until something is set in that context. */
IMP_API const char *imp_context_get(const struct imp_session *session, enum imp_context which,
                                    const char *name);

#ifdef __cplusplus
}
#endif
#endif
