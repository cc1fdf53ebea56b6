noinst_LIBRARIES += src/net/libnet.a
src_net_libnet_a_SOURCES = \
	src/net/accept.c \
	src/net/accept.h \
	src/net/acceptors.c \
	src/net/acceptors.h \
	src/net/addr.c \
	src/net/addr.h \
	src/net/cidr.c \
	src/net/cidr.h \
	src/net/endpoint.c \
	src/net/endpoint.h \
	src/net/listener.c \
	src/net/listener.h \
	src/net/listener_private.h \
	src/net/pollers.c \
	src/net/pollers.h \
	src/net/stream.c \
	src/net/stream.h
