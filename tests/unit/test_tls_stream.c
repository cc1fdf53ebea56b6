/* Streams under TLS, between the server's side and an OpenSSL client that blocks, over a pair of sockets. */
#include "on_loop.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include "base/list.h"
#include "base/mem.h"
#include "log/paniclog.h"
#include "net/stream.h"
#include "tls/tls.h"

/* ---- on the loop ----------------------------------------------------------------------------- */

static struct loop_group *group;

static void on_loop(void (*run)(void *), void *argument)
{
    on_loop_of(group, run, argument);
}

/* ---- the server: echoes what it gets, a step at a time --------------------------------------- */

struct server {
    struct stream stream;
    struct tls_context *context;
    int fd, peer;
    size_t step;       /* bytes asked of one stream_fill */
    const char *first; /* written before TLS began */
    const char *after; /* written while the handshake runs */
    int result;        /* of stream_start_tls, then of the last stream_fill that was no input */
    int error;         /* of the handshake */
    _Atomic int readable_calls;
    struct unit_counter secured, read, drained, ended, closed;
};

static void on_readable(struct stream *stream)
{
    struct server *server = container_of(stream, struct server, stream);
    server->readable_calls++;
    ssize_t got = stream_fill(stream, server->step);
    if (got == -EAGAIN)
        return;
    if (got <= 0) {
        server->result = (int)got;
        unit_count(&server->ended, 1);
        stream_close(stream);
        return;
    }
    struct slice input = buf_slice(&stream->in);
    buf_append(&stream->out, input.data, input.size);
    if (stream_flush(stream) == 0)
        stream_read_stop(stream);
    buf_clear(&stream->in);
    stream_trim(stream);
    unit_count(&server->read, (int)got);
}

static void on_drained(struct stream *stream)
{
    struct server *server = container_of(stream, struct server, stream);
    unit_count(&server->drained, 1);
    stream_read_start(stream);
}

static void on_secured(struct stream *stream, int error)
{
    struct server *server = container_of(stream, struct server, stream);
    server->error = error;
    if (error)
        stream_close(stream);
    else
        stream_read_start(stream);
    unit_count(&server->secured, 1);
}

static void on_closed(struct stream *stream)
{
    unit_count(&container_of(stream, struct server, stream)->closed, 1);
}

static const struct stream_handler handler = {
    .readable = on_readable, .drained = on_drained, .closed = on_closed, .secured = on_secured};

static void do_start(void *argument)
{
    struct server *server = argument;
    CU_ASSERT_EQUAL_FATAL(stream_open(&server->stream, loop_group_at(group, 0), server->fd, &handler), 0);
    stream_read_start(&server->stream);
    if (server->first)
        buf_append(&server->stream.out, server->first, strlen(server->first));
    server->result = stream_start_tls(&server->stream, server->context);
    CU_ASSERT_TRUE(stream_is_securing(&server->stream));
    if (server->after) {
        buf_append(&server->stream.out, server->after, strlen(server->after));
        CU_ASSERT_EQUAL(stream_flush(&server->stream), 0);
    }
}

static void do_close(void *argument)
{
    stream_close(&((struct server *)argument)->stream);
}

static void do_finish(void *argument)
{
    stream_finish(&((struct server *)argument)->stream);
}

static void do_nothing(void *argument)
{
    (void)argument;
}

static struct tls_context *make_context(bool renegotiation)
{
    char error[256] = "";
    struct tls_settings settings = {
        .hostname = "mx.test", .enable_dhe = true, .allow_renegotiation = renegotiation};
    struct tls_context *context = tls_context_create(&settings, error, sizeof error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(context);
    return context;
}

#define SERVER                                                                                               \
    {                                                                                                        \
        .step = 65536, .secured = UNIT_COUNTER, .read = UNIT_COUNTER, .drained = UNIT_COUNTER,               \
        .ended = UNIT_COUNTER, .closed = UNIT_COUNTER                                                        \
    }

static void server_start(struct server *server)
{
    int pair[2];
    CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    CU_ASSERT_EQUAL(fcntl(pair[0], F_SETFL, O_NONBLOCK), 0);
    server->fd = pair[0];
    server->peer = pair[1];
    if (!server->context)
        server->context = make_context(false);
    on_loop(do_start, server);
    CU_ASSERT_EQUAL_FATAL(server->result, 0);
}

static void server_release(struct server *server)
{
    CU_ASSERT_EQUAL(unit_wait(&server->closed, 1, 10), 1);
    tls_context_unref(server->context);
    if (server->peer >= 0)
        close(server->peer);
}

/* ---- the client ------------------------------------------------------------------------------ */

static SSL *client_make(int version)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_min_proto_version(context, version);
    SSL_CTX_set_max_proto_version(context, version);
    SSL_CTX_set_mode(context, SSL_MODE_AUTO_RETRY);
    SSL *ssl = SSL_new(context);
    SSL_CTX_free(context);
    return ssl;
}

static SSL *client_connect(struct server *server, int version)
{
    SSL *ssl = client_make(version);
    SSL_set_fd(ssl, server->peer);
    CU_ASSERT_EQUAL_FATAL(SSL_connect(ssl), 1);
    CU_ASSERT_EQUAL(unit_wait(&server->secured, 1, 10), 1);
    CU_ASSERT_EQUAL(server->error, 0);
    return ssl;
}

static void client_say(SSL *ssl, const char *text)
{
    CU_ASSERT_EQUAL(SSL_write(ssl, text, (int)strlen(text)), (int)strlen(text));
}

/* Reads as many bytes as `text` has and compares. */
static void client_hear(SSL *ssl, const char *text)
{
    char heard[128] = "";
    size_t have = 0;
    while (have < strlen(text)) {
        int got = SSL_read(ssl, heard + have, (int)(strlen(text) - have));
        CU_ASSERT_FATAL(got > 0);
        have += (size_t)got;
    }
    CU_ASSERT_STRING_EQUAL(heard, text);
}

static void client_leave(struct server *server, SSL *ssl)
{
    SSL_shutdown(ssl);
    SSL_free(ssl);
    CU_ASSERT_EQUAL(unit_wait(&server->ended, 1, 10), 1);
    CU_ASSERT_EQUAL(server->result, 0);
    server_release(server);
}

static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

/* ---- a conversation -------------------------------------------------------------------------- */

static void test_conversation(void)
{
    for (size_t i = 0; i < 2; i++) {
        struct server server = SERVER;
        server.first = "220 go ahead\r\n";
        server_start(&server);
        char reply[64] = "";
        CU_ASSERT_EQUAL(recv(server.peer, reply, sizeof reply, 0), 14);
        CU_ASSERT_STRING_EQUAL(reply, "220 go ahead\r\n");
        SSL *ssl = client_connect(&server, versions[i]);
        client_say(ssl, "EHLO client\r\n");
        client_hear(ssl, "EHLO client\r\n");
        const struct tls_facts *facts = stream_tls_facts(&server.stream);
        CU_ASSERT_STRING_EQUAL(facts->protocol, i ? "TLSv1.3" : "TLSv1.2");
        CU_ASSERT_STRING_EQUAL(facts->cipher, SSL_get_cipher_name(ssl));
        CU_ASSERT_EQUAL(facts->used_bits, 256);
        CU_ASSERT_EQUAL(facts->algorithm_bits, 256);
        CU_ASSERT_FALSE(facts->client_certificate || facts->client_verified || facts->resumed);
        CU_ASSERT_STRING_EQUAL(facts->client_subject, "");
        CU_ASSERT_STRING_EQUAL(facts->client_issuer_cn, "");
        client_leave(&server, ssl);
    }
}

/* What is written while the handshake runs goes out encrypted when it is done. */
static void test_written_during_handshake(void)
{
    struct server server = SERVER;
    server.after = "220 mx.test\r\n";
    server_start(&server);
    SSL *ssl = client_connect(&server, TLS1_3_VERSION);
    client_hear(ssl, "220 mx.test\r\n");
    CU_ASSERT_EQUAL(unit_wait(&server.drained, 1, 10), 1);
    client_leave(&server, ssl);
}

/* One record holds more than one stream_fill asks for: the socket has nothing more, `readable` still comes.
 */
static void test_small_steps(void)
{
    for (size_t i = 0; i < 2; i++) {
        struct server server = SERVER;
        server.step = 3;
        server_start(&server);
        SSL *ssl = client_connect(&server, versions[i]);
        client_say(ssl, "0123456789");
        client_hear(ssl, "0123456789");
        client_say(ssl, "abcdefgh");
        client_say(ssl, "ijk");
        client_hear(ssl, "abcdefghijk");
        /* and nobody is called when nothing is there */
        on_loop(do_nothing, NULL);
        int calls = server.readable_calls;
        for (int turn = 0; turn < 5; turn++)
            on_loop(do_nothing, NULL);
        CU_ASSERT_EQUAL(server.readable_calls, calls);
        client_leave(&server, ssl);
    }
}

/* ---- bytes that arrive in parts -------------------------------------------------------------- */

/* A client that is only memory: what it would send is moved by hand. */
static SSL *client_in_memory(int version)
{
    SSL *ssl = client_make(version);
    SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(ssl);
    return ssl;
}

/* Sends what the client has to say, a byte at a time. */
static void trickle(SSL *ssl, int fd)
{
    char byte;
    while (BIO_read(SSL_get_wbio(ssl), &byte, 1) == 1) {
        CU_ASSERT_EQUAL_FATAL(send(fd, &byte, 1, MSG_NOSIGNAL), 1);
        on_loop(do_nothing, NULL);
    }
}

static void hear_once(SSL *ssl, int fd)
{
    char chunk[16384];
    ssize_t got = recv(fd, chunk, sizeof chunk, 0);
    CU_ASSERT_FATAL(got > 0);
    BIO_write(SSL_get_rbio(ssl), chunk, (int)got);
}

static void test_byte_at_a_time(void)
{
    for (size_t i = 0; i < 2; i++) {
        struct server server = SERVER;
        char heard[16] = "";
        server_start(&server);
        SSL *ssl = client_in_memory(versions[i]);
        while (SSL_do_handshake(ssl) != 1) {
            trickle(ssl, server.peer);
            hear_once(ssl, server.peer);
        }
        CU_ASSERT_EQUAL(SSL_write(ssl, "NOOP\r\n", 6), 6);
        trickle(ssl, server.peer);
        while (SSL_read(ssl, heard, sizeof heard) <= 0)
            hear_once(ssl, server.peer);
        CU_ASSERT_STRING_EQUAL(heard, "NOOP\r\n");
        SSL_shutdown(ssl);
        trickle(ssl, server.peer);
        CU_ASSERT_EQUAL(unit_wait(&server.ended, 1, 10), 1);
        CU_ASSERT_EQUAL(server.result, 0);
        SSL_free(ssl);
        server_release(&server);
    }
}

/* The client says something in the same segment in which its handshake ends. */
static void test_input_behind_the_handshake(void)
{
    struct server server = SERVER;
    char all[4096], heard[16] = "";
    server_start(&server);
    SSL *ssl = client_in_memory(TLS1_3_VERSION);
    SSL_do_handshake(ssl);
    int size = BIO_read(SSL_get_wbio(ssl), all, sizeof all);
    CU_ASSERT_EQUAL(send(server.peer, all, (size_t)size, 0), size);
    while (SSL_do_handshake(ssl) != 1)
        hear_once(ssl, server.peer);
    SSL_write(ssl, "NOOP\r\n", 6);
    size = BIO_read(SSL_get_wbio(ssl), all, sizeof all);
    CU_ASSERT_EQUAL(send(server.peer, all, (size_t)size, 0), size);
    while (SSL_read(ssl, heard, sizeof heard) <= 0)
        hear_once(ssl, server.peer);
    CU_ASSERT_STRING_EQUAL(heard, "NOOP\r\n");
    SSL_free(ssl);
    on_loop(do_close, &server);
    server_release(&server);
}

/* ---- much ------------------------------------------------------------------------------------ */

enum { LARGE = 4 << 20 };

static char pattern(size_t offset)
{
    return (char)(offset * 31 % 251);
}

/* Both directions of one SSL cannot be used by two threads, so the client writes and reads in turns that do
 * not fit each other: the server's output waits, and goes on. */
static void echo_large(struct server *server, int version)
{
    char *content = mem_zalloc(LARGE), *heard = mem_zalloc(LARGE);
    size_t sent = 0, have = 0;
    for (size_t i = 0; i < LARGE; i++)
        content[i] = pattern(i);
    server_start(server);
    setsockopt(server->fd, SOL_SOCKET, SO_SNDBUF, &(int){8192},
               sizeof(int)); /* less than a record: it has to wait */
    SSL *ssl = client_connect(server, version);
    fcntl(server->peer, F_SETFL, O_NONBLOCK);
    SSL_set_mode(ssl, SSL_MODE_ENABLE_PARTIAL_WRITE);
    while (have < LARGE) {
        int n = sent < LARGE ? SSL_write(ssl, content + sent, (int)(LARGE - sent)) : 0;
        if (n > 0)
            sent += (size_t)n;
        if (n > 0 && sent - have < 512 * 1024 && sent < LARGE)
            continue;
        int got = SSL_read(ssl, heard + have, (int)(LARGE - have));
        if (got > 0)
            have += (size_t)got;
        else
            CU_ASSERT_EQUAL_FATAL(SSL_get_error(ssl, got), SSL_ERROR_WANT_READ);
    }
    CU_ASSERT_EQUAL(memcmp(content, heard, LARGE), 0);
    fcntl(server->peer, F_SETFL, 0);
    free(content);
    free(heard);
    client_leave(server, ssl);
}

static void test_large(void)
{
    for (size_t i = 0; i < 2; i++) {
        struct server whole = SERVER, odd = SERVER;
        echo_large(&whole, versions[i]);
        odd.step = 1021;
        echo_large(&odd, versions[i]);
        CU_ASSERT(unit_wait(&odd.drained, 1, 0) > 0 || unit_wait(&whole.drained, 1, 0) > 0);
    }
}

/* ---- other keys ------------------------------------------------------------------------------ */

static void test_key_update(void)
{
    struct server server = SERVER;
    server_start(&server);
    SSL *ssl = client_connect(&server, TLS1_3_VERSION);
    for (int i = 0; i < 20; i++) {
        CU_ASSERT_EQUAL(SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED), 1);
        client_say(ssl, "RSET\r\n");
        client_hear(ssl, "RSET\r\n");
    }
    client_leave(&server, ssl);
}

static void test_renegotiation(void)
{
    struct server server = SERVER;
    server.context = make_context(true);
    server_start(&server);
    SSL *ssl = client_connect(&server, TLS1_2_VERSION);
    for (int i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL(SSL_renegotiate(ssl), 1);
        CU_ASSERT_EQUAL(SSL_do_handshake(ssl), 1);
        client_say(ssl, "RSET\r\n");
        client_hear(ssl, "RSET\r\n");
    }
    client_leave(&server, ssl);
}

static void test_renegotiation_refused(void)
{
    struct server server = SERVER;
    server_start(&server);
    SSL *ssl = client_connect(&server, TLS1_2_VERSION);
    CU_ASSERT_EQUAL(SSL_renegotiate(ssl), 1);
    CU_ASSERT_NOT_EQUAL(SSL_do_handshake(ssl), 1); /* no_renegotiation */
    ERR_clear_error();
    SSL_free(ssl);
    on_loop(do_close, &server);
    server_release(&server);
}

/* ---- the end --------------------------------------------------------------------------------- */

static void test_end_without_notice(void)
{
    for (size_t i = 0; i < 2; i++) {
        struct server server = SERVER;
        server_start(&server);
        SSL *ssl = client_connect(&server, versions[i]);
        client_say(ssl, "QUIT\r\n");
        client_hear(ssl, "QUIT\r\n");
        shutdown(server.peer, SHUT_WR);
        CU_ASSERT_EQUAL(unit_wait(&server.ended, 1, 10), 1);
        CU_ASSERT_EQUAL(server.result, 0);
        SSL_free(ssl);
        server_release(&server);
    }
}

/* close_notify in the same segment as the last input, and the socket stays open: the end is told all the
 * same.
 */
static void test_end_behind_input(void)
{
    struct server server = SERVER;
    char all[4096];
    server_start(&server);
    SSL *ssl = client_in_memory(TLS1_3_VERSION);
    while (SSL_do_handshake(ssl) != 1) {
        trickle(ssl, server.peer);
        hear_once(ssl, server.peer);
    }
    SSL_write(ssl, "QUIT\r\n", 6);
    SSL_shutdown(ssl);
    int size = BIO_read(SSL_get_wbio(ssl), all, sizeof all);
    CU_ASSERT_EQUAL(send(server.peer, all, (size_t)size, 0), size);
    CU_ASSERT_EQUAL(unit_wait(&server.ended, 1, 10), 1);
    CU_ASSERT_EQUAL(server.result, 0);
    CU_ASSERT_EQUAL(unit_wait(&server.read, 6, 0), 6);
    SSL_free(ssl);
    server_release(&server);
}

static void test_close_says_so(void)
{
    struct server server = SERVER;
    char nothing;
    server_start(&server);
    SSL *ssl = client_connect(&server, TLS1_3_VERSION);
    on_loop(do_close, &server);
    CU_ASSERT_EQUAL(SSL_read(ssl, &nothing, 1), 0);
    CU_ASSERT_EQUAL(SSL_get_error(ssl, 0), SSL_ERROR_ZERO_RETURN); /* close_notify, not a mere end */
    SSL_free(ssl);
    server_release(&server);
}

/* After stream_finish the other side may still speak. */
static void test_finish(void)
{
    struct server server = SERVER;
    char nothing;
    server_start(&server);
    SSL *ssl = client_connect(&server, TLS1_3_VERSION);
    on_loop(do_finish, &server);
    CU_ASSERT_EQUAL(SSL_read(ssl, &nothing, 1), 0);
    CU_ASSERT_EQUAL(SSL_get_error(ssl, 0), SSL_ERROR_ZERO_RETURN);
    client_say(ssl, "QUIT\r\n");
    CU_ASSERT_EQUAL(unit_wait(&server.read, 6, 10), 6);
    SSL_free(ssl);
    on_loop(do_close, &server);
    server_release(&server);
}

/* ---- handshakes that fail -------------------------------------------------------------------- */

static void check_failed(struct server *server, int error)
{
    CU_ASSERT_EQUAL(unit_wait(&server->secured, 1, 10), 1);
    CU_ASSERT_EQUAL(server->error, error);
    server_release(server);
}

static void test_garbage(void)
{
    static const char *const garbage[] = {"EHLO client\r\nMAIL FROM:<>\r\n", "GET / HTTP/1.1\r\n\r\n",
                                          "\x16\x03\x01\xff\xff garbage garbage garbage",
                                          "\x16\x03\x01\x00\x02\x01\x00"};
    static const size_t sizes[] = {27, 18, 30, 7};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct server server = SERVER;
        server_start(&server);
        send(server.peer, garbage[i], sizes[i], 0);
        shutdown(server.peer, SHUT_WR);
        CU_ASSERT_EQUAL(unit_wait(&server.secured, 1, 10), 1);
        CU_ASSERT(server.error == -EPROTO || server.error == -ECONNRESET);
        server_release(&server);
    }
}

static void test_no_common_protocol(void)
{
    struct server server = SERVER;
    server_start(&server);
    SSL *ssl = client_make(TLS1_1_VERSION);
    SSL_set_security_level(ssl, 0);
    SSL_set_fd(ssl, server.peer);
    CU_ASSERT_NOT_EQUAL(SSL_connect(ssl), 1);
    ERR_clear_error();
    SSL_free(ssl);
    check_failed(&server, -EPROTO);
}

static void test_gone_in_the_handshake(void)
{
    struct server server = SERVER;
    char half[64];
    server_start(&server);
    SSL *ssl = client_in_memory(TLS1_3_VERSION);
    SSL_do_handshake(ssl);
    int size = BIO_read(SSL_get_wbio(ssl), half, sizeof half);
    send(server.peer, half, (size_t)size, 0);
    SSL_free(ssl);
    close(server.peer);
    server.peer = -1;
    CU_ASSERT_EQUAL(unit_wait(&server.secured, 1, 10), 1);
    CU_ASSERT(server.error < 0);
    server_release(&server);
}

/* One that says nothing more is nobody's business but the owner's, who closes it when it likes. */
static void test_stalled_handshake(void)
{
    struct server server = SERVER;
    char half[64];
    server_start(&server);
    SSL *ssl = client_in_memory(TLS1_3_VERSION);
    SSL_do_handshake(ssl);
    int size = BIO_read(SSL_get_wbio(ssl), half, sizeof half);
    send(server.peer, half, (size_t)size, 0);
    for (int turn = 0; turn < 5; turn++)
        on_loop(do_nothing, NULL);
    CU_ASSERT_EQUAL(unit_wait(&server.secured, 1, 0), 0);
    CU_ASSERT_EQUAL(server.readable_calls, 0);
    SSL_free(ssl);
    on_loop(do_close, &server);
    CU_ASSERT_EQUAL(unit_wait(&server.secured, 1, 0), 0);
    server_release(&server);
}

/* ---- resumption ------------------------------------------------------------------------------ */

static SSL_SESSION *kept;

static int keep_session(SSL *ssl, SSL_SESSION *session)
{
    (void)ssl;
    SSL_SESSION_free(kept);
    kept = session;
    return 1;
}

static void test_resumption(void)
{
    for (size_t i = 0; i < 2; i++) {
        for (int round = 0; round < 3; round++) {
            struct server server = SERVER;
            server_start(&server);
            SSL *ssl = client_make(versions[i]);
            SSL_CTX_set_session_cache_mode(SSL_get_SSL_CTX(ssl),
                                           SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
            SSL_CTX_sess_set_new_cb(SSL_get_SSL_CTX(ssl), keep_session);
            if (kept)
                SSL_set_session(ssl, kept);
            SSL_set_fd(ssl, server.peer);
            CU_ASSERT_EQUAL_FATAL(SSL_connect(ssl), 1);
            client_say(ssl, "NOOP\r\n");
            client_hear(ssl, "NOOP\r\n");
            CU_ASSERT_EQUAL(SSL_session_reused(ssl), round > 0);
            CU_ASSERT_EQUAL(stream_tls_facts(&server.stream)->resumed, round > 0);
            CU_ASSERT_EQUAL(SSL_SESSION_get_max_early_data(SSL_get0_session(ssl)), 0);
            client_leave(&server, ssl);
        }
        SSL_SESSION_free(kept);
        kept = NULL;
    }
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"a conversation", test_conversation},
        {"what is written during the handshake", test_written_during_handshake},
        {"records in small steps", test_small_steps},
        {"a byte at a time", test_byte_at_a_time},
        {"input behind the handshake", test_input_behind_the_handshake},
        {"much in both directions", test_large},
        {"key updates", test_key_update},
        {"renegotiation, where allowed", test_renegotiation},
        {"renegotiation refused", test_renegotiation_refused},
        {"an end without close_notify", test_end_without_notice},
        {"an end behind input", test_end_behind_input},
        {"closing says close_notify", test_close_says_so},
        {"finishing, and reading on", test_finish},
        {"garbage instead of a ClientHello", test_garbage},
        {"no common protocol", test_no_common_protocol},
        {"a client that goes in the handshake", test_gone_in_the_handshake},
        {"a client that stalls in the handshake", test_stalled_handshake},
        {"resumption", test_resumption},
        CU_TEST_INFO_NULL,
    };
    signal(SIGPIPE, SIG_IGN); /* the client's */
    paniclog_set_level(PANIC_ERROR);
    group = loop_group_create("test", 1);
    loop_group_start(group);
    int status = unit_run("tls_stream", tests);
    loop_group_stop(group);
    loop_group_free(group);
    return status;
}
