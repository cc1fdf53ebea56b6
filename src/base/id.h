/*
 * id: the 64-bit ids of messages, batches and connections, and the text form that Momentum's logs give them.
 *
 * An id is unique for the life of the spool, not only of the process: its high bits are the wall clock in
 * microseconds, and id_set_floor keeps a clock that went back from handing out an old id again.
 */
#ifndef IMPULSE_BASE_ID_H
#define IMPULSE_BASE_ID_H

#include <stdbool.h>
#include <stdint.h>
#include "base/slice.h"

enum { ID_TEXT_SIZE = 21 }; /* "00/00-25004-31B987F3" and its NUL */

/* A fresh id, greater than every id handed out before it in this thread. Any thread, no lock. */
uint64_t id_next(void);

/* Makes every later id greater than `id`. Called at start with the greatest id the spool holds. */
void id_set_floor(uint64_t id);

/* Writes `id` as "XX/XX-DDDDD-XXXXXXXX" (Momentum 4 manual, mainlog, message-id) with a NUL. */
void id_format(uint64_t id, char text[static ID_TEXT_SIZE]);

/* Reads that form back. False if `text` is not one. */
bool id_parse(struct slice text, uint64_t *id);

#endif
