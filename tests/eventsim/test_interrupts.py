"""Ctrl-C and SIGTERM take effect between two stretches of a run, never within one, and leave a whole trace."""

import signal
import subprocess
import sys
import threading

import pytest

import eventsim
from eventsim import compile_network, open_trace
from eventsim.grid import GridEngine
from eventsim.interrupts import interrupts_held_back
from eventsim.trace import TraceWriter
from runs.benchmarks.networks import cuba


def press():
    signal.raise_signal(signal.SIGINT)


def test_an_interrupt_waits_for_the_end():
    before, done = signal.getsignal(signal.SIGINT), []

    def steps():
        with interrupts_held_back():
            with interrupts_held_back():
                press()
                done.append("inner")
            done.append("outer")
        done.append("behind")

    with pytest.raises(KeyboardInterrupt):
        steps()
    assert done == ["inner", "outer"]
    assert signal.getsignal(signal.SIGINT) is before


def test_a_handler_of_ones_own_is_called_instead():
    pressed = []
    before = signal.signal(signal.SIGINT, lambda *_: pressed.append("mine"))
    try:
        with interrupts_held_back():
            press()
            assert pressed == []
        assert pressed == ["mine"]
    finally:
        signal.signal(signal.SIGINT, before)


WRAPPED = """
import signal, sys
before = getattr(signal, sys.argv[1])
signal.signal(signal.SIGINT, before)
import brian2
from eventsim.interrupts import interrupts_held_back, terminated_in_order
with {context}():
    signal.raise_signal(signal.SIGINT)
assert signal.getsignal(signal.SIGINT) is before
signal.raise_signal(signal.SIGINT)
print("went on")
"""


@pytest.mark.parametrize("context", ["interrupts_held_back", "terminated_in_order"])
@pytest.mark.parametrize("before, printed, code", [("SIG_IGN", "went on\n", 0), ("SIG_DFL", "", -signal.SIGINT)])
def test_what_brian2_cannot_call_does_what_it_did_before(context, before, printed, code):
    command = [sys.executable, "-c", WRAPPED.format(context=context), before]
    ended = subprocess.run(command, capture_output=True, text=True)
    assert (ended.stdout, ended.stderr, ended.returncode) == (printed, "", code)


def test_an_error_within_goes_before_the_interrupt():
    def pressed_and_failed():
        press()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), interrupts_held_back():
        pressed_and_failed()


def test_a_thread_that_is_not_the_main_one_can_simulate_too():
    entered = []
    thread = threading.Thread(target=lambda: entered.append(interrupts_held_back().__enter__()))
    thread.start()
    thread.join()
    assert entered == [None]


@pytest.fixture(scope="module")
def compiled():
    return compile_network(cuba(300))


@pytest.mark.parametrize("owner, method, call", [(GridEngine, "advance", 3), (TraceWriter, "write_segment", 2)])
def test_a_run_interrupted_at_any_step_leaves_a_trace_of_all_it_did(
    compiled, tmp_path, monkeypatch, owner, method, call
):
    whole, original, calls = eventsim.simulate(compiled, duration_ms=40), getattr(owner, method), []

    def interrupted(*arguments, **keywords):
        result = original(*arguments, **keywords)
        calls.append(1)
        if len(calls) == call:
            press()
        return result

    monkeypatch.setattr(owner, method, interrupted)
    with pytest.raises(KeyboardInterrupt):
        eventsim.simulate(compiled, duration_ms=40, trace=tmp_path / "t.h5", record={"v": [2]}, buffer_mb=1e-3)
    with open_trace(tmp_path / "t.h5") as trace:
        ticks = trace.duration_ticks
        assert trace.complete and 0 < ticks < 400 and trace.column_faults() == []
        assert trace.spikes().neuron.tolist() == whole.spikes(stop_tick=ticks).neuron.tolist()
        assert trace.samples().tick.tolist() == list(range(ticks))
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("eventsim-trace")] == []


TERMINATED = """
import sys, time
from pathlib import Path
from eventsim.trace import TraceWriter
from tests.reliability.victim import Victim
finish = TraceWriter.finish
def slowly(*arguments, **keywords):
    print("finishes", flush=True)
    time.sleep(1)
    return finish(*arguments, **keywords)
TraceWriter.finish = slowly
try:
    Victim(ticks=3_000_000).run(Path(sys.argv[1]), lambda *_: print("runs", flush=True))
finally:
    print("cleared up", flush=True)
"""


def test_a_request_to_end_leaves_a_valid_trace_even_if_it_is_repeated_and_the_process_ends_by_it(tmp_path):
    command = [sys.executable, "-c", TERMINATED, tmp_path / "t.h5"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "runs\n"
        process.terminate()
        while process.stdout.readline() != "finishes\n":
            pass
        process.terminate()
        assert "cleared up" not in process.stdout.read()  # as without eventsim
    assert process.returncode == -signal.SIGTERM
    with open_trace(tmp_path / "t.h5") as trace:
        assert trace.complete and 0 < trace.duration_ticks < 3_000_000 and trace.column_faults() == []


def test_a_handler_of_ones_own_for_requests_to_end_stays(compiled):
    def mine(*_):
        raise ZeroDivisionError

    before = signal.signal(signal.SIGTERM, mine)
    try:
        eventsim.simulate(compiled, duration_ms=1)
        assert signal.getsignal(signal.SIGTERM) is mine
    finally:
        signal.signal(signal.SIGTERM, before)


def test_an_interrupt_while_the_trace_is_merged_waits_until_it_is_whole(compiled, tmp_path, monkeypatch):
    original = TraceWriter.finish

    def interrupted(*arguments, **keywords):
        press()
        return original(*arguments, **keywords)

    monkeypatch.setattr(TraceWriter, "finish", interrupted)
    with pytest.raises(KeyboardInterrupt):
        eventsim.simulate(compiled, duration_ms=2, trace=tmp_path / "t.h5")
    with open_trace(tmp_path / "t.h5") as trace:
        assert trace.complete and trace.duration_ticks == 20
