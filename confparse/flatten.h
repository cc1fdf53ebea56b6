/* flatten: a configuration of many files as one text. */
#ifndef IMPULSE_CONFPARSE_FLATTEN_H
#define IMPULSE_CONFPARSE_FLATTEN_H

#include <stdio.h>
#include "confparse/files.h"

/*
 * Writes the main file with the text of each included file where it is included, and of Local_Changes_File
 * and the virtual file at its end. Comments stay. local_changes_file and local_changes_only are left out,
 * since that file would be read on top of what it says already; *left_out: there were some. The set must be
 * that of a generation. One thread.
 */
void conf_flatten(const struct conf_files *files, FILE *out, bool *left_out);

#endif
