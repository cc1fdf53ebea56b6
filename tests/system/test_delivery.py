"""What came with a message goes out with it, and what becomes of it when the next hop does not know an extension; several
recipients in one transaction."""
import pytest

from harness import await_true
from harness.capture import ALL_EXTENSIONS
from harness.exim import Exim
from harness.messages import EXACT, header, only_trace_added
from harness.postfix import Postfix
from harness.wire import Wire

EVERYTHING = 'SMTP_Extensions = ( "8BITMIME" "SMTPUTF8" "DSN" "CHUNKING" "BINARYMIME" "ENHANCEDSTATUSCODES" )'
NO_BOUNCES = "generate_bounces = false\n"


def hand_over(impulse, mail, *recipients, content=EXACT["plain"]):
    """One message; `mail` and `recipients` are MAIL and RCPT after the colon, with their parameters."""
    with Wire(impulse.address) as client:
        client.greet()
        client.command(f"MAIL FROM:{mail}\r\n".encode(), 250)
        for recipient in recipients:
            client.command(f"RCPT TO:{recipient}\r\n".encode(), 250)
        client.command("DATA", 354)
        client.send(content + b".\r\n")
        assert client.reply().code == 250


def test_parameters_go_out_as_they_came(impulse, site, captures):
    capture = captures(extensions=ALL_EXTENSIONS)
    impulse.start(site.config(listener=EVERYTHING, to=capture))
    hand_over(impulse, "<a@sender.example> RET=HDRS ENVID=QQ+2B314 BODY=8BITMIME",
              "<b@rcpt.example> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;B+2B@RCPT.example", "<c@rcpt.example> NOTIFY=NEVER")
    message, = capture.wait()
    mail, *recipients = message.commands
    assert mail == f"MAIL FROM:<a@sender.example> SIZE={len(message.content)} BODY=8BITMIME RET=HDRS ENVID=QQ+2B314"
    assert recipients == ["RCPT TO:<b@rcpt.example> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;B+2B@RCPT.example",
                          "RCPT TO:<c@rcpt.example> NOTIFY=NEVER"]
    only_trace_added(message.content, EXACT["plain"])


def test_parameters_are_for_who_offers_them(impulse, site, captures):
    capture = captures(extensions=())
    impulse.start(site.config(listener=EVERYTHING, to=capture))
    hand_over(impulse, "<a@sender.example> RET=HDRS ENVID=1 BODY=8BITMIME SMTPUTF8", "<b@rcpt.example> NOTIFY=NEVER")
    assert capture.wait()[0].commands == ["MAIL FROM:<a@sender.example>", "RCPT TO:<b@rcpt.example>"]


# ---- SMTPUTF8 ----------------------------------------------------------------------------------------------------

def test_utf8_goes_where_it_is_offered(impulse, site, captures):
    capture = captures(extensions=ALL_EXTENSIONS)
    impulse.start(site.config(listener=EVERYTHING, to=capture))
    content = header("Subject: Grüße".encode()) + b"x\r\n"
    hand_over(impulse, "<ä@sender.example> SMTPUTF8", "<ö@rcpt.example>", content=content)
    message, = capture.wait()
    assert "SMTPUTF8" in message.commands[0].split()
    assert message.recipients == ["ö@rcpt.example".encode().decode("latin-1")]
    assert message.content.endswith(content)


@pytest.mark.parametrize("sender, recipient, content, code", [
    ("ä@sender.example", "b@rcpt.example", EXACT["plain"], "553 5.6.7 "),
    ("a@sender.example", "ö@rcpt.example", EXACT["plain"], "553 5.6.7 "),
    ("a@sender.example", "b@rcpt.example", header("X: Grüße".encode()), "554 5.6.9 "),
    ("a@sender.example", "b@rcpt.example", EXACT["8-bit"], None),
], ids=["sender", "recipient", "header", "body"])
def test_utf8_elsewhere(impulse, site, captures, sender, recipient, content, code):
    """What is not ASCII but by its body goes all the same; the rest fails for good."""
    capture = captures()
    impulse.start(site.config(NO_BOUNCES, EVERYTHING, to=capture))
    hand_over(impulse, f"<{sender}> BODY=8BITMIME SMTPUTF8", f"<{recipient}>", content=content)
    if code is None:
        assert capture.wait()[0].content.endswith(content)
        return
    record, = impulse.await_log("P")
    assert record.text.startswith(code + "[internal] ") and "SMTPUTF8" in record.text
    assert not capture.messages


# ---- BINARYMIME, REQUIRETLS --------------------------------------------------------------------------------------

BINARY = header() + b".\r\n\r\n.\r\nMAIL FROM:<evil@x.example>\r\n\n.\n\r.\r\0" + bytes(range(256)) * 2000 + b"no end"


def hand_over_binary(impulse):
    with Wire(impulse.address) as client:
        client.greet()
        client.command("MAIL FROM:<a@sender.example> BODY=BINARYMIME", 250)
        client.command("RCPT TO:<b@rcpt.example>", 250)
        client.command("RCPT TO:<c@rcpt.example>", 250)
        client.command(b"BDAT 1000\r\n" + BINARY[:1000], 250)
        client.command(b"BDAT %d LAST\r\n" % len(BINARY[1000:]) + BINARY[1000:], 250)


@pytest.mark.parametrize("method", ["esmtp", "lmtp"])
def test_binary_goes_as_it_is(impulse, site, captures, method):
    capture = captures(extensions=ALL_EXTENSIONS, lmtp=method == "lmtp")
    impulse.start(site.config(f"delivery_method = {method}\nlmtp_port = {capture.port}", EVERYTHING, to=capture))
    hand_over_binary(impulse)
    impulse.await_log("D", 2)
    only_trace_added(capture.messages[0].content, BINARY)
    assert "BODY=BINARYMIME" in capture.messages[0].commands[0].split()
    assert sorted(r for m in capture.messages for r in m.recipients) == ["b@rcpt.example", "c@rcpt.example"]


def test_binary_elsewhere(impulse, site, captures):
    capture = captures(extensions=("PIPELINING", "CHUNKING"))
    impulse.start(site.config(NO_BOUNCES, EVERYTHING, to=capture))
    hand_over_binary(impulse)
    for record in impulse.await_log("P", 2):
        assert record.text.startswith("554 5.6.1 [internal] ") and "BINARYMIME" in record.text
    assert not capture.messages


def test_requiretls_comes_back(impulse, site, capture, certificates):
    """It was promised TLS all the way. The notification needs none, and holds nothing of the body."""
    impulse.start(site.config("bounces_inline_original = all", f'''SMTP_Extensions = ( "STARTTLS" "REQUIRETLS" )
  TLS_Certificate = "{certificates.certificate}"
  TLS_Key = "{certificates.key}"''', to=capture))
    with Wire(impulse.address) as client:
        client.greet()
        client.command("STARTTLS", 220)
        client.start_tls(certificates.any_context())
        client.command("EHLO client.example", 250)
        client.command("MAIL FROM:<a@sender.example> REQUIRETLS", 250)
        client.command("RCPT TO:<b@rcpt.example>", 250)
        client.command("DATA", 354)
        client.send(header() + b"the secret\r\n.\r\n")
        assert client.reply().code == 250
    assert impulse.await_log("P")[0].text.startswith("550 5.7.30 [internal] ")
    notification, = capture.wait()
    assert notification.sender == "" and notification.recipients == ["a@sender.example"]
    assert b"Status: 5.7.30" in notification.content and b"the secret" not in notification.content


# ---- several recipients ------------------------------------------------------------------------------------------

def test_recipients_of_a_domain_share_a_transaction(impulse, site, capture):
    impulse.start(site.config("max_outbound_connections = 1\nmax_recipients_per_batch = 20", to=capture))
    recipients = [f"<r{i}@{domain}.example>" for i in range(50) for domain in ("x", "y")]
    hand_over(impulse, "<a@sender.example>", *recipients)
    records = impulse.await_log("D", 100)
    assert len({record.message for record in records}) == 100 and len({record.batch for record in records}) == 1
    assert {record.size for record in records} == {str(len(capture.messages[0].content))}
    assert sorted(f"<{r}>" for m in capture.messages for r in m.recipients) == sorted(recipients)
    for message in capture.messages:
        assert len(message.recipients) <= 20 and len({r.split("@")[1] for r in message.recipients}) == 1
    # The first of them may have gone before the last had come to the queue.
    assert len(capture.messages) <= 10


def test_bifurcate_always(impulse, site, capture):
    impulse.start(site.config(listener="batch_handling = bifurcate_always", to=capture))
    hand_over(impulse, "<a@sender.example>", *(f"<r{i}@x.example>" for i in range(5)))
    assert all(len(message.recipients) == 1 for message in capture.wait(5))


def test_each_recipient_has_its_own_fate(impulse, site, captures):
    """Refused, put off, too many for now: what is said to one RCPT is about that recipient."""
    replies = {"no@x.example": b"550 5.1.1 no such user", "later@x.example": b"450 4.2.1 later"}

    def behave(session, verb, line):
        if verb != "RCPT":
            return None
        accepted = sum(command.startswith("RCPT") for command in session.transaction()) - 1
        return replies.get(line.split("<")[1].split(">")[0]) or (b"452 4.5.3 too many" if accepted >= 3 else None)

    capture = captures(behave=behave)
    impulse.start(site.config(NO_BOUNCES + "retry_interval = 1000\nmax_outbound_connections = 1", to=capture))
    good = [f"r{i}@x.example" for i in range(6)]
    hand_over(impulse, "<a@sender.example>", *(f"<{r}>" for r in ("no@x.example", "r0@x.example", "later@x.example",
                                                                  *good[1:])))
    impulse.await_log("D", 6)
    assert [record.text for record in impulse.await_log("P")] == [replies["no@x.example"].decode()]
    assert [record.text for record in impulse.await_log("T")] == [replies["later@x.example"].decode()]
    assert sorted(r for m in capture.messages for r in m.recipients) == good


# ---- real servers ------------------------------------------------------------------------------------------------

def test_postfix(impulse, site, captures):
    """Postfix takes parameters and recipients as we say them, and says them to the next one."""
    capture = captures(extensions=ALL_EXTENSIONS)
    with Postfix(site.directory / "postfix", capture.address) as postfix:
        impulse.start(site.config(listener=EVERYTHING, to=postfix))
        content = header("Subject: Grüße".encode()) + EXACT["dots"]
        hand_over(impulse, "<ä@sender.example> SMTPUTF8 BODY=8BITMIME RET=HDRS ENVID=QQ314", "<ö@x.example> NOTIFY=DELAY",
                  "<b@x.example> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;B@x.example",
                  content=content.replace(b"\r\n.", b"\r\n.."))
        impulse.await_log("D", 2)
        message, = capture.wait(1, 30)
        assert message.content.endswith(content)
        words = message.commands[0].split()
        assert {"SMTPUTF8", "RET=HDRS", "ENVID=QQ314"} <= set(words), words
        said = sorted(command.split("> ")[1] for command in message.commands[1:])
        assert said == ["ORCPT=rfc822;+C3+B6@x.example NOTIFY=DELAY", "ORCPT=rfc822;B@x.example NOTIFY=SUCCESS,FAILURE"]
        assert postfix.log().count("message-id=") == 1, postfix.log()
        await_true(lambda: "status=sent" in postfix.log(), "Postfix sent it on")


@pytest.mark.parametrize("make", [
    lambda folder, address: Postfix(folder, address, {"smtpd_recipient_limit": 2, "smtpd_recipient_overshoot_limit": 1}),
    lambda folder, address: Exim(folder, address, main="recipients_max = 2"),
], ids=["postfix", "exim"])
def test_a_server_that_takes_two_recipients(impulse, site, capture, make):
    """The others go in the next transaction, not when their retry_interval is over."""
    with make(site.directory / "next", capture.address) as server:
        impulse.start(site.config("retry_interval = 1000\nmax_outbound_connections = 1", to=server))
        recipients = [f"r{i}@x.example" for i in range(7)]
        hand_over(impulse, "<a@sender.example>", *(f"<{recipient}>" for recipient in recipients))
        impulse.await_log("D", 7)
        assert not impulse.mainlog("T") + impulse.mainlog("P")
        await_true(lambda: sorted(r for m in capture.messages for r in m.recipients) == recipients, "all of them", 30)
