noinst_LIBRARIES += src/net/libnet.a
src_net_libnet_a_SOURCES = \
	src/net/addr.c \
	src/net/addr.h \
	src/net/cidr.c \
	src/net/cidr.h \
	src/net/listener.h \
	src/net/stream.c \
	src/net/stream.h
