"""Serve this machine's local package indexes to builds in containers, which don't see its files.

Prints a pip.conf for a container on the host's network: pip's own settings, with every file:// index and folder
replaced by a server on the loopback interface, which lives as long as this program.
"""

import functools
import subprocess
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlparse

ADDRESSES = ("index-url", "extra-index-url", "find-links")
KEPT = (*ADDRESSES, "trusted-host", "timeout", "default-timeout", "retries")


class Quiet(SimpleHTTPRequestHandler):
    """Without a line for each request."""

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


def served(address: str, *, index: bool) -> str:
    """`address`, served where it is a local folder's; an index's links may lead to folders beside it."""
    if "://" in address and not address.startswith("file://"):
        return address
    path = Path(unquote(urlparse(address).path)).absolute()
    root = path.parent if index else path
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(root)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}/{path.name if index else ''}/"


def settings() -> dict[str, str]:
    """pip's own, from its files and from PIP_* variables alike: the later wins."""
    listed = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True)
    found = {}
    for line in listed.stdout.splitlines():
        name, _, value = line.partition("=")
        found[name.rpartition(".")[2]] = value.strip("'\"").replace("\\n", " ")
    return {name: value for name, value in found.items() if name in KEPT}


def main() -> None:
    """Write the pip.conf named by the first argument, then serve until killed."""
    lines = ["[global]"]
    for name, value in settings().items():
        if name in ADDRESSES:
            value = " ".join(served(address, index=name != "find-links") for address in value.split())
        lines.append(f"{name} = {value}")
    target = Path(sys.argv[1])
    target.touch(mode=0o600)  # an index's address may hold a password
    target.write_text("\n".join(lines) + "\n")
    print("ready", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
