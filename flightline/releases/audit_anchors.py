"""Heads of the audit log that were kept outside its two files, and the check that the log still contains them.

Each finished run keeps the log's head in ML Metadata. `flightline audit --verify --anchor FILE` keeps it in a file,
which belongs where those who can write the workspace cannot: another machine, or another user's folder. A log that was
rewritten, deleted or replaced by an older copy lacks a head that was kept before the change.

What this cannot show: changes of entries that are newer than the last kept head, and changes by somebody who can write
all these places.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from flightline.config.settings import Config
from flightline.errors import InputError
from flightline.metadata.properties import properties_of
from flightline.metadata.run_ids import run_contexts
from flightline.metadata.store import has_store, open_store
from flightline.releases.audit_log import AuditEntry, AuditLogCorrupted

AUDIT_HEAD_PROPERTY = "audit_head"  # of a run in ML Metadata


@dataclass(frozen=True)
class Anchor:
    """A head that was kept elsewhere.

    Attributes:
        place: where, such as "run 20260101-120000".
        sequence, entry_hash: of the entry that was the last one then.
    """

    place: str
    sequence: int
    entry_hash: str


def format_head(entry: AuditEntry) -> str:
    """The text that is kept elsewhere: the number of the entry and its hash."""
    return f"{entry.sequence} {entry.entry_hash}"


def read_run_anchors(config: Config, since: str | None = None) -> list[Anchor]:
    """The heads that the workspace's runs kept in ML Metadata, oldest first.

    Args:
        since: a run; heads of runs before it are left out. None for all runs.

    Raises:
        InputError: there is no such run, or it kept no head.
    """
    on_server = config.metadata.uses_server
    contexts = run_contexts(open_store(config), config.name if on_server else None) if has_store(config) else []
    if on_server:  # which may have runs of other workspaces, with logs of their own
        contexts = [context for context in contexts if config.run_folder(context.name).is_dir()]
    anchors = []
    for context in sorted(contexts, key=lambda one: one.create_time_since_epoch):
        head = str(properties_of(context).get(AUDIT_HEAD_PROPERTY, ""))
        if head:
            anchors.append(_parse_head(head, f"run {context.name}"))
    if since is None:
        return anchors
    places = [anchor.place for anchor in anchors]
    if f"run {since}" not in places:
        raise InputError(f"run {since} kept no head of the audit log", "list the runs: `flightline runs`")
    return anchors[places.index(f"run {since}") :]


def read_file_anchors(file: Path) -> list[Anchor]:
    """The heads in a file that `append_anchor` wrote; none where there is no file.

    Raises:
        InputError: the file cannot be read, or a line is no head.
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        raise InputError(f"{file} cannot be read: {error}", "name a file that --anchor wrote") from error
    return [_parse_head(line, f"{file}, line {number}") for number, line in enumerate(lines, 1)]


def append_anchor(file: Path, last: AuditEntry) -> None:
    """Add the log's present head to a file.

    Raises:
        InputError: the file cannot be written.
    """
    try:
        with file.open("a", encoding="utf-8") as opened:
            opened.write(f"{format_head(last)} {last.time}\n")
    except OSError as error:
        raise InputError(f"{file} cannot be written: {error.strerror}", "name another file with --anchor") from error


def verify_anchors(entries: Sequence[AuditEntry], anchors: Iterable[Anchor]) -> None:
    """Check that the log contains every head that was kept.

    Raises:
        AuditLogCorrupted: it does not; the message names the first one that is missing.
    """
    hashes = {entry.sequence: entry.entry_hash for entry in entries}
    for anchor in anchors:
        if hashes.get(anchor.sequence) != anchor.entry_hash:
            found = "has another one" if anchor.sequence in hashes else f"has {len(entries)} entries only"
            raise AuditLogCorrupted(
                f"the audit log was rewritten, deleted or replaced by an older copy: {anchor.place} kept entry "
                f"{anchor.sequence} with the hash {anchor.entry_hash[:12]}, and the log {found}",
                "compare it with a backup; if you moved the log away yourself, name the first run of the new log with "
                "--since, or use a new --anchor file",
            )


def _parse_head(text: str, place: str) -> Anchor:
    try:
        sequence, entry_hash = text.split()[:2]
        return Anchor(place, int(sequence), entry_hash)
    except ValueError as error:
        raise InputError(f"{place} has no head of the audit log", "name a file that --anchor wrote") from error
