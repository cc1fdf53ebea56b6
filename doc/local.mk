## Manual pages and documents.
nodist_man_MANS = doc/impulsed.8
dist_doc_DATA = README.md doc/architecture.md doc/compatibility.md doc/performance.md
CLEANFILES += doc/impulsed.8
EXTRA_DIST += doc/impulsed.8.in

doc/impulsed.8: doc/impulsed.8.in Makefile
	$(AM_V_GEN)$(MKDIR_P) doc && \
	sed -e 's|@sysconfdir[@]|$(sysconfdir)|g' -e 's|@docdir[@]|$(docdir)|g' $(srcdir)/doc/impulsed.8.in >$@
dist_man_MANS += doc/ecxs.1
