/*
 * points: the rows of the daemon's own hook points, and names that nearly match.
 */
#include "module/points.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

enum { ASKED = POINT_MAY_REFUSE | POINT_MAY_SUSPEND, NAME_MAX_COMPARED = 64 };

static const char loop[] = "the session's event loop", queue[] = "the queue's event loop",
                  any[] = "an event loop or another thread of the daemon";

static const struct point_row rows[HOOK_POINTS] = {
    [POINT_VALIDATE_CONNECT] = {"validate_connect", "core", loop, ASKED,
                                "a client has connected, before the greeting"},
    [POINT_VALIDATE_EHLO] = {"validate_ehlo", "core", loop, ASKED, "EHLO or HELO"},
    [POINT_VALIDATE_AUTH] = {"validate_auth", "core", loop, ASKED,
                             "AUTH, when the passwords have been looked at"},
    [POINT_VALIDATE_MAILFROM] = {"validate_mailfrom", "core", loop, ASKED, "MAIL FROM"},
    [POINT_VALIDATE_RCPTTO] = {"validate_rcptto", "core", loop, ASKED, "RCPT TO"},
    [POINT_VALIDATE_DATA] = {"validate_data", "core", loop, ASKED,
                             "the content has arrived and is not stored yet"},
    [POINT_VALIDATE_DATA_SPOOL] = {"validate_data_spool", "core", loop, ASKED, "after validate_data"},
    [POINT_VALIDATE_DATA_SPOOL_EACH_RCPT] = {"validate_data_spool_each_rcpt", "core", loop, ASKED,
                                             "after validate_data_spool, once for each accepted recipient"},
    [POINT_VALIDATE_SET_BINDING] = {"validate_set_binding", "core", loop, ASKED,
                                    "once for each accepted recipient: chooses its binding"},
    [POINT_BINDING_CHOSEN] =
        {"core_post_validate_set_binding", "core", loop, 0,
         "a hook has chosen a recipient's binding; the argument is a struct imp_binding_choice"},
    [POINT_TLS_ACCEPTED] = {"core_inbound_smtp_tls_post_accept", "core", loop, 0,
                            "a client has completed a TLS handshake"},
    [POINT_SESSION_ABORTED] = {"core_server_esmtp_session_abort", "core", loop, 0,
                               "a client has left without QUIT, or its connection broke"},
    [POINT_SESSION_ENDED] = {"core_dec_inbound_connections", "core", loop, 0,
                             "an SMTP connection ends, whoever ends it"},
    [POINT_ENQUEUED] =
        {"core_ec_message_enqueue", "core", any, 0,
         "a recipient's copy is in the spool and enters its queue; the argument is a struct imp_moment"},
    [POINT_SENDING] = {"message_sending", "core", queue, ASKED,
                       "an attempt to deliver is about to be made; the argument is a struct imp_moment"},
    [POINT_ATTEMPTED] = {"message_attempted", "core", queue, 0,
                         "an attempt has ended; the argument is a struct imp_moment with its result"},
    [POINT_REQUEUE] =
        {"core_pre_mail_queue_message_requeue", "core", queue, 0,
         "after a transient failure, before the copy waits for its next attempt; the argument is a "
         "struct imp_moment"},
    [POINT_GONE] =
        {"message_gone", "core", any, 0,
         "a copy was delivered or given up, and leaves the spool; the argument is a struct imp_moment"},
    [POINT_SHUTDOWN] = {"core_control_shutdown", "core", "the main thread", 0, "the daemon begins to stop"},
};

const struct point_row *core_point(enum hook_point point)
{
    return &rows[point];
}

enum hook_point core_point_find(const char *name)
{
    unsigned i = 0;
    while (i < HOOK_POINTS && strcasecmp(rows[i].name, name) != 0)
        i++;
    return (enum hook_point)i;
}

static size_t least(size_t a, size_t b, size_t c)
{
    size_t d = a < b ? a : b;
    return d < c ? d : c;
}

/* Characters to insert, remove or replace (Levenshtein). */
static size_t distance(const char *a, const char *b)
{
    size_t row[NAME_MAX_COMPARED + 1], width = strlen(b);
    if (width > NAME_MAX_COMPARED)
        return SIZE_MAX;
    for (size_t j = 0; j <= width; j++)
        row[j] = j;
    for (size_t i = 1; *a; a++, i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= width; j++) {
            size_t above = row[j];
            bool same = tolower((unsigned char)*a) == tolower((unsigned char)b[j - 1]);
            row[j] = least(row[j] + 1, row[j - 1] + 1, diagonal + (same ? 0 : 1));
            diagonal = above;
        }
    }
    return row[width];
}

void nearest_name_offer(struct nearest_name *nearest, const char *name)
{
    size_t far = distance(nearest->wrong, name), length = strlen(nearest->wrong);
    if (far > length / 2 || (nearest->name && far >= nearest->distance))
        return;
    nearest->name = name;
    nearest->distance = far;
}
