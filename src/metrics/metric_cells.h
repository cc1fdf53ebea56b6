/*
 * metric_cells: the memory that metrics are counted in. Private to src/metrics.
 *
 * A cell is a number of 64 bits under an index. Each thread has its own copy of every cell, in blocks that it
 * takes when it first counts in them, and is the only one to write to it; the value of a cell is the sum over
 * all threads. When a thread ends, the next one that begins goes on with its memory, so that nothing has to
 * be added up and the memory follows the greatest number of threads there was.
 */
#ifndef IMPULSE_METRICS_METRIC_CELLS_H
#define IMPULSE_METRICS_METRIC_CELLS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum {
    CELLS_OF_BLOCK = 512, /* 4 KiB */
    CELL_BLOCKS = 128,
    CELLS_MAX = CELLS_OF_BLOCK * CELL_BLOCKS,
    CELLS_OF_CORE = 4096, /* kept free for the core */
};

typedef _Atomic uint64_t metric_cell;

/* The calling thread's copy of a cell; only this thread writes to it. */
metric_cell *cell_mine(uint32_t index);

static inline double cell_double(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline uint64_t cell_bits(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline void cell_add(uint32_t index, uint64_t number)
{
    metric_cell *cell = cell_mine(index);
    uint64_t value = atomic_load_explicit(cell, memory_order_relaxed);
    atomic_store_explicit(cell, value + number, memory_order_relaxed);
}

static inline void cell_add_double(uint32_t index, double number)
{
    metric_cell *cell = cell_mine(index);
    double value = cell_double(atomic_load_explicit(cell, memory_order_relaxed));
    atomic_store_explicit(cell, cell_bits(value + number), memory_order_relaxed);
}

/* The sums over all threads. Any thread; takes a lock. */
uint64_t cell_sum(uint32_t index);
double cell_sum_double(uint32_t index);

/* Takes `count` cells in a row, all 0: ones that were given back, or new ones as long as `spare` new ones remain.
 * False when there are none. Any thread. */
bool cells_take(uint32_t count, uint32_t spare, uint32_t *first);
/* Gives them back; nobody counts in them any more. */
void cells_give_back(uint32_t first, uint32_t count);

#endif
