"""Claim photos, predict, write: until nothing waits."""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from functools import lru_cache, partial

from django.conf import settings
from django.db import DatabaseError

from catalog import enqueue, lifecycle, reclassify, shares
from catalog.lifecycle import Claim
from catalog.models import LabelState, MachineState, ProductImage

from . import process
from .answers import Tree
from .batch import Batch
from .live import LiveModel
from .share import Newcomer, Share
from .transient import retried
from .work import Work

logger = logging.getLogger(__name__)

DRAIN_SECONDS = 60.0
BACKGROUND_SECONDS = 0.1
"""A batch of background work takes about so long at most: an upload waits behind one."""
FEWEST = 8


class Classifying:
    """One worker's share of the queue. Use it from one thread.

    Two batches are in hand at most: while the network computes one, the one before is written, and
    the next is claimed and decoded."""

    def __init__(self, worker: str, owner: str) -> None:
        self.owner = owner
        self.live = LiveModel(worker)
        self._newcomer = Newcomer()
        self._share_first = False
        self._computing: Work | None = None
        self._last_batch: list[int] = []
        self._pace = 0.0

    def drain(self, *, seconds: float = DRAIN_SECONDS) -> int:
        """Classify until nothing waits, this process is to stop, or `seconds` have passed; then
        another nudge goes out for the rest. Returns how many photos were dealt with."""
        started, total = time.monotonic(), 0
        deadline = started + seconds
        while not process.stopping.is_set():
            count = self._turn()
            total += count
            if not count and not self._queue_more():
                break
            if time.monotonic() > deadline:
                enqueue.classify_soon(self._last_batch[:1])
                break
        self._land()
        self._newcomer.let_go()
        if total:
            spent = round(time.monotonic() - started, 2)
            logger.info("classified", extra={"images": total, "seconds": spent})
        return total

    def step(self) -> int:
        """One batch from claim to answers; 0 when nothing was claimed, as when no version could be
        loaded."""
        count = self._turn()
        self._land()
        return count

    def _turn(self) -> int:
        """Claim and decode a batch while the one before is computed, then have it computed while
        that one is written. Returns how many photos were claimed."""
        taken = self._take()
        before, self._computing = self._computing, taken
        try:
            if before is not None:
                before.wait()
            urgent = self._overtaking(taken) if taken is not None else None
            for batch in (urgent, taken):
                if batch is not None:
                    batch.compute()
        except BaseException:
            self._let_go(before, taken)
            raise
        for batch in (before, urgent):
            if batch is not None:
                self._write(batch, urgent)
        return sum(len(batch) for batch in (taken, urgent) if batch is not None)

    def _overtaking(self, taken: Work) -> Batch | None:
        """Photos that somebody waits for and that came after `taken`, which can wait, was claimed.
        They go first."""
        loaded = self.live.loaded
        if taken.is_urgent or taken.is_suspect or loaded is None or not lifecycle.somebody_waits():
            return None
        tree = Tree.now(loaded.version.classes)
        claims = self._claim(background_limit=0) if tree else []
        if not claims:
            return None
        urgent = Batch(claims, loaded, tree)
        if urgent.is_suspect:
            urgent.release()  # it comes again, alone
            return None
        self._last_batch += urgent.image_ids
        urgent.read()
        return urgent

    def _claim(self, *, background_limit: int) -> list[Claim]:
        return retried(
            partial(
                lifecycle.claim,
                owner=self.owner,
                limit=settings.CLASSIFY_BATCH,
                background_limit=background_limit,
            )
        )

    def _take(self) -> Work | None:
        """What comes next, being decoded; None when nothing waits or nothing can answer. Photos for
        a full run come in turn with those that nobody waits for."""
        if self._computing is not None and self._computing.is_suspect:
            self._land()
        if self.live.refresh():
            self._land()
            self._catch_up()
        self._share_first = not self._share_first
        if self._share_first:
            taken = self._take_share() or self._take_batch()
        elif (taken := self._take_batch()) is None:
            taken = self._take_share()
            if taken is not None:
                self._queue_more()
        if taken is None:
            return None
        if taken.is_suspect:
            self._land()
        try:
            taken.read()
        except BaseException:
            self._let_go(taken, self._computing)
            raise
        return taken

    def _take_share(self) -> Share | None:
        if not shares.are_out() or lifecycle.somebody_waits():
            return None
        return self._newcomer.take(owner=self.owner, photos=self._background_limit())

    def _take_batch(self) -> Batch | None:
        loaded = self.live.loaded
        if loaded is None:
            return None
        tree = Tree.now(loaded.version.classes)
        if not tree:
            self.live.note_heartbeat(error="The live version knows none of today's categories.")
            return None
        claims = self._claim(background_limit=self._background_limit())
        if not claims:
            return None
        self._last_batch = [claim.image_id for claim in claims]
        return Batch(claims, loaded, tree)

    def _land(self) -> None:
        """Nothing is in hand any more."""
        batch, self._computing = self._computing, None
        if batch is not None:
            self._write(batch)

    def _write(self, batch: Work, urgent: Batch | None = None) -> None:
        """`urgent` is what else is in hand, besides the one that is computing."""
        try:
            batch.write()
        except (KeyboardInterrupt, SystemExit):
            self._let_go(batch, urgent, self._computing)
            raise
        except Exception:
            others = (urgent if urgent is not batch else None, self._computing)
            self._let_go(*others)  # this batch keeps its lease: a photo in it may be why
            raise
        self._pace = batch.seconds / len(batch)

    def _let_go(self, *batches: Work | None) -> None:
        """Hand back what is in hand, for somebody else or for later."""
        self._computing = None
        with suppress(DatabaseError):  # their leases will run out
            for batch in batches:
                if batch is not None:
                    batch.release()

    def _background_limit(self) -> int:
        """How many photos that nobody waits for make one batch, at the pace of the last: by eights,
        which an engine computes without filling up."""
        if self._pace * settings.CLASSIFY_BATCH <= BACKGROUND_SECONDS:
            return settings.CLASSIFY_BATCH
        affordable = int(BACKGROUND_SECONDS / self._pace) // FEWEST * FEWEST
        return min(max(affordable, FEWEST), settings.CLASSIFY_BATCH)

    def _queue_more(self) -> bool:
        """Nothing urgent waits: put the next images of the background jobs into the queue. Not
        while an older version stands in, which would answer them as before."""
        return self.live.is_current and reclassify.advance() > 0

    def _catch_up(self) -> None:
        """Another version serves from now on, or this worker has just started. What another
        answered after the change is answered again."""
        last = ProductImage.objects.filter(pk__in=self._last_batch, machine=MachineState.CLASSIFIED)
        loaded = self.live.loaded
        if loaded is not None and self._last_batch:
            lifecycle.requeue(
                last.filter(label_state=LabelState.UNLABELLED).exclude(version=loaded.version)
            )
        reclassify.ask_late_ones_again()


@lru_cache(maxsize=1)
def this_process() -> Classifying:
    """The one model in this process's memory."""
    return Classifying(process.name(), process.owner())
