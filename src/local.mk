## One static library a folder, so that a test links what it tests and an arrow upward does not link.
include src/base/local.mk
include src/log/local.mk
include src/event/local.mk
include src/metrics/local.mk
include src/tls/local.mk
include src/net/local.mk
include src/dns/local.mk
include src/sasl/local.mk
include src/message/local.mk
include src/spool/local.mk
include src/throttle/local.mk
include src/policy/local.mk
include src/module/local.mk
include src/smtp/wire/local.mk
include src/smtp/server/local.mk
include src/queue/local.mk
include src/site/local.mk
include src/smtp/client/local.mk
include src/delivery/local.mk
include src/control/local.mk
include src/sdk/local.mk
include src/daemon/local.mk

## Highest folder first.
IMPULSE_LIBS = src/daemon/libdaemon.a \
	src/sdk/libsdk.a \
	src/control/libcontrol.a \
	src/delivery/libdelivery.a \
	src/smtp/client/libsmtp_client.a \
	src/site/libsite.a \
	src/queue/libqueue.a \
	src/smtp/server/libsmtp_server.a \
	src/smtp/wire/libsmtp_wire.a \
	src/module/libmodule.a \
	src/policy/libpolicy.a \
	src/throttle/libthrottle.a \
	src/spool/libspool.a \
	src/message/libmessage.a \
	src/sasl/libsasl.a \
	src/dns/libdns.a \
	src/net/libnet.a \
	src/tls/libtls.a \
	src/metrics/libmetrics.a \
	src/event/libevent.a \
	src/log/liblog.a \
	src/base/libbase.a \
	confparse/libconfparse.a

## Modules find the SDK's functions in the executable (-rdynamic), so all of them are linked: SDK_WHOLE (configure.ac).
sbin_PROGRAMS += impulsed
impulsed_SOURCES = src/main.c
impulsed_LDADD = $(SDK_WHOLE) $(IMPULSE_LIBS) $(DEP_LIBS) $(GSASL_LIBS) -ldl -lm
impulsed_DEPENDENCIES = $(IMPULSE_LIBS) src/sdk/exports.map
impulsed_LDFLAGS = $(HARDEN_LDFLAGS) -rdynamic -pthread -Wl,--version-script=$(srcdir)/src/sdk/exports.map
EXTRA_DIST += src/sdk/exports.map
