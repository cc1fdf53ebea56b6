## The scanner and the parser are made by flex and bison in the build tree; grammar.h is what both share.
noinst_LIBRARIES += confparse/libconfparse.a
confparse_libconfparse_a_SOURCES = \
	confparse/address.c \
	confparse/address.h \
	confparse/ast.h \
	confparse/build.c \
	confparse/build.h \
	confparse/builder.c \
	confparse/builder.h \
	confparse/chain.c \
	confparse/chain.h \
