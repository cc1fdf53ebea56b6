## Manual pages and documents. The option reference is written from the tables by a program of its own.
nodist_man_MANS = doc/ec_console.1 doc/impulsed.8 doc/ecelerity.conf.5
## In folders as here, so that the links between the documents hold where they are installed.
nobase_dist_doc_DATA += CONTRIBUTING.md LICENSE README.md doc/architecture.md doc/compatibility.md doc/modules.md \
	doc/performance.md doc/reliability.md
nobase_nodist_doc_DATA = doc/commands.md doc/options.md
CLEANFILES += doc/commands.md doc/ec_console.1 doc/impulsed.8 doc/ecelerity.conf.5 doc/options.md
EXTRA_DIST += doc/ec_console.1.in doc/impulsed.8.in

doc/impulsed.8: doc/impulsed.8.in Makefile
	$(AM_V_GEN)$(MKDIR_P) doc && \
	sed -e 's|@sysconfdir[@]|$(sysconfdir)|g' -e 's|@docdir[@]|$(docdir)|g' $(srcdir)/doc/impulsed.8.in >$@
dist_man_MANS += doc/ec_md5passwd.1 doc/ec_spool_check.1 doc/ecxs.1 doc/impulse-load.1 doc/impulse-sink.1 doc/impulsectl.1

noinst_PROGRAMS += doc/reference
doc_reference_SOURCES = doc/form.c doc/form.h doc/reference.c
doc_reference_LDADD = src/module/libmodule.a src/base/libbase.a confparse/libconfparse.a $(PCRE2_LIBS)
doc_reference_LDFLAGS = $(HARDEN_LDFLAGS)

MANIFESTS = $(srcdir)/modules/ec_logger/ec_logger.ecm $(srcdir)/modules/maildir/maildir.ecm \
	$(srcdir)/modules/relay/relay.ecm

.PHONY: doc
doc: doc/commands.md doc/ec_console.1 doc/options.md doc/ecelerity.conf.5

## ThreadSanitizer does not start under the address randomization of some kernels: then once more without it.
doc/options.md: doc/reference $(MANIFESTS)
	$(AM_V_GEN)for run in '' 'setarch -R'; do \
	    $$run doc/reference markdown $(MANIFESTS) >$@.tmp && mv -f $@.tmp $@ && exit 0; done; exit 1

doc/ecelerity.conf.5: doc/reference $(MANIFESTS)
	$(AM_V_GEN)for run in '' 'setarch -R'; do \
	    $$run doc/reference mdoc $(MANIFESTS) >$@.tmp && mv -f $@.tmp $@ && exit 0; done; exit 1

## The commands of the console are registered by who owns them; a program that has them all prints them.
noinst_PROGRAMS += doc/commands
doc_commands_SOURCES = doc/commands.c doc/form.c doc/form.h
doc_commands_LDADD = $(impulsed_LDADD)
doc_commands_DEPENDENCIES = $(impulsed_DEPENDENCIES)
doc_commands_LDFLAGS = $(HARDEN_LDFLAGS) -rdynamic

doc/commands.md: doc/commands
	$(AM_V_GEN)for run in '' 'setarch -R'; do \
	    $$run doc/commands markdown >$@.tmp && mv -f $@.tmp $@ && exit 0; done; exit 1

doc/ec_console.1: doc/commands doc/ec_console.1.in
	$(AM_V_GEN)for run in '' 'setarch -R'; do \
	    $$run doc/commands mdoc >$@.tmp && \
	    sed -e '/^@commands@$$/{r $@.tmp' -e 'd;}' $(srcdir)/doc/ec_console.1.in >$@.new && mv -f $@.new $@ && \
	    rm -f $@.tmp && exit 0; done; exit 1
