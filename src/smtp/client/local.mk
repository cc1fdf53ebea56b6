noinst_LIBRARIES += src/smtp/client/libsmtp_client.a
src_smtp_client_libsmtp_client_a_SOURCES = \
	src/smtp/client/client.c \
	src/smtp/client/client.h \
	src/smtp/client/client_base.c \
	src/smtp/client/client_command.c \
	src/smtp/client/client_command.h \
	src/smtp/client/client_offers.c \
	src/smtp/client/client_offers.h \
	src/smtp/client/client_reply.c \
	src/smtp/client/client_send.c \
	src/smtp/client/client_transaction.c \
	src/smtp/client/client_transaction.h \
	src/smtp/client/link.c \
	src/smtp/client/link.h \
	src/smtp/client/obstacle.c \
	src/smtp/client/obstacle.h \
	src/smtp/client/smtp_client.h
