noinst_LIBRARIES += src/module/libmodule.a
src_module_libmodule_a_SOURCES = \
	src/module/ask.c \
	src/module/call.c \
	src/module/call.h \
	src/module/crash_guard.c \
	src/module/crash_guard.h \
	src/module/declared_point.c \
	src/module/delivery_method.c \
	src/module/given.c \
	src/module/hook.c \
	src/module/hook_job.c \
	src/module/imp_config.c \
	src/module/imp_config.h \
	src/module/imp_session.c \
	src/module/imp_session.h \
	src/module/loader.c \
	src/module/loader.h \
	src/module/log_hooks.c \
	src/module/manifest.c \
	src/module/manifest.h \
	src/module/manifest_option.c \
	src/module/manifest_reader.c \
	src/module/manifest_reader.h \
	src/module/manifest_set.c \
	src/module/manifests.h \
	src/module/module.h \
	src/module/module_policy.c \
	src/module/option_question.c \
	src/module/option_question.h \
	src/module/module_set.c \
	src/module/plan.c \
	src/module/plan.h \
	src/module/points.c \
	src/module/points.h \
	src/module/reception_record.c \
	src/module/reception_record.h \
	src/module/runner.c \
	src/module/runner.h \
	src/module/set.h \
	src/module/set_load.c \
	src/module/suspension.c

## It holds a folder of --prefix, so another ./configure compiles it anew.
src/module/manifest_set.$(OBJEXT): Makefile
