/*
 * fuzz_address: any bytes as the path of MAIL or RCPT, for libFuzzer (tests/fuzz/run).
 *
 * The first byte chooses the rules. What parses holds the promises of address.h, prints as "<mailbox>", and
 * that parses as the same, also where more is allowed. The input has memory of exactly its size, so that the
 * sanitizer sees a byte read beside it.
 */
#include <stdlib.h>
#include <string.h>
#include "base/utf8.h"
#include "smtp/wire/address.h"

static void require(bool condition)
{
    if (!condition)
        abort();
}

static struct slice copy_exactly(const void *data, size_t size, char **memory)
{
    *memory = malloc(size ? size : 1);
    memcpy(*memory, data, size);
    return slice_of(*memory, size);
}

static void require_text(struct slice text, bool utf8)
{
    bool beyond_ascii = false;
    for (size_t i = 0, step; i < text.size; i += step) {
        unsigned char c = (unsigned char)text.data[i];
        step = utf8_sequence(text.data + i, text.size - i);
        require(step > 0 && c >= 32 && c != 127);
        require(!(c == 0xc2 && (unsigned char)text.data[i + 1] < 0xa0));
        beyond_ascii |= step > 1;
    }
    require(beyond_ascii == utf8);
}

static void require_promises(const struct mail_path *path, struct slice input)
{
    require(path->mailbox.size <= ADDRESS_MAX && path->domain.size <= DOMAIN_MAX);
    require(path->mailbox.data >= input.data &&
            path->mailbox.data + path->mailbox.size <= input.data + input.size);
    require_text(path->mailbox, path->utf8);
    if (path->domain.size == 0)
        return;
    size_t local = path->mailbox.size - path->domain.size;
    require(path->domain.size < path->mailbox.size && local - 1 <= LOCAL_PART_MAX);
    require(path->mailbox.data[local - 1] == '@' && path->mailbox.data + local == path->domain.data);
    require(address_domain_valid(path->domain));
    require(path->domain.data[0] != '[' || address_is_ip(path->domain));
}

/* "<mailbox>" alone, in memory of its own. */
static void require_same(const struct mail_path *path, const struct address_rules *rules)
{
    char text[ADDRESS_MAX + 2], *memory;
    struct mail_path again;
    text[0] = '<';
    memcpy(text + 1, path->mailbox.data, path->mailbox.size);
    text[path->mailbox.size + 1] = '>';
    struct slice rest = copy_exactly(text, path->mailbox.size + 2, &memory);
    require(address_parse_path(&rest, rules, &again) == ADDRESS_OK && rest.size == 0);
    require(slice_equal(again.mailbox, path->mailbox) && slice_equal(again.domain, path->domain) &&
            again.utf8 == path->utf8);
    free(memory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *memory;
    struct mail_path path;
    if (size < 1)
        return 0;
    struct address_rules rules = {.pedantic = data[0] & 1, .blanks = data[0] & 2};
    struct slice input = copy_exactly(data + 1, size - 1, &memory), rest = input;
    if (address_parse_path(&rest, &rules, &path) == ADDRESS_OK) {
        const struct address_rules plain = {.pedantic = rules.pedantic}, generous = {.blanks = true};
        require(rest.data + rest.size == input.data + input.size && rest.size < input.size);
        require_promises(&path, input);
        require_same(&path, &plain);
        require_same(&path, &generous);
    }
    free(memory);
    return 0;
}
