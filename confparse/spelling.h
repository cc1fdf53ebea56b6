/*
 * spelling: names as Momentum prints them. The configuration is read without case and kept in lower case; the
 * console answers with Max_Outbound_Connections, EHLO_Hostname, Esmtp_Listener. Pure; any thread.
 * Source: the examples of the Momentum 4 manual, console command "config".
 */
#ifndef IMPULSE_CONFPARSE_SPELLING_H
#define IMPULSE_CONFPARSE_SPELLING_H

enum { CONF_SPELLING_MAX = 128 };

/*
 * An option: each part between underscores begins with a capital, abbreviations are all capitals, and a few
 * names are spelled as their page of the manual has them (AuthDigestMD5Parameters). Longer names are cut.
 * Returns `spelled`.
 */
const char *conf_spell_option(const char *name, char spelled[CONF_SPELLING_MAX]);

/* A kind of stanza: each part begins with a capital. The names of modules stay as they are: ec_logger. */
const char *conf_spell_kind(const char *kind, char spelled[CONF_SPELLING_MAX]);

#endif
