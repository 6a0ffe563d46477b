"""Fetch the models of the speech engines, so that calls never wait for a download."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from voice.models_download import FetchError
from voice.models_fetch import Source, model_fetch, model_is_complete, piper_source, whisper_source


class Command(BaseCommand):
    """Fetch Whisper models and Piper voices.

    Whisper by the names of faster-whisper (tiny, base, small.en, large-v3…), Piper voices by
    theirs (en_US-lessac-medium…). A download that broke off goes on where it stopped; what is
    there already is only checked.
    """

    help = "Fetch Whisper models and Piper voices into DATA_DIR/models."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare which models."""
        parser.add_argument("--whisper", action="append", default=[], metavar="NAME")
        parser.add_argument("--piper", action="append", default=[], metavar="VOICE")

    def handle(self, *args: Any, **options: Any) -> None:
        """Fetch them one after another."""
        whisper, piper = options["whisper"], options["piper"]
        if not whisper and not piper:
            whisper = [settings.ENV.whisper_model] if settings.ENV.whisper_model else []
        if not whisper and not piper:
            raise CommandError(
                "Say what to fetch, such as --whisper base --piper en_US-lessac-medium, "
                "or set WHISPER_MODEL."
            )
        try:
            sources = [*map(whisper_source, whisper), *map(piper_source, piper)]
            for source in sources:
                self._fetch(source)
        except FetchError as error:
            raise CommandError(str(error)) from None

    def _fetch(self, source: Source) -> None:
        folder = settings.ENV.data_dir / "models"
        if model_is_complete(source, folder):
            self.stdout.write(f"{source.name} is there and whole: {source.place(folder)}")
        else:
            base_url = settings.ENV.models_base_url
            self.stdout.write(f"Fetching {source.name} from {base_url}/{source.repository}")
            self._told = ("", -1)
            model_fetch(source=source, folder=folder, base_url=base_url, report=self._report)
            self.stdout.write(self.style.SUCCESS(f"{source.name} is there and whole."))
        self.stdout.write(f"To use it: {self._settings(source)}")

    def _settings(self, source: Source) -> str:
        if source.kind == "whisper":
            return f"STT_ENGINE=whisper WHISPER_MODEL={source.name}"
        voice = source.place(settings.ENV.data_dir / "models") / f"{source.name}.onnx"
        return f"TTS_ENGINE=piper PIPER_VOICE={voice}"

    def _report(self, name: str, done: int, size: int) -> None:
        """Write a line for every tenth of a file."""
        tenth = done * 10 // size if size else 10
        if (name, tenth) != self._told:
            self._told = (name, tenth)
            self.stdout.write(f"  {name}: {tenth * 10} % of {size / 1_000_000:.1f} MB")
            self.stdout.flush()
