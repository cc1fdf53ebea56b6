noinst_LIBRARIES += src/delivery/libdelivery.a
src_delivery_libdelivery_a_SOURCES = \
	src/delivery/client.c \
	src/delivery/client.h \
	src/delivery/client_base.c \
	src/delivery/client_reply.c \
	src/delivery/client_send.c \
	src/delivery/command.c \
	src/delivery/command.h \
	src/delivery/content.c \
	src/delivery/content.h \
	src/delivery/delivery.c \
	src/delivery/delivery.h \
	src/delivery/dns.c \
	src/delivery/dns.h \
	src/delivery/hops.c \
	src/delivery/hops.h \
	src/delivery/link.c \
	src/delivery/link.h \
	src/delivery/method.c \
	src/delivery/obstacle.c \
	src/delivery/obstacle.h \
	src/delivery/offers.c \
	src/delivery/offers.h \
	src/delivery/private.h \
	src/delivery/reply.c \
	src/delivery/reply.h \
	src/delivery/route.c \
	src/delivery/route.h \
	src/delivery/stuffing.c \
	src/delivery/stuffing.h \
	src/delivery/transaction.c \
	src/delivery/transaction.h
