"""Payloads stay the text that they are, byte for byte, from the writer to the reader."""

from __future__ import annotations

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tasker_core.rules.payload import LARGEST_PAYLOAD, encode
from tests.support.graphs import Stage, complete

ODD = [
    '{"z":1,"a":2,"m":{"y":1,"b":2}}',
    '{"nul":"\\u0000","quote":"\\"","slash":"\\\\","emoji":"\\ud83d\\ude00","half":"\\ud800"}',
    '{"big":9007199254740993,"bigger":123456789012345678901234567890,"float":1.0,"small":1e-300,"zero":-0.0}',
    '{"same":1,"same":2}',
    '{ "spaced" :  [ 1 ,2 ]\t}',
    '"just text"',
    "[]",
    '{"sql":"\'; drop table tasks; --","percent":"%s %(x)s","colon":":tx","name":"tasker.steps"}',
]

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
texts = json_values.map(lambda value: encode(value, "value"))


def round_trip(stage: Stage, text: str) -> None:
    """``text`` as context, tags, result and error of a task comes back as it went in, wherever it is read."""
    shape = stage.template({"a": [], "b": []})
    new = stage.new_task(shape, context=text, tags=text)
    (task,) = stage.written([new]).written.values()
    held, other = stage.claim("shop/a", "shop/b")
    failure = stage.retry(other)
    stage.settle(complete(held, text), failure._replace(verdict=failure.verdict._replace(error=text)))

    row = stage.store.tasks.find(new.id)
    assert row is not None and row.context == row.tags == text
    assert stage.store.tasks.existing([new.identity])[new.identity].context == text
    inputs, results = stage.store.steps.inputs([task], [(task, 1)])
    assert inputs[task].context == results[task, 1] == text
    attempts = stage.store.tasks.attempts(task)
    assert [(a.result, a.error) for a in attempts] == [(text, None), (None, text)]
    said = stage.store.steps.reported_before([held.key, other.key])
    assert said == {held.key: ("ok", text, None), other.key: ("failed", None, text)}


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=texts)
@example(text=ODD[0])
@example(text=ODD[1])
@example(text=ODD[2])
@example(text=ODD[3])
@example(text=ODD[4])
@example(text=ODD[5])
@example(text=ODD[6])
@example(text=ODD[7])
def test_a_payload_comes_back_byte_for_byte(stage: Stage, text: str) -> None:
    round_trip(stage, text)


def test_the_largest_payload_comes_back(stage: Stage) -> None:
    round_trip(stage, encode({"blob": "é" * ((LARGEST_PAYLOAD - 11) // 6)}, "value"))


def test_a_batch_of_large_results_is_settled_in_one_transaction(stage: Stage) -> None:
    tasks = stage.tasks(stage.template({"only": []}), 4)
    held = stage.claim("shop/only")
    texts = {one.key: encode(str(n) * (LARGEST_PAYLOAD - 2), "value") for n, one in enumerate(held)}
    stage.settle(*(complete(one, texts[one.key]) for one in held))
    _, results = stage.store.steps.inputs([], [(task, 1) for task in tasks])
    assert results == {(key.task, key.no): text for key, text in texts.items()}
