## Modules: one folder each; the .ecm manifest is installed beside the .so.
