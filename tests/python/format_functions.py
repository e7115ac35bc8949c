"""The reference functions of docs/format.md in numpy: the same bits as the C++ kernels, without sharing any code."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

ROUND = float.fromhex("0x1.8p52")
LN2_HIGH, LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
LOG2E = 1.44269504088896338700


def polynomial(coefficients: list[float], x: Array) -> Array:
    result = np.full_like(x, coefficients[-1])
    for c in reversed(coefficients[:-1]):
        result = result * x + c
    return result


def within(x: Array, low: float, high: float) -> Array:
    return np.where(x < low, low, np.where(x > high, high, x)).astype(x.dtype)


def taylor(powers: range, alternating: bool = False) -> list[float]:
    """1/n! for the powers n of a series, the signs beginning with minus if they alternate."""
    return [(-1 if alternating and i % 2 == 0 else 1) / math.factorial(n) for i, n in enumerate(powers)]


def exp_reduced(x: Array, n: Array) -> Array:
    return polynomial(taylor(range(14)), (x - n * LN2_HIGH) - n * LN2_LOW)


def power_of_two(n: Array) -> Array:
    return np.ldexp(1.0, n.astype(np.int32))


def exp_normal(x: Array) -> Array:
    x = within(x, -700, 700)
    n = (x * LOG2E + ROUND) - ROUND
    return exp_reduced(x, n) * power_of_two(n)


def exp(x: Array) -> Array:
    bounded = within(x, -746, 710)
    n = (bounded * LOG2E + ROUND) - ROUND
    half = (n * 0.5 + ROUND) - ROUND
    return np.where(np.isnan(x), np.nan, exp_reduced(bounded, n) * power_of_two(half) * power_of_two(n - half))


def log_normal(x: Array) -> Array:
    sqrt_half = np.uint64(0x3FE6A09E667F3BCD)
    i = x.view(np.uint64) - sqrt_half + np.uint64(0x3FF0000000000000)
    m = ((i & np.uint64(0x000FFFFFFFFFFFFF)) + sqrt_half).view(np.float64)
    e = (i >> np.uint64(52)).astype(np.float64) - 1023
    f = m - 1
    s = f / (f + 2)
    z = s * s
    r = polynomial([2 / n for n in range(3, 22, 2)], z) * z
    q = f * f * 0.5
    return e * LN2_HIGH - ((q - (s * (q + r) + e * LN2_LOW)) - f)


def log(x: Array) -> Array:
    small = x < 2.2250738585072014e-308
    result = log_normal(np.where(small, x * 2.0**54, x)) - np.where(small, 54 * 6.93147180559945309417e-01, 0)
    result = np.where(x == 0, -np.inf, np.where(x == np.inf, np.inf, result))
    return np.where(x >= 0, result, np.nan)


def sine(x: Array, quarters: int) -> Array:
    bounded = within(x, -1e5, 1e5)
    n = (bounded * 6.36619772367581382433e-01 + ROUND) - ROUND
    r = ((bounded - n * 1.57079632673412561417) - n * 6.07710050630396597660e-11) - n * 2.02226624879595063154e-21
    z = r * r
    sines = r + r * (z * polynomial(taylor(range(3, 18, 2), True), z))
    cosines = z * polynomial(taylor(range(2, 17, 2), True), z) + 1
    k = np.where(np.isfinite(x), n + quarters, 0).astype(np.int64) % 4
    return np.where(np.isfinite(x), np.where(k % 2 == 1, cosines, sines) * np.where(k >= 2, -1, 1), np.nan)


def cosh(x: Array) -> Array:
    e = exp(np.abs(x))
    return (e + 1 / e) * 0.5


def sinh(x: Array) -> Array:
    e = exp(np.abs(x))
    z = x * x
    series = x + x * (z * polynomial(taylor(range(3, 18, 2)), z))
    return np.where(np.abs(x) < 1, series, np.copysign((e - 1 / e) * 0.5, x))


FUNCTIONS: dict[str, Callable[[Array], Array]] = {
    "sqrt": np.sqrt, "abs": np.abs, "exp": exp, "log": log, "sin": lambda x: sine(x, 0), "cos": lambda x: sine(x, 1),
    "sinh": sinh, "cosh": cosh,
}  # fmt: skip


def arctan_reduced(x: Array) -> Array:
    z = x * x
    series = [3.33333333333329318027e-01, -1.99999999998764832476e-01, 1.42857142725034663711e-01,
              -1.11111104054623557880e-01, 9.09088713343650656196e-02, -7.69187620504482999495e-02,
              6.66107313738753120669e-02, -5.83357013379057348645e-02, 4.97687799461593236017e-02,
              -3.65315727442169155270e-02, 1.62858201153657823623e-02]  # fmt: skip
    return x - x * (z * polynomial(series, z))


def arctan2(y: Array, x: Array) -> Array:
    """The angle of the point (x, y)."""
    pi, pi_low, largest = math.pi, 1.22464679914735317636e-16, 1.7976931348623157e308
    height, width = np.abs(within(y, -largest, largest)), np.abs(within(x, -largest, largest))
    steep = height > width
    larger = np.where(steep, height, width)
    ratio = np.where(larger == 0, larger, np.where(steep, width, height) / larger)
    far = ratio > 0.41421356237309503
    reduced = arctan_reduced(np.where(far, (ratio - 1) / (ratio + 1), ratio))
    angle = np.where(far, pi / 4 + (reduced + pi_low / 4), reduced)
    angle = np.where(steep, pi / 2 - (angle - pi_low / 2), angle)
    angle = np.where(x < 0, pi - (angle - pi_low), angle)
    return np.where(np.isnan(x) | np.isnan(y), np.nan, np.copysign(angle, y))


# In float32, for networks.


def fma(a: Array, b: Array, c: Array) -> Array:
    """a * b + c of float32, rounded once.

    The product is exact in double precision. So that the sum does not suffer two roundings, it is first rounded to odd:
    where it is not exact, to that neighbour whose last bit is 1 (Boldo and Melquiond, 2008).
    """
    product, c = a.astype(np.float64) * b, np.asarray(c, np.float64)
    total = product + c
    part = total - product
    error = (product - (total - part)) + (c - part)
    is_even = total.view(np.uint64) % 2 == 0
    outwards = np.nextafter(total, np.copysign(np.inf, error))
    return np.where(np.isfinite(total) & (error != 0) & is_even, outwards, total).astype(np.float32)


def chain(coefficients: list[float], x: Array) -> Array:
    """A polynomial with fma, the coefficient of the highest power first."""
    result = np.full_like(x, np.float32(coefficients[0]))
    for c in coefficients[1:]:
        result = fma(result, x, np.float32(c))
    return result


def tanh(x: Array) -> Array:
    x = within(x, np.float32(-8.3), np.float32(8.3))
    z = x * x
    p = chain([1.4478796353823358e-08, 2.1382311007084418e-05, 3.541279234497501e-03, 1.3419136139386694e-01,
               9.999999569068961e-01], z)  # fmt: skip
    q = chain([8.224698291607879e-07, 3.36121357486893e-04, 2.604966252204316e-02, 4.6752451841949383e-01, 1.0], z)
    return x * p / q


def exp10(x: Array) -> Array:
    x = within(x, np.float32(-46), np.float32(39))
    n = fma(x, np.float32(3.3219281), np.float32(12582912)) - np.float32(12582912)
    r = fma(n, np.float32(-0.30102539), x)
    r = fma(n, np.float32(-4.6050390e-06), r)
    p = chain([0.068089365, 0.20699585, 0.53938293, 1.1712551, 2.0346785, 2.6509491, 2.3025851, 1.0], r)
    return scaled(p, n)


def scaled(p: Array, n: Array) -> Array:
    """p 2^n."""
    k = n.astype(np.int32)
    return p * np.ldexp(np.float32(1), k >> 1) * np.ldexp(np.float32(1), k - (k >> 1))


def exp_parts(x: Array) -> tuple[Array, Array]:
    """n and e^r - 1 with x = n ln 2 + r."""
    n = fma(x, np.float32(1.44269504), np.float32(12582912)) - np.float32(12582912)
    r = fma(n, np.float32(-0.693145752), x)
    r = fma(n, np.float32(-1.42860677e-06), r)
    p = chain([1.98412698e-04, 1.38888889e-03, 8.33333333e-03, 4.16666667e-02, 1.66666667e-01, 0.5], r)
    return n, fma(p * r, r, r)


def exp_of_negative(x: Array) -> Array:
    n, rest = exp_parts(within(x, np.float32(-104), np.float32(0)))
    return scaled(rest + np.float32(1), n)


def relu(x: Array) -> Array:
    return np.where(x < 0, np.float32(0), x)


def leaky_relu(x: Array) -> Array:
    return np.where(x < 0, x * np.float32(0.01), x)


def elu(x: Array) -> Array:
    n, rest = exp_parts(within(x, np.float32(-20), np.float32(0)))
    power = scaled(np.ones_like(x), n)
    return np.where(x > 0, x, fma(rest, power, power - np.float32(1)))


def silu(x: Array) -> Array:
    x = np.where(x < -104, np.float32(-104), x)
    e = exp_of_negative(-np.abs(x))
    return np.where(x < 0, x * e, x) / (e + np.float32(1))


def gelu(x: Array) -> Array:
    a = np.abs(within(x, np.float32(-15), np.float32(15)))
    t = np.float32(1) / fma(a, np.float32(0.25), np.float32(1))
    p = chain([0.033482738, -0.19354747, 0.38855401, -0.32451367, 0.29673576, -0.016057586, 0.12001333, 0.095166489,
               0.10018567, -1.9280389e-05], t)  # fmt: skip
    tail = a * (p * exp_of_negative(a * a * np.float32(-0.5)))
    return np.where(x < 0, np.float32(0), x) - tail


ACTIVATIONS: list[Callable[[Array], Array]] = [lambda x: x, tanh, relu, leaky_relu, elu, silu, gelu]
"""By their codes in model files."""
