/*
 * fuzz_proxy: libFuzzer on the PROXY header.
 *
 * What a header says may depend on its bytes alone, not on how they arrive: parsed byte by byte it must wait
 * for more until it is whole, and then say what it says at once; and what follows a header must not change
 * it.
 */
#include <stdlib.h>
#include <string.h>
#include "net/proxy_header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
    if (!holds)
        abort();
}

static enum proxy_status parse(const uint8_t *data, size_t size, struct proxy_header *header)
{
    char *copy = malloc(size ? size : 1); /* of that size, so that a read past its end is found */
    require(copy != NULL);
    memcpy(copy, data, size);
    enum proxy_status status = proxy_header_parse(copy, size, header);
    free(copy);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct proxy_header whole, part;
    enum proxy_status said = parse(data, size, &whole), so_far = PROXY_MORE;
    size_t come = 0;
    while (so_far == PROXY_MORE && come < size)
        so_far = parse(data, ++come, &part);
    require(so_far == said);
    require(said != PROXY_MORE || size < PROXY_HEADER_MAX);
    if (said == PROXY_DONE || said == PROXY_WITHOUT)
        require(whole.size == come && part.size == come && whole.size <= PROXY_HEADER_MAX);
    else
        require(whole.size == 0);
    bool known = said == PROXY_DONE;
    require((whole.client.family == AF_INET || whole.client.family == AF_INET6) == known);
    require((whole.server.family == AF_INET || whole.server.family == AF_INET6) == known);
    if (known)
        require(net_addr_equal(&whole.client, &part.client) && net_addr_equal(&whole.server, &part.server));
    return 0;
}
