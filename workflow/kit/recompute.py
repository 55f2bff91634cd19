"""Recompute the numbers of a study of readers and networks from their masks. Needs Python, numpy and scipy only.

    python recompute.py [ROOT ...]

First every file is held against MANIFEST, that against ROOT, and the published tables against the digests of what the
report was made from, whose root the report prints. A root digest that you have from elsewhere, as from that report, may
follow: then it must be one of these two. Then each number is computed again and printed beside the published one. Exits
1, and names what is wrong, where a file or a number is not as published. README.txt says what the files hold. Written
from the definitions of the tests; shares no code with the program that made the numbers.
"""

import csv
import hashlib
import json
import math
import sys
from pathlib import Path

import numpy as np
from scipy import stats

KIT = Path(__file__).resolve().parent
DECIMALS, DUST = 12, 1e-12  # Dice is a ratio of whole numbers: differences closer than this are equal
NAN = math.nan


def sha256(content):
    """The digest of some bytes."""
    return hashlib.sha256(content).hexdigest()


def wrong_files(roots):
    """What is wrong with the files of the kit, a sentence each. roots: the two root digests as they are now."""
    digest = {path: sha256(path.read_bytes()) for path in KIT.rglob("*") if path.is_file()}
    lines = (KIT / "MANIFEST").read_text().splitlines()
    listed = {KIT / name: said for said, name in (line.split("  ", 1) for line in lines)}
    if roots["kit"] != (KIT / "ROOT").read_text().strip():
        yield "MANIFEST: does not have the digest in ROOT"
    for path in sorted({*digest, *listed} - {KIT / "MANIFEST", KIT / "ROOT"}):
        name = path.relative_to(KIT).as_posix()
        if path not in listed:
            yield f"{name}: is not in MANIFEST"
        elif digest.get(path) != listed[path]:
            yield f"{name}: {'does not have its digest' if path in digest else 'is missing'}"
    inputs = {row["path"]: row["sha256"] for row in tsv(KIT / "report.tsv")}
    for path in sorted(KIT.glob("published/*/*.tsv")):
        result = f"results/compare/{path.parent.name}/{path.name}"
        # In scores.tsv the cases have other names than in the study.
        if path.name != "scores.tsv" and inputs.get(result) != digest[path]:
            yield f"{path.relative_to(KIT).as_posix()}: is not the table that the report was made from"


def root_digests():
    """Of the kit, over MANIFEST; of the report, over path and digest of each of the files that it was made from."""
    rows = sorted((row["path"], row["sha256"]) for row in tsv(KIT / "report.tsv"))
    report = sha256("".join(f"{path} {said}\n" for path, said in rows).encode())
    return {"kit": sha256((KIT / "MANIFEST").read_bytes()), "report": report}


def dice(mask, reference, empty):
    """2|A and B| / (|A| + |B|); on an empty reference nan, or 0 where the policy for empty ones is `zero`."""
    if not reference.any():
        return 0.0 if empty == "zero" else NAN
    return float(2 * np.sum(mask & reference) / (np.sum(mask) + np.sum(reference)))


def leave_one_out(outlines, rule, shipped):
    """The reference of each reader, of the others only. STAPLE is not computed again: what is shipped counts."""
    others = outlines.sum(axis=0) - outlines.astype(int)
    needed = {"intersection": len(outlines) - 1, "union": 1, "majority": (len(outlines) - 1) // 2 + 1}
    return others >= needed[rule] if rule in needed else shipped


class Scores:
    """Dice of network (x) and readers (y), each (case, reader), on the reference made without that reader."""

    def __init__(self, study, sheet, arm, faults):
        rows = [row for row in sheet if arm in row["arms"].split(",")]
        self.cases, self.patients = (np.array([row[name] for row in rows]) for name in ("case", "patient"))
        self.readers = study["readers"]
        self.x, self.y, self.voxels = np.full((3, len(rows), len(self.readers)), NAN)
        for i, case in enumerate(self.cases):
            names = ("outlines", "references", f"mask_{arm}")
            outlines, shipped, network = (np.load(KIT / "cases" / case / f"{name}.npy") > 0 for name in names)
            references = leave_one_out(outlines, study["reference"], shipped)
            if not np.array_equal(references, shipped):
                faults.append(f"{case}: the references that it comes with are not those of its outlines")
            for k, reference in enumerate(references):
                self.x[i, k] = dice(network, reference, study["empty_reference"])
                self.y[i, k] = dice(outlines[k], reference, study["empty_reference"])
                self.voxels[i, k] = reference.sum()

    def on(self, k=None):
        """Network's Dice, readers' Dice, patients and cases: on reference k, or the mean over a case's usable ones."""
        of = slice(None) if k is None else [k]
        some = np.isfinite(self.x[:, of]).any(axis=1)
        x, y = (np.array([np.nanmean(row) for row in dices[some][:, of]]) for dices in (self.x, self.y))
        return x, y, self.patients[some], self.cases[some]


def wilcoxon(d):
    """p of the signed rank test (two-sided, greater, less), cases independent, and the matched rank-biserial."""
    d = d.round(DECIMALS)
    nonzero = d[d != 0]
    if not len(nonzero):
        return (1.0, 1.0, 1.0, NAN) if len(d) else (NAN, NAN, NAN, NAN)
    exact = len(d) <= 50 and len(nonzero) == len(d) == len(set(abs(d)))
    how = {"zero_method": "wilcox", "correction": False, "method": "exact" if exact else "asymptotic"}
    p = [float(stats.wilcoxon(nonzero, alternative=side, **how).pvalue) for side in ("two-sided", "greater", "less")]
    ranks = stats.rankdata(abs(nonzero))
    return *p, float(np.sum(np.sign(nonzero) * ranks) / ranks.sum())


def wilcoxon_by_patient(d, patients):
    """The same with patients as clusters (Rosner, Glynn, Lee 2006): p two-sided, greater, less."""
    d, names = d.round(DECIMALS), np.unique(patients)
    if len(names) < 2:
        return NAN, NAN, NAN
    if not d.any():
        return 1.0, 1.0, 1.0
    ranks = np.zeros(len(d))
    ranks[d != 0] = stats.rankdata(abs(d[d != 0]))
    sums = np.array([np.sum((np.sign(d) * ranks)[patients == one]) for one in names])
    z = sums.sum() / np.sqrt(np.sum(sums**2)) if sums.any() else 0.0
    return 2 * stats.norm.sf(abs(z)), stats.norm.sf(z), stats.norm.cdf(z)


def holm(p):
    """Holm's adjusted p of a family; one that could not be tested leaves it."""
    adjusted, largest = [NAN] * len(p), 0.0
    tested = sorted((i for i, one in enumerate(p) if not math.isnan(one)), key=lambda i: p[i])
    for rank, i in enumerate(tested):
        largest = max(largest, (len(tested) - rank) * p[i])
        adjusted[i] = min(1.0, largest)
    return adjusted


def resamples(count, study):
    """Patients drawn with replacement, (resample, patient), as numbers of the sorted patients."""
    return np.random.default_rng(study["seed"]).integers(0, count, size=(study["bootstrap"], count))


def chance_above(reader, network, patients, study):
    """Vargha and Delaney's A, the chance that the reader's Dice is above the network's, and its bootstrap interval."""
    above = np.sign(reader.round(DECIMALS)[:, None] - network.round(DECIMALS)[None, :]) / 2 + 0.5
    names = np.unique(patients)
    if len(names) < 2:
        return above.mean() if above.size else NAN, NAN, NAN
    member = (patients[None, :] == names[:, None]).astype(float)
    wins, sizes = member @ above @ member.T, member.sum(axis=1)
    times = np.stack([np.bincount(drawn, minlength=len(names)) for drawn in resamples(len(names), study)]).astype(float)
    shares = ((times @ wins) * times).sum(axis=1) / (times @ sizes) ** 2
    return above.mean(), *np.quantile(shares, [study["alpha"] / 2, 1 - study["alpha"] / 2])


def mean_and_error(d, patients):
    """Mean difference, its patient-robust standard error, and of each patient the sum of d - mean and the cases."""
    theta, names = (d.mean() if len(d) else NAN), np.unique(patients)
    sums, sizes = np.array([[np.sum(d[patients == one] - theta), np.sum(patients == one)] for one in names]).T
    error = np.sqrt(len(names) / (len(names) - 1) * np.sum(sums**2)) / len(d) if len(names) > 1 else NAN
    return theta, (0.0 if error < DUST else error), sums, sizes


def ratio(distance, error):
    """A distance in standard errors; infinite where there is a distance and no error."""
    if error >= DUST:
        return distance / error
    return math.copysign(math.inf, distance) if abs(distance) >= DUST else 0.0


def quantile(values, share):
    """Linear quantile; beside an infinite value the outer neighbour."""
    low, high = (np.quantile(values, share, method=method) for method in ("lower", "higher"))
    return np.quantile(values, share) if np.isfinite([low, high]).all() else high if share > 0.5 else low


def margin_test(d, patients, study):
    """Mean difference against the margin by studentized bootstrap: estimate, error, interval, p (low, high)."""
    theta, error, sums, sizes = mean_and_error(d, patients)
    if math.isnan(error):
        return theta, error, NAN, NAN, NAN, NAN
    count, drawn = len(sums), resamples(len(sums), study)
    n = sizes[drawn].sum(axis=1)
    shift = sums[drawn].sum(axis=1) / n
    spread = np.sqrt(count / (count - 1) * np.sum((sums[drawn] - sizes[drawn] * shift[:, None]) ** 2, axis=1)) / n
    t = np.array([ratio(s if abs(s) >= DUST else 0.0, e) for s, e in zip(shift, spread)])
    low, high = (theta - quantile(t, share) * error for share in (1 - study["alpha"], study["alpha"]))
    p_low = (1 + np.sum(t >= ratio(theta + study["margin"], error))) / (len(t) + 1)
    return theta, error, low, high, p_low, (1 + np.sum(t <= ratio(theta - study["margin"], error))) / (len(t) + 1)


def t_test(d, patients, study):
    """The same with quantiles of Student's t on one degree of freedom less than patients."""
    theta, error, sums, _ = mean_and_error(d, patients)
    if math.isnan(error):
        return theta, error, NAN, NAN, NAN, NAN
    t = stats.t(len(sums) - 1)
    half = t.ppf(1 - study["alpha"]) * error
    p_low, p_high = t.sf(ratio(theta + study["margin"], error)), t.cdf(ratio(theta - study["margin"], error))
    return theta, error, theta - half, theta + half, p_low, p_high


def verdict(low, high, n, study):
    """The verdict, from the interval alone."""
    if n < study["minimum_cases"]:
        return "too few cases"
    if low > study["margin"]:
        return "superior beyond the margin"
    if high < -study["margin"]:
        return "inferior"
    return "equivalent" if low > -study["margin"] and high < study["margin"] else "inconclusive"


def main_table(scores, study):
    """Network and readers, averaged over references and on each."""
    rows = {}
    for k in (None, *range(len(scores.readers))):
        x, y, patients, _ = scores.on(k)
        network, reader, between = (np.quantile(v, [0.25, 0.5, 0.75]) if len(v) else [NAN] * 3 for v in (x, y, x - y))
        row = rows["averaged" if k is None else scores.readers[k],] = {}
        row["n"], row["patients"], row["cases_left_out"] = len(x), len(set(patients)), len(scores.cases) - len(x)
        row["network_median"], row["network_iqr"] = network[1], network[2] - network[0]
        row["reader_median"], row["reader_iqr"] = reader[1], reader[2] - reader[0]
        row["median_of_differences"], row["difference_of_medians"] = between[1], network[1] - reader[1]
        row["mean_difference"] = np.mean(x - y) if len(x) else NAN
        row["wilcoxon_p"], _, _, row["rank_biserial"] = wilcoxon(x - y)
        row["wilcoxon_p_by_patient"] = wilcoxon_by_patient(x - y, patients)[0]
        row["a_reader_above_network"], row["a_low"], row["a_high"] = chance_above(y, x, patients, study)
        row["unusable_pairs"] = np.sum(np.isnan(scores.x if k is None else scores.x[:, k]))
    for name in ("", "_by_patient"):
        adjusted = holm([rows[reader,][f"wilcoxon_p{name}"] for reader in scores.readers])
        for reader, p in zip(scores.readers, adjusted):
            rows[reader,][f"holm_p{name}"] = p
    return rows


def equivalence_table(scores, study):
    """The margin test, its check by t, and the paper's bracket."""
    x, y, patients, cases = scores.on()
    counted = {"n": len(x), "patients": len(set(patients))}
    rows = {("bracket",): counted | bracket(scores, study)}
    for name, test in (("margin", margin_test), ("patient-robust t", t_test)):
        row = rows[name,] = counted | {"margin": study["margin"], "level": 1 - 2 * study["alpha"]}
        row["estimate"], _, row["low"], row["high"], p_low, p_high = test(x - y, patients, study)
        row["p_by_patient"], row["p_cases"] = max(p_low, p_high), max(test(x - y, cases, study)[4:])
        said = row["verdict"] = verdict(row["low"], row["high"], len(x), study)
        above = "yes" if row["low"] > -study["margin"] else "not shown"
        row["non_inferior"] = said if said == "too few cases" else above
        row["detail"] = f"p against -margin {p_low:.4g}, against +margin {p_high:.4g}"
    return rows


def bracket(scores, study):
    """Above the reader with the lowest median Dice, and below the one with the highest, each on the own reference?"""
    if study["anonymous"]:
        return {"verdict": "refused: anonymous readers"}
    levels = [(scores.on(k)[1], reader, k) for k, reader in enumerate(scores.readers)]
    order = sorted((np.median(y).round(DECIMALS), y.mean().round(DECIMALS), who, k) for y, who, k in levels if len(y))
    if len(order) < 2:
        return {"verdict": "not testable"}
    (*_, lowest, low), (*_, highest, high) = order[0], order[-1]
    (lx, ly, lp, _), (hx, hy, hp, _) = scores.on(low), scores.on(high)
    low, high = wilcoxon(lx - ly)[1], wilcoxon(hx - hy)[2]
    low_by_patient, high_by_patient = wilcoxon_by_patient(lx - ly, lp)[1], wilcoxon_by_patient(hx - hy, hp)[2]
    return {
        "p_cases": max(low, high),
        "p_by_patient": np.maximum(low_by_patient, high_by_patient),
        "verdict": "passed" if max(low, high) < study["alpha"] else "not passed",
        "detail": f"lowest reader {lowest}: p {low:.4g} ({len(lx)} cases); "
        f"highest reader {highest}: p {high:.4g} ({len(hx)} cases)",
    }


def sampled_readers(scores, clusters, study):
    """Readers as a random sample (Obuchowski, Rockette 1995; Hillis 2007): estimate, error, df, interval, p."""
    d, names, readers = scores.x - scores.y, np.unique(clusters), len(scores.readers)
    usable = np.isfinite(d)
    n = usable.sum(axis=0)
    if len(names) < 2 or readers < 2 or not n.all():
        return (NAN,) * 6
    theta = np.nansum(d, axis=0) / n
    apart = np.where(usable, d - theta, 0.0)
    sums = np.stack([apart[clusters == one].sum(axis=0) for one in names])
    covariances = len(names) / (len(names) - 1) * (sums.T @ sums) / np.outer(n, n)
    shared, between = covariances[~np.eye(readers, dtype=bool)].mean(), theta.var(ddof=1)
    between = between if between > DUST**2 else 0.0
    total = between + max(readers * shared, 0.0)
    estimate, error = theta.mean(), math.sqrt(total / readers)
    if error <= DUST:  # nothing to estimate from, which is no certainty
        return estimate, *(NAN,) * 5
    df = total**2 * (readers - 1) / between**2 if between else math.inf
    t = stats.t(df) if between else stats.norm
    half = t.ppf(1 - study["alpha"]) * error
    p = max(t.sf((estimate + study["margin"]) / error), t.cdf((estimate - study["margin"]) / error))
    return estimate, error, df, estimate - half, estimate + half, p


def random_readers_table(scores, study):
    """The primary interval, that for readers like these, and the wider of the two."""
    x, y, patients, cases = scores.on()
    theta, error, low, high, *p = margin_test(x - y, patients, study)
    fixed = (theta, error, NAN, low, high, max(p), max(margin_test(x - y, cases, study)[4:]))
    sample = (NAN,) * 7
    if not study["anonymous"]:
        sample = (*sampled_readers(scores, scores.patients, study), sampled_readers(scores, scores.cases, study)[5])
    wider = not math.isnan(sample[3]) and not sample[4] - sample[3] < high - low
    names, rows = ("estimate", "standard_error", "df", "low", "high", "p_by_patient", "p_cases"), {}
    for who, values in (("fixed", fixed), ("a sample", sample), ("used", sample if wider else fixed)):
        said = verdict(values[3], values[4], len(x), study)
        refused = study["anonymous"] and who == "a sample"
        rows[who,] = dict(zip(names, values)) | {"verdict": "refused: anonymous readers" if refused else said}
    return rows


def tails_table(scores, study):
    """The ends of the distributions of Dice."""
    rows = {}
    for k, who in ((None, "averaged"), *enumerate(scores.readers)):
        for rater, v in zip(("network", "readers" if k is None else who), scores.on(k)):
            ends = (*np.quantile(v, [0.05, 0.95]), np.mean(v < 0.5)) if len(v) else (NAN, NAN, NAN)
            rows[rater, who] = dict(zip(("n", "percentile_5", "percentile_95", "share_under_half"), (len(v), *ends)))
    return rows


def scores_table(scores, study):
    """Dice of every case on every reference."""
    values = zip(scores.x.flat, scores.y.flat, scores.voxels.flat)
    names = ((case, reader) for case in scores.cases for reader in scores.readers)
    return {name: dict(zip(("dice_network", "dice_reader", "reference_voxels"), v)) for name, v in zip(names, values)}


TABLES = {  # name: what computes it, and the columns that name a row
    "scores": (scores_table, ("case", "reference")),
    "main": (main_table, ("reference",)),
    "equivalence": (equivalence_table, ("test",)),
    "random_readers": (random_readers_table, ("readers_are",)),
    "tails": (tails_table, ("rater", "reference")),
}


def tsv(path):
    """The rows of a table."""
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream, delimiter="\t"))


def compared(said, found):
    """Of a published value (text) and the computed one: how it is printed, the difference, whether it is rounding."""
    if isinstance(found, str):
        return found, "", said == found
    number = float(said or NAN)
    if math.isnan(found) or math.isnan(number):
        return "" if math.isnan(found) else f"{found:.10g}", "", math.isnan(found) and math.isnan(number)
    apart = 0.0 if number == found else number - found
    return f"{found:.10g}", f"{apart:+.0e}", math.isclose(number, found, rel_tol=1e-9, abs_tol=DUST)


def recompute(arm, study, sheet, faults):
    """Every table of an arm, published and computed; returns how many values were held against each other."""
    scores, count = Scores(study, sheet, arm, faults), 0
    print(f"\n{arm}: {len(scores.cases)} cases\n{'':56} {'published':>18} {'recomputed':>18}  difference")
    for name, (compute, keys) in TABLES.items():
        published = {tuple(row[key] for key in keys): row for row in tsv(KIT / "published" / arm / f"{name}.tsv")}
        computed = compute(scores, study) if len(scores.cases) else {}
        if set(published) != set(computed):
            faults.append(f"{arm}, {name}: its rows are not those that were computed")
        for row in [row for row in published if row in computed]:
            for column, value in computed[row].items():
                said, where = published[row][column], f"{name}, {' '.join(row)}: {column}"
                found, apart, same = compared(said, value)
                count += 1
                if not same:
                    faults.append(f"{arm}, {where}: published {said or 'nothing'}, recomputed {found or 'nothing'}")
                if not same or (name != "scores" and said):
                    print(f"{where:56} {said:>18} {found:>18}  {apart}{'' if same else '  <-- DIFFERS'}")
    return count


def main(*given):
    study, sheet, roots = json.loads((KIT / "study.json").read_text()), tsv(KIT / "cases.tsv"), root_digests()
    faults = [
        f"{said}: is the root digest neither of the kit nor of the report" for said in {*given} - {*roots.values()}
    ]
    faults += wrong_files(roots)
    print("\n".join(study["notes"]))
    count = sum(recompute(arm, study, sheet, faults) for arm in study["arms"])
    print(f"\nroot digest of this kit {roots['kit']}\nroot digest that the report prints {roots['report']}")
    print(f"{count} values recomputed from the masks of {len(sheet)} cases: {len(faults) or 'no'} faults")
    print("".join(f"  {fault}\n" for fault in faults), end="")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
