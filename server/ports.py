"""Whether a port can be listened on; and if not, whether a server of ours is there already."""

import socket
import urllib.error
import urllib.request

from streaming.findings import Finding

GROUP = "Ports"
ASK_S = 1.0


def port(name: str, host: str, number: int, path: str, ours: bytes) -> Finding:
    """`path`: where a server of ours answers with something that begins with or holds `ours`."""
    where = f"{number} on {host}"
    if not 0 <= number < 65_536:
        return Finding(GROUP, name, "wrong", f"{number} is no port: use 0 to 65535")
    try:
        _listen(host, number)
    except OSError as error:
        if _answers(host, number, path, ours):
            return Finding(GROUP, name, "note", f"{where} is taken: a Surtitle server is running")
        reason = (error.strerror or str(error)).lower()
        says = f"cannot listen on {where}: {reason}"
        return Finding(GROUP, name, "note", says, f"surtitle serve --{name.replace(' ', '-')} 0")
    return Finding(GROUP, name, "ok", f"{where} is free" if number else "any free one")


def _listen(host: str, number: int) -> None:
    """As the server would. OSError: no."""
    family, _, _, _, address = socket.getaddrinfo(host, number, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, socket.SOCK_STREAM) as made:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
        made.listen(1)


def _answers(host: str, number: int, path: str, ours: bytes) -> bool:
    """Whether who is there talks as we do."""
    named = f"[{host}]" if ":" in host else host
    # Nobody's proxy knows what listens on this machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://{named}:{number}{path}", timeout=ASK_S) as answer:
            return ours in answer.read(100_000)
    except (OSError, ValueError, urllib.error.URLError):
        return False
    except Exception:  # http.client's errors: it is no web server
        return False
