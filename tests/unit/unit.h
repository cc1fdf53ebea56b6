/*
 * unit: what unit tests share: a main function, a temporary directory, and counting events instead of
 * sleeping.
 */
#ifndef IMPULSE_TESTS_UNIT_H
#define IMPULSE_TESTS_UNIT_H

#include <CUnit/Basic.h>
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { UNIT_PATIENCE = 300 }; /* seconds; a program that hangs is killed, which fails it */

/* Runs the tests, an array that ends in CU_TEST_INFO_NULL. Returns main's status. */
static inline int unit_run(const char *name, CU_TestInfo *tests)
{
    CU_SuiteInfo suites[] = {{.pName = name, .pTests = tests}, CU_SUITE_INFO_NULL};
    if (CU_initialize_registry() != CUE_SUCCESS || CU_register_suites(suites) != CUE_SUCCESS)
        return 1;
    alarm(UNIT_PATIENCE);
    CU_basic_run_tests();
    unsigned failures = CU_get_number_of_failures();
    CU_cleanup_registry();
    return failures ? 1 : 0;
}

/* ---- a directory of the test's own ----------------------------------------------------------- */

enum { UNIT_PATH_SIZE = 64 };

/* Makes it and writes its path. */
static inline void unit_directory(char path[UNIT_PATH_SIZE])
{
    snprintf(path, UNIT_PATH_SIZE, "/tmp/impulse-unit-XXXXXX");
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(path));
}

/* Removes it with the files in it. */
static inline void unit_directory_remove(const char *path)
{
    DIR *directory = opendir(path);
    for (struct dirent *entry; directory && (entry = readdir(directory));)
        unlinkat(dirfd(directory), entry->d_name, 0); /* "." and ".." refuse */
    if (directory)
        closedir(directory);
    CU_ASSERT_EQUAL(rmdir(path), 0);
}

/* ---- events ---------------------------------------------------------------------------------- */

/* A count that one thread raises and another waits for. */
struct unit_counter {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int value;
};

#define UNIT_COUNTER                                                                                         \
    {                                                                                                        \
        PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0                                               \
    }

static inline void unit_count(struct unit_counter *counter, int by)
{
    pthread_mutex_lock(&counter->lock);
    counter->value += by;
    pthread_cond_broadcast(&counter->changed);
    pthread_mutex_unlock(&counter->lock);
}

/* The count once it is at least `value`, or after `seconds` whatever it is then. */
static inline int unit_wait(struct unit_counter *counter, int value, int seconds)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += seconds;
    pthread_mutex_lock(&counter->lock);
    int error = 0;
    while (counter->value < value && error == 0)
        error = pthread_cond_clockwait(&counter->changed, &counter->lock, CLOCK_MONOTONIC, &until);
    int now = counter->value;
    pthread_mutex_unlock(&counter->lock);
    return now;
}

#endif
