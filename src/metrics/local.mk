noinst_LIBRARIES += src/metrics/libmetrics.a
src_metrics_libmetrics_a_SOURCES = \
	src/metrics/budget.c \
	src/metrics/budget.h \
	src/metrics/memory_guard.c \
	src/metrics/memory_guard.h \
	src/metrics/metric.c \
	src/metrics/metric.h \
	src/metrics/metric_cells.c \
	src/metrics/metric_cells.h \
	src/metrics/metric_labels.c \
	src/metrics/metric_labels.h \
	src/metrics/metric_text.c \
	src/metrics/metric_private.h
