"""Modules: one that is missing, has the wrong ABI or crashes its own setup stops the start with one clear line; and
one built out of tree against the installed headers works."""
