/*
 * stream_harness: a server for one connection, on a thread of its own, and a module's client of it on an event
 * loop, for tests of modules' streams.
 */
#ifndef IMPULSE_TESTS_STREAM_HARNESS_H
#define IMPULSE_TESTS_STREAM_HARNESS_H

#include <impulse/stream.h>
#include "sdk_harness.h"
#include "unit.h"

/* Make and remove the folder with a certificate for policy.test and its key: the first and the last of the tests. */
void stream_tests_begin(void);
void stream_tests_finish(void);

extern char stream_folder[UNIT_PATH_SIZE], stream_ca_file[UNIT_PATH_SIZE + 16],
    stream_key_file[UNIT_PATH_SIZE + 16];

/* ---- the server -------------------------------------------------------------------------------------- */

enum stream_way { ECHOING, SILENT, FLOOD, SINK, STARTTLS };
enum { FLOOD_SIZE = 1000000 };

struct stream_server {
    enum stream_way way;
    bool tls, wants_certificate;
    int max_version;
    int listener;
    uint16_t port;
    char path[UNIT_PATH_SIZE + 16];
    pthread_t thread;
    struct unit_counter go; /* SILENT, SINK: until then nothing is read */
    size_t received;
    char client[64]; /* the common name of its certificate */
};

void stream_server_start(struct stream_server *server, bool unix_socket);
void stream_server_stop(struct stream_server *server);

/* ---- the client -------------------------------------------------------------------------------------- */

struct stream_client {
    struct sdk_house *house;
    struct imp_stream_target target;
    const char *says; /* once connected */
    bool hoards;      /* consumes nothing */
    bool starts_tls;
    uint64_t deadline;
    struct imp_tls *starttls;
    struct imp_stream *stream;
    int error, written, refused;
    bool facts_known;
    struct imp_tls_facts facts;
    char received[64], subject_cn[64], unverified[128], peer[120], text[256];
    size_t total, most;
    enum imp_stream_end why;
    struct unit_counter connected, secured, read, drained, ended, closed;
};

/* A client of `house`, a variable; the arguments are designated initializers. */
#define CLIENT(...)                                                                                          \
    {                                                                                                        \
        .house = &house, .connected = UNIT_COUNTER, .secured = UNIT_COUNTER, .read = UNIT_COUNTER,           \
        .drained = UNIT_COUNTER, .ended = UNIT_COUNTER, .closed = UNIT_COUNTER, __VA_ARGS__                  \
    }

extern const struct imp_stream_events stream_client_events;

/* These take a client, and are called on its loop. */
void stream_client_connect(void *client);
void stream_client_close(void *client);
void stream_client_finish(void *client);
/* Connects the client on the first event loop. */
void stream_client_start(struct stream_client *client);
/* Waits until the counter has the value. */
void stream_await(struct unit_counter *counter, int value);

/* Opens a house that looks up names. */
void stream_house_open(struct sdk_house *house);
/* Makes a context for TLS; its size need not be set. */
struct imp_tls *stream_make_tls(struct sdk_house *house, struct imp_tls_settings settings);

#endif
