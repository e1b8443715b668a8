"""The Brian2 function `keyed_uniform`: its arguments, its C++ form, and that it is one object."""

import shutil
import subprocess

import numpy as np
import pytest
from brian2 import Function

import eventsim
from eventsim import noise
from eventsim.philox import uniform_array

_MAIN = """
#include <cstdio>
int main()
{{
    const int64_t lo[] = {{{lo}}}, hi[] = {{{hi}}}, step[] = {{{step}}};
    for (int k = 0; k < {n}; k++) printf("%a\\n", keyed_uniform(lo[k], hi[k], step[k], 1, 2147483647));
}}
"""


def test_the_function_is_public_and_stateless():
    assert eventsim.keyed_uniform is noise.keyed_uniform
    assert isinstance(noise.keyed_uniform, Function) and noise.keyed_uniform.stateless


def test_the_function_called_from_python_is_the_array_s():
    drawn = noise.keyed_uniform(np.arange(5), 3, 2, 0, 9)
    assert np.asarray(drawn).tobytes() == uniform_array(np.arange(5), 3, 2, 0, 9).tobytes()


@pytest.mark.optional
def test_the_cpp_form_gives_the_same_bits(tmp_path):
    compiler = shutil.which("c++") or shutil.which("g++") or shutil.which("clang++")
    if compiler is None:
        pytest.skip("needs a C++ compiler")
    rng = np.random.default_rng(1)
    lo, hi = rng.integers(-(2**31), 2**31, 100), rng.integers(-(2**31), 2**31, 100)
    step = rng.integers(0, 2**40, 100)
    columns = {name: ", ".join(f"{v}LL" for v in values) for name, values in (("lo", lo), ("hi", hi), ("step", step))}
    source = tmp_path / "draws.cpp"
    source.write_text(noise._CPP + _MAIN.format(n=100, **columns))
    subprocess.run([compiler, "-O2", "-o", tmp_path / "draws", source], check=True)
    printed = subprocess.run([tmp_path / "draws"], check=True, capture_output=True, text=True).stdout
    assert [float.fromhex(line) for line in printed.split()] == uniform_array(lo, hi, step, 1, 2147483647).tolist()
