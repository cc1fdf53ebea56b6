## Load tools, built with everything else and run by hand; none runs for longer than a minute.
noinst_PROGRAMS += tests/load/spool_bench
tests_load_spool_bench_SOURCES = tests/load/spool_bench.c
tests_load_spool_bench_LDADD = src/spool/libspool.a src/message/libmessage.a src/metrics/libmetrics.a \
	src/event/libevent.a src/log/liblog.a src/base/libbase.a \
	$(DEP_LIBS)
tests_load_spool_bench_LDFLAGS = $(HARDEN_LDFLAGS) -pthread

noinst_PROGRAMS += tests/load/conf_bench
tests_load_conf_bench_SOURCES = tests/load/conf_bench.c
tests_load_conf_bench_LDADD = confparse/libconfparse.a $(PCRE2_LIBS) -lm
tests_load_conf_bench_LDFLAGS = $(HARDEN_LDFLAGS)

noinst_PROGRAMS += tests/load/metric_bench
tests_load_metric_bench_SOURCES = tests/load/metric_bench.c
tests_load_metric_bench_LDADD = src/metrics/libmetrics.a src/log/liblog.a src/base/libbase.a
tests_load_metric_bench_LDFLAGS = $(HARDEN_LDFLAGS) -pthread
