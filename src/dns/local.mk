noinst_LIBRARIES += src/dns/libdns.a
src_dns_libdns_a_SOURCES = \
	src/dns/dns.c \
	src/dns/dns.h \
	src/dns/dns_record.c \
	src/dns/dns_record.h
