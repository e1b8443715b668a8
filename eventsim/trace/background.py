"""Background: segments are written by one thread while the run goes on."""

from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress

from eventsim.errors import EventSimError

__all__ = ["Background", "SegmentList"]


class Background:
    """A SegmentFolder whose segments a thread writes.

    One segment is being written while the run fills the next, so that never more than two are in memory. The thread
    lives as long as it has something to write: an idle run, one that was forgotten, or one that has ended has none.

    Parameters
    ----------
    folder : SegmentFolder
    """

    def __init__(self, folder):
        self._folder = folder
        self._make = self._writing = None  # the segment that is not known to be on disk, and its thread's Future

    def append(self, make):
        """Have the columns that `make()` returns written, once the segment before is on disk.

        Raises
        ------
        EventSimError
            When the segment before could not be written; this one was then not taken. That one is kept, and the next
            call tries again.
        """
        self.settle()
        self._make = make
        self._start()

    def settle(self):
        """Wait until everything is on disk; raises as `append` does."""
        if self._make is None:
            return
        writing = self._writing or self._start()
        wait([writing])  # an interrupt from the keyboard ends the waiting and changes nothing
        self._writing = None
        writing.result()
        self._make = None

    def _start(self):
        thread = ThreadPoolExecutor(1, thread_name_prefix="eventsim-trace")
        self._writing = writing = thread.submit(_write, self._folder, self._make)
        thread.shutdown(wait=False)  # it ends when it has written
        return writing

    def __iter__(self):
        self.settle()
        return iter(self._folder)

    def delete(self):
        """Remove the folder."""
        self.settle()
        self._folder.delete()

    def abandon(self):
        """Keep what can be written."""
        try:
            with suppress(EventSimError):  # whoever gives up has had an error already, or does not want this run
                self.settle()
        finally:
            self._folder.abandon()


def _write(folder, make):
    folder.append(make())


class SegmentList:
    """Segments in memory, of a trace that stays there; their columns are made when they are asked for.

    Attributes
    ----------
    segments : list of Segment
    """

    def __init__(self):
        self.segments = []

    def append(self, segment):
        """Keep one."""
        self.segments.append(segment)

    def __iter__(self):
        return (make() for make in self.segments)

    def settle(self):
        """Nothing is under way."""

    def delete(self):
        """Let go of them."""
        self.segments.clear()

    abandon = delete
