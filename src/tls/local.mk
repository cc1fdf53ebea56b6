noinst_LIBRARIES += src/tls/libtls.a
src_tls_libtls_a_SOURCES = \
	src/tls/tls.h \
	src/tls/tls_client.c \
	src/tls/tls_client.h \
	src/tls/tls_connection.c \
	src/tls/tls_connection.h \
	src/tls/tls_context.c \
	src/tls/tls_facts.c \
	src/tls/tls_identity.c \
	src/tls/tls_identity.h \
	src/tls/tls_private.h \
	src/tls/tls_protocols.c \
	src/tls/tls_protocols.h \
	src/tls/tls_reason.c \
	src/tls/tls_self_signed.c \
	src/tls/tls_self_signed.h \
	src/tls/tls_setup.c \
	src/tls/tls_setup.h \
	src/tls/tls_tickets.c \
	src/tls/tls_tickets.h \
	src/tls/tls_vault.h

if WITH_VAULT
src_tls_libtls_a_SOURCES += src/tls/tls_vault.c
else
src_tls_libtls_a_SOURCES += src/tls/tls_no_vault.c
endif
