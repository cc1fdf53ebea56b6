noinst_LIBRARIES += src/sasl/libsasl.a
src_sasl_libsasl_a_SOURCES = \
	src/sasl/parameters.c \
	src/sasl/parameters.h \
	src/sasl/passwords.c \
	src/sasl/passwords.h \
	src/sasl/records.c \
	src/sasl/records.h \
	src/sasl/sasl.c \
	src/sasl/sasl.h \
	src/sasl/sasl_check.c \
	src/sasl/sasl_check.h
