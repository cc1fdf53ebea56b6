## The load tools. What both need is in a library, which the unit tests link as well.
noinst_LIBRARIES += tools/load/libload.a
tools_load_libload_a_SOURCES = \
	tools/load/content.c \
	tools/load/content.h \
	tools/load/distribution.c \
	tools/load/distribution.h \
	tools/load/histogram.c \
	tools/load/histogram.h \
	tools/load/ledger.c \
	tools/load/ledger.h \
	tools/load/options.c \
	tools/load/options.h \
	tools/load/pattern.c \
	tools/load/pattern.h \
	tools/load/random.h \
	tools/load/signals.h \
	tools/load/fault_plan.c \
	tools/load/fault_plan.h \
	tools/load/stamp.c \
	tools/load/stamp.h \
	tools/load/target.c \
	tools/load/target.h \
	tools/load/wire.c \
	tools/load/wire.h
LOAD_LIBS = tools/load/libload.a src/base/libbase.a $(UV_LIBS) $(SSL_LIBS) $(CRYPTO_LIBS) $(JANSSON_LIBS) $(ZLIB_LIBS) -lm

bin_PROGRAMS += impulse-sink
impulse_sink_SOURCES = \
	tools/load/impulse_sink.c \
	tools/load/sink.h \
	tools/load/sink_command.c \
	tools/load/sink_content.c \
	tools/load/sink_session.c \
	tools/load/sink_session.h
impulse_sink_LDADD = $(LOAD_LIBS)
impulse_sink_LDFLAGS = $(HARDEN_LDFLAGS) -pthread

bin_PROGRAMS += impulse-load
impulse_load_SOURCES = \
	tools/load/impulse_load.c \
	tools/load/load.h \
	tools/load/load_client.c \
	tools/load/load_report.c \
	tools/load/load_transaction.c \
	tools/load/load_worker.c \
	tools/load/verify.c \
	tools/load/verify.h
impulse_load_LDADD = $(LOAD_LIBS)
impulse_load_LDFLAGS = $(HARDEN_LDFLAGS) -pthread
