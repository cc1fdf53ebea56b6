## `make check` runs the unit tests (CUnit). ./check runs everything: the folders below come with the source for it.
if HAVE_CUNIT
include tests/unit/local.mk
endif
include tests/load/local.mk

EXTRA_DIST += check .ci/run CONTRIBUTING.md tests/README.md tests/arrows tests/tally tests/conftest.py tests/harness \
	tests/system tests/protocol tests/modules

dist-hook:
	find $(distdir) -name __pycache__ -o -name .pytest_cache | xargs rm -rf
