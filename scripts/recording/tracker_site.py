"""A roundup issue tracker in this process (its "classic" template), filled with stand-in words.

Needs the extra `arena`. The tracker's home is a folder that the caller removes.

>>> with tracker(folder) as address:
...     page.goto(address)
"""

import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler, make_server

from recording.shop_site import ORDINALS

ISSUES = 8
USERS = 4
KEYWORDS = 4
PASSWORD = "zqPassword1"
STATUSES = ("unread", "chatting", "need-eg", "in-progress", "testing", "deferred", "chatting", "unread")
PRIORITIES = ("bug", "urgent", "feature", "wish", "critical", "bug", "feature", "wish")


def slots() -> dict[str, str]:
    """Slot name by stand-in text."""
    found = {f"Zqissue{ORDINALS[i]}": f"issue{i + 1}" for i in range(ISSUES)}
    found |= {f"zquser{ORDINALS[i]}": f"user{i + 1}" for i in range(USERS)}
    found |= {f"Zqname{ORDINALS[i]}": f"name{i + 1}" for i in range(USERS)}
    found |= {f"zqkeyword{ORDINALS[i]}": f"keyword{i + 1}" for i in range(KEYWORDS)}
    return found | {"Zqtracker": "tracker"}


@contextmanager
def tracker(folder: Path) -> Generator[str]:
    """Serve the tracker on a free port of this machine; gives its address."""
    from roundup.cgi.wsgi_handler import RequestDispatcher

    class Quiet(WSGIRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    # The tracker must know its own address before it is set up.
    server = make_server("127.0.0.1", 0, lambda *_: [], handler_class=Quiet)
    address = f"http://127.0.0.1:{server.server_port}/"
    home = folder / "tracker"
    _fill(home, address)
    server.set_app(RequestDispatcher(str(home)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield address
    finally:
        server.shutdown()
        server.server_close()


def _fill(home: Path, address: str) -> None:
    """The tracker's files, then users, keywords and issues."""
    from roundup import instance, password

    mail = f"mail_domain=example.org,mail_host=127.0.0.1,mail_debug={home}/mail"
    # Left alone, the time zone's name depends on what else is installed.
    settings = f"tracker_web={address},tracker_name=Zqtracker,timezone=0,{mail}"
    for command in (["install", "classic", "sqlite", settings], ["initialise", PASSWORD]):
        admin = [sys.executable, "-m", "roundup.scripts.roundup_admin", "-i", str(home)]
        subprocess.run([*admin, *command], check=True, stdout=subprocess.DEVNULL)
    database = instance.open(str(home)).open("admin")
    try:
        secret = password.Password(PASSWORD, config=database.config)
        users = [
            database.user.create(
                username=f"zquser{ORDINALS[i]}",
                realname=f"Zqname{ORDINALS[i]}",
                password=secret,
                address=f"{i}@example.org",
                roles="User" if i else "User,Admin",
            )
            for i in range(USERS)
        ]
        words = [database.keyword.create(name=f"zqkeyword{ORDINALS[i]}") for i in range(KEYWORDS)]
        for i in range(ISSUES):
            database.issue.create(
                title=f"Zqissue{ORDINALS[i]}",
                priority=database.priority.lookup(PRIORITIES[i]),
                status=database.status.lookup(STATUSES[i]),
                assignedto=users[i % USERS] if i % 3 else None,
                keyword=[words[i % KEYWORDS]],
            )
        database.commit()
    finally:
        database.close()
