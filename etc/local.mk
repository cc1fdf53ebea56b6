## Sample configurations, and what a server needs around the daemon.
exampledir = $(docdir)/examples
dist_example_DATA = etc/ecelerity.conf etc/quickstart.conf etc/logrotate

systemdunitdir = $(prefix)/lib/systemd/system
nodist_systemdunit_DATA = etc/impulse.service
CLEANFILES += etc/impulse.service
EXTRA_DIST += etc/impulse.service.in

etc/impulse.service: etc/impulse.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) etc && \
	sed -e 's|@sbindir[@]|$(sbindir)|g' -e 's|@sysconfdir[@]|$(sysconfdir)|g' \
		$(srcdir)/etc/impulse.service.in >$@
