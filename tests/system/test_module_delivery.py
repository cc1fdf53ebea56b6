"""What modules decide about deliveries: results that are none, names of bindings of any length."""
import pytest

from harness import await_true
from harness.messages import EXACT
from harness.sdk import build
from harness.wire import Wire

pytestmark = pytest.mark.xdist_group("modules")


@pytest.fixture
def odd(installed, impulse, site, modules):
    build(installed, "odd", modules)
    impulse.environment["IMPULSE_MODULE_PATH"] = str(modules)
    return impulse


def send(odd, local):
    with Wire(odd.address) as client:
        client.greet()
        client.command("MAIL FROM:<a@sender.example>", 250)
        client.command(f"RCPT TO:<{local}@rcpt.example>", 250)
        client.command("DATA", 354)
        client.send(EXACT["plain"] + b".\r\n")
        assert client.reply().code == 250


@pytest.mark.parametrize("result", [3, 7, -1, 2147483647])
def test_a_result_that_is_none(odd, site, result):
    """It was the index of a read outside an array."""
    odd.start(site.config("odd { }\ndelivery_method = odd"))
    send(odd, result)
    record, = odd.await_log("T")
    assert '451 4.3.5 [internal] delivery_method "odd" gave no result' in record.line
    assert "a transient failure" in odd.await_panic(
        f'module odd: its delivery_method "odd" returned {result}, which is no result')


def test_the_results_that_there_are(odd, site):
    odd.start(site.config("odd { }\ndelivery_method = odd\ngenerate_bounces = false"))
    for result, kind in enumerate("DTP"):
        send(odd, result)
        odd.await_log(kind)
    assert "no result" not in odd.paniclog()


@pytest.mark.parametrize("size", [63, 64, 65, 500])
def test_the_name_of_a_binding_is_kept_whole(odd, site, capture, size):
    name = "b" * (size - 4) + "-end"
    odd.start(site.config(f'odd {{ binding = "{name}" }}\n'
                          f'Binding_Group "group" {{ Binding "{name}" {{ gateway = "127.0.0.1" '
                          f'remote_smtp_port = {capture.port} }} }}'))
    send(odd, "x")
    await_true(lambda: len(capture.messages) == 1, "the delivery, which the options of the binding say the way of")
    record, = odd.await_log("D")
    assert name in record.line and "group" in record.line
