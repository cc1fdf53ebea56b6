noinst_LIBRARIES += src/queue/libqueue.a
src_queue_libqueue_a_SOURCES = \
	src/queue/bounce.c \
	src/queue/dsn.c \
	src/queue/dsn.h \
	src/queue/generation.h \
	src/queue/private.h \
	src/queue/queue.c \
	src/queue/queue.h \
	src/queue/records.c \
	src/queue/retry.c \
	src/queue/retry.h \
	src/queue/schedule.c \
	src/queue/schedule.h \
	src/queue/set.c \
	src/queue/settings.c \
	src/queue/shard.c \
	src/queue/view.c
