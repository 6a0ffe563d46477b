from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

ROOT = Path(__file__).resolve().parents[3]


def test_it_says_which_option_changes_a_taken_port() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(CommandError, match=f"Port {port} .* is taken .* --port"):
            call_command("carrier", port=port)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cps": 0}, "--cps"),
        ({"fault": ["earthquake=1"]}, "earthquake"),
        ({"default_persona": "nobody"}, "eager_seller"),
        ({"directory": Path("/nonexistent.json")}, "nonexistent.json"),
    ],
)
def test_it_refuses_wrong_options_and_names_them(options: dict[str, object], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        call_command("carrier", port=0, **options)


def test_it_serves_the_configured_account_until_it_is_told_to_stop(tmp_path: Path) -> None:
    directory = tmp_path / "directory.json"
    directory.write_text(json.dumps({"+18085550100": "eager_seller"}))
    process = subprocess.Popen(
        [sys.executable, "manage.py", "carrier", "--port", "0", "--directory", str(directory)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        env={"DJANGO_SETTINGS_MODULE": "reauto_site.settings.test", "PYTHONUNBUFFERED": "1"},
    )
    try:
        assert process.stdout is not None
        found = re.search(r"http://\S+", process.stdout.readline())
        assert found
        with urllib.request.urlopen(f"{found[0]}/_simulator/") as answer:
            assert json.load(answer)["directory"] == {"+18085550100": "eager_seller"}
        sid = settings.ENV.twilio_account_sid
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"{found[0]}/2010-04-01/Accounts/{sid}/Calls.json")
        assert refused.value.code == 401
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close() if process.stdout else None
