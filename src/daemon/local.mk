noinst_LIBRARIES += src/daemon/libdaemon.a
src_daemon_libdaemon_a_SOURCES = \
	src/daemon/arguments.c \
	src/daemon/arguments.h \
	src/daemon/budget_limits.c \
	src/daemon/budget_limits.h \
	src/daemon/certificates.c \
	src/daemon/certificates.h \
	src/daemon/console.c \
	src/daemon/console.h \
	src/daemon/console_modules.c \
	src/daemon/console_modules.h \
	src/daemon/console_spool.c \
	src/daemon/console_spool.h \
	src/daemon/daemon.c \
	src/daemon/daemon.h \
	src/daemon/daemon_metrics.c \
	src/daemon/daemon_metrics.h \
	src/daemon/daemon_private.h \
	src/daemon/daemon_settings.c \
	src/daemon/daemon_settings.h \
	src/daemon/file_shares.c \
	src/daemon/file_shares.h \
	src/daemon/forced_end.c \
	src/daemon/forced_end.h \
	src/daemon/listen_kinds.c \
	src/daemon/listen_kinds.h \
	src/daemon/listens.c \
	src/daemon/listens.h \
	src/daemon/load.c \
	src/daemon/load.h \
	src/daemon/memory_trim.c \
	src/daemon/memory_trim.h \
	src/daemon/process.c \
	src/daemon/process.h \
	src/daemon/readable.c \
	src/daemon/readable.h \
	src/daemon/reload.c \
	src/daemon/reload.h \
	src/daemon/summary.c \
	src/daemon/summary.h \
	src/daemon/threads.c \
	src/daemon/threads.h \
	src/daemon/watchdog.c \
	src/daemon/watchdog.h

## They hold the folders of --prefix, so another ./configure compiles them anew.
src/daemon/arguments.$(OBJEXT) src/daemon/load.$(OBJEXT): Makefile
