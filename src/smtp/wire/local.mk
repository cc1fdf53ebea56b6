noinst_LIBRARIES += src/smtp/wire/libsmtp_wire.a
src_smtp_wire_libsmtp_wire_a_SOURCES = \
	src/smtp/wire/address.c \
	src/smtp/wire/address.h \
	src/smtp/wire/data_reader.c \
	src/smtp/wire/data_reader.h \
	src/smtp/wire/reply_line.c \
	src/smtp/wire/reply_line.h \
	src/smtp/wire/stuffing.c \
	src/smtp/wire/stuffing.h
