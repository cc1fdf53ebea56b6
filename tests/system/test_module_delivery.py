"""What modules decide about deliveries: results that are none, names of bindings of any length."""
import pytest

from harness import await_true
from harness.messages import EXACT
from harness.wire import Wire


@pytest.fixture
def odd(with_modules):
    return with_modules("odd")


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


@pytest.mark.parametrize("lines", [0, 1, 4000])
def test_reading_to_the_end(odd, site, lines):
    """Also what is empty, and what is larger than what the daemon reads at once; a cursor does not disturb it."""
    odd.start(site.config("odd { debug_level = NOTICE }\ndelivery_method = odd\n"
                          "rfc2822_trace_headers = false\nrfc2822_date_header = ignore\n"
                          "rfc2822_messageid_header = ignore\nrfc2822_missing_headers = allow"))
    content = (b"Subject: x\r\n\r\n" if lines else b"") + lines * (b"0123456789" * 7 + b"\r\n")
    with Wire(odd.address) as client:
        client.greet()
        client.command("MAIL FROM:<a@sender.example>", 250)
        client.command("RCPT TO:<count@rcpt.example>", 250)
        client.command("DATA", 354)
        client.send(content + b".\r\n")
        assert client.reply().code == 250
    size = len(content)
    odd.await_panic(f"read {size}, seen {size} of {size}, then 0")


@pytest.mark.parametrize("wrong, said", [
    ("size", "imp_delivery_method: the method's size is not set"),
    ("name", 'delivery_method "LMTP" of module odd is already registered by the SMTP client'),
    ("pool", 'imp_delivery_method: there is no ThreadPool "deep end"'),
])
def test_a_method_that_cannot_be(odd, site, wrong, said):
    assert f"module odd: {said}" in odd.failed_start(site.config(f"odd {{ wrong = {wrong} }}"))


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
