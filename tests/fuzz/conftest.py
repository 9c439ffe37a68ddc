"""Of whatever was decoded here nothing is left, and no crash of it stands in the log."""

import gc
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

HERE = Path(__file__).parent
LARGE = pytest.mark.filterwarnings("ignore:Generating overly large repr")  # they are meant to be


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(LARGE)
            item.add_marker(pytest.mark.slow)  # with few tries they find nothing new


@pytest.fixture(autouse=True)
def nothing_is_left_behind(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """No descriptor, no thread, no traceback. Tasks are `promise.tasks_are_as_before`."""
    me = psutil.Process()
    files, threads = me.num_fds(), set(threading.enumerate())
    yield
    if me.num_fds() > files:
        gc.collect()
    assert me.num_fds() <= files, "descriptors are left"
    assert not [one for one in threading.enumerate() if one not in threads and not one.daemon]
    records = [one for when in ("setup", "call") for one in caplog.get_records(when)]
    crashed = [one for one in records if one.exc_info or one.name.startswith("aiohttp")]
    assert not crashed, crashed[0].getMessage()
