/*
 * sdk_timer: timers of modules; a libuv timer each.
 */
#include "impulse/timer.h"

#include "base/mem.h"
#include "sdk/sdk_loop.h"

struct imp_timer {
    struct sdk_open open;
    uv_timer_t timer;
    struct runner runner;
    void (*fired)(struct imp_timer *timer, void *closure);
    void *closure;
};

static void on_closed(uv_handle_t *handle)
{
    struct imp_timer *timer = handle->data;
    sdk_open_closed(&timer->open);
    free(timer);
}

static void close_timer(struct sdk_open *open)
{
    struct imp_timer *timer = container_of(open, struct imp_timer, open);
    sdk_open_closing(open);
    uv_close((uv_handle_t *)&timer->timer, on_closed);
}

static void on_timer(uv_timer_t *uv)
{
    struct imp_timer *timer = uv->data;
    const struct runner *outer = runner_enter(&timer->runner);
    timer->fired(timer, timer->closure); /* which may free it: that takes a turn */
    runner_leave(outer);
}

struct imp_timer *imp_timer_create(struct imp_module *module,
                                   void (*fired)(struct imp_timer *timer, void *closure), void *closure)
{
    if (!fired) {
        module_name_misuse(module, "imp_timer_create: a function is required");
        return NULL;
    }
    struct imp_timer *timer = mem_new(struct imp_timer);
    if (!sdk_open_add(&timer->open, module, close_timer)) {
        free(timer);
        return NULL;
    }
    uv_timer_init(loop_uv(loop_current()), &timer->timer);
    timer->timer.data = timer;
    timer->runner = (struct runner){module->label, "its timer", ""};
    timer->fired = fired;
    timer->closure = closure;
    return timer;
}

void imp_timer_start(struct imp_timer *timer, uint64_t delay_ms, uint64_t repeat_ms)
{
    if (!timer || timer->open.closing)
        return;
    loop_renew_now(loop_current()); /* what the caller did until now is not part of the delay */
    uv_timer_start(&timer->timer, on_timer, delay_ms, repeat_ms);
}

void imp_timer_stop(struct imp_timer *timer)
{
    if (timer)
        uv_timer_stop(&timer->timer);
}

bool imp_timer_is_running(const struct imp_timer *timer)
{
    return timer && uv_is_active((const uv_handle_t *)&timer->timer);
}

uint64_t imp_timer_left(const struct imp_timer *timer)
{
    return imp_timer_is_running(timer) ? uv_timer_get_due_in(&timer->timer) : 0;
}

void imp_timer_free(struct imp_timer *timer)
{
    if (timer && !timer->open.closing)
        close_timer(&timer->open);
}
