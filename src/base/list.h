/*
 * list: an intrusive doubly linked list. A node lives inside the thing it links; the list owns nothing.
 * Not thread-safe: a list belongs to one thread, or to whoever holds its lock.
 */
#ifndef IMPULSE_BASE_LIST_H
#define IMPULSE_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list_node {
    struct list_node *prev, *next;
};

struct list {
    struct list_node head; /* head.next is the first node, head.prev the last */
};

#define container_of(pointer, type, member) ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#define list_each(list, node, after)                                                                         \
    for (struct list_node *node = (list)->head.next, *after = node->next; node != &(list)->head;             \
         node = after, after = node->next)

static inline void list_init(struct list *list)
{
    list->head.prev = list->head.next = &list->head;
}

static inline bool list_empty(const struct list *list)
{
    return list->head.next == &list->head;
}

static inline void list_insert_before(struct list_node *where, struct list_node *node)
{
    node->prev = where->prev;
    node->next = where;
    where->prev->next = node;
    where->prev = node;
}

static inline void list_append(struct list *list, struct list_node *node)
{
    list_insert_before(&list->head, node);
}

static inline void list_prepend(struct list *list, struct list_node *node)
{
    list_insert_before(list->head.next, node);
}

/* Unlinks `node`; it may be linked again, and unlinking it twice is harmless. */
static inline void list_remove(struct list_node *node)
{
    if (!node->next)
        return;
    node->prev->next = node->next;
    node->next->prev = node->prev;
    node->prev = node->next = NULL;
}

static inline bool list_linked(const struct list_node *node)
{
    return node->next != NULL;
}

/* The first node, unlinked, or NULL when the list is empty. */
static inline struct list_node *list_pop(struct list *list)
{
    if (list_empty(list))
        return NULL;
    struct list_node *node = list->head.next;
    list_remove(node);
    return node;
}

#endif
