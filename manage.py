#!/usr/bin/env python
"""Django's command line, with settings chosen by DJANGO_ENV."""

from __future__ import annotations

import sys

from reauto_site import choose_settings


def main() -> None:
    choose_settings()
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
