## `make check` runs the unit tests (CUnit); tests/run runs everything.
if HAVE_CUNIT
include tests/unit/local.mk
endif
include tests/load/local.mk
