"""Testing workflows: a template is played in the test's own process, on a clock that leaps over every wait.

>>> from tasker_core import RetryableError
>>> from tasker_core.testing import Rehearsal
>>> template = {"name": "dunning", "namespace_name": "shop", "version": "1.0.0", "steps": [
...     {"name": "remind", "handler": {"callable": "remind"}, "retry": {"max_attempts": 20}},
...     {"name": "thank", "handler": {"callable": "thank"}, "dependencies": ["remind"]}]}
>>> nobody = RetryableError("nobody answers", retry_after=86_400)
>>> with Rehearsal([template]) as rehearsal:
...     rehearsal.replace("remind", [nobody, nobody, {"paid": True}])
...     rehearsal.replace("thank", lambda context: {"thanked": context.get_dependency_result("remind")["paid"]})
...     run = rehearsal.run("dunning", {"customer": 7})
>>> run.state, run.step("remind").attempts, run.step("thank").result
('complete', 3, {'thanked': True})
>>> run.took.days
2

With pytest installed there is the fixture ``tasker``, a rehearsal of the project's own templates and handlers, and
``pytest --crash-everywhere``.
"""

from tasker_core.testing.crashes import Crash
from tasker_core.testing.rehearsal import Rehearsal
from tasker_core.testing.runs import StepRun, TaskRun

__all__ = ["Crash", "Rehearsal", "StepRun", "TaskRun"]
