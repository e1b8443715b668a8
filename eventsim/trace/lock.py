"""A lock on a file, held for as long as a process lives: whoever kills its owner frees it."""

import errno
import fcntl

from eventsim.errors import ConfigError, EnvironmentProblem

__all__ = ["hold"]

_TAKEN = (errno.EAGAIN, errno.EACCES)


def hold(path, taken):
    """Lock a file, which is made where there is none; the lock ends when what is returned is closed.

    Raises
    ------
    ConfigError
        With the text `taken`, when another process holds it.
    EnvironmentProblem
        When the file cannot be opened, or the file system has no locks.
    """
    try:
        file = open(path, "a+", encoding="utf-8")  # noqa: SIM115 - NFS locks what is open for writing only
    except OSError as error:
        raise EnvironmentProblem(f"cannot write {path} ({error.strerror})") from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        if error.errno in _TAKEN:
            raise ConfigError(taken) from None
        reason = f"{path} cannot be locked ({error.strerror}); choose a folder on another disk"
        raise EnvironmentProblem(reason) from None
    return file
