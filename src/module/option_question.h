/*
 * option_question.h: what a module asks of its configuration, and what is wrong with the question. Shared by
 * imp_config.c (its own stanza) and module_policy.c (what applies to a client or a queue).
 */
#ifndef IMPULSE_MODULE_OPTION_QUESTION_H
#define IMPULSE_MODULE_OPTION_QUESTION_H

#include <stdarg.h>
#include "confparse/confparse.h"

enum asked_type {
    ASKED_ANY,
    ASKED_TEXT,
    ASKED_BOOL,
    ASKED_INT,
    ASKED_SECONDS,
    ASKED_CHOICE,
    ASKED_ITEMS,
    ASKED_PAIRS
};

/* The first thing that was asked wrongly, or that the module found wrong, as a whole line; "" when there was
 * none. */
struct option_fault {
    const char *module; /* the label that names the module */
    char line[512];
};

/* Keeps "FILE:LINE:COLUMN: module NAME: ..." unless there is a line already; `place` without a file: no
 * place. */
void option_fault_note(struct option_fault *fault, struct conf_place place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void option_fault_note_list(struct option_fault *fault, struct conf_place place, const char *option,
                            const char *format, va_list arguments) __attribute__((format(printf, 4, 0)));
/*
 * May an option with that row be asked for like that? If not, it is noted; `row` NULL: it is not declared,
 * and `unknown` says so ("the manifest /x/y.ecm does not declare it").
 */
bool option_question_check(struct option_fault *fault, struct conf_place place, const char *option,
                           const struct conf_option *row, enum asked_type asked, const char *unknown);

/* What a value (NULL: there is none) says when it is asked for as one of these. */
const char *option_answer_item(const struct conf_value *value, size_t index);
const char *option_answer_key(const struct conf_value *value, size_t index);
const char *option_answer_lookup(const struct conf_value *value, const char *key);

#endif
