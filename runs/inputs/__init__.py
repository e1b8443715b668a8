"""Data that experiments run on: sets that come with the installed packages, and users' own files."""

from runs.inputs.data_set import DataSet
from runs.inputs.digits import Recall, digits
from runs.inputs.own_files import FORMATS, Options, read_own

__all__ = ["FORMATS", "DataSet", "Options", "Recall", "digits", "read_own"]
