## `make check` runs the unit tests (CUnit). ./check runs everything: the folders below come with the source for it.
if HAVE_CUNIT
include tests/unit/local.mk
endif
include tests/load/local.mk

EXTRA_DIST += .ci/run .clang-format CONTRIBUTING.md tests/README.md tests/arrows tests/tally tests/conftest.py \
	tests/harness tests/load/backlog tests/load/compare tests/load/connections tests/load/holders.py \
	tests/load/slow_clients tests/system tests/protocol tests/smuggling tests/modules tests/conf tests/fuzz \
	$(wildcard $(srcdir)/tests/unit/*.[ch])

## The file `check` is copied here: as a prerequisite of dist its name would mean the target, and run every test.
dist-hook:
	cp -p $(srcdir)/check $(distdir)/
	find $(distdir) -name __pycache__ -o -name .pytest_cache | xargs rm -rf
