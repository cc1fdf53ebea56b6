noinst_LIBRARIES += src/delivery/libdelivery.a
src_delivery_libdelivery_a_SOURCES = \
	src/delivery/delivery.c \
	src/delivery/delivery.h \
	src/delivery/delivery_private.h \
	src/delivery/method.c
