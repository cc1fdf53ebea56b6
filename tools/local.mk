## Tools for operators and module authors.
EXTRA_DIST += quickstart tools/install-dependencies
