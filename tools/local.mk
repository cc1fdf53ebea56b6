## Tools for operators and module authors.
EXTRA_DIST += quickstart tools/install-dependencies

bin_SCRIPTS += tools/ecxs
CLEANFILES += tools/ecxs
EXTRA_DIST += tools/ecxs.in

tools/ecxs: tools/ecxs.in Makefile
	$(AM_V_GEN)$(MKDIR_P) tools && \
	sed -e 's|@prefix[@]|$(prefix)|' -e 's|@exec_prefix[@]|$(exec_prefix)|' -e 's|@includedir[@]|$(includedir)|' \
		-e 's|@moduledir[@]|$(moduledir)|' -e 's|@CC[@]|$(CC)|' -e 's|@VERSION[@]|$(VERSION)|' \
		$(srcdir)/tools/ecxs.in >$@ && chmod +x $@
