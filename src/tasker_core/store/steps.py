"""Steps in the store: settle a batch of verdicts, hand ready steps to a worker, find what is due or abandoned."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from tasker_core.store.batching import NO_ENDS, BatchEnds
from tasker_core.store.burial import DeadLetter, bury_steps
from tasker_core.store.claiming import Claim, claimed_rows, run_and_claim, write_and_claim
from tasker_core.store.database import Access, Call, Rows, Transaction, as_json
from tasker_core.store.gating import Noted
from tasker_core.store.rows import ClaimedRow, HeldRow, InputRow
from tasker_core.store.settling import SETTLED, Birth, Order, Ruling, Settlement
from tasker_core.store.undoing import Turn, Turned, at_rest
from tasker_core.store.undoing import turn as take_turn
from tasker_core.words import HELD, JsonText, LeaseKey, Micros


@dataclass(frozen=True, slots=True)
class Look:
    """What a worker sees without claiming: which of its lanes wait (lane -> rank of the first), when the next retry is
    due, a mark that changes with the registered templates, and one that changes with the limits and breakers.
    ``is_held`` says that something waits for these alone: soon there may be more."""

    waiting: Mapping[str, int]
    next_due: Micros | None
    templates: tuple[int, int]
    gates: int = 0
    is_held: bool = False


class Steps:
    """What can be said about steps."""

    def __init__(self, database: Access) -> None:
        self._database = database

    def settle(
        self, rulings: Sequence[Ruling], stamp: int, now: Micros, actor: str,
        claim: Claim | None = None, dead: Sequence[DeadLetter] = (), ends: BatchEnds = NO_ENDS,
        turn: Turn | None = None, noted: Noted | None = None,
    ) -> Settlement:  # fmt: skip
        """Apply ``rulings`` and, last, hand the next ready steps to ``claim.worker``: one transaction.

        A ruling whose lease doesn't stand on its step any more changes nothing and is missing from ``applied``. Of
        ``dead`` one letter is written for each task that has none pending: rare, and so looked at before the claim.
        Where a task may have to be undone when it comes to rest, ``turn`` says so.
        """
        order = Order(rulings, stamp, now, actor, claim, ends=ends, noted=noted)
        if not dead and turn is None:
            return self._settlement(order, *write_and_claim(self._database, order.calls, claim, stamp, now))
        with self._database.transaction() as transaction:
            return self._in_parts(transaction, order, claim, actor, turn, dead)

    def settle_opener(
        self, key: LeaseKey, judge: Callable[[Mapping[int, str]], tuple[Ruling, Birth | None]],
        stamp: int, now: Micros, actor: str, claim: Claim | None = None, turn: Turn | None = None,
        noted: Noted | None = None,
    ) -> Settlement:  # fmt: skip
        """Settle a step whose outcome depends on which steps its task has, and write those that it brings about.

        ``judge`` is asked under the task's lock, with the states of its steps by number: else two decisions of one
        task could each take the other for undecided, and what waits for both would never come into being.
        """
        task = as_json([key.task])
        with self._database.transaction() as transaction:
            _, rows = transaction.run(Call("lock_tasks", {"tasks": task}), Call("states_of_steps", {"task": key.task}))
            ruling, birth = judge(dict(rows))
            order = Order([ruling], stamp, now, actor, claim, birth, noted=noted)
            if turn is not None:
                return self._in_parts(transaction, order, claim, actor, turn)
            answers, claimed = run_and_claim(transaction, order.calls, claim, stamp, now)
        return self._settlement(order, answers, claimed)

    def _in_parts(
        self, transaction: Transaction, order: Order, claim: Claim | None, actor: str, turn: Turn | None,
        dead: Sequence[DeadLetter] = (),
    ) -> Settlement:  # fmt: skip
        """A settlement of which something has to be seen before it goes on."""
        done = self._settlement(order, transaction.run(*order.calls), (), transaction)
        buried = bury_steps(transaction, dead, order.stamp, order.now) if dead else ()
        turned = Turned()
        if turn is not None:
            turned = take_turn(transaction, at_rest(done.rested), turn, order.now + 1, actor)
        _, claimed = run_and_claim(transaction, (), claim, order.stamp, order.now)
        rested = {**done.rested, **turned.moved}
        return replace(done, rested=rested, claimed=claimed, buried=buried, ready=turned.ready)

    def _settlement(
        self, order: Order, answers: Sequence[Rows], claimed: Sequence[ClaimedRow],
        transaction: Transaction | None = None,
    ) -> Settlement:  # fmt: skip
        ((applied,),) = answers[SETTLED]
        return Settlement(
            stamp=order.stamp,
            now=order.now,
            applied=frozenset(self._applied(order, applied, transaction)),
            rested=dict(answers[order.rest]),
            claimed=claimed,
        )

    def _applied(self, order: Order, count: int, transaction: Transaction | None) -> Iterable[LeaseKey]:
        if count == len(order.rulings):
            return (ruling.verdict.key for ruling in order.rulings)
        read = transaction.run if transaction is not None else self._database.read
        (rows,) = read(Call("settled_steps", {"batch": order.batch, "tx": order.stamp}))
        return map(LeaseKey._make, rows)

    def claim(self, claim: Claim, stamp: int, now: Micros) -> Sequence[ClaimedRow]:
        """Ready steps for a worker."""
        _, claimed = write_and_claim(self._database, (), claim, stamp, now)
        return claimed

    def look(self, lanes: Sequence[str]) -> Look:
        """What a worker needs to know before it claims, in one round trip."""
        rows, ((due,),), ((count, newest, gates),) = self._database.read(
            Call("waiting_lanes", {"lanes": as_json(list(lanes))}), Call("next_due", {}), Call("template_mark", {})
        )
        return Look({lane: rank for lane, rank in rows if rank is not None}, due, (count, newest), gates)

    def claimed_before(self, worker: int, stamp: int) -> Sequence[ClaimedRow]:
        """The leases of one earlier claim, for a request that is repeated because its answer was lost."""
        rows = claimed_rows(self._database.read(Call("claimed_steps", {"worker": worker, "tx": stamp}))[0])
        # Their task may have been paused meanwhile.
        return [row._replace(lane=row.lane.removeprefix(HELD)) for row in rows]

    def reported_before(
        self, keys: Collection[LeaseKey]
    ) -> dict[LeaseKey, tuple[str, JsonText | None, JsonText | None]]:
        """(ending, result, error) of those of ``keys`` whose attempts have ended."""
        batch = as_json([{"task": key.task, "step": key.no} for key in keys])
        (rows,) = self._database.read(Call("reported_before", {"batch": batch}))
        found = {LeaseKey(*row[:3]): (row[3], row[4], row[5]) for row in rows}
        return {key: found[key] for key in keys if key in found}

    def record_rejected(self, rejected: Iterable[tuple[LeaseKey, int]], reason: str, now: Micros, actor: str) -> None:
        """Write down that late reports were refused; each with a stamp of its own."""
        late = list(rejected)
        batch = [{"task": k.task, "step": k.no, "stamp": stamp, "reason": reason} for k, stamp in late]
        self._database.write(
            # Without the lock a row could be written for a task that is being pruned.
            Call("lock_tasks", {"tasks": as_json(sorted({key.task for key, _ in late}))}),
            Call("record_rejected", {"batch": as_json(batch), "now": now, "actor": actor}),
        )

    def held_by(self, worker: int) -> dict[LeaseKey, HeldRow]:
        """The leases recorded to ``worker``."""
        (rows,) = self._database.read(Call("leases_of", {"worker": worker}))
        return {LeaseKey(*row[:3]): HeldRow(*row) for row in rows}

    def abandoned(self) -> Sequence[HeldRow]:
        """Steps in progress without a live worker, at most 200."""
        (rows,) = self._database.read(Call("abandoned_steps", {}))
        return [HeldRow(*row) for row in rows]

    def next_due(self) -> Micros | None:
        """When the next retry is due; None when no step waits for one."""
        ((row,),) = self._database.read(Call("next_due", {}))
        due: Micros | None = row[0]
        return due

    def enqueue_due(self, stamp: int, now: Micros, actor: str) -> tuple[int, Mapping[int, str]]:
        """Put steps whose retry time has come into the queue, at most 200; how many, and the tasks that moved."""
        (due,) = self._database.read(Call("due_steps", {"now": now}))
        if not due:
            return 0, {}
        batch = as_json([{"task": task, "step": no} for task, no in due])
        tasks = as_json(sorted({task for task, _ in due}))
        hot = {"batch": batch, "tasks": tasks, "tx": stamp, "now": now, "actor": actor}
        names = ("lock_tasks", "enqueue_due", "rest_tasks", "record_rest")
        _, enqueued, rested, _ = self._database.write(*(Call(name, hot) for name in names))
        return len(enqueued), dict(rested)

    def inputs(
        self, tasks: Collection[int], steps: Collection[tuple[int, int]]
    ) -> tuple[dict[int, InputRow], dict[tuple[int, int], JsonText | None]]:
        """Contexts of ``tasks`` and results of the finished ones of ``steps``, in one round trip."""
        inputs, results = self._database.read(
            Call("inputs_of_tasks", {"tasks": as_json(list(tasks))}),
            Call("results_of_steps", {"steps": as_json([{"task": t, "step": n} for t, n in steps])}),
        )
        return {row[0]: InputRow(*row) for row in inputs}, {(row[0], row[1]): row[2] for row in results}

    def payloads(
        self, steps: Collection[tuple[int, int]]
    ) -> dict[tuple[int, int], tuple[JsonText | None, JsonText | None]]:
        """(inputs, checkpoint) of those of ``steps`` (task, no) that have any."""
        asked = as_json([{"task": task, "step": no} for task, no in steps])
        (rows,) = self._database.read(Call("payloads_of_steps", {"steps": asked}))
        return {(row[0], row[1]): (row[2], row[3]) for row in rows}

    def results_of_instances(
        self, batches: Collection[tuple[int, int]]
    ) -> dict[int, list[tuple[int, str, JsonText | None]]]:
        """(no, name, result) of the finished instances of ``batches`` (task, number of the worker step), by task."""
        asked = as_json([{"task": task, "worker_step": no} for task, no in batches])
        (rows,) = self._database.read(Call("results_of_instances", {"batches": asked}))
        found: dict[int, list[tuple[int, str, JsonText | None]]] = {}
        for task, no, name, result in rows:
            found.setdefault(task, []).append((no, name, result))
        return found

    def result_of_instance(self, task: int, name: str) -> JsonText | None:
        """The result of a finished instance of a batch, by its name."""
        (rows,) = self._database.read(Call("result_of_instance", {"task": task, "step": name}))
        result: JsonText | None = rows[0][0] if rows else None
        return result
