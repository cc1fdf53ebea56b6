/* spelling: see spelling.h. */
#include "confparse/spelling.h"

#include "confparse/schema.h"

static const char abbreviations[] =
    "8bitmime|apn|arf|ca|cname|dane|dhe|dkim|dns|dsn|ec|ehlo|esmtp|fbl|gcm|ha|http|id|ip|ipv6|lf|lmtp|mcmt|"
    "mdn|"
    "mta|mx|mxs|oob|pcre|rset|siv|smtp|snmp|ssl|sts|tcp|tls|tlsa|tlsv13|ttl|udp|uri|url|vctx|vm|xmpp";

/* Names that have no underscore between their words. */
static const char *const whole[] = {
    "AuthCRAMMD5Parameters",
    "AuthDigestMD5Parameters",
    "AuthLoginParameters",
    "AuthorizationParameters",
    "AuthPlainParameters",
    "ECCluster_Listener",
    "ECStream_Idle_Time",
    "ECStream_Listener",
    "EventLoop",
    "ECStream_Max_Batch_Size",
    "ThreadPool",
    "TimestampFormat",
};

static char upper(char c)
{
    return (char)(c >= 'a' && c <= 'z' ? c - ('a' - 'A') : c);
}

/* Copies at most what fits. */
static const char *spell(const char *name, const char *capitals, char spelled[CONF_SPELLING_MAX])
{
    struct conf_text given = conf_text_of(name);
    size_t size = given.size < CONF_SPELLING_MAX ? given.size : CONF_SPELLING_MAX - 1;
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
        if (conf_text_is(given, whole[i]))
            name = whole[i];
    bool as_it_is = name != given.data;
    for (size_t i = 0; i < size;) {
        size_t part = strcspn(name + i, "_");
        bool all = conf_text_listed((struct conf_text){name + i, part}, capitals, '|');
        for (size_t end = i + part, first = i; i < size && i <= end; i++)
            spelled[i] = !as_it_is && (all || i == first) ? upper(name[i]) : name[i];
    }
    spelled[size] = '\0';
    return spelled;
}

const char *conf_spell_option(const char *name, char spelled[CONF_SPELLING_MAX])
{
    return spell(name, abbreviations, spelled);
}

const char *conf_spell_kind(const char *kind, char spelled[CONF_SPELLING_MAX])
{
    if (conf_schema_scope(conf_text_of(kind)))
        return spell(kind, "", spelled);
    size_t size = strnlen(kind, CONF_SPELLING_MAX - 1);
    memcpy(spelled, kind, size);
    spelled[size] = '\0';
    return spelled;
}
