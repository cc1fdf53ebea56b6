## Each tests/unit/test_X.c is a program of its own, tests/unit/test_X.t, that `make check` builds and runs. No list
## names them: configure.ac defines UNIT_TESTS as all that are in the folder. All of them may link all libraries and all
## harnesses; the linker takes from an archive what a test needs. Other linker flags of test_X are in
## test_X_LINK, the libraries that it replaces by stubs in test_X_WITHOUT.

UNIT_CPPFLAGS = $(CRYPTO_CFLAGS) $(GSASL_CFLAGS) $(CUNIT_CFLAGS) -DMODULES_BUILT='"$(abs_top_builddir)/modules/built"'
## The harnesses come last, so that a stub in one of them does not stand in for a function that is there.
UNIT_ARCHIVES = tools/libconsole.a tools/load/libload.a $(IMPULSE_LIBS) tests/unit/libharness.a
UNIT_LIBS = $(CUNIT_LIBS) $(DEP_LIBS) $(GSASL_LIBS) -ldl -lm

## What several tests share, and what they test that is in no library.
check_LIBRARIES = tests/unit/libharness.a
tests_unit_libharness_a_CPPFLAGS = $(AM_CPPFLAGS) $(UNIT_CPPFLAGS)
tests_unit_libharness_a_SOURCES = \
	modules/maildir/path.c \
	modules/maildir/return_path.c \
	src/module/reception_record.c \
	tests/unit/content_reference.c \
	tests/unit/delivery_harness.c \
	tests/unit/delivery_server.c \
	tests/unit/message_harness.c \
	tests/unit/module_harness.c \
	tests/unit/name_server.c \
	tests/unit/sdk_harness.c \
	tests/unit/spool_harness.c \
	tests/unit/stream_harness.c \
	tools/console_complete.c \
	tools/password_file.c

## Tests of deliveries see what would be written into the spool, and have module sets of their own.
test_delivery_LINK = -Wl,--wrap=spool_submit
test_delivery_dns_LINK = $(test_delivery_LINK)
test_delivery_hosts_LINK = $(test_delivery_LINK) -Wl,--wrap=connect
test_delivery_parameters_LINK = $(test_delivery_LINK) -Wl,--wrap=queue_settle
test_delivery_recipients_LINK = $(test_delivery_LINK)
test_delivery_sink_LINK = $(test_delivery_LINK)
test_queue_end_LINK = $(test_delivery_LINK)
test_delivery_WITHOUT = src/module/libmodule.a
test_delivery_dns_WITHOUT = $(test_delivery_WITHOUT)
test_delivery_hosts_WITHOUT = $(test_delivery_WITHOUT)
test_delivery_parameters_WITHOUT = $(test_delivery_WITHOUT)
test_delivery_recipients_WITHOUT = $(test_delivery_WITHOUT)
test_delivery_sink_WITHOUT = $(test_delivery_WITHOUT)
test_queue_end_WITHOUT = $(test_delivery_WITHOUT)

## A disk with a bad sector.
test_mapped_file_LINK = -Wl,--wrap=pread -Wl,--wrap=__pread_chk

## The end of the process meets that of a connection.
test_sdk_listener_LINK = -Wl,--wrap=loop_post

## It decides itself what becomes of each request to the spool.
test_transaction_LINK = -Wl,--wrap=spool_submit

## Tests that load modules of the build tree link all of the SDK and export it, as the daemon does.
UNIT_LINK_SDK = -rdynamic $(SDK_WHOLE)
test_ec_logger_LINK = $(UNIT_LINK_SDK)
test_listen_policies_LINK = $(UNIT_LINK_SDK)
test_maildir_LINK = $(UNIT_LINK_SDK)
test_message_throttle_LINK = $(UNIT_LINK_SDK)
test_relay_LINK = $(UNIT_LINK_SDK)

check_DATA = $(UNIT_TESTS)
TESTS += $(UNIT_TESTS)

$(UNIT_TESTS:.t=.o): %.o: %.c
	$(AM_V_CC)$(MKDIR_P) $(@D) && $(COMPILE) $(UNIT_CPPFLAGS) -MD -MP -MF $(@:.o=.d) -c -o $@ $<

$(UNIT_TESTS): %.t: %.o $(UNIT_ARCHIVES)
	$(AM_V_CCLD)$(CCLD) $(AM_CFLAGS) $(CFLAGS) $(LDFLAGS) -Wl,--as-needed $($(*F)_LINK) -o $@ $< \
		-Wl,--start-group $(filter-out $($(*F)_WITHOUT),$(UNIT_ARCHIVES)) -Wl,--end-group $(UNIT_LIBS)

-include $(UNIT_TESTS:.t=.d)

CLEANFILES += tests/unit/*.t tests/unit/*.d tests/unit/*.o
