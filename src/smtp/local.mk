noinst_LIBRARIES += src/smtp/libsmtp.a
src_smtp_libsmtp_a_SOURCES = \
	src/smtp/acceptance.c src/smtp/acceptance.h \
	src/smtp/address.c src/smtp/address.h \
	src/smtp/auth.c src/smtp/auth.h \
	src/smtp/auth_check.c \
	src/smtp/cmd_auth.c \
	src/smtp/cmd_bdat.c \
	src/smtp/cmd_data.c \
	src/smtp/cmd_hello.c \
	src/smtp/cmd_mail.c \
	src/smtp/cmd_rcpt.c \
	src/smtp/cmd_simple.c \
	src/smtp/cmd_xclient.c \
	src/smtp/cmd_xcontext.c \
	src/smtp/cmd_xremoteip.c \
	src/smtp/cmd_starttls.c \
	src/smtp/command.h \
	src/smtp/data_reader.c src/smtp/data_reader.h \
	src/smtp/extension.c src/smtp/extension.h \
	src/smtp/extension_check.c \
	src/smtp/generation.c \
	src/smtp/listen_policies.c src/smtp/listen_policies.h src/smtp/listen_terms.h \
	src/smtp/message_throttle.c src/smtp/message_throttle.h \
	src/smtp/offers.c src/smtp/offers.h \
	src/smtp/parameter.c src/smtp/parameter.h \
	src/smtp/path.c src/smtp/path.h \
	src/smtp/pathway_check.c \
	src/smtp/policy.c src/smtp/policy.h \
	src/smtp/policy_auth.c src/smtp/policy_auth.h \
	src/smtp/policy_content.c src/smtp/policy_content.h \
	src/smtp/policy_tls.c src/smtp/policy_tls.h \
	src/smtp/policy_table.c src/smtp/policy_table.h \
	src/smtp/protocol.c src/smtp/protocol.h \
	src/smtp/rejection.c src/smtp/rejection.h \
	src/smtp/replies.def src/smtp/reply.c src/smtp/reply.h \
	src/smtp/scope_state.c src/smtp/scope_state.h \
	src/smtp/server.c src/smtp/server.h \
	src/smtp/session.c src/smtp/session.h \
	src/smtp/session_limits.c src/smtp/session_limits.h \
	src/smtp/stand_in.c src/smtp/stand_in.h \
	src/smtp/session_tls.c src/smtp/session_tls.h \
	src/smtp/session_open.c \
	src/smtp/session_throttle.c src/smtp/session_throttle.h \
	src/smtp/transaction.c src/smtp/transaction.h src/smtp/transaction_private.h \
	src/smtp/transaction_commit.c \
	src/smtp/transaction_content.c \
	src/smtp/transaction_envelopes.c \
	src/smtp/transaction_header.c \
	src/smtp/worker.c src/smtp/worker.h
