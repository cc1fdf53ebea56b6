noinst_LIBRARIES += src/base/libbase.a
src_base_libbase_a_SOURCES = \
	src/base/buf.c \
	src/base/buf.h \
	src/base/clock.c \
	src/base/clock.h \
	src/base/counter.h \
	src/base/domain_set.c \
	src/base/domain_set.h \
	src/base/file.c \
	src/base/file.h \
	src/base/hostname.c \
	src/base/hostname.h \
	src/base/id.c \
	src/base/id.h \
	src/base/idna.c \
	src/base/idna.h \
	src/base/list.h \
	src/base/machine_memory.c \
	src/base/machine_memory.h \
	src/base/mem.c \
	src/base/mem.h \
	src/base/parallel.c \
	src/base/parallel.h \
	src/base/pending.c \
	src/base/pending.h \
	src/base/reply_code.h \
	src/base/registry.c \
	src/base/registry.h \
	src/base/slice.c \
	src/base/slice.h \
	src/base/thread.c \
	src/base/thread.h \
	src/base/utf8.c \
	src/base/utf8.h \
	src/base/xtext.c \
	src/base/xtext.h
