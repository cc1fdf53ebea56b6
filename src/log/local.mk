noinst_LIBRARIES += src/log/liblog.a
src_log_liblog_a_SOURCES = \
	src/log/paniclog.c \
	src/log/paniclog.h \
	src/log/writer.c \
	src/log/writer.h
