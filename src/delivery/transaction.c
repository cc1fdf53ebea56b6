/*
 * transaction: one message of a connection.
 */
#include "delivery/transaction.h"

#include <errno.h>

enum { OUTPUT_PIECE = 64 * 1024 }; /* content kept in the stream's output before it is flushed */

void transaction_start(struct transaction *transaction, struct delivery_loop *home, struct envelope *envelope,
                       void (*arrived)(void *owner), void *owner)
{
    transaction->envelope = envelope;
    transaction->stuffing = (struct stuffing){0};
    transaction->state = TRANSACTION_LOADING;
    transaction->answered = transaction->failed = false;
    transaction->sent = 0;
    content_open(&transaction->content, home, envelope->body, arrived, owner);
}

struct envelope *transaction_end(struct transaction *transaction)
{
    struct envelope *envelope = transaction->envelope;
    content_close(&transaction->content);
    transaction->envelope = NULL;
    return envelope;
}

void transaction_write_mail(const struct transaction *transaction, unsigned offers, struct stream *stream)
{
    const struct envelope *envelope = transaction->envelope;
    buf_append_text(&stream->out, "MAIL FROM:<");
    buf_append_slice(&stream->out, envelope->reverse_path);
    buf_append_text(&stream->out, ">");
    if (offers & OFFERS_SIZE)
        buf_printf(&stream->out, " SIZE=%llu", (unsigned long long)envelope->body->size);
    if ((offers & OFFERS_8BITMIME) && (envelope->body->eight_bit || (envelope->flags & ENVELOPE_EIGHT_BIT)))
        buf_append_text(&stream->out, " BODY=8BITMIME");
    if ((offers & OFFERS_SMTPUTF8) && (envelope->flags & ENVELOPE_SMTPUTF8))
        buf_append_text(&stream->out, " SMTPUTF8");
    buf_append_text(&stream->out, "\r\n");
}

void transaction_write_rcpt(const struct transaction *transaction, struct stream *stream)
{
    buf_append_text(&stream->out, "RCPT TO:<");
    buf_append_slice(&stream->out, transaction->envelope->recipient);
    buf_append_text(&stream->out, ">\r\n");
}

void transaction_fail(struct transaction *transaction, enum queue_verdict verdict, unsigned stage,
                      struct slice response)
{
    if (transaction->failed)
        return;
    transaction->failed = true;
    transaction->verdict = verdict;
    transaction->stage = stage;
    transaction->response_size =
        response.size < sizeof transaction->response ? response.size : sizeof transaction->response;
    memcpy(transaction->response, response.data, transaction->response_size);
}

void transaction_refuse(struct transaction *transaction, unsigned stage, const struct reply *reply)
{
    char line[TRANSACTION_RESPONSE_SIZE];
    size_t size = reply_join(reply, line, sizeof line);
    transaction_fail(transaction, reply->code / 100 == 5 ? QUEUE_PERMANENT : QUEUE_TRANSIENT, stage,
                     slice_of(line, size));
}

int transaction_send(struct transaction *transaction, struct stream *stream)
{
    struct content *content = &transaction->content;
    for (;;) {
        int fetched = content_fetch(content);
        if (fetched == 0)
            break;
        if (fetched < 0)
            return fetched == -EAGAIN ? 0 : fetched;
        struct slice piece = content->part;
        if (piece.size > OUTPUT_PIECE)
            piece.size = OUTPUT_PIECE;
        stuffing_append(&transaction->stuffing, piece, &stream->out);
        content_consume(content, piece.size);
        transaction->sent += piece.size;
        /* An error shows up at the reader, who may still find the server's reason for it. */
        if (buf_size(&stream->out) >= OUTPUT_PIECE && stream_flush(stream) != 1)
            return 0;
    }
    stuffing_end(&transaction->stuffing, &stream->out);
    content_close(content);
    return 1;
}
