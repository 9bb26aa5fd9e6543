"""The Vosk WebSocket server, as vosk-server's own test clients use it, and as others do."""

import json
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import hostile
import pytest
import serving
from serving import House, ask, by_vosk, call, pcm
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection

from asr_app.audio.types import Samples
from asr_app.daemon.listening import Binding

SAID = "__tan" + "_" * 8 + "sat" + "_" * 3
Open = Callable[..., House]

house, open_house = serving.house, serving.open_house


@pytest.fixture
def sound(whistle: Callable[..., Samples]) -> bytes:
    return pcm(whistle(SAID))


def closed(client: ClientConnection) -> tuple[int, str]:
    """The code and the reason with which the server closes."""
    try:
        while client.recv(20):
            pass
    except ConnectionClosed as error:
        if error.rcvd:
            return error.rcvd.code, error.rcvd.reason
    raise AssertionError("the server did not say why it closed")


def test_as_its_test_client(house: House, sound: bytes) -> None:
    with call(house.vosk_port) as client:
        client.send('{ "config" : { "sample_rate" : 16000 } }')
        replies = [ask(client, sound[at : at + 6400]) for at in range(0, len(sound), 6400)]
        last = ask(client, '{"eof" : 1}')
        assert closed(client)[0] == 1000
    assert all(set(reply) in ({"partial"}, {"result", "text"}) for reply in replies)
    results = [reply for reply in [*replies, last] if reply.get("text")]
    assert " ".join(reply["text"] for reply in results) == "tan sat"
    words = [word for reply in results for word in reply["result"]]
    assert [word["word"] for word in words] == ["tan", "sat"]
    assert all(set(word) == {"conf", "start", "end", "word"} and 0 <= word["conf"] <= 1 for word in words)
    assert [word["start"] for word in words] == pytest.approx([0.4, 2.6], abs=0.2)


def test_as_its_client_for_subtitles(house: House, sound: bytes) -> None:
    """No config, a WAV header heard as sound, and odd pieces."""
    wav = b"RIFF" + bytes(40) + sound
    with call(house.vosk_port) as client:
        replies = [ask(client, wav[at : at + 8001]) for at in range(0, len(wav), 8001)]
        replies.append(ask(client, '{"eof":1}'))
    assert [word["word"] for reply in replies for word in reply.get("result", [])] == ["tan", "sat"]


def test_another_rate(house: House, whistle: Callable[..., Samples]) -> None:
    assert by_vosk(house.vosk_port, pcm(whistle(SAID, rate=8_000)), 8_000) == "tan sat"


def test_without_words_and_with_alternatives(house: House, sound: bytes) -> None:
    with call(house.vosk_port) as client:
        client.send('{"config": {"words": false, "max_alternatives": 3, "phrase_list": ["tan", "[unk]"]}}')
        ask(client, sound)
        (only,) = ask(client, '{"eof" : 1}')["alternatives"]
    assert only["text"] == "tan sat"
    assert set(only) == {"text", "confidence"}


def test_phrases_are_expected(house: House, sound: bytes) -> None:
    with call(house.vosk_port) as client:
        client.send('{"config": {"phrase_list": ["Tan", "sat nas", "[unk]", "7/3 %"]}}')
        ask(client, sound)
        assert ask(client, '{"eof" : 1}')["text"] == "Tan sat"


def test_a_reset_tells_the_rest_and_time_goes_on(house: House, sound: bytes) -> None:
    with call(house.vosk_port) as client:
        assert ask(client, '{"reset" : 1}') == {"text": ""}
        ask(client, sound)
        assert ask(client, '{"reset":1}')["text"] == "tan sat"
        ask(client, sound)
        again = ask(client, '{"eof":1}')
    assert again["text"] == "tan sat"
    assert again["result"][0]["start"] == pytest.approx(len(sound) / 32_000 + 0.4, abs=0.2)


def test_sound_that_comes_too_fast_waits_and_is_not_lost(open_house: Open, sound: bytes) -> None:
    with open_house(queue_s=0.5) as house, call(house.vosk_port) as client:
        for _ in range(4):
            client.send(sound)
        replies = [json.loads(client.recv(20)) for _ in range(4)] + [ask(client, '{"eof":1}')]
    assert " ".join(reply["text"] for reply in replies if reply.get("text")) == " ".join(["tan sat"] * 4)


@pytest.mark.parametrize(
    ("message", "code", "reason"),
    [
        ("{", 1007, "no JSON: send samples"),
        pytest.param("[" * 5000, 1007, "no JSON", id="deep"),
        ("[1]", 1007, "no JSON object"),
        ('{"sample_rate": 16000}', 1007, "neither config, eof nor reset"),
        ('{"config": 3}', 1007, "a config that is no object"),
        ('{"config": {"sample_rate": 1e12}}', 1007, "a sample rate of"),
        ('{"config": {"sample_rate": NaN}}', 1007, "a sample rate of nan"),
        ('{"config": {"max_alternatives": "many"}}', 1007, "max_alternatives"),
        ('{"config": {"phrase_list": "tan"}}', 1007, "no list of texts"),
        ('{"config": {"phrase_list": [3]}}', 1007, "no list of texts"),
        pytest.param(json.dumps({"config": {"phrase_list": ["a"] * 101}}), 1007, "more than 100 phrases", id="phrases"),
        pytest.param(bytes(200_001), 1009, "", id="large"),
        ("", 1007, "no JSON"),
    ],
)
def test_what_is_refused(house: House, sound: bytes, message: str | bytes, code: int, reason: str) -> None:
    with call(house.vosk_port) as client:
        client.send(message)
        found = closed(client)
    assert found[0] == code
    assert reason in found[1]
    assert by_vosk(house.vosk_port, sound) == "tan sat"


def test_too_many(open_house: Open) -> None:
    with open_house(clients=1, streams=1) as house, call(house.vosk_port) as first:
        ask(first, bytes(100))
        with pytest.raises(InvalidStatus) as caught:
            call(house.vosk_port)
        assert caught.value.response.status_code == 503
        assert b"1 clients are connected" in caught.value.response.body
    with open_house(streams=1) as house, call(house.vosk_port) as first, call(house.vosk_port) as second:
        ask(first, bytes(100))
        second.send(bytes(100))
        assert closed(second) == (1013, "1 streams are open, and no more may be: try again later")


def test_slow_clients_are_closed(open_house: Open) -> None:
    with open_house(idle_s=0.3) as house:
        with call(house.vosk_port) as silent:
            assert closed(silent) == (1008, "nothing was sent or taken for 0.3 s: connect again")
        with hostile.upgraded(house.vosk_port) as half:
            half.sendall(hostile.frame(bytes(10), size=1000))
            answer = half.recv(200)
            assert b"nothing was sent" in answer
        with hostile.dial(house.vosk_port) as unspoken:
            unspoken.sendall(b"GET / HT")
            unspoken.settimeout(20)
            assert unspoken.recv(100) == b""


def test_a_key_is_asked_for(open_house: Open, sound: bytes) -> None:
    with open_house(binding=Binding(api_key="sesame")) as house:
        for headers in ({}, {"Authorization": "Bearer simsim"}):
            with pytest.raises(InvalidStatus) as caught:
                call(house.vosk_port, additional_headers=headers)
            assert caught.value.response.status_code == 401
        with call(house.vosk_port, additional_headers={"Authorization": "Bearer sesame"}) as client:
            assert ask(client, sound)


def test_a_stream_that_fails_says_so(house: House, monkeypatch: pytest.MonkeyPatch, sound: bytes) -> None:
    with call(house.vosk_port) as client:
        ask(client, bytes(100))

        def fail(*_: Any) -> None:
            raise RuntimeError("no memory")

        monkeypatch.setattr("asr_app.recognizer.RecognizerSession.feed", fail)
        client.send(sound)
        client.send('{"eof":1}')
        code, reason = closed(client)
    assert code == 1011
    assert reason.startswith("internal error: RuntimeError: no memory")


def test_the_end_of_the_daemon_is_told(open_house: Open) -> None:
    with ExitStack() as clients:
        with open_house() as house:
            client = clients.enter_context(call(house.vosk_port))
            ask(client, bytes(100))
        assert closed(client)[0] == 1001
