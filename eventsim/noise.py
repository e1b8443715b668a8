"""Keyed noise as a Brian2 function: `keyed_uniform(key_lo, key_hi, step, purpose, seed)`.

The same bits as the kernels of this package, in each of Brian2's code generation targets, so that a
network with noise runs in Brian2 alone and gives the same spikes. Use it in a threshold condition, with
`t_in_timesteps` as the step.
"""

from brian2 import Function

from eventsim.philox import binomial_array, normal_array, uniform_array

__all__ = ["keyed_binomial", "keyed_normal", "keyed_uniform"]

_CPP = """
#include <cstdint>
static inline double keyed_uniform(int64_t key_lo, int64_t key_hi, int64_t step, int64_t purpose, int64_t seed)
{
    const uint64_t mask = 0xFFFFFFFFULL;
    uint64_t k0 = (uint64_t)key_lo & mask, k1 = (uint64_t)key_hi & mask;
    uint64_t c0 = (uint64_t)step & mask, c1 = (uint64_t)step >> 32;
    uint64_t c2 = (uint64_t)purpose & mask, c3 = (uint64_t)seed & mask;
    for (int round = 0; round < 10; round++)
    {
        const uint64_t p0 = 0xD2511F53ULL * c0, p1 = 0xCD9E8D57ULL * c2;
        c0 = (p1 >> 32) ^ c1 ^ k0;
        c1 = p1 & mask;
        c2 = (p0 >> 32) ^ c3 ^ k1;
        c3 = p0 & mask;
        k0 = (k0 + 0x9E3779B9ULL) & mask;
        k1 = (k1 + 0xBB67AE85ULL) & mask;
    }
    return ((double)(c0 >> 5) * 67108864.0 + (double)(c1 >> 6) + 0.5) / 9007199254740992.0;
}
"""

_CYTHON = """
cdef inline double keyed_uniform(long long key_lo, long long key_hi, long long step, long long purpose, long long seed):
    cdef unsigned long long mask = 0xFFFFFFFFULL
    cdef unsigned long long k0 = <unsigned long long>key_lo & mask
    cdef unsigned long long k1 = <unsigned long long>key_hi & mask
    cdef unsigned long long c0 = <unsigned long long>step & mask
    cdef unsigned long long c1 = <unsigned long long>step >> 32
    cdef unsigned long long c2 = <unsigned long long>purpose & mask
    cdef unsigned long long c3 = <unsigned long long>seed & mask
    cdef unsigned long long p0, p1
    cdef int round_
    for round_ in range(10):
        p0 = 0xD2511F53ULL * c0
        p1 = 0xCD9E8D57ULL * c2
        c0 = (p1 >> 32) ^ c1 ^ k0
        c1 = p1 & mask
        c2 = (p0 >> 32) ^ c3 ^ k1
        c3 = p0 & mask
        k0 = (k0 + 0x9E3779B9ULL) & mask
        k1 = (k1 + 0xBB67AE85ULL) & mask
    return (<double>(c0 >> 5) * 67108864.0 + <double>(c1 >> 6) + 0.5) / 9007199254740992.0
"""


def _keyed(draw):
    return Function(
        draw, arg_units=[1] * 5, return_unit=1, arg_names=["key_lo", "key_hi", "step", "purpose", "seed"],
        arg_types=["integer"] * 5, return_type="float", stateless=True,
    )  # fmt: skip


#: The Brian2 function; give it to a group's namespace under its own name.
keyed_uniform = _keyed(uniform_array)
#: Its normal counterpart, for the numpy target only: what re-keyed randn() and xi become.
keyed_normal = _keyed(normal_array)
#: Successes among n trials of chance p, for the numpy target only: what a re-keyed PoissonInput adds up.
keyed_binomial = Function(
    binomial_array, arg_units=[1] * 7, return_unit=1, arg_types=["integer"] * 6 + ["float"], return_type="integer",
    arg_names=["key_lo", "key_hi", "step", "purpose", "seed", "n", "p"], stateless=True,
)  # fmt: skip
keyed_uniform.implementations.add_implementation("cpp", _CPP)
keyed_uniform.implementations.add_implementation("cython", _CYTHON)
