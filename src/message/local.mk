noinst_LIBRARIES += src/message/libmessage.a
src_message_libmessage_a_SOURCES = \
	src/message/attachment.c \
	src/message/attachment.h \
	src/message/body.c \
	src/message/body.h \
	src/message/context.c \
	src/message/context.h \
	src/message/cursor.c \
	src/message/cursor.h \
	src/message/edits.c \
	src/message/edits.h \
	src/message/envelope.c \
	src/message/envelope.h \
	src/message/envelope_codec.c \
	src/message/header.c \
	src/message/header.h \
	src/message/message.c \
	src/message/message.h \
	src/message/message_body.c \
	src/message/message_content.c \
	src/message/message_content.h \
	src/message/message_copy.c \
	src/message/message_copy.h \
	src/message/message_eight_bit.c \
	src/message/message_header.c \
	src/message/supplemental.c \
	src/message/supplemental.h \
	src/message/trace.c \
	src/message/trace.h

src_message_libmessage_a_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS) $(CRYPTO_CFLAGS)
