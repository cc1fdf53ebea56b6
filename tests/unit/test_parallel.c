/* Ranges of an array on several threads: each element once, whatever the sizes. */
#include "unit.h"

#include <stdatomic.h>
#include "base/parallel.h"

enum { MOST = 10000 };

struct visits {
    size_t range, count;
    _Atomic unsigned of[MOST]; /* each element */
    _Atomic unsigned wrong;    /* ranges of another size or place */
};

static void visit(size_t first, size_t end, void *closure)
{
    struct visits *visits = closure;
    bool last = end == visits->count;
    if (first % visits->range != 0 || (end - first != visits->range && !last) || end <= first)
        atomic_fetch_add(&visits->wrong, 1);
    for (size_t i = first; i < end; i++)
        atomic_fetch_add(&visits->of[i], 1);
}

static void test_each_element_once(void)
{
    static const size_t counts[] = {0, 1, 2, 63, 64, 65, 128, MOST}, ranges[] = {1, 64, 4096, MOST + 1};
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++)
        for (size_t r = 0; r < sizeof ranges / sizeof *ranges; r++) {
            static struct visits visits;
            unsigned odd = 0;
            visits = (struct visits){.range = ranges[r], .count = counts[c]};
            parallel_ranges("parallel", visits.count, visits.range, visit, &visits);
            for (size_t i = 0; i < MOST; i++)
                odd += visits.of[i] != (i < visits.count);
            CU_ASSERT_EQUAL(odd, 0);
            CU_ASSERT_EQUAL(visits.wrong, 0);
        }
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"each element once", test_each_element_once},
        CU_TEST_INFO_NULL,
    };
    return unit_run("parallel", tests);
}
