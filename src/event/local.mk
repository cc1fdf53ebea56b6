noinst_LIBRARIES += src/event/libevent.a
src_event_libevent_a_SOURCES = \
	src/event/late_gate.c \
	src/event/late_gate.h \
	src/event/loop.c \
	src/event/loop.h \
	src/event/pool.c \
	src/event/pool.h \
	src/event/turn.c \
	src/event/turn.h
