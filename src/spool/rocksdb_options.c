/*
 * rocksdb_options: most rows live for a second, some for days, all are written once and in the order of their
 * keys.
 *
 * Memtables are large enough that a message delivered early never reaches a file: its row and its removal
 * meet when the memtable is flushed, and both are gone. Bodies that do reach a file go to blob files, which
 * compaction leaves where they are.
 */
#include "spool/rocksdb_options.h"

#include <stdint.h>

#define MIB ((uint64_t)1024 * 1024)

enum {
    BODY_MEMTABLE_MIB = 64,
    META_MEMTABLE_MIB = 32,
    MEMTABLES = 4, /* of a family: one written to, the others waiting for their flush */
    WAL_MIB = 128, /* of log before the oldest memtables are flushed; bounds the replay at start */
    BLOB_FILE_MIB = 64,
    LARGEST_INLINE_BODY = 512,
    BLOCK_CACHE_MIB = 16,
    BLOOM_BITS = 10,
    /* table_file.c reads tables without RocksDB, and knows these; later versions of RocksDB have another format by default. */
    CHECKSUM_CRC32C = 1,
    TABLE_FORMAT = 5,
    HEADER_LEVEL = 5, /* InfoLogLevel::HEADER_LEVEL */
};

rocksdb_options_t *rocksdb_spool_options(void)
{
    rocksdb_options_t *options = rocksdb_options_create();
    rocksdb_options_set_create_missing_column_families(options, 1);
    /*
     * The log ends where the first record is torn. All that was acknowledged lies before the last fdatasync,
     * and so before that place; what lies behind it (removals, which are not synced) may be torn in any order
     * by a power loss, so that stopping there must not be an error.
     */
    rocksdb_options_set_wal_recovery_mode(options, rocksdb_point_in_time_recovery);
    rocksdb_options_set_manual_wal_flush(options, 0); /* a removal survives the end of the process */
    rocksdb_options_set_use_fsync(options, 0);
    rocksdb_options_set_max_total_wal_size(options, WAL_MIB * MIB);
    rocksdb_options_set_bytes_per_sync(options,
                                       MIB); /* files go out steadily, so that the log's fdatasync is short */
    rocksdb_options_set_max_background_jobs(options, 2);
    /* There is one writer. */
    rocksdb_options_set_allow_concurrent_memtable_write(options, 0);
    rocksdb_options_set_enable_write_thread_adaptive_yield(options, 0);
    rocksdb_options_set_max_open_files(options, 512);
    /*
     * Nothing is logged while the spool is in use: a line that cannot be written, because the disk is full,
     * trips an assertion at the next line in a RocksDB that was built with them, as Debian's is.
     */
    rocksdb_options_set_info_log_level(options, HEADER_LEVEL);
    rocksdb_options_set_keep_log_file_num(options, 2);
    rocksdb_options_set_stats_dump_period_sec(options, 0);
    rocksdb_options_set_stats_persist_period_sec(options, 0);
    return options;
}

static rocksdb_options_t *family_options(uint64_t memtable_mib)
{
    rocksdb_options_t *options = rocksdb_options_create();
    rocksdb_options_set_write_buffer_size(options, memtable_mib * MIB);
    rocksdb_options_set_max_write_buffer_number(options, MEMTABLES);
    rocksdb_options_set_compression(options, rocksdb_no_compression);
    rocksdb_options_set_level_compaction_dynamic_level_bytes(options, 1);
    rocksdb_block_based_table_options_t *table = rocksdb_block_based_options_create();
    rocksdb_cache_t *cache = rocksdb_cache_create_lru(BLOCK_CACHE_MIB * MIB);
    rocksdb_block_based_options_set_block_cache(table, cache);
    rocksdb_block_based_options_set_filter_policy(table, rocksdb_filterpolicy_create_bloom_full(BLOOM_BITS));
    rocksdb_block_based_options_set_checksum(table, CHECKSUM_CRC32C);
    rocksdb_block_based_options_set_format_version(table, TABLE_FORMAT);
    rocksdb_options_set_block_based_table_factory(options, table);
    rocksdb_cache_destroy(cache);
    rocksdb_block_based_options_destroy(table);
    return options;
}

rocksdb_options_t *rocksdb_meta_options(void)
{
    return family_options(META_MEMTABLE_MIB);
}

rocksdb_options_t *rocksdb_body_options(void)
{
    rocksdb_options_t *options = family_options(BODY_MEMTABLE_MIB);
    rocksdb_options_set_enable_blob_files(options, 1);
    rocksdb_options_set_min_blob_size(options, LARGEST_INLINE_BODY);
    rocksdb_options_set_blob_file_size(options, BLOB_FILE_MIB * MIB);
    rocksdb_options_set_blob_compression_type(options, rocksdb_no_compression);
    rocksdb_options_set_enable_blob_gc(options, 1);
    return options;
}
