"""Fixtures of the screen's tests, which may be coroutines."""

import asyncio
import inspect

import pytest
from fake_session import FakeJournal, FakeSessions, make_app

from tui.app import DictationApp


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a test that is a coroutine."""
    if not inspect.iscoroutinefunction(pyfuncitem.function):
        return None
    names = inspect.signature(pyfuncitem.function).parameters
    asyncio.run(pyfuncitem.function(**{name: pyfuncitem.funcargs[name] for name in names}))
    return True


@pytest.fixture
def sessions() -> FakeSessions:
    return FakeSessions()


@pytest.fixture
def journal() -> FakeJournal:
    return FakeJournal()


@pytest.fixture
def app(sessions: FakeSessions, journal: FakeJournal) -> DictationApp:
    return make_app(sessions, journal)
