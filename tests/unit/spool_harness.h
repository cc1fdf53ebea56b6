/*
 * spool_harness: what the tests of the spool share: folders, waiting for a request, messages with known
 * content.
 */
#ifndef IMPULSE_TESTS_UNIT_SPOOL_HARNESS_H
#define IMPULSE_TESTS_UNIT_SPOOL_HARNESS_H

#include <semaphore.h>
#include "message/envelope.h"
#include "spool/spool.h"

enum { HARNESS_MOST_ENVELOPES = 8 };

/* A fresh folder below the temporary one. The caller passes it to harness_remove. */
char *harness_folder(void);
/* Removes a folder with all it holds and frees the name. */
void harness_remove(char *folder);

/* From now on paniclog lines are kept instead of shown. */
void harness_catch_lines(void);
/* Was there a line with this text since the last call of harness_forget_lines? */
bool harness_saw_line(const char *text);
void harness_forget_lines(void);

/* Opens the spool in `folder` without a reserve; ends the program if it does not open. */
struct spool *harness_open(const char *folder);
struct spool *harness_open_with(const struct spool_settings *settings);

/* Submits and waits until the request is settled. */
enum spool_status harness_settle(struct spool *spool, struct spool_request *request);

/* A message: its body and envelopes, with ids from id_next. The content is determined by the body's id. */
struct message {
    struct body *body;
    struct envelope *envelopes[HARNESS_MOST_ENVELOPES];
    size_t envelope_count;
};

struct message harness_message(uint64_t size, size_t envelope_count);
/* Stores it, in chunks when it is large. */
enum spool_status harness_store(struct spool *spool, struct message *message);
/* The same, but only the first `chunks` chunks. */
enum spool_status harness_store_chunks(struct spool *spool, struct message *message, uint32_t chunks);
enum spool_status harness_remove_envelope(struct spool *spool, struct envelope *envelope);
/* Frees body and envelopes. */
void harness_message_free(struct message *message);

/* Is the content in the spool the one that belongs to the body's id, and nothing behind it? */
bool harness_content_is_whole(struct spool *spool, const struct body *body);
/* The byte at `offset` of the content of the body `id`. */
char harness_byte(uint64_t id, uint64_t offset);

/* Rows of any kind in a spool that is closed. */
size_t harness_count_rows(const char *folder);

/* What spool_recover gave. */
struct recovered {
    struct spool_recovered result;
    struct envelope **envelopes; /* `count` of them */
    size_t count;
};
struct recovered harness_recover(struct spool *spool);
void harness_recovered_free(struct recovered *recovered);
/* The recovered envelope with this id, or NULL. */
struct envelope *harness_find(const struct recovered *recovered, uint64_t id);

/* Runs what was added to CUnit's registry. The program's exit status. */
int harness_run(void);

#endif
