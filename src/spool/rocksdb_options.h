/*
 * rocksdb_options: how RocksDB is tuned for a spool.
 */
#ifndef IMPULSE_SPOOL_ROCKSDB_OPTIONS_H
#define IMPULSE_SPOOL_ROCKSDB_OPTIONS_H

#include <rocksdb/c.h>

/* Options of the database and of its column families. The caller destroys each with rocksdb_options_destroy.
 */
rocksdb_options_t *rocksdb_spool_options(void);
rocksdb_options_t *rocksdb_meta_options(void);
rocksdb_options_t *rocksdb_body_options(void);

#endif
