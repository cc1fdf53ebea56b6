/*
 * distribution: see distribution.h.
 */
#include "tools/load/distribution.h"

#include <string.h>
#include "base/mem.h"
#include "base/slice.h"
#include "tools/load/options.h"

static const char wrong[] = "it is not N, N-M, or a list of these with weights (N:WEIGHT,N-M:WEIGHT,...)";

static bool read_count(struct slice text, uint64_t *count)
{
    char *copy = mem_copy_text(text.data ? text.data : "", text.size);
    bool read = options_count(copy, count);
    free(copy);
    return read;
}

/* N, N-M, each with :WEIGHT if at all. */
static bool read_part(struct distribution *distribution, struct slice text)
{
    struct slice value, least;
    uint64_t low, high, weight = 1;
    if (text.size == 0 || strchr(":-", text.data[text.size - 1]))
        return false;
    if (!slice_next(&text, ':', &value) || (text.size && !slice_to_uint(text, &weight)) || weight > 1000000)
        return false;
    if (!slice_next(&value, '-', &least) || !read_count(least, &low))
        return false;
    high = low;
    if (value.size && (!read_count(value, &high) || high < low))
        return false;
    distribution->parts[distribution->count].least = low;
    distribution->parts[distribution->count].most = high;
    distribution->parts[distribution->count++].weight = weight;
    distribution->weight += weight;
    return true;
}

const char *distribution_read(struct distribution *distribution, const char *text)
{
    struct slice rest = slice_text(text), part;
    memset(distribution, 0, sizeof *distribution);
    while (slice_next(&rest, ',', &part))
        if (distribution->count == DISTRIBUTION_PARTS || !read_part(distribution, part))
            return wrong;
    return distribution->weight > 0 ? NULL : wrong;
}

uint64_t distribution_pick(const struct distribution *distribution, uint64_t random)
{
    uint64_t at = random % distribution->weight;
    size_t i = 0;
    while (at >= distribution->parts[i].weight)
        at -= distribution->parts[i++].weight;
    uint64_t least = distribution->parts[i].least, range = distribution->parts[i].most - least + 1;
    return least + (random / distribution->weight) % range;
}

uint64_t distribution_most(const struct distribution *distribution)
{
    uint64_t most = 0;
    for (size_t i = 0; i < distribution->count; i++)
        if (distribution->parts[i].most > most)
            most = distribution->parts[i].most;
    return most;
}
