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
	src/net/stream.h \
	src/net/tls.h \
	src/net/tls_connection.c \
	src/net/tls_connection.h \
	src/net/tls_context.c \
	src/net/tls_facts.c \
	src/net/tls_identity.c \
	src/net/tls_identity.h \
	src/net/tls_private.h \
	src/net/tls_protocols.c \
	src/net/tls_protocols.h \
	src/net/tls_self_signed.c \
	src/net/tls_self_signed.h \
	src/net/tls_setup.c \
	src/net/tls_setup.h \
	src/net/tls_tickets.c \
	src/net/tls_tickets.h \
	src/net/tls_vault.c \
	src/net/tls_vault.h
