/*
 * client_transaction: one message on a connection.
 */
#include "smtp/client/client_transaction.h"

#include <errno.h>
#include "base/mem.h"
#include "smtp/client/client_command.h"

/* bytes of content collected in the stream's output before it is flushed */
enum { OUTPUT_PIECE = 64 * 1024 };

/* ---- recipients -------------------------------------------------------------------------------------- */

void transaction_start(struct smtpc_transaction *transaction, struct envelope *const *envelopes, size_t count)
{
    *transaction = (struct smtpc_transaction){.count = (unsigned)count, .live = (unsigned)count};
    transaction->recipients = count == 1 ? &transaction->single : mem_array(count, sizeof *envelopes);
    memcpy(transaction->recipients, envelopes, count * sizeof *envelopes);
    transaction->chunking = envelopes[0]->flags & ENVELOPE_BINARY;
    transaction->eight_bit = envelope_has_eight_bit(envelopes[0]);
    transaction->utf8 = envelopes[0]->flags & ENVELOPE_SMTPUTF8;
}

void transaction_open_content(struct smtpc_transaction *transaction, struct content_reader *reader,
                              void (*arrived)(void *owner), void *owner)
{
    struct content_source source;
    if (!transaction->sending) {
        cursor_open(&transaction->content, transaction_sample(transaction), reader, arrived, owner);
        return;
    }
    sending_source(transaction->sending, &source);
    cursor_open_source(&transaction->content, &source, reader, arrived, owner);
    if (!sending_has_eight_bit(transaction->sending))
        return;
    transaction->eight_bit = true;
    transaction->utf8 = true; /* the header may not be ASCII any more */
}

static void close_content(struct smtpc_transaction *transaction)
{
    cursor_close(&transaction->content);
    sending_end(transaction->sending);
    transaction->sending = NULL;
}

const struct envelope *transaction_unsettled(const struct smtpc_transaction *transaction, unsigned index)
{
    return transaction->live ? transaction->recipients[index] : NULL;
}

const struct envelope *transaction_sample(const struct smtpc_transaction *transaction)
{
    unsigned index = 0;
    while (!transaction->recipients[index])
        index++;
    return transaction->recipients[index];
}

struct envelope *transaction_release(struct smtpc_transaction *transaction, unsigned index)
{
    struct envelope *envelope = transaction->recipients[index];
    transaction->recipients[index] = NULL;
    if (--transaction->live == 0) {
        close_content(transaction);
        if (transaction->recipients != &transaction->single)
            free(transaction->recipients);
        transaction->recipients = NULL;
    }
    return envelope;
}

void transaction_forget_settled(struct smtpc_transaction *transaction)
{
    unsigned kept = 0;
    for (unsigned i = 0; transaction->live && i < transaction->count; i++)
        if (transaction->recipients[i])
            transaction->recipients[kept++] = transaction->recipients[i];
    transaction->count = transaction->live;
}

/* ---- commands ---------------------------------------------------------------------------------------- */

void transaction_write_mail(const struct smtpc_transaction *transaction, const struct offers *offers,
                            struct stream *stream)
{
    bool international = false;
    for (unsigned i = 0; i < transaction->count; i++)
        international |= transaction->recipients[i] && !slice_is_ascii(transaction->recipients[i]->recipient);
    struct mail_facts facts = {
        .envelope = transaction_sample(transaction),
        .size = cursor_size(&transaction->content),
        .eight_bit = transaction->eight_bit,
        .utf8 = transaction->utf8 || international,
    };
    command_write_mail(&facts, offers, &stream->out);
}

void transaction_write_rcpt(struct smtpc_transaction *transaction, const struct offers *offers,
                            struct stream *stream)
{
    command_write_rcpt(transaction->recipients[transaction->asked++], offers, &stream->out);
}

/* ---- content ----------------------------------------------------------------------------------------- */

static void append(struct smtpc_transaction *transaction, struct slice piece, struct stream *stream)
{
    if (transaction->chunking)
        buf_append_slice(&stream->out, piece);
    else
        stuffing_append(&transaction->stuffing, piece, &stream->out);
    transaction->sent += piece.size;
}

void transaction_start_content(struct smtpc_transaction *transaction, struct stream *stream)
{
    transaction->state = TRANSACTION_CONTENT;
    if (transaction->chunking)
        buf_printf(&stream->out, "BDAT %llu LAST\r\n",
                   (unsigned long long)cursor_size(&transaction->content));
}

/* With BDAT, the server relies on the length that was announced. */
static int end_content(struct smtpc_transaction *transaction, struct stream *stream)
{
    if (!transaction->chunking)
        stuffing_end(&transaction->stuffing, &stream->out);
    else if (transaction->sent != cursor_size(&transaction->content))
        return -EIO;
    close_content(transaction);
    return 1;
}

int transaction_send(struct smtpc_transaction *transaction, struct stream *stream)
{
    struct message_cursor *content = &transaction->content;
    for (;;) {
        int fetched = cursor_fetch(content);
        if (fetched == 0)
            return end_content(transaction, stream);
        if (fetched < 0)
            return fetched == -EAGAIN ? 0 : fetched;
        struct slice piece = content->run;
        if (piece.size > OUTPUT_PIECE)
            piece.size = OUTPUT_PIECE;
        append(transaction, piece, stream);
        cursor_consume(content, piece.size);
        /* After an error, the reader may still find the server's reason in the input. */
        if (buf_size(&stream->out) >= OUTPUT_PIECE && stream_flush(stream) != 1)
            return 0;
    }
}
