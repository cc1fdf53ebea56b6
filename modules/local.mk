## Modules: one folder each, with the manifest (.ecm) that is installed beside the shared object.
##
## A module links no library of ours: it finds the SDK's functions in the daemon. `modules/built` of the build tree
## holds each .so beside its .ecm, as an installation does; IMPULSE_MODULE_PATH=modules/built runs the daemon with it.
MODULE_CPPFLAGS = -D_GNU_SOURCE $(HARDEN_CPPFLAGS) -I$(top_srcdir)/include
MODULE_CFLAGS = $(WARN_CFLAGS) $(SAN_CFLAGS) $(filter-out -fPIE,$(HARDEN_CFLAGS)) -fvisibility=hidden
MODULE_LDFLAGS = -module -avoid-version -shared $(filter-out -pie,$(HARDEN_LDFLAGS))

module_LTLIBRARIES += modules/ec_logger/ec_logger.la modules/maildir/maildir.la modules/relay/relay.la
dist_module_DATA = modules/ec_logger/ec_logger.ecm modules/maildir/maildir.ecm modules/relay/relay.ecm
nobase_dist_doc_DATA += modules/README.md modules/ec_logger/ec_logger.md modules/maildir/maildir.md \
	modules/relay/relay.md

modules_ec_logger_ec_logger_la_SOURCES = modules/ec_logger/ec_logger.c modules/ec_logger/record.c \
	modules/ec_logger/record.h
modules_ec_logger_ec_logger_la_CPPFLAGS = $(MODULE_CPPFLAGS)
modules_ec_logger_ec_logger_la_CFLAGS = $(MODULE_CFLAGS)
modules_ec_logger_ec_logger_la_LDFLAGS = $(MODULE_LDFLAGS)

modules_maildir_maildir_la_SOURCES = modules/maildir/maildir.c modules/maildir/path.c modules/maildir/path.h \
	modules/maildir/return_path.c modules/maildir/return_path.h
modules_maildir_maildir_la_CPPFLAGS = $(MODULE_CPPFLAGS)
modules_maildir_maildir_la_CFLAGS = $(MODULE_CFLAGS)
modules_maildir_maildir_la_LDFLAGS = $(MODULE_LDFLAGS)

modules_relay_relay_la_SOURCES = modules/relay/relay.c
modules_relay_relay_la_CPPFLAGS = $(MODULE_CPPFLAGS)
modules_relay_relay_la_CFLAGS = $(MODULE_CFLAGS)
modules_relay_relay_la_LDFLAGS = $(MODULE_LDFLAGS)

## The daemon loads the .so files. It has no use for the .la files of libtool, so they are not installed; and as libtool
## cannot uninstall without them, the .so files are removed here.
install-data-hook:
	cd $(DESTDIR)$(moduledir) && rm -f $(notdir $(module_LTLIBRARIES))
uninstall-hook:
	cd $(DESTDIR)$(moduledir) 2>/dev/null && rm -f $(notdir $(module_LTLIBRARIES:.la=.so)) || true

noinst_DATA += modules/built/stamp
CLEANFILES += modules/built/*
modules/built/stamp: $(module_LTLIBRARIES) $(dist_module_DATA)
	$(AM_V_GEN)$(MKDIR_P) modules/built && \
	for la in $(module_LTLIBRARIES); do \
	    cp -f `dirname $$la`/.libs/`basename $$la .la`.so modules/built/ || exit 1; done && \
	for ecm in $(dist_module_DATA); do cp -f $(srcdir)/$$ecm modules/built/ || exit 1; done && \
	touch $@
