noinst_LIBRARIES += src/sdk/libsdk.a
src_sdk_libsdk_a_SOURCES = \
	src/sdk/instance.c \
	src/sdk/log_file.c \
	src/sdk/match.c \
	src/sdk/sdk_metric.c \
	src/sdk/work.c
