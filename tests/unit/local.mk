## A unit test is one program: tests/unit/test_X.c. It links the folders it tests, in order, higher first.
UNIT_LIBS = $(CUNIT_LIBS)

CONF_TEST_LIBS = confparse/libconfparse.a $(UNIT_LIBS) $(PCRE2_LIBS)
CONF_HARNESS = tests/unit/conf_harness.h tests/unit/unit.h

check_PROGRAMS += tests/unit/test_conf_language
TESTS += tests/unit/test_conf_language
tests_unit_test_conf_language_SOURCES = tests/unit/test_conf_language.c $(CONF_HARNESS)
tests_unit_test_conf_language_LDADD = $(CONF_TEST_LIBS)

check_PROGRAMS += tests/unit/test_conf_mistakes
TESTS += tests/unit/test_conf_mistakes
tests_unit_test_conf_mistakes_SOURCES = tests/unit/test_conf_mistakes.c $(CONF_HARNESS)
tests_unit_test_conf_mistakes_LDADD = $(CONF_TEST_LIBS)

check_PROGRAMS += tests/unit/test_conf_chain
TESTS += tests/unit/test_conf_chain
tests_unit_test_conf_chain_SOURCES = tests/unit/test_conf_chain.c $(CONF_HARNESS)
tests_unit_test_conf_chain_LDADD = $(CONF_TEST_LIBS)

check_PROGRAMS += tests/unit/test_conf_path
TESTS += tests/unit/test_conf_path
tests_unit_test_conf_path_SOURCES = tests/unit/test_conf_path.c $(CONF_HARNESS)
tests_unit_test_conf_path_LDADD = $(CONF_TEST_LIBS)

check_PROGRAMS += tests/unit/test_conf_query
TESTS += tests/unit/test_conf_query
tests_unit_test_conf_query_SOURCES = tests/unit/test_conf_query.c $(CONF_HARNESS)
tests_unit_test_conf_query_LDADD = $(CONF_TEST_LIBS)

check_PROGRAMS += tests/unit/test_conf_include
TESTS += tests/unit/test_conf_include
tests_unit_test_conf_include_SOURCES = tests/unit/test_conf_include.c $(CONF_HARNESS)
tests_unit_test_conf_include_LDADD = $(CONF_TEST_LIBS)

check_PROGRAMS += tests/unit/test_conf_schema
TESTS += tests/unit/test_conf_schema
tests_unit_test_conf_schema_SOURCES = tests/unit/test_conf_schema.c $(CONF_HARNESS)
tests_unit_test_conf_schema_LDADD = $(CONF_TEST_LIBS)

check_PROGRAMS += tests/unit/test_conf_scopes
TESTS += tests/unit/test_conf_scopes
tests_unit_test_conf_scopes_SOURCES = tests/unit/test_conf_scopes.c $(CONF_HARNESS)
tests_unit_test_conf_scopes_LDADD = $(CONF_TEST_LIBS)

check_PROGRAMS += tests/unit/test_conf_values
TESTS += tests/unit/test_conf_values
tests_unit_test_conf_values_SOURCES = tests/unit/test_conf_values.c $(CONF_HARNESS)
tests_unit_test_conf_values_LDADD = $(CONF_TEST_LIBS) -lm

check_PROGRAMS += tests/unit/test_conf_documented
TESTS += tests/unit/test_conf_documented
tests_unit_test_conf_documented_SOURCES = tests/unit/test_conf_documented.c $(CONF_HARNESS)
tests_unit_test_conf_documented_LDADD = $(CONF_TEST_LIBS)

check_PROGRAMS += tests/unit/test_conf_compare
TESTS += tests/unit/test_conf_compare
tests_unit_test_conf_compare_SOURCES = tests/unit/test_conf_compare.c $(CONF_HARNESS)
tests_unit_test_conf_compare_LDADD = $(CONF_TEST_LIBS)

check_PROGRAMS += tests/unit/test_match_cache
TESTS += tests/unit/test_match_cache
tests_unit_test_match_cache_SOURCES = tests/unit/test_match_cache.c $(CONF_HARNESS)
tests_unit_test_match_cache_LDADD = $(CONF_TEST_LIBS)

check_PROGRAMS += tests/unit/test_conf_show
TESTS += tests/unit/test_conf_show
tests_unit_test_conf_show_SOURCES = tests/unit/test_conf_show.c tests/unit/conf_trees.h $(CONF_HARNESS)
tests_unit_test_conf_show_LDADD = $(CONF_TEST_LIBS)

check_PROGRAMS += tests/unit/test_conf_transaction
TESTS += tests/unit/test_conf_transaction
tests_unit_test_conf_transaction_SOURCES = tests/unit/test_conf_transaction.c tests/unit/conf_session.h tests/unit/conf_trees.h $(CONF_HARNESS)
tests_unit_test_conf_transaction_LDADD = $(CONF_TEST_LIBS)

check_PROGRAMS += tests/unit/test_conf_changes
TESTS += tests/unit/test_conf_changes
tests_unit_test_conf_changes_SOURCES = tests/unit/test_conf_changes.c tests/unit/conf_session.h tests/unit/conf_trees.h $(CONF_HARNESS)
tests_unit_test_conf_changes_LDADD = $(CONF_TEST_LIBS)

check_PROGRAMS += tests/unit/test_conf_files
TESTS += tests/unit/test_conf_files
tests_unit_test_conf_files_SOURCES = tests/unit/test_conf_files.c tests/unit/conf_session.h tests/unit/conf_trees.h $(CONF_HARNESS)
tests_unit_test_conf_files_LDADD = $(CONF_TEST_LIBS)

check_PROGRAMS += tests/unit/test_cidr
TESTS += tests/unit/test_cidr
tests_unit_test_cidr_SOURCES = tests/unit/test_cidr.c
tests_unit_test_cidr_LDADD = src/net/libnet.a src/tls/libtls.a src/base/libbase.a $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_proxy_header
TESTS += tests/unit/test_proxy_header
tests_unit_test_proxy_header_SOURCES = tests/unit/test_proxy_header.c
tests_unit_test_proxy_header_LDADD = src/net/libnet.a src/tls/libtls.a src/base/libbase.a $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_data_reader
TESTS += tests/unit/test_data_reader
tests_unit_test_data_reader_SOURCES = tests/unit/test_data_reader.c tests/unit/content_reference.c \
	tests/unit/content_reference.h
tests_unit_test_data_reader_LDADD = src/smtp/server/libsmtp_server.a src/throttle/libthrottle.a src/smtp/wire/libsmtp_wire.a src/base/libbase.a $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_header
TESTS += tests/unit/test_header
tests_unit_test_header_SOURCES = tests/unit/test_header.c tests/unit/unit.h
tests_unit_test_header_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS) $(CRYPTO_CFLAGS)
tests_unit_test_header_LDADD = src/message/libmessage.a src/base/libbase.a $(UNIT_LIBS) $(JANSSON_LIBS) $(CRYPTO_LIBS)

check_PROGRAMS += tests/unit/test_smtp_address
TESTS += tests/unit/test_smtp_address
tests_unit_test_smtp_address_SOURCES = tests/unit/test_smtp_address.c
tests_unit_test_smtp_address_LDADD = src/smtp/server/libsmtp_server.a src/throttle/libthrottle.a src/smtp/wire/libsmtp_wire.a src/net/libnet.a src/tls/libtls.a src/base/libbase.a $(IDN2_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_smtp_reply
TESTS += tests/unit/test_smtp_reply
tests_unit_test_smtp_reply_SOURCES = tests/unit/test_smtp_reply.c
tests_unit_test_smtp_reply_LDADD = src/smtp/server/libsmtp_server.a src/throttle/libthrottle.a src/smtp/wire/libsmtp_wire.a src/base/libbase.a $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_smtp_parameter
TESTS += tests/unit/test_smtp_parameter
tests_unit_test_smtp_parameter_SOURCES = tests/unit/test_smtp_parameter.c
tests_unit_test_smtp_parameter_LDADD = src/smtp/server/libsmtp_server.a src/throttle/libthrottle.a src/smtp/wire/libsmtp_wire.a src/base/libbase.a $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_message
TESTS += tests/unit/test_message
tests_unit_test_message_SOURCES = tests/unit/test_message.c
tests_unit_test_message_LDADD = src/message/libmessage.a src/base/libbase.a $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_trace
TESTS += tests/unit/test_trace
tests_unit_test_trace_SOURCES = tests/unit/test_trace.c tests/unit/unit.h
tests_unit_test_trace_LDADD = src/message/libmessage.a src/net/libnet.a src/tls/libtls.a src/base/libbase.a $(UNIT_LIBS) $(UV_LIBS)

SPOOL_TEST_LIBS = src/spool/libspool.a src/message/libmessage.a src/log/liblog.a src/base/libbase.a \
	$(UNIT_LIBS) $(DEP_LIBS)
SPOOL_HARNESS = tests/unit/spool_harness.c tests/unit/spool_harness.h

check_PROGRAMS += tests/unit/test_spool
TESTS += tests/unit/test_spool
tests_unit_test_spool_SOURCES = tests/unit/test_spool.c $(SPOOL_HARNESS)
tests_unit_test_spool_LDADD = $(SPOOL_TEST_LIBS)

check_PROGRAMS += tests/unit/test_spool_start
TESTS += tests/unit/test_spool_start
tests_unit_test_spool_start_SOURCES = tests/unit/test_spool_start.c $(SPOOL_HARNESS)
tests_unit_test_spool_start_LDADD = $(SPOOL_TEST_LIBS)

check_PROGRAMS += tests/unit/test_rocksdb
TESTS += tests/unit/test_rocksdb
tests_unit_test_rocksdb_SOURCES = tests/unit/test_rocksdb.c $(SPOOL_HARNESS)
tests_unit_test_rocksdb_LDADD = $(SPOOL_TEST_LIBS)

check_PROGRAMS += tests/unit/test_committer
TESTS += tests/unit/test_committer
tests_unit_test_committer_SOURCES = tests/unit/test_committer.c $(SPOOL_HARNESS)
tests_unit_test_committer_LDADD = $(SPOOL_TEST_LIBS)

check_PROGRAMS += tests/unit/test_spool_crash
TESTS += tests/unit/test_spool_crash
tests_unit_test_spool_crash_SOURCES = tests/unit/test_spool_crash.c $(SPOOL_HARNESS)
tests_unit_test_spool_crash_LDADD = $(SPOOL_TEST_LIBS)

check_PROGRAMS += tests/unit/test_spool_full
TESTS += tests/unit/test_spool_full
tests_unit_test_spool_full_SOURCES = tests/unit/test_spool_full.c $(SPOOL_HARNESS)
tests_unit_test_spool_full_LDADD = $(SPOOL_TEST_LIBS)

check_PROGRAMS += tests/unit/test_base
TESTS += tests/unit/test_base
tests_unit_test_base_SOURCES = tests/unit/test_base.c tests/unit/unit.h
tests_unit_test_base_LDADD = src/base/libbase.a $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_paniclog
TESTS += tests/unit/test_paniclog
tests_unit_test_paniclog_SOURCES = tests/unit/test_paniclog.c tests/unit/unit.h
tests_unit_test_paniclog_LDADD = src/log/liblog.a src/base/libbase.a $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_writer
TESTS += tests/unit/test_writer
tests_unit_test_writer_SOURCES = tests/unit/test_writer.c tests/unit/unit.h
tests_unit_test_writer_LDADD = src/log/liblog.a src/base/libbase.a $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_loop
TESTS += tests/unit/test_loop
tests_unit_test_loop_SOURCES = tests/unit/test_loop.c tests/unit/unit.h
tests_unit_test_loop_LDADD = src/event/libevent.a src/log/liblog.a src/base/libbase.a $(UNIT_LIBS) $(UV_LIBS)

check_PROGRAMS += tests/unit/test_pool
TESTS += tests/unit/test_pool
tests_unit_test_pool_SOURCES = tests/unit/test_pool.c tests/unit/unit.h
tests_unit_test_pool_LDADD = src/event/libevent.a src/log/liblog.a src/base/libbase.a $(UNIT_LIBS) $(UV_LIBS)

check_PROGRAMS += tests/unit/test_domain_set
TESTS += tests/unit/test_domain_set
tests_unit_test_domain_set_SOURCES = tests/unit/test_domain_set.c tests/unit/unit.h
tests_unit_test_domain_set_LDADD = src/base/libbase.a $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_maildir_path
TESTS += tests/unit/test_maildir_path
tests_unit_test_maildir_path_SOURCES = tests/unit/test_maildir_path.c tests/unit/unit.h modules/maildir/path.c
tests_unit_test_maildir_path_LDADD = $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_maildir_return_path
TESTS += tests/unit/test_maildir_return_path
tests_unit_test_maildir_return_path_SOURCES = tests/unit/test_maildir_return_path.c tests/unit/unit.h \
	modules/maildir/return_path.c
tests_unit_test_maildir_return_path_LDADD = $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_context
TESTS += tests/unit/test_context
tests_unit_test_context_SOURCES = tests/unit/test_context.c tests/unit/unit.h
tests_unit_test_context_LDADD = src/sdk/libsdk.a src/module/libmodule.a src/base/libbase.a $(UNIT_LIBS)

## What sets up modules.
MODULE_TEST_LIBS = src/sdk/libsdk.a src/module/libmodule.a src/message/libmessage.a src/net/libnet.a src/tls/libtls.a src/event/libevent.a src/log/liblog.a \
	src/base/libbase.a confparse/libconfparse.a $(UNIT_LIBS) $(DEP_LIBS) -ldl

check_PROGRAMS += tests/unit/test_hooks
TESTS += tests/unit/test_hooks
tests_unit_test_hooks_SOURCES = tests/unit/test_hooks.c tests/unit/unit.h
tests_unit_test_hooks_LDADD = $(MODULE_TEST_LIBS)

check_PROGRAMS += tests/unit/test_manifest
TESTS += tests/unit/test_manifest
tests_unit_test_manifest_SOURCES = tests/unit/test_manifest.c tests/unit/unit.h
tests_unit_test_manifest_LDADD = $(MODULE_TEST_LIBS)

check_PROGRAMS += tests/unit/test_plan
TESTS += tests/unit/test_plan
tests_unit_test_plan_SOURCES = tests/unit/test_plan.c tests/unit/unit.h
tests_unit_test_plan_LDADD = $(MODULE_TEST_LIBS)

check_PROGRAMS += tests/unit/test_crash_guard
TESTS += tests/unit/test_crash_guard
tests_unit_test_crash_guard_SOURCES = tests/unit/test_crash_guard.c tests/unit/unit.h
tests_unit_test_crash_guard_LDADD = $(MODULE_TEST_LIBS)

## Tests that load modules of the build tree. They link all of the SDK and export it, as the daemon does.
MODULE_HARNESS = tests/unit/module_harness.c tests/unit/module_harness.h tests/unit/unit.h
MODULE_HARNESS_CPPFLAGS = $(AM_CPPFLAGS) -DMODULES_BUILT='"$(abs_top_builddir)/modules/built"'
MODULE_HARNESS_LIBS = $(SDK_WHOLE) $(MODULE_TEST_LIBS)

check_PROGRAMS += tests/unit/test_relay
TESTS += tests/unit/test_relay
tests_unit_test_relay_SOURCES = tests/unit/test_relay.c $(MODULE_HARNESS)
tests_unit_test_relay_CPPFLAGS = $(MODULE_HARNESS_CPPFLAGS)
tests_unit_test_relay_LDADD = $(MODULE_HARNESS_LIBS)
tests_unit_test_relay_LDFLAGS = -rdynamic

check_PROGRAMS += tests/unit/test_listen_policies
TESTS += tests/unit/test_listen_policies
tests_unit_test_listen_policies_SOURCES = tests/unit/test_listen_policies.c $(MODULE_HARNESS)
tests_unit_test_listen_policies_CPPFLAGS = $(MODULE_HARNESS_CPPFLAGS)
tests_unit_test_listen_policies_LDADD = src/smtp/server/libsmtp_server.a src/throttle/libthrottle.a src/smtp/wire/libsmtp_wire.a src/sasl/libsasl.a $(MODULE_HARNESS_LIBS) $(GSASL_LIBS)
tests_unit_test_listen_policies_LDFLAGS = -rdynamic

check_PROGRAMS += tests/unit/test_message_throttle
TESTS += tests/unit/test_message_throttle
tests_unit_test_message_throttle_SOURCES = tests/unit/test_message_throttle.c $(MODULE_HARNESS)
tests_unit_test_message_throttle_CPPFLAGS = $(MODULE_HARNESS_CPPFLAGS)
tests_unit_test_message_throttle_LDADD = src/smtp/server/libsmtp_server.a src/throttle/libthrottle.a src/smtp/wire/libsmtp_wire.a src/sasl/libsasl.a $(MODULE_HARNESS_LIBS) $(GSASL_LIBS)
tests_unit_test_message_throttle_LDFLAGS = -rdynamic

check_PROGRAMS += tests/unit/test_ec_logger
TESTS += tests/unit/test_ec_logger
tests_unit_test_ec_logger_SOURCES = tests/unit/test_ec_logger.c $(MODULE_HARNESS)
tests_unit_test_ec_logger_CPPFLAGS = $(MODULE_HARNESS_CPPFLAGS)
tests_unit_test_ec_logger_LDADD = $(MODULE_HARNESS_LIBS)
tests_unit_test_ec_logger_LDFLAGS = -rdynamic

check_PROGRAMS += tests/unit/test_maildir
TESTS += tests/unit/test_maildir
tests_unit_test_maildir_SOURCES = tests/unit/test_maildir.c $(MODULE_HARNESS)
tests_unit_test_maildir_CPPFLAGS = $(MODULE_HARNESS_CPPFLAGS)
tests_unit_test_maildir_LDADD = $(MODULE_HARNESS_LIBS)
tests_unit_test_maildir_LDFLAGS = -rdynamic

check_PROGRAMS += tests/unit/test_queue_rules
TESTS += tests/unit/test_queue_rules
tests_unit_test_queue_rules_SOURCES = tests/unit/test_queue_rules.c tests/unit/unit.h
tests_unit_test_queue_rules_LDADD = src/queue/libqueue.a src/base/libbase.a confparse/libconfparse.a \
	$(UNIT_LIBS) $(DEP_LIBS)

check_PROGRAMS += tests/unit/test_delivery_wire
TESTS += tests/unit/test_delivery_wire
tests_unit_test_delivery_wire_SOURCES = tests/unit/test_delivery_wire.c tests/unit/unit.h
tests_unit_test_delivery_wire_LDADD = src/delivery/libdelivery.a src/smtp/client/libsmtp_client.a src/site/libsite.a src/dns/libdns.a src/smtp/wire/libsmtp_wire.a src/net/libnet.a src/tls/libtls.a src/event/libevent.a src/log/liblog.a \
	src/base/libbase.a $(UNIT_LIBS) $(DEP_LIBS)

check_PROGRAMS += tests/unit/test_addr
TESTS += tests/unit/test_addr
tests_unit_test_addr_SOURCES = tests/unit/test_addr.c tests/unit/unit.h
tests_unit_test_addr_LDADD = src/net/libnet.a src/tls/libtls.a src/base/libbase.a $(UNIT_LIBS)

NET_TEST_LIBS = src/net/libnet.a src/tls/libtls.a src/event/libevent.a src/log/liblog.a src/base/libbase.a $(UNIT_LIBS) $(NET_LIBS)

check_PROGRAMS += tests/unit/test_listener
TESTS += tests/unit/test_listener
tests_unit_test_listener_SOURCES = tests/unit/test_listener.c tests/unit/unit.h
tests_unit_test_listener_LDADD = $(NET_TEST_LIBS)

check_PROGRAMS += tests/unit/test_accept
TESTS += tests/unit/test_accept
tests_unit_test_accept_SOURCES = tests/unit/test_accept.c tests/unit/unit.h
tests_unit_test_accept_LDADD = $(NET_TEST_LIBS)

check_PROGRAMS += tests/unit/test_stream
TESTS += tests/unit/test_stream
tests_unit_test_stream_SOURCES = tests/unit/test_stream.c tests/unit/on_loop.h tests/unit/unit.h
tests_unit_test_stream_LDADD = $(NET_TEST_LIBS)

check_PROGRAMS += tests/unit/test_tls
TESTS += tests/unit/test_tls
tests_unit_test_tls_SOURCES = tests/unit/test_tls.c tests/unit/unit.h
tests_unit_test_tls_LDADD = $(NET_TEST_LIBS)

check_PROGRAMS += tests/unit/test_tls_stream
TESTS += tests/unit/test_tls_stream
tests_unit_test_tls_stream_SOURCES = tests/unit/test_tls_stream.c tests/unit/on_loop.h tests/unit/unit.h
tests_unit_test_tls_stream_LDADD = $(NET_TEST_LIBS)

DELIVERY_TEST_LIBS = src/delivery/libdelivery.a src/smtp/client/libsmtp_client.a src/site/libsite.a src/dns/libdns.a src/smtp/wire/libsmtp_wire.a src/queue/libqueue.a src/spool/libspool.a src/message/libmessage.a \
	src/net/libnet.a src/tls/libtls.a src/event/libevent.a src/log/liblog.a src/base/libbase.a confparse/libconfparse.a \
	$(UNIT_LIBS) $(DEP_LIBS)
DELIVERY_HARNESS = tests/unit/delivery_harness.c tests/unit/delivery_harness.h tests/unit/delivery_server.c \
	tests/unit/unit.h

check_PROGRAMS += tests/unit/test_delivery
TESTS += tests/unit/test_delivery
tests_unit_test_delivery_SOURCES = tests/unit/test_delivery.c $(DELIVERY_HARNESS)
tests_unit_test_delivery_LDADD = $(DELIVERY_TEST_LIBS)
tests_unit_test_delivery_LDFLAGS = -Wl,--wrap=spool_submit

check_PROGRAMS += tests/unit/test_delivery_recipients
TESTS += tests/unit/test_delivery_recipients
tests_unit_test_delivery_recipients_SOURCES = tests/unit/test_delivery_recipients.c $(DELIVERY_HARNESS)
tests_unit_test_delivery_recipients_LDADD = $(DELIVERY_TEST_LIBS)
tests_unit_test_delivery_recipients_LDFLAGS = -Wl,--wrap=spool_submit

check_PROGRAMS += tests/unit/test_delivery_parameters
TESTS += tests/unit/test_delivery_parameters
tests_unit_test_delivery_parameters_SOURCES = tests/unit/test_delivery_parameters.c $(DELIVERY_HARNESS)
tests_unit_test_delivery_parameters_LDADD = $(DELIVERY_TEST_LIBS)
tests_unit_test_delivery_parameters_LDFLAGS = -Wl,--wrap=spool_submit -Wl,--wrap=queue_settle

check_PROGRAMS += tests/unit/test_delivery_dns
TESTS += tests/unit/test_delivery_dns
tests_unit_test_delivery_dns_SOURCES = tests/unit/test_delivery_dns.c $(DELIVERY_HARNESS)
tests_unit_test_delivery_dns_LDADD = $(DELIVERY_TEST_LIBS)
tests_unit_test_delivery_dns_LDFLAGS = -Wl,--wrap=spool_submit

check_PROGRAMS += tests/unit/test_delivery_sink
TESTS += tests/unit/test_delivery_sink
tests_unit_test_delivery_sink_SOURCES = tests/unit/test_delivery_sink.c $(DELIVERY_HARNESS)
tests_unit_test_delivery_sink_LDADD = $(DELIVERY_TEST_LIBS)
tests_unit_test_delivery_sink_LDFLAGS = -Wl,--wrap=spool_submit

check_PROGRAMS += tests/unit/test_password_file
TESTS += tests/unit/test_password_file
tests_unit_test_password_file_SOURCES = tests/unit/test_password_file.c tools/password_file.c tools/password_file.h
tests_unit_test_password_file_CPPFLAGS = $(AM_CPPFLAGS) $(CRYPTO_CFLAGS) $(GSASL_CFLAGS)
tests_unit_test_password_file_LDADD = src/base/libbase.a $(UNIT_LIBS) $(CRYPTO_LIBS) $(GSASL_LIBS)

SASL_TEST_LIBS = src/sasl/libsasl.a src/log/liblog.a src/base/libbase.a confparse/libconfparse.a $(UNIT_LIBS) $(PCRE2_LIBS) $(GSASL_LIBS)

check_PROGRAMS += tests/unit/test_records
TESTS += tests/unit/test_records
tests_unit_test_records_SOURCES = tests/unit/test_records.c tests/unit/unit.h
tests_unit_test_records_LDADD = $(SASL_TEST_LIBS)

check_PROGRAMS += tests/unit/test_passwords
TESTS += tests/unit/test_passwords
tests_unit_test_passwords_SOURCES = tests/unit/test_passwords.c tests/unit/unit.h
tests_unit_test_passwords_LDADD = $(SASL_TEST_LIBS)

check_PROGRAMS += tests/unit/test_sasl
TESTS += tests/unit/test_sasl
tests_unit_test_sasl_SOURCES = tests/unit/test_sasl.c tests/unit/unit.h
tests_unit_test_sasl_CPPFLAGS = $(AM_CPPFLAGS) $(GSASL_CFLAGS)
tests_unit_test_sasl_LDADD = $(SASL_TEST_LIBS)

CONTROL_TEST_LIBS = src/control/libcontrol.a src/net/libnet.a src/tls/libtls.a src/event/libevent.a src/sasl/libsasl.a src/log/liblog.a src/base/libbase.a \
	confparse/libconfparse.a $(UNIT_LIBS) $(NET_LIBS) $(PCRE2_LIBS) $(GSASL_LIBS)

check_PROGRAMS += tests/unit/test_control_words
TESTS += tests/unit/test_control_words
tests_unit_test_control_words_SOURCES = tests/unit/test_control_words.c tests/unit/unit.h
tests_unit_test_control_words_LDADD = $(CONTROL_TEST_LIBS)

check_PROGRAMS += tests/unit/test_control_access
TESTS += tests/unit/test_control_access
tests_unit_test_control_access_SOURCES = tests/unit/test_control_access.c tests/unit/unit.h
tests_unit_test_control_access_LDADD = $(CONTROL_TEST_LIBS)

check_PROGRAMS += tests/unit/test_console_tools
TESTS += tests/unit/test_console_tools
tests_unit_test_console_tools_SOURCES = tests/unit/test_console_tools.c tools/console_complete.c tools/console_complete.h
tests_unit_test_console_tools_LDADD = tools/libconsole.a src/control/libcontrol.a src/base/libbase.a $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_utf8
TESTS += tests/unit/test_utf8
tests_unit_test_utf8_SOURCES = tests/unit/test_utf8.c tests/unit/unit.h
tests_unit_test_utf8_LDADD = src/base/libbase.a $(UNIT_LIBS)
