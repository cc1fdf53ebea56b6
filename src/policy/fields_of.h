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
 *   SOCKET    listener_settings   policy/socket_fields.c
 *   QUEUE     queue_settings      queue/settings.c
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
#ifndef SOCKET
#define SOCKET(...)
#endif
#ifndef QUEUE
#define QUEUE(...)
#endif

#define FIELD(holder, field, option, type, ...) holder(field, option, type)
#define OPTION(...)
#define SCOPE(...)
#include "confparse/options.def"
#undef SCOPE
#undef OPTION
#undef FIELD

#undef ESMTP
#undef CONTENT
#undef AUTH
#undef TLS
#undef SOCKET
#undef QUEUE
