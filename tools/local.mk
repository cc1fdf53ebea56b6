## Tools for operators and module authors.
include tools/load/local.mk

EXTRA_DIST += quickstart tools/install-dependencies

bin_SCRIPTS += tools/ecxs tools/ec_spool_check
EXTRA_DIST += tools/ec_spool_check
CLEANFILES += tools/ecxs
EXTRA_DIST += tools/ecxs.in

tools/ecxs: tools/ecxs.in Makefile
	$(AM_V_GEN)$(MKDIR_P) tools && \
	sed -e 's|@prefix[@]|$(prefix)|' -e 's|@exec_prefix[@]|$(exec_prefix)|' -e 's|@includedir[@]|$(includedir)|' \
		-e 's|@moduledir[@]|$(moduledir)|' -e 's|@CC[@]|$(CC)|' -e 's|@CXX[@]|$(CXX)|' \
		-e 's|@VERSION[@]|$(VERSION)|' -e 's|@OWN_MODULES[@]|$(basename $(notdir $(dist_module_DATA)))|' \
		$(srcdir)/tools/ecxs.in >$@ && chmod +x $@

## The client's side of the console, for ec_console and for impulsectl.
noinst_LIBRARIES += tools/libconsole.a
tools_libconsole_a_SOURCES = \
	tools/ask.c \
	tools/ask.h \
	tools/console_address.c \
	tools/console_address.h \
	tools/console_client.c \
	tools/console_client.h \
	tools/console_login.c \
	tools/console_login.h \
	tools/console_print.c \
	tools/console_print.h \
	tools/console_stream.c \
	tools/console_stream.h \
	tools/console_words.c \
	tools/console_words.h
tools_libconsole_a_CPPFLAGS = $(AM_CPPFLAGS) $(GSASL_CFLAGS)
CONSOLE_CLIENT_LIBS = tools/libconsole.a src/base/libbase.a $(GSASL_LIBS)

bin_PROGRAMS += ec_console
ec_console_SOURCES = \
	tools/console_editor.h \
	tools/console_interactive.c \
	tools/console_interactive.h \
	tools/console_pager.c \
	tools/console_pager.h \
	tools/console_session.c \
	tools/console_session.h \
	tools/ec_console.c
if WITH_EDIT
ec_console_SOURCES += tools/console_complete.c tools/console_complete.h tools/console_editor.c tools/console_history.c \
	tools/console_history.h
else
ec_console_SOURCES += tools/console_plain.c
endif
ec_console_CPPFLAGS = $(AM_CPPFLAGS) $(EDIT_CFLAGS)
ec_console_LDADD = $(CONSOLE_CLIENT_LIBS) $(EDIT_LIBS)
ec_console_LDFLAGS = $(HARDEN_LDFLAGS)

bin_PROGRAMS += ec_md5passwd
ec_md5passwd_SOURCES = \
	tools/ask.c \
	tools/ask.h \
	tools/ec_md5passwd.c \
	tools/password_file.c \
	tools/password_file.h
ec_md5passwd_CPPFLAGS = $(AM_CPPFLAGS) $(CRYPTO_CFLAGS)
ec_md5passwd_LDADD = src/base/libbase.a $(CRYPTO_LIBS)
ec_md5passwd_LDFLAGS = $(HARDEN_LDFLAGS)

## impulsectl reads manifests as the daemon does, so it has libmodule's two files of them.
bin_PROGRAMS += impulsectl
impulsectl_SOURCES = \
	tools/daemon.c \
	tools/daemon.h \
	tools/impulsectl.c \
	tools/impulsectl.h \
	tools/impulsectl_check.c \
	tools/impulsectl_console.c \
	tools/impulsectl_explain.c \
	tools/impulsectl_migrate.c \
	tools/impulsectl_module.c \
	tools/impulsectl_spool.c \
	tools/migration.c \
	tools/migration.h \
	tools/migration_collect.c \
	tools/migration_collect.h \
	tools/migration_html.c \
	tools/migration_json.c \
	tools/migration_mistakes.c \
	tools/migration_names.c \
	tools/migration_read.c \
	tools/migration_style.h \
	tools/migration_text.c
nodist_impulsectl_SOURCES = tools/skeleton.h
impulsectl_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS) -DIMPULSE_SBIN_DIR='"$(sbindir)"'
## It reads spools as the daemon does, so it has libspool and what that needs.
impulsectl_LDADD = src/module/libmodule.a src/spool/libspool.a src/message/libmessage.a src/net/libnet.a \
	src/metrics/libmetrics.a src/event/libevent.a src/log/liblog.a confparse/libconfparse.a $(CONSOLE_CLIENT_LIBS) \
	$(ROCKSDB_LIBS) $(NET_LIBS) $(PCRE2_LIBS) $(JANSSON_LIBS)
impulsectl_LDFLAGS = $(HARDEN_LDFLAGS) -pthread

## They hold the folders of --prefix.
tools/impulsectl-impulsectl.$(OBJEXT) tools/impulsectl-daemon.$(OBJEXT): Makefile
tools/impulsectl-impulsectl_check.$(OBJEXT) tools/impulsectl-impulsectl_spool.$(OBJEXT): Makefile
tools/impulsectl-impulsectl_console.$(OBJEXT) tools/impulsectl-impulsectl_explain.$(OBJEXT): Makefile
tools/impulsectl-impulsectl_migrate.$(OBJEXT) tools/impulsectl-migration_mistakes.$(OBJEXT): Makefile

## The skeleton of `impulsectl module new`, as strings.
SKELETON = tools/skeleton/module.c.in tools/skeleton/module.ecm tools/skeleton/Makefile tools/skeleton/test.py
EXTRA_DIST += $(SKELETON)
BUILT_SOURCES += tools/skeleton.h
CLEANFILES += tools/skeleton.h
tools/skeleton.h: $(SKELETON)
	$(AM_V_GEN)$(MKDIR_P) tools && for file in $(SKELETON); do \
	    name=`basename $$file .in | tr 'M.' 'm_'`; \
	    printf 'static const char skeleton_%s[] =\n' $$name && \
	    sed -e 's|[\\"]|\\&|g' -e 's|^|    "|' -e 's|$$|\\n"|' $(srcdir)/$$file && echo '    ;' || exit 1; \
	done >$@.new && mv $@.new $@
