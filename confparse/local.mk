noinst_LIBRARIES += confparse/libconfparse.a
confparse_libconfparse_a_SOURCES = confparse/confparse.h
