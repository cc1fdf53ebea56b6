/*
 * smtps_verb: see smtps_verb.h. Beside the registry, which owners see, the rows are in a hash table by what
 * of a verb fits into a word: all of most verbs.
 */
#include "smtp/server/smtps_verb.h"

#include <stdio.h>
#include <stdlib.h>

enum { SLOTS = 128, SLOT_BITS = 7 }; /* a power of two, some times the number of verbs */

static struct registry core = {.kind = "SMTP command"};
static const struct smtps_verb *slots[SLOTS];

/* Bit 5 is what upper and lower case differ in. */
static unsigned first_slot(struct slice verb)
{
    uint64_t word = 0;
    memcpy(&word, verb.data, verb.size < sizeof word ? verb.size : sizeof word);
    word = (word & UINT64_C(0xdfdfdfdfdfdfdfdf)) + verb.size;
    return (unsigned)(word * UINT64_C(0x9e3779b97f4a7c15) >> (64 - SLOT_BITS));
}

const struct smtps_verb *smtps_verb_find(struct slice verb)
{
    for (unsigned i = first_slot(verb); slots[i]; i = (i + 1) % SLOTS)
        if (slice_equal_nocase(slice_text(slots[i]->verb), verb))
            return slots[i];
    return NULL;
}

static void add(const struct smtps_verb *row)
{
    char error[256];
    struct registry_row entry = {.name = row->verb,
                                 .owner = "the SMTP server",
                                 .help = row->help,
                                 .thread = SMTPS_THREAD,
                                 .what = row};
    if (!registry_add(&core, &entry, error, sizeof error) || core.count > SLOTS / 2) {
        fprintf(stderr, "%s\n", core.count > SLOTS / 2 ? "too many SMTP commands" : error);
        abort();
    }
    unsigned slot = first_slot(slice_text(row->verb));
    while (slots[slot] && slots[slot] != row)
        slot = (slot + 1) % SLOTS;
    if (!slots[slot]) /* once it is there, sessions read it */
        slots[slot] = row;
}

void smtps_verbs_add(const struct smtps_verb *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        add(&rows[i]);
}

const struct registry *smtps_verbs(void)
{
    return &core;
}

void smtps_verbs_register(void)
{
    cmd_auth_register();
    cmd_bdat_register();
    cmd_data_register();
    cmd_hello_register();
    cmd_mail_register();
    cmd_rcpt_register();
    cmd_simple_register();
    cmd_starttls_register();
    cmd_xclient_register();
    cmd_xcontext_register();
    cmd_xremoteip_register();
}
