noinst_LIBRARIES += src/control/libcontrol.a
src_control_libcontrol_a_SOURCES = \
	src/control/access.c \
	src/control/access.h \
	src/control/account.c \
	src/control/account.h \
	src/control/cmd_authz.c \
	src/control/cmd_config.c \
	src/control/cmd_help.c \
	src/control/cmd_metrics.c \
	src/control/cmd_process.c \
	src/control/control.c \
	src/control/control.h \
	src/control/control_check.c \
	src/control/control_options.c \
	src/control/control_options.h \
	src/control/control_private.h \
	src/control/ctl_call.c \
	src/control/ctl_call.h \
	src/control/ctl_call_private.h \
	src/control/ctl_command.c \
	src/control/ctl_command.h \
	src/control/ctl_gather.c \
	src/control/ctl_gather.h \
	src/control/ctl_session.c \
	src/control/ctl_session.h \
	src/control/line.c \
	src/control/line.h \
	src/control/login.c \
	src/control/login.h \
	src/control/output.c \
	src/control/output.h \
	src/control/roles.c \
	src/control/roles.h \
	src/control/words.c \
	src/control/words.h
