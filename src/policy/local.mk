noinst_LIBRARIES += src/policy/libpolicy.a
src_policy_libpolicy_a_SOURCES = \
	src/policy/fields.c \
	src/policy/fields.h \
	src/policy/fields_of.h \
	src/policy/policy_table.c \
	src/policy/policy_table.h \
	src/policy/socket_fields.c \
	src/policy/socket_fields.h
