/*
 * access: what a generation says about one client of a Control_Listener: may it connect, must it log in and
 * how, are its commands judged.
 *
 * A Unix connection counts as one from 127.0.0.1 where Peer stanzas are concerned (Momentum 4 manual,
 * "Control_Listener Authorization"). Authentication is on where Enable_Authentication says so, or where
 * AuthDigestMD5Parameters or AuthLoginParameters are set and no Enable_Authentication as specific as them
 * says otherwise: the manual's examples set the parameters alone. Authorization likewise, by
 * Enable_Authorization and AuthorizationParameters. Whatever is not understood leads to a refusal, never to
 * access. Main thread.
 */
#ifndef IMPULSE_CONTROL_ACCESS_H
#define IMPULSE_CONTROL_ACCESS_H

#include "confparse/confparse.h"
#include "net/addr.h"

struct access_method {              /* of logging in, or of finding roles */
    const struct conf_value *value; /* the parameters as set, or NULL */
    const char *path;               /* the file; NULL: none that can be used */
    bool log;                       /* log_authentication */
};

struct access {
    bool denied;       /* Always_Deny */
    bool authenticate; /* a user name and a password are asked for */
    bool authorize;
    struct access_method digest, login, groups;
    unsigned timeout; /* seconds; 0: none */
};

/* What applies to `peer` (AF_UNIX: a Unix connection; NULL: any peer that no Peer stanza names). All of it is
 * borrowed from `conf`. */
void access_resolve(struct access *access, const struct conf *conf, const struct conf_scope *listener,
                    const struct conf_scope *listen, const struct net_addr *peer);

/* The enabled Listen of any Control_Listener with the address that `endpoint` names, or NULL; its parent is
 * the listener. */
const struct conf_scope *access_listen(const struct conf *conf, const char *endpoint);

enum access_finding {
    ACCESS_FINE,
    ACCESS_ELSEWHERE, /* kept where the console cannot look, such as ecauth:// as Momentum installs it */
    ACCESS_WRONG,     /* a mistake */
};
/* Judges parameters as they are set; unless they are fine, problem[] gets one line. `scheme` is the only one
 * that serves: "digest", "file", "groups". */
enum access_finding access_method_check(const struct conf_value *value, const char *scheme, char *problem,
                                        size_t size);

#endif
