/*
 * sdk_stream: the same handle for connections that a module's listener has accepted.
 */
#ifndef IMPULSE_SDK_SDK_STREAM_H
#define IMPULSE_SDK_SDK_STREAM_H

#include "impulse/stream.h"
#include "net/addr.h"
#include "tls/tls.h"

/*
 * A stream for a connected descriptor, which is the stream's from then on; `connected` is called in a
 * later turn. On the loop whose thread this is. NULL, and the descriptor is still the
 * caller's, when there is none, or the instance or the process ends.
 */
struct imp_stream *sdk_stream_accepted(struct imp_module *module, int fd, const struct net_addr *peer,
                                       const struct imp_stream_events *events, void *closure);
/* Has `gone` called when the stream is closed, after the owner's `closed`. Once. */
void sdk_stream_on_gone(struct imp_stream *stream, void (*gone)(void *closure), void *closure);
/* Encrypts it, we being the server; `secured` or `closed` follows. 0 or -1 with errno, as
 * imp_stream_start_tls. */
int sdk_stream_start_tls_server(struct imp_stream *stream, struct tls_context *context);

#endif
