"""Closed forms of power for normal paired differences with one case a patient.

The paper planned with `paired_t_power` (Hirsch et al. 2022, Statistical analysis): Dice of 0.75 and 0.80, a standard
deviation of 1.5 on the logit scale, alpha 5 %, power 85 %: 246 cases, of which 250 were read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

MOST = 10_000_000  # cases; a search ends here
NODES = 128  # of the quadrature over the standard deviation; more change nothing in 10 decimals
PAPER = {"reader": 0.75, "network": 0.80, "sd": 1.5, "alpha": 0.05, "power": 0.85}
NOT_COVERED = (
    "The paper's calculation is the power to find a difference where there is one. The study asks for the opposite,"
    " that the network is within a margin, and that needs another number of cases. It takes differences as normal on"
    " the logit scale, where a single failure (Dice 0) has no finite value and the clip decides how much it weighs; it"
    " takes every breast as its own patient; its standard deviation was assumed and not measured; and it leaves out"
    " that cases drop out, that references can be empty, and that other readers would have drawn other references."
)


def paired_t_power(effect: float, cases: float, alpha: float = 0.05) -> float:
    """Power of the two-sided paired t-test, by the noncentral t distribution.

    `effect`: mean difference over the standard deviation of differences. Raises ValueError below two cases.
    """
    from scipy import stats

    _check(cases, alpha)
    freedom = cases - 1
    critical = stats.t.isf(alpha / 2, freedom)
    shift = effect * np.sqrt(cases)
    return float(stats.nct.sf(critical, freedom, shift) + stats.nct.cdf(-critical, freedom, shift))


def equivalence_power(
    margin: float, sd: float, cases: float, true_difference: float = 0.0, alpha: float = 0.05
) -> float:
    """Power of two one-sided paired t-tests at `alpha` each: the chance that both reject.

    `margin`, `sd` (of the differences) and `true_difference` in one unit. Exact: the chance that the mean lies within
    the margin less t standard errors, integrated over the distribution of the standard deviation (Phillips, J
    Pharmacokinet Biopharm 1990;18:137-144). Raises ValueError below two cases or where `sd` is not positive.
    """
    from scipy import special, stats

    _check(cases, alpha)
    if not sd > 0:
        raise ValueError(f"sd is {sd}: the closed form needs differences that vary")
    freedom, scale = cases - 1, np.sqrt(cases) / sd
    critical = stats.t.isf(alpha, freedom) / np.sqrt(freedom)
    lowest, highest = stats.chi.ppf([1e-14, 1 - 1e-14], freedom)
    highest = min(highest, margin * scale / critical)  # beyond it no mean is within the margin
    if highest <= lowest:
        return 0.0
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    chi = lowest + (nodes + 1) / 2 * (highest - lowest)
    upper = special.ndtr((margin - true_difference) * scale - critical * chi)
    lower = special.ndtr((-margin - true_difference) * scale + critical * chi)
    density = stats.chi.pdf(chi, freedom)
    return float(np.sum(weights * (upper - lower) * density) * (highest - lowest) / 2)


def cases_for(power: float, of: Callable[[float], float]) -> float:
    """The number of cases (a fraction; round up) at which `of`, the power at a number of cases, reaches `power`.

    inf where ten million cases do not reach it. `of` must rise with the number of
    cases where it is near the wanted power.
    """
    from scipy import optimize

    if of(2) >= power:
        return 2.0
    enough = 4.0
    while of(enough) < power:
        enough *= 2
        if enough > MOST:
            return float("inf")
    return float(optimize.brentq(lambda cases: of(cases) - power, enough / 2, enough, xtol=1e-6))


def paper() -> dict[str, Any]:
    """The paper's calculation, what it becomes without its rounding, and as a test of equivalence."""
    margin = _logit(PAPER["network"]) - _logit(PAPER["reader"])
    exact = margin / PAPER["sd"]
    published = round(exact, 4)
    alpha, wanted = PAPER["alpha"], PAPER["power"]
    margin = round(margin, 4)
    return {
        "assumed": PAPER,
        "effect": published,
        "cases": _up(cases_for(wanted, lambda cases: paired_t_power(published, cases, alpha))),
        "power_at_250": paired_t_power(published, 250, alpha),
        "cases_unrounded": _up(cases_for(wanted, lambda cases: paired_t_power(exact, cases, alpha))),
        "equivalence_margin_logit": margin,
        "equivalence_power_at_250": equivalence_power(margin, PAPER["sd"], 250, alpha=alpha),
        "equivalence_cases": _up(cases_for(wanted, lambda n: equivalence_power(margin, PAPER["sd"], n, alpha=alpha))),
        "not_covered": NOT_COVERED,
    }


def _up(cases: float) -> int:
    """Rounded up, but not for the search's own error."""
    return int(np.ceil(cases - 1e-4))


def _logit(dice: float) -> float:
    return float(np.log(dice / (1 - dice)))


def _check(cases: float, alpha: float) -> None:
    if cases < 2:
        raise ValueError(f"{cases} cases: a paired test needs at least two")
    if not 0 < alpha < 0.5:
        raise ValueError(f"alpha is {alpha}: write an error rate between 0 and 0.5, such as 0.05")
