"""The rehearsal: started once on a machine, and after it nothing of an audit or a placement is compiled."""

import json
import os
import subprocess
import sys

import pytest

from runs import rehearsal


@pytest.mark.parametrize("known, can_keep, started", [(True, True, 0), (False, True, 1), (False, False, 0)])
def test_it_is_started_where_none_has_been_and_something_comes_of_it(known, can_keep, started, monkeypatch):
    processes = []
    monkeypatch.setattr(rehearsal, "can_keep", lambda: can_keep)
    monkeypatch.setattr(rehearsal, "machine_is_known", lambda: known)
    monkeypatch.setattr(rehearsal.subprocess, "Popen", lambda *command, **_: processes.append(command))
    rehearsal.start_rehearsal()
    assert len(processes) == started


_AFTER = """
import json, eventsim
from numba.core import event
from runs import rehearsal

class Compiled(event.Listener):
    names = []
    def on_start(self, started):
        self.names.append(started.data["dispatcher"].py_func.__module__)
    def on_end(self, _):
        pass

with event.install_listener("numba:compile", Compiled()):
    known = rehearsal.machine_is_known()
    rehearsal._rehearse()
print(json.dumps([known, Compiled.names]))
"""


@pytest.mark.slow
def test_after_it_an_audit_and_a_placement_compile_nothing(tmp_path):
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "numba"), "EVENTSIM_CACHE": str(tmp_path / "kernels")}

    def rehearse():
        command = [sys.executable, "-c", _AFTER]
        return json.loads(subprocess.run(command, env=environment, capture_output=True, check=True).stdout)

    known, compiled = rehearse()
    assert not known and {"analysis.audit.tally", "hardware_models.placing.placers.fill"} <= set(compiled)
    assert rehearse() == [True, []]
