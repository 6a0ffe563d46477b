"""The National Do Not Call Registry, as its subscriber downloads it: a file per area code."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Final

from django.db.models import CharField, ExpressionWrapper, F, QuerySet

from leads.import_files import FileRefused
from leads.models import Lead, NumberList, RegistryArea, RegistryBlock
from leads.policy.registry import BLOCK_BYTES, block_mark, is_listed, numbers_in, place_of
from leads.services.number_chunks import Done

CHUNK_BYTES: Final = 4 << 20
"""About 350 000 numbers of a transaction."""


def chunk_national(row: NumberList, path: Path, size: int) -> Done:
    """Note the numbers of the next part of the file, up to a whole line.

    Raises:
        FileRefused: the part holds no numbers at all.
    """
    with path.open("rb") as file:
        file.seek(row.cursor)
        text = file.read(size)
        if row.cursor + len(text) < row.size:
            text = text[: text.rfind(b"\n") + 1]
    if not text:
        if row.cursor < row.size:
            raise FileRefused(f"After byte {row.cursor:,} comes a line that is too long.")
        return Done(row.cursor)
    lines: dict[int, list[int]] = {}
    for exchange, line in numbers_in(text):
        lines.setdefault(exchange, []).append(line)
    count = sum(map(len, lines.values()))
    if not count and not row.counts.get("numbers"):
        raise FileRefused("The file holds no telephone numbers: its lines should read 212,5550123.")
    blocks = {
        block.exchange: bytearray(block.listed)
        for block in RegistryBlock.objects.filter(list=row, exchange__in=lines)
    }
    fresh = 0
    for exchange, found in lines.items():
        block = blocks.setdefault(exchange, bytearray(BLOCK_BYTES))
        fresh += sum(block_mark(block, line) for line in found)
    RegistryBlock.objects.bulk_create(
        [RegistryBlock(list=row, exchange=key, listed=bytes(b)) for key, b in blocks.items()],
        update_conflicts=True,
        unique_fields=["list", "exchange"],
        update_fields=["listed"],
        batch_size=500,
    )
    return Done(row.cursor + len(text), rows=count, counts=Counter(numbers=fresh))


def registry_adopt(row: NumberList) -> None:
    """Let a whole list hold for its area codes, in place of older ones. One transaction with the
    list's end, so that a lead is checked against one version or the other, never a part.
    """
    numbers: Counter[int] = Counter()
    for exchange, listed in RegistryBlock.objects.filter(list=row).values_list(
        "exchange", "listed"
    ):
        numbers[exchange // 1000] += sum(byte.bit_count() for byte in bytes(listed))
    newer = RegistryArea.objects.filter(area_code__in=numbers, made_on__gt=row.made_on)
    passed_over = set(newer.values_list("area_code", flat=True))
    areas = sorted(set(numbers) - passed_over)
    RegistryArea.objects.bulk_create(
        [
            RegistryArea(area_code=area, list=row, made_on=row.made_on, numbers=numbers[area])
            for area in areas
        ],
        update_conflicts=True,
        unique_fields=["area_code"],
        update_fields=["list", "made_on", "numbers"],
    )
    for area in areas:
        _blocks_of(area).exclude(list=row).delete()
    for area in passed_over:
        _blocks_of(area).filter(list=row).delete()
    row.counts = {
        **row.counts,
        "areas": len(areas),
        "areas_passed_over": len(passed_over),
        "leads_listed": sum(_leads_listed(row, area) for area in areas),
    }
    row.save(update_fields=["counts"])


def _blocks_of(area: int) -> QuerySet[RegistryBlock]:
    return RegistryBlock.objects.filter(exchange__range=(area * 1000, area * 1000 + 999))


def _leads_listed(row: NumberList, area: int) -> int:
    """Count our leads of an area code whose numbers the list has."""
    blocks = dict(_blocks_of(area).filter(list=row).values_list("exchange", "listed"))
    e164 = ExpressionWrapper(F("phone"), output_field=CharField())
    phones = Lead.objects.annotate(e164=e164).filter(e164__startswith=f"+1{area}").order_by()
    count = 0
    for phone in phones.values_list("e164", flat=True).iterator(chunk_size=5000):
        place = place_of(phone)
        if place and place[1] in blocks and is_listed(blocks[place[1]], place[2]):
            count += 1
    return count
