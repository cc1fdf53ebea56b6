noinst_LIBRARIES += src/net/libnet.a
src_net_libnet_a_SOURCES = \
	src/net/acceptors.c \
	src/net/acceptors.h \
	src/net/addr.c \
	src/net/addr.h \
	src/net/cidr.c \
	src/net/cidr.h \
	src/net/connect.c \
	src/net/connect.h \
	src/net/connection_accept.c \
	src/net/connection_accept.h \
	src/net/endpoint.c \
	src/net/endpoint.h \
	src/net/listener.c \
	src/net/listener.h \
	src/net/listener_private.h \
	src/net/pollers.c \
	src/net/pollers.h \
	src/net/proxy_header.c \
	src/net/proxy_header.h \
	src/net/stream.c \
	src/net/stream.h
