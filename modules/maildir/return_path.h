/*
 * return_path.h: what becomes of Return-Path fields that a message brings along. The final delivery adds one,
 * and there is to be no other (RFC 5321 section 4.4).
 */
#ifndef MAILDIR_RETURN_PATH_H
#define MAILDIR_RETURN_PATH_H

#include <stdbool.h>
#include <stddef.h>

enum { RETURN_PATH_NAME = 12 }; /* bytes of "Return-Path:" */

/* Where in the message a filter is. All 0 at its beginning. */
struct return_path_filter {
    bool within;   /* a line: it is not at the beginning of one */
    bool naming;   /* the line may yet be a Return-Path field: `held` bytes of it wait */
    bool dropping; /* it is one */
    bool behind;   /* the header */
    size_t held;
    char bytes[RETURN_PATH_NAME];
};

/* Takes a part of the message. Returns 0, or what is not 0 and means that it failed. */
typedef int return_path_put_fn(void *argument, const char *data, size_t size);

/* Gives `size` bytes of the message to `put`, in order, but those of Return-Path fields. 0 or what `put`
 * says. */
int return_path_filter(struct return_path_filter *filter, const char *data, size_t size,
                       return_path_put_fn *put, void *argument);
/* The message has ended. */
int return_path_finish(struct return_path_filter *filter, return_path_put_fn *put, void *argument);

#endif
