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
	confparse/compare.c \
	confparse/compare.h \
	confparse/conf.c \
	confparse/confparse.h \
	confparse/defaults.c \
	confparse/defaults.h \
	confparse/documented.c \
	confparse/effect.c \
	confparse/effect.h \
	confparse/entry.c \
	confparse/entry.h \
	confparse/exception.c \
	confparse/file_set.h \
	confparse/files.c \
	confparse/files.h \
	confparse/grammar.y \
	confparse/include.c \
	confparse/index.c \
	confparse/index.h \
	confparse/lexer.l \
	confparse/loader.h \
	confparse/match_cache.c \
	confparse/match_cache.h \
	confparse/memory.c \
	confparse/memory.h \
	confparse/momentum_modules.def \
	confparse/options.def \
	confparse/parse.c \
	confparse/parse.h \
	confparse/path.c \
	confparse/path.h \
	confparse/pattern.c \
	confparse/pattern.h \
	confparse/query.h \
	confparse/report.c \
	confparse/report.h \
	confparse/schema.c \
	confparse/schema.h \
	confparse/scope.c \
	confparse/scope.h \
	confparse/source.c \
	confparse/source.h \
	confparse/spelling.c \
	confparse/spelling.h \
	confparse/text.c \
	confparse/text.h \
	confparse/token.h \
	confparse/transaction.h \
	confparse/value.c \
	confparse/value.h \
	confparse/values.def
AM_YFLAGS = -d -Wno-yacc
BUILT_SOURCES += confparse/grammar.h
