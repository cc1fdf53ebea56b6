noinst_LIBRARIES += src/site/libsite.a
src_site_libsite_a_SOURCES = \
	src/site/hops.c \
	src/site/hops.h \
	src/site/route.c \
	src/site/route.h
