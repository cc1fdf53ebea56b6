/*
 * sdk_stream_io: reading, writing and TLS of a module's stream.
 */
#include <errno.h>
#include "sdk/sdk_stream.h"
#include "sdk/sdk_stream_private.h"
#include "tls/tls_client.h"

enum { READ_SIZE = 16 * 1024 };

static void end_broken(struct imp_stream *s, int error)
{
    sdk_stream_end(s, IMP_STREAM_BROKEN, error == -EPROTO ? stream_tls_reason(&s->stream) : strerror(-error));
}

/* ---- reading --------------------------------------------------------------------------------- */

static void update_reading(struct imp_stream *s)
{
    bool wanted = !s->paused && !s->at_end && buf_size(&s->stream.in) < s->read_limit;
    if (s->stage != OPEN || s->stream.reading == wanted)
        return;
    if (wanted)
        stream_read_start(&s->stream);
    else
        stream_read_stop(&s->stream);
}

void sdk_stream_on_readable(struct stream *stream)
{
    struct imp_stream *s = sdk_stream_of(stream);
    if (s->stage != OPEN)
        return;
    ssize_t got = stream_fill(stream, READ_SIZE);
    if (got == 0)
        s->at_end = true;
    update_reading(s);
    if (got >= 0)
        SDK_STREAM_TELL(s, readable, s->closure);
    if (got < 0 && got != -EAGAIN)
        end_broken(s, (int)got);
    else if (s->stage == OPEN && stream->error)
        end_broken(s, stream->error);
}

const char *imp_stream_data(const struct imp_stream *s, size_t *size)
{
    struct slice in = buf_slice(&s->stream.in);
    *size = s->stage == OPEN ? in.size : 0;
    return *size ? in.data : "";
}

void imp_stream_consume(struct imp_stream *s, size_t size)
{
    size_t there = buf_size(&s->stream.in);
    if (s->stage != OPEN)
        return;
    buf_consume(&s->stream.in, size < there ? size : there);
    update_reading(s);
}

bool imp_stream_at_end(const struct imp_stream *s)
{
    return s->at_end;
}

void imp_stream_pause(struct imp_stream *s, bool pause)
{
    s->paused = pause;
    update_reading(s);
}

/* ---- writing --------------------------------------------------------------------------------- */

void sdk_stream_on_drained(struct stream *stream)
{
    struct imp_stream *s = sdk_stream_of(stream);
    if (s->stage != OPEN)
        return;
    if (s->finished)
        stream_finish(stream);
    SDK_STREAM_TELL(s, drained, s->closure);
}

static int refuse(int error)
{
    errno = error;
    return -1;
}

int imp_stream_write(struct imp_stream *s, const void *data, size_t size)
{
    size_t waiting = s->stage == OPEN ? buf_size(&s->stream.out) : 0;
    if (s->finished || s->stage == ENDING)
        return refuse(EPIPE);
    if (s->stage != OPEN)
        return refuse(ENOTCONN);
    if (waiting > 0 && (size > s->write_limit || waiting > s->write_limit - size))
        return refuse(EAGAIN);
    buf_append(&s->stream.out, data, size);
    int flushed = stream_flush(&s->stream);
    if (flushed >= 0)
        return flushed == 0;
    end_broken(s, flushed);
    return refuse(EPIPE);
}

size_t imp_stream_waiting(const struct imp_stream *s)
{
    return s->stream_open ? buf_size(&s->stream.out) : 0;
}

void imp_stream_finish(struct imp_stream *s)
{
    if (s->stage != OPEN || s->finished)
        return;
    s->finished = true;
    if (buf_size(&s->stream.out) == 0)
        stream_finish(&s->stream);
}

/* ---- TLS ------------------------------------------------------------------------------------- */

/* What has begun; after a handshake the input is that of the encrypted connection alone. */
static int securing(struct imp_stream *s, int error)
{
    if (error)
        return refuse(-error);
    s->stage = SECURING;
    stream_read_stop(&s->stream);
    s->attempt_due = loop_now(s->stream.loop) + s->connect_ms;
    sdk_stream_set_timer(s);
    return 0;
}

/* 0 or a negative errno. */
static int may_secure(const struct imp_stream *s)
{
    if (s->stage != OPEN || s->stream.tls || s->finished || s->at_end)
        return -EINVAL;
    return buf_size(&s->stream.in) ? -EBUSY : 0;
}

int imp_stream_start_tls(struct imp_stream *s, struct imp_tls *tls, const char *name)
{
    int error = tls ? may_secure(s) : -EINVAL;
    return securing(s, error ? error : stream_start_tls_client(&s->stream, (struct tls_client *)tls, name));
}

int sdk_stream_start_tls_server(struct imp_stream *s, struct tls_context *context)
{
    int error = may_secure(s);
    return securing(s, error ? error : stream_start_tls(&s->stream, context));
}

bool imp_stream_tls(const struct imp_stream *s, struct imp_tls_facts *facts)
{
    const struct tls_facts *known = s->stream_open ? stream_tls_facts(&s->stream) : NULL;
    if (!known)
        return false;
    struct imp_tls_facts full = {
        .size = facts->size,
        .protocol = known->protocol,
        .cipher = known->cipher,
        .verified = known->client_verified,
        .unverified = known->unverified,
        .subject = known->client_subject,
        .subject_cn = known->client_subject_cn,
        .issuer = known->client_issuer,
        .issuer_cn = known->client_issuer_cn,
    };
    memcpy(facts, &full, facts->size < sizeof full ? facts->size : sizeof full);
    return true;
}

const char *imp_stream_peer(const struct imp_stream *s)
{
    return s->peer;
}
