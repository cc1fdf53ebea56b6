noinst_LIBRARIES += src/module/libmodule.a
src_module_libmodule_a_SOURCES = \
	src/module/context.h \
	src/module/module.h \
	src/module/session.h
