## The module SDK: the only headers that a module sees.
pkgincludedir = $(includedir)/impulse
pkginclude_HEADERS = \
	include/impulse/command.h \
	include/impulse/config.h \
	include/impulse/delivery.h \
	include/impulse/dns.h \
	include/impulse/hooks.h \
	include/impulse/inject.h \
	include/impulse/listener.h \
	include/impulse/log.h \
	include/impulse/loop.h \
	include/impulse/match.h \
	include/impulse/metric.h \
	include/impulse/module.h \
	include/impulse/queue.h \
	include/impulse/route.h \
	include/impulse/service.h \
	include/impulse/message.h \
	include/impulse/session.h \
	include/impulse/smtp.h \
	include/impulse/stream.h \
	include/impulse/timer.h

## For build systems that do not use ecxs: pkg-config --cflags impulse, --variable=moduledir. A module links nothing.
pkgconfigdir = $(libdir)/pkgconfig
pkgconfig_DATA = include/impulse.pc
