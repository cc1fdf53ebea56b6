## A unit test is one program: tests/unit/test_X.c. It links the folders it tests, in order, higher first.
UNIT_LIBS = $(CUNIT_LIBS)
