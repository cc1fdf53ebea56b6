noinst_LIBRARIES += src/policy/libpolicy.a
src_policy_libpolicy_a_SOURCES = \
	src/policy/fields.c \
	src/policy/fields.h \
	src/policy/fields_of.h \
	src/policy/host_name.c \
	src/policy/host_name.h \
	src/policy/listen_options.c \
	src/policy/listen_options.h \
	src/policy/policy_table.c \
	src/policy/policy_table.h
