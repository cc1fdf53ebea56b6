noinst_LIBRARIES += src/throttle/libthrottle.a
src_throttle_libthrottle_a_SOURCES = \
	src/throttle/inbound_limits.c \
	src/throttle/inbound_limits.h \
	src/throttle/message_throttle.c \
	src/throttle/message_throttle.h \
	src/throttle/scope_state.c \
	src/throttle/scope_state.h \
	src/throttle/session_limits.c \
	src/throttle/session_limits.h
