noinst_LIBRARIES += src/spool/libspool.a
src_spool_libspool_a_SOURCES = \
	src/spool/backend.h \
	src/spool/batch.c \
	src/spool/batch.h \
	src/spool/catalogue.c \
	src/spool/catalogue.h \
	src/spool/committer.c \
	src/spool/committer.h \
	src/spool/directory.c \
	src/spool/directory.h \
	src/spool/encodings.h \
	src/spool/intake.c \
	src/spool/intake.h \
	src/spool/layout.h \
	src/spool/progress.c \
	src/spool/progress.h \
	src/spool/reclaimer.c \
	src/spool/reclaimer.h \
	src/spool/record_file.c \
	src/spool/record_file.h \
	src/spool/recover.c \
	src/spool/recover.h \
	src/spool/rocksdb.c \
	src/spool/rocksdb_options.c \
	src/spool/rocksdb_options.h \
	src/spool/room.c \
	src/spool/room.h \
	src/spool/spool.c \
	src/spool/spool.h \
	src/spool/survey.c \
	src/spool/survey.h
