noinst_LIBRARIES += src/sdk/libsdk.a
src_sdk_libsdk_a_SOURCES = \
	src/sdk/instance.c \
	src/sdk/log_file.c \
	src/sdk/match.c \
	src/sdk/sdk_command.c \
	src/sdk/sdk_command.h \
	src/sdk/sdk_address.c \
	src/sdk/sdk_address.h \
	src/sdk/sdk_inject.c \
	src/sdk/sdk_inject.h \
	src/sdk/sdk_dns.c \
	src/sdk/sdk_dns.h \
	src/sdk/sdk_job.c \
	src/sdk/sdk_loop.c \
	src/sdk/sdk_loop.h \
	src/sdk/sdk_delivery.c \
	src/sdk/sdk_message.c \
	src/sdk/sdk_listener.c \
	src/sdk/sdk_listener.h \
	src/sdk/sdk_metric.c \
	src/sdk/sdk_queue.c \
	src/sdk/sdk_queue.h \
	src/sdk/sdk_registry.c \
	src/sdk/sdk_registry.h \
	src/sdk/sdk_route.c \
	src/sdk/sdk_service.c \
	src/sdk/sdk_smtp.c \
	src/sdk/sdk_smtp.h \
	src/sdk/sdk_smtp_parameter.c \
	src/sdk/sdk_stream.c \
	src/sdk/sdk_stream.h \
	src/sdk/sdk_stream_io.c \
	src/sdk/sdk_stream_private.h \
	src/sdk/sdk_timer.c \
	src/sdk/sdk_tls.c
