## One static library a folder, so that a test links what it tests and an arrow upward does not link.
include src/base/local.mk
include src/log/local.mk
include src/sasl/local.mk
include src/event/local.mk
include src/net/local.mk
include src/message/local.mk
include src/spool/local.mk
include src/module/local.mk
include src/smtp/local.mk
include src/queue/local.mk
include src/delivery/local.mk
include src/control/local.mk
include src/daemon/local.mk

## Highest folder first.
IMPULSE_LIBS = src/daemon/libdaemon.a src/control/libcontrol.a src/delivery/libdelivery.a src/smtp/libsmtp.a src/queue/libqueue.a src/module/libmodule.a \
	src/spool/libspool.a src/message/libmessage.a src/net/libnet.a src/event/libevent.a src/sasl/libsasl.a src/log/liblog.a \
	src/base/libbase.a confparse/libconfparse.a

## Modules find the SDK's functions in the executable (-rdynamic), so all of them are linked: SDK_WHOLE (configure.ac).
sbin_PROGRAMS += impulsed
impulsed_SOURCES = src/main.c
impulsed_LDADD = $(SDK_WHOLE) $(IMPULSE_LIBS) $(DEP_LIBS) $(GSASL_LIBS) -ldl -lm
impulsed_DEPENDENCIES = $(IMPULSE_LIBS)
impulsed_LDFLAGS = $(HARDEN_LDFLAGS) -rdynamic -pthread
