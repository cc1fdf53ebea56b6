noinst_LIBRARIES += src/dns/libdns.a
src_dns_libdns_a_SOURCES = \
	src/dns/dns.c \
	src/dns/dns.h
