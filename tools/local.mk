## Tools for operators and module authors.
