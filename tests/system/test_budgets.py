"""How much of something modules may have at once: options, metrics, and what is answered and said when it is full."""
import pytest

from harness import await_true
from harness.console import Console
from harness.wire import Wire
from test_metrics import metrics


@pytest.fixture
def office(with_modules, site):
    impulse = with_modules("inject_demo", "misbehaves")
    impulse.path = site.directory / "2025"
    impulse.text = lambda outer: site.config(f'{outer}\nControl_Listener {{ Listen "{impulse.path}" {{ }} }}\n')
    return impulse


def budget(office, name):
    shown = metrics(office, "impulse_budget_")
    return tuple(int(shown[f'impulse_budget_{what}{{budget="{name}"}}']) for what in ("used", "limit", "refused_total"))


def test_defaults(office):
    office.start(office.text(""))
    limits = {name: budget(office, name)[1] for name in
              ("arriving_content", "edits", "injections", "injection_memory", "metric_series", "streams",
               "suspensions")}
    assert 32 << 20 <= limits.pop("arriving_content") <= 1 << 30
    assert limits == {"edits": 256 << 20, "injections": 10000, "injection_memory": 64 << 20, "metric_series": 10000,
                      "streams": 10000, "suspensions": 100000}
    assert 50 < budget(office, "metric_series")[0] < 1000


def test_injections(office):
    office.start(office.text("module_max_injections = 1\ninject_demo { }\nsuspend_delivery = true"))
    with Console(office.path, seconds=60) as console:
        said = console.run("inject burst 2000 a@sender.example b@rcpt.example")
    refused = int(said.split(", ")[2].split()[0])
    assert refused > 0 and budget(office, "injections") == (0, 1, refused)
    assert "no more than 1 messages that modules inject at a time (module_max_injections)" in \
        office.await_panic("no more than")


def test_suspensions(office):
    office.start(office.text('module_max_suspensions = 1\nmisbehaves { what = "never" }'))
    with Wire(office.address) as first, Wire(office.address) as second:
        for client in (first, second):
            client.greet()
            client.command("MAIL FROM:<a@sender.example>", 250)
        first.send(b"RCPT TO:<b@rcpt.example>\r\n")
        await_true(lambda: budget(office, "suspensions")[0] == 1, "the first waits")
        assert second.command("RCPT TO:<b@rcpt.example>").text.startswith("451 4.3.0")
        assert budget(office, "suspensions") == (1, 1, 1)
        assert "as many calls are suspended as module_max_suspensions allows" in office.await_panic("no suspension")
    await_true(lambda: budget(office, "suspensions")[0] == 0, "it has left")


def test_a_reload_changes_limits(office):
    office.start(office.text("module_max_streams = 7"))
    assert budget(office, "streams") == (0, 7, 0)
    office.write(office.text("module_max_streams = 8"))
    office.reload()
    await_true(lambda: budget(office, "streams")[1] == 8, "the new limit")


@pytest.mark.parametrize("mistake", ["module_max_streams = 0", "module_max_suspensions = 5000000",
                                     "metric_max_series = 10", "module_injection_memory = 1000"])
def test_limits_that_are_none(office, mistake):
    with pytest.raises(AssertionError, match=mistake.split()[0]):
        office.start(office.text(mistake))
