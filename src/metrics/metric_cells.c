/*
 * metric_cells: the memory that metrics are counted in.
 */
#include "metrics/metric_cells.h"

#include <pthread.h>
#include "base/list.h"
#include "base/mem.h"

/* Blocks are whole pages, so that no two threads share a cache line. */
enum { BLOCK_ALIGNMENT = 4096 };

struct thread_cells {
    _Atomic(metric_cell *) blocks[CELL_BLOCKS];
    struct list_node link; /* in threads, for ever */
    bool used;             /* by a thread that lives */
};

struct cell_range { /* that was given back */
    struct list_node link;
    uint32_t first, count;
};

static pthread_mutex_t cells_lock = PTHREAD_MUTEX_INITIALIZER; /* all below */
static struct list threads = {{&threads.head, &threads.head}};
static struct list ranges = {{&ranges.head, &ranges.head}};
static uint32_t first_fresh; /* cells from here on were never taken */

static pthread_key_t end_key;
static pthread_once_t end_key_once = PTHREAD_ONCE_INIT;
static _Thread_local struct thread_cells *mine;

static void thread_ends(void *cells)
{
    mine = NULL;
    pthread_mutex_lock(&cells_lock);
    ((struct thread_cells *)cells)->used = false;
    pthread_mutex_unlock(&cells_lock);
}

static void make_end_key(void)
{
    if (pthread_key_create(&end_key, thread_ends) != 0)
        abort();
}

/* The memory of a thread that ended, or a new one. */
static struct thread_cells *take_thread_cells(void)
{
    struct thread_cells *cells = NULL;
    pthread_mutex_lock(&cells_lock);
    list_each(&threads, node, after) {
        cells = container_of(node, struct thread_cells, link);
        if (!cells->used)
            break;
        cells = NULL;
    }
    if (!cells) {
        cells = mem_new(struct thread_cells);
        list_append(&threads, &cells->link);
    }
    cells->used = true;
    pthread_mutex_unlock(&cells_lock);
    return cells;
}

static metric_cell *take_block(struct thread_cells *cells, uint32_t number)
{
    metric_cell *block = aligned_alloc(BLOCK_ALIGNMENT, CELLS_OF_BLOCK * sizeof(metric_cell));
    if (!block)
        abort();
    for (uint32_t i = 0; i < CELLS_OF_BLOCK; i++)
        atomic_init(&block[i], 0);
    atomic_store_explicit(&cells->blocks[number], block, memory_order_release);
    return block;
}

metric_cell *cell_mine(uint32_t index)
{
    if (!mine) {
        pthread_once(&end_key_once, make_end_key);
        mine = take_thread_cells();
        pthread_setspecific(end_key, mine);
    }
    uint32_t number = index / CELLS_OF_BLOCK;
    metric_cell *block = atomic_load_explicit(&mine->blocks[number], memory_order_relaxed);
    if (!block)
        block = take_block(mine, number);
    return &block[index % CELLS_OF_BLOCK];
}

/* ---- over all threads -------------------------------------------------------------------------------- */

static metric_cell *cell_of(const struct thread_cells *cells, uint32_t index)
{
    metric_cell *block = atomic_load_explicit(&cells->blocks[index / CELLS_OF_BLOCK], memory_order_acquire);
    return block ? &block[index % CELLS_OF_BLOCK] : NULL;
}

uint64_t cell_sum(uint32_t index)
{
    uint64_t sum = 0;
    pthread_mutex_lock(&cells_lock);
    list_each(&threads, node, after) {
        metric_cell *cell = cell_of(container_of(node, struct thread_cells, link), index);
        sum += cell ? atomic_load_explicit(cell, memory_order_relaxed) : 0;
    }
    pthread_mutex_unlock(&cells_lock);
    return sum;
}

double cell_sum_double(uint32_t index)
{
    double sum = 0;
    pthread_mutex_lock(&cells_lock);
    list_each(&threads, node, after) {
        metric_cell *cell = cell_of(container_of(node, struct thread_cells, link), index);
        sum += cell ? cell_double(atomic_load_explicit(cell, memory_order_relaxed)) : 0;
    }
    pthread_mutex_unlock(&cells_lock);
    return sum;
}

/* ---- which cells are free ---------------------------------------------------------------------------- */

static bool take_range(uint32_t count, uint32_t *first)
{
    list_each(&ranges, node, after) {
        struct cell_range *range = container_of(node, struct cell_range, link);
        if (range->count < count)
            continue;
        *first = range->first;
        range->first += count;
        range->count -= count;
        if (range->count == 0) {
            list_remove(&range->link);
            free(range);
        }
        return true;
    }
    return false;
}

/* Joins the range with those beside it. */
static void keep_range(uint32_t first, uint32_t count)
{
    list_each(&ranges, node, after) {
        struct cell_range *other = container_of(node, struct cell_range, link);
        if (other->first + other->count != first && first + count != other->first)
            continue;
        first = other->first < first ? other->first : first;
        count += other->count;
        list_remove(&other->link);
        free(other);
    }
    struct cell_range *range = mem_new(struct cell_range);
    range->first = first;
    range->count = count;
    list_append(&ranges, &range->link);
}

/* A row of cells may lie in two blocks: each is found by its own index. */
static bool take_fresh(uint32_t count, uint32_t spare, uint32_t *first)
{
    if (CELLS_MAX - first_fresh < count + spare)
        return false;
    *first = first_fresh;
    first_fresh += count;
    return true;
}

bool cells_take(uint32_t count, uint32_t spare, uint32_t *first)
{
    pthread_mutex_lock(&cells_lock);
    bool taken = take_range(count, first) || take_fresh(count, spare, first);
    pthread_mutex_unlock(&cells_lock);
    return taken;
}

void cells_give_back(uint32_t first, uint32_t count)
{
    pthread_mutex_lock(&cells_lock);
    list_each(&threads, node, after)
        for (uint32_t i = 0; i < count; i++) {
            metric_cell *cell = cell_of(container_of(node, struct thread_cells, link), first + i);
            if (cell)
                atomic_store_explicit(cell, 0, memory_order_relaxed);
        }
    keep_range(first, count);
    pthread_mutex_unlock(&cells_lock);
}
