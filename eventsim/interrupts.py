"""Ctrl-C and requests to end (SIGTERM): held back while a state is being changed, and answered with a whole trace."""

import signal
import threading
from contextlib import contextmanager

__all__ = ["Terminated", "interrupts_held_back", "terminated_in_order"]

_INTERRUPTS = (signal.SIGINT, signal.SIGTERM)


class Terminated(KeyboardInterrupt):
    """The process was asked to end; to be treated as Ctrl-C."""


@contextmanager
def interrupts_held_back():
    """Ctrl-C or SIGTERM within takes effect at the end, with whatever handler there was.

    Python runs a handler between any two steps, most often right behind a kernel that took a while: what the kernel
    returned is then lost, though its arrays have moved on. Threads but the main one are never interrupted.
    """
    if not _in_main_thread():
        yield
        return
    _put_back_what_brian2_took()
    before = {number: signal.getsignal(number) for number in _INTERRUPTS}
    handled = {number: handler for number, handler in before.items() if callable(handler)}
    held = []
    for number in handled:
        signal.signal(number, lambda *arguments: held.append(arguments))
    try:
        yield
    finally:
        for number, handler in handled.items():
            signal.signal(number, handler)
    if held:
        handled[held[0][0]](*held[0])


@contextmanager
def terminated_in_order():
    """SIGTERM within raises Terminated once; the process then ends by it, as it would have without this.

    A handler of one's own stays in its place, and threads but the main one know no signals.
    """
    if not _in_main_thread():
        yield
        return
    _put_back_what_brian2_took()
    if signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, _terminate)
    try:
        yield
    except Terminated:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.raise_signal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _in_main_thread():
    return threading.current_thread() is threading.main_thread()


def _put_back_what_brian2_took():
    """Brian2's handler of Ctrl-C calls what it found, even where that was to ignore it, or none: it is put back."""
    found = getattr(signal.getsignal(signal.SIGINT), "previous_handler", None)
    if isinstance(found, signal.Handlers):
        signal.signal(signal.SIGINT, found)


def _terminate(*_):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # `timeout` and others send it twice; the answer is under way
    raise Terminated
