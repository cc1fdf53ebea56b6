/*
 * message_eight_bit: has the content a byte above 127, when hooks have edited it?
 *
 * Content in memory is searched. Of a part that is only in the spool it is known whether it has such a byte, but not
 * where: every piece of it that edits leave counts as having the byte.
 */
#include "message/message_content.h"

#include "base/mem.h"

void message_note_part(struct message *message, bool eight_bit)
{
    char flag = eight_bit;
    buf_append(&message->part_flags, &flag, 1);
}

static bool part_has(const struct message *message, uint64_t part)
{
    struct slice flags = buf_slice(&message->part_flags);
    return part >= flags.size || flags.data[part];
}

/* Of the content as it arrived. */
static bool arrived_has(const struct message *message, uint64_t at, uint64_t size)
{
    while (size > 0 && at < message->stored) {
        uint64_t part = at / BODY_CHUNK, left = BODY_CHUNK - at % BODY_CHUNK,
                 here = left < size ? left : size;
        bool in_memory = part == 0 && message->head;
        if (part_has(message, part) && (!in_memory || !slice_is_ascii(slice_of(message->head + at, here))))
            return true;
        at += here;
        size -= here;
    }
    struct slice rest = buf_slice(&message->content);
    return size > 0 && !slice_is_ascii(slice_of(rest.data + (at - message->stored), size));
}

/* Of a range of what `edits` make, which lies on what `below` answers for. */
static bool edited_has(const struct message *message, const struct edits_view *edits,
                       struct edits_place *place, uint64_t at, uint64_t size,
                       bool (*below)(const struct message *message, struct edits_place *place, uint64_t at,
                                     uint64_t size),
                       struct edits_place *below_place)
{
    while (size > 0) {
        struct edits_run run = edits_find(edits, at, place);
        uint64_t here = run.size < size ? run.size : size;
        if (run.text ? !slice_is_ascii(slice_of(run.text, here))
                     : below(message, below_place, run.offset, here))
            return true;
        at += here;
        size -= here;
    }
    return false;
}

static bool plain_has(const struct message *message, struct edits_place *place, uint64_t at, uint64_t size)
{
    (void)place;
    return arrived_has(message, at, size);
}

/* Of the content that recipients share. */
static bool shared_has(const struct message *message, struct edits_place *place, uint64_t at, uint64_t size)
{
    if (!message->edited)
        return arrived_has(message, at, size);
    struct edits_view edits = edits_view(&message->edits);
    return edited_has(message, &edits, place, at, size, plain_has, NULL);
}

bool message_has_eight_bit(const struct message *message, bool arrived)
{
    struct edits_place place = {0};
    if (message->stored == 0 && message->rewritten)
        return !slice_is_ascii(buf_slice(&message->content));
    bool below = message->replaced ? message->eight_bit : arrived;
    return message->edited ? shared_has(message, &place, 0, message->edits.size) : below;
}

void message_judge_copies(struct message *message)
{
    for (size_t i = 0; i < message->recipient_count; i++) {
        struct message_recipient *recipient = message->recipients[i];
        struct edits_place place = {0}, below = {0};
        if (!recipient->edited)
            continue;
        struct edits_view edits = edits_view(&recipient->edits);
        edits_judge(&recipient->edits,
                    edited_has(message, &edits, &place, 0, edits.size, shared_has, &below));
    }
}
