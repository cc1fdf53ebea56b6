/* console_complete: see console_complete.h. */
#include "tools/console_complete.h"

/* Takes the next word off *rest; empty at the end, or where an argument of the command begins. */
static struct slice next_word(struct slice *rest, bool of_command)
{
    size_t begin = 0, end;
    while (begin < rest->size && rest->data[begin] == ' ')
        begin++;
    for (end = begin; end < rest->size && rest->data[end] != ' '; end++) {
        char c = rest->data[end];
        if (of_command && !(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '_' && c != '-')
            return (struct slice){0};
    }
    struct slice word = {rest->data + begin, end - begin};
    *rest = (struct slice){rest->data + end, rest->size - end};
    return word;
}

static void add(struct completions *completions, struct slice word)
{
    for (size_t i = 0; i < completions->count; i++)
        if (slice_equal(completions->words[i], word))
            return;
    if (completions->count == COMPLETIONS_MAX)
        return;
    if (completions->count == 0)
        completions->common = word.size;
    struct slice first = completions->count ? completions->words[0] : word;
    size_t common = 0;
    while (common < completions->common && common < word.size && first.data[common] == word.data[common])
        common++;
    completions->common = common;
    completions->words[completions->count++] = word;
}

void console_complete(struct slice commands, struct slice line, struct completions *completions)
{
    struct slice partial, command;
    size_t begin = line.size;
    while (begin > 0 && line.data[begin - 1] != ' ')
        begin--;
    partial = (struct slice){line.data + begin, line.size - begin};
    *completions = (struct completions){.typed = partial.size};
    while (slice_next(&commands, '\n', &command)) {
        struct slice typed = {line.data, begin}, before = next_word(&typed, false), word;
        if (command.size == 0 || command.data[0] == ' ' || command.data[0] == '\t')
            continue;
        word = next_word(&command, true);
        while (before.size > 0 && word.size > 0 && slice_equal_nocase(before, word)) {
            before = next_word(&typed, false);
            word = next_word(&command, true);
        }
        if (before.size == 0 && word.size > 0 && slice_starts_nocase(word, partial))
            add(completions, word);
    }
}
