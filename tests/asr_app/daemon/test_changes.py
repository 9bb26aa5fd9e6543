"""Another model, other settings, other words while the daemon runs."""

import asyncio
from collections.abc import Callable

import control_house
import pytest
from control_house import House

from asr_app.typing.pace import CommittedWords
from asr_app.words.vocabulary import Entry

at_home = control_house.at_home


def test_an_engine_that_is_replaced_while_the_source_opens_still_hears_it(at_home: Callable[..., None]) -> None:
    async def scene(house: House) -> None:
        client, loop = await house.client(), asyncio.get_running_loop()
        house.before_source = lambda: asyncio.run_coroutine_threadsafe(house.service.reload(), loop).result(60)
        assert (await client.ask("start"))["changed"]
        await house.service._dictation.drain(60)
        assert house.loads == 2
        assert house.sink.texts == ["tan", "sat", "nas"]

    at_home(scene)


def test_settings_change_and_what_fails_changes_nothing(at_home: Callable[..., None]) -> None:
    async def scene(house: House) -> None:
        client = await house.client()
        engine = house.service.engine
        assert "no CUDA" in (await client.ask("set", device="cuda"))["error"]
        assert "'tlh'" in (await client.ask("set", language="tlh"))["error"]
        assert "/etc" in (await client.ask("set", model="/etc"))["error"]
        assert "'colour'" in (await client.ask("set", colour="red"))["error"]
        assert house.service.engine is engine
        assert await client.ask("set", language="en") == {"ok": True, "model": "english", "device": "cpu"}
        assert house.service.engine is not engine

    at_home(scene)


def test_words_reach_the_take_in_progress(at_home: Callable[..., None]) -> None:
    async def scene(house: House) -> None:
        house.pace = 4.0
        await house.service.start()
        house.words = [Entry("Nas")]
        await house.service.reload_words()
        await house.service._dictation.drain(60)
        assert house.sink.texts == ["tan", "sat", "Nas"]

    at_home(scene)


def test_changes_that_come_at_once_undo_none_of_each_other(at_home: Callable[..., None]) -> None:
    """A load takes seconds; what comes meanwhile goes on from its settings, not from those before."""

    async def scene(house: House) -> None:
        service = house.service
        answers = await asyncio.gather(
            service.set(device="auto"), service.reload_words(), service.set(language="en"), service.reload_words()
        )
        assert answers[2] == {"model": "english", "device": "auto"}
        assert (service.settings.device, house.loads) == ("auto", 5)

    at_home(scene)


def test_a_model_that_is_named_goes_before_that_of_the_language(
    at_home: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("asr_app.daemon.service.installed_models", lambda: ["larger"])

    async def scene(house: House) -> None:
        answer = await (await house.client()).ask("set", model="larger", language="en")
        assert answer["model"] == house.service.settings.model == "larger"

    at_home(scene)


def test_settings_that_are_read_again(at_home: Callable[..., None], caplog: pytest.LogCaptureFixture) -> None:
    async def scene(house: House) -> None:
        engine, dictation = house.service.engine, house.service._dictation
        before = house.settings
        house.settings = before.model_copy(update={"device": "mps"})
        await house.service.reload()
        assert house.service.engine is engine
        assert "were not reloaded: internal error: RuntimeError: MPS backend out of memory" in caplog.text
        house.settings = before.model_copy(update={"pace": "committed", "sink": "stdout"})
        await house.service.reload()
        assert isinstance(dictation.pace, CommittedWords)
        assert "the new setting 'sink' is for the next start: restart the daemon" in caplog.text
        assert "limits" not in caplog.text
        house.settings = before
        await house.service.reload()
        assert dictation.pace is None

    at_home(scene)
