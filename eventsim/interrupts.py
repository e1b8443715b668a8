"""Interrupts from the keyboard, held back while a state is being changed."""

import signal
import threading
from contextlib import contextmanager

__all__ = ["interrupts_held_back"]


@contextmanager
def interrupts_held_back():
    """Ctrl-C pressed within takes effect at the end, with whatever handler there was.

    Python runs a handler between any two steps, most often right behind a kernel that took a while: what the kernel
    returned is then lost, though its arrays have moved on. Threads but the main one are never interrupted.
    """
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield
        return
    held = []
    signal.signal(signal.SIGINT, lambda *arguments: held.append(arguments))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if held:
        before(*held[0])
