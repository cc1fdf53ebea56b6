## `make check` runs the unit tests (CUnit). ./check runs everything: the folders below come with the source for it.
if HAVE_CUNIT
include tests/unit/local.mk
endif
include tests/load/local.mk

EXTRA_DIST += .ci/run .clang-format .clang-tidy .codespellrc CONTRIBUTING.md tests/lint tools/pre-commit tests/README.md tests/arrows tests/tally tests/conftest.py \
	tests/harness tests/load/backlog tests/load/compare tests/load/connections tests/load/holders.py \
	tests/load/install-peers tests/load/pauses tests/load/peers.py tests/load/plot tests/load/reception tests/load/side-by-side \
	tests/load/slow_clients tests/load/soak tests/system tests/protocol tests/smuggling tests/modules tests/conf tests/fuzz \
	tests/faults $(wildcard $(srcdir)/tests/unit/*.[ch])

## `make clang-tidy` (./check lint): each source is looked at again when it, a header or the list of checks has changed. A
## function that the analyzer cannot walk through in 10,000 steps is given up.
TIDY_FLAGS = -std=gnu11 $(DEFS) $(DEFAULT_INCLUDES) -I$(top_builddir)/confparse $(AM_CPPFLAGS) $(CPPFLAGS) $(CRYPTO_CFLAGS) \
	$(GSASL_CFLAGS) $(EDIT_CFLAGS) -DIMPULSE_SBIN_DIR='"$(sbindir)"' \
	-Xclang -analyzer-config -Xclang max-nodes=10000
tidy_folders = confparse src src/* src/*/* modules/* tools tools/load
tidy_sources = $(filter-out confparse/grammar.c confparse/lexer.c, \
	$(patsubst $(srcdir)/%,%,$(wildcard $(tidy_folders:%=$(srcdir)/%/*.c))))

clang-tidy: $(tidy_sources:%.c=tidy/%.ok)

$(tidy_sources:%.c=tidy/%.ok): tidy/%.ok: %.c $(srcdir)/.clang-tidy $(wildcard $(srcdir)/include/impulse/*.h \
		$(tidy_folders:%=$(srcdir)/%/*.h) $(tidy_folders:%=$(srcdir)/%/*.def))
	@$(MKDIR_P) $(@D) && clang-tidy --quiet --config-file=$(srcdir)/.clang-tidy $< -- $(TIDY_FLAGS) && : >$@

clean-local:
	rm -rf tidy

.PHONY: clang-tidy

## The file `check` is copied here: as a prerequisite of dist its name would mean the target, and run every test.
dist-hook:
	cp -p $(srcdir)/check $(distdir)/
	find $(distdir) -name __pycache__ -o -name .pytest_cache | xargs rm -rf
