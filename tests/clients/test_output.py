"""What of a conversation becomes subtitles: our own lines, whoever we were when."""

from msgspec.structs import replace

from clients.output import Output
from tests.clients.fakes import WELCOME, caption


def test_lines_from_before_a_server_began_anew_are_subtitles_too() -> None:
    output = Output(to="es")
    output.push(WELCOME)
    output.push(caption("uno", speaker="me", language="es", final=True))
    output.push(replace(WELCOME, epoch="e2", participant="p9"))
    output.push(caption("dos", speaker="p9", language="es", final=True))
    output.push(caption("otro", speaker="me", language="es", final=True))
    assert [line.text for line in output.wanted()] == ["uno", "dos"]
