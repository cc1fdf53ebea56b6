/*
 * fields_of.h: the rows of options.def that one struct holds, as the initializer of a table of struct
 * policy_field.
 *
 * Define the macro of one holder and include this inside the initializer: the macro is used once for each
 * row, as HOLDER(field, option, type), and is undefined afterwards. No include guard: each table includes it.
 *
 *   holder    struct              table
 *   ESMTP     esmtp_policy        smtp/server/policy.c
 *   CONTENT   content_options     smtp/server/policy_content.c
 *   AUTH      auth_policy         smtp/server/policy_auth.c
 *   TLS       tls_settings        smtp/server/policy_tls.c
 *   LIMITS    inbound_limits      throttle/inbound_limits.c
 *   SOCKET    listener_settings   policy/listen_options.c
 *   LISTEN    listen_options      policy/listen_options.c
 *   QUEUE     queue_settings      queue/settings.c
 *   CONSOLE   control_options     control/control_options.c
 *   HOST      host_options        policy/host_name.c
 *   BUDGET    budget_limits       daemon/budget_limits.c
 *   HOOKS     hook_limits         module/set_load.c
 *   POOL      pool_settings       daemon/threads.c
 *   FILES     file_options        daemon/file_shares.c
 *   SPOOL     spool_settings      daemon/daemon_settings.c
 *   RESOLVER  resolver_settings   daemon/daemon_settings.c
 *   DAEMON    daemon_settings     daemon/daemon_settings.c
 */
#ifndef ESMTP
#define ESMTP(...)
#endif
#ifndef CONTENT
#define CONTENT(...)
#endif
#ifndef AUTH
#define AUTH(...)
#endif
#ifndef TLS
#define TLS(...)
#endif
#ifndef LIMITS
#define LIMITS(...)
#endif
#ifndef SOCKET
#define SOCKET(...)
#endif
#ifndef LISTEN
#define LISTEN(...)
#endif
#ifndef QUEUE
#define QUEUE(...)
#endif
#ifndef CONSOLE
#define CONSOLE(...)
#endif
#ifndef HOST
#define HOST(...)
#endif
#ifndef BUDGET
#define BUDGET(...)
#endif
#ifndef FILES
#define FILES(...)
#endif
#ifndef HOOKS
#define HOOKS(...)
#endif
#ifndef POOL
#define POOL(...)
#endif
#ifndef SPOOL
#define SPOOL(...)
#endif
#ifndef RESOLVER
#define RESOLVER(...)
#endif
#ifndef DAEMON
#define DAEMON(...)
#endif

#define FIELD(holder, field, option, type, ...) holder(field, option, type)
#define ALSO(holder, field, option, type)       holder(field, option, type)
#define OPTION(...)
#define SCOPE(...)
#include "confparse/options.def"
#undef SCOPE
#undef OPTION
#undef ALSO
#undef FIELD

#undef ESMTP
#undef CONTENT
#undef AUTH
#undef TLS
#undef LIMITS
#undef SOCKET
#undef LISTEN
#undef QUEUE
#undef CONSOLE
#undef HOST
#undef BUDGET
#undef FILES
#undef HOOKS
#undef POOL
#undef SPOOL
#undef RESOLVER
#undef DAEMON
