# radparity: a reader-equivalence study from DICOM to verdict.
#
# results/
#   raw/digests.tsv                                 content digest of every raw path (made by `radparity sweep`)
#   download/<exam>/download.json                   how much came, where `sheets: series` names what to fetch
#   intake/<exam>/intake.json                       series roles, phases with times
#   eligible/<exam>/eligible.json                   which of its breasts enter the study, by which rule or decision
#   convert/<exam>/phases.nii.gz, t2.nii.gz         (section, anterior, superior[, phase]), RAS+; T2 empty where none
#   kinetics/<exam>/kinetics.json                   own maps against the site's, where it has them
#   register/<exam>/registered.nii.gz, fields.nii.gz
#   harmonize/<harmonization>/<breast>/channels.nii.gz
#   mask/<breast>/mask.nii.gz, mask/weights.pt      weights where a network makes the masks and is trained here
#   outline/<breast>/outlines.nii.gz, check.png     all raters, on the common section; suspects drawn
#   outline/shifts.tsv, shifts.json                 whether the whole study's outlines lie some sections off
#   fold/twins_development.json, twins_all.json     the same pixels in two exams
#   fold/folds.tsv, fold/<harmonization>/<fold>/scaling.json
#   slab/<harmonization>/<breast>/slab.npy          the sections that training draws from, float16
#   train/<arm>/<fold>/weights.pt, last.pt, curve.tsv, curve.png
#   nnunet/<harmonization>/raw/Dataset001_<study>/  nnU-Net's dataset.json, splits_final.json, imagesTr/, labelsTr/;
#   nnunet/<arm>/<fold>/weights.pth, curve.tsv      made by the target export_nnunet, and for arms of nnU-Net
#   predict/<arm>/<breast>/probability.nii.gz, predict/<arm>/benign.npz (some benign breasts, out of fold)
#   consensus/<breast>/references.nii.gz            leave-one-reader-out
#   segment/<arm>/fraction.json, curve.tsv, maxima.tsv, segment/<arm>/<breast>/mask.nii.gz
#   seg/<arm>/<breast>/seg.dcm                      the mask as DICOM SEG for the hospital; made by the target seg
#   select/<arm>/scores.tsv                         held-out development cases; made by the targets selection and
#   select/selection.tsv, learning_curve.tsv        learning_curve
#   compare/<arm>/main.tsv, cases.tsv, equivalence.tsv, scores.tsv, tails.tsv, thresholds.tsv,
#   compare/<arm>/located.tsv                       location given
#   shift/<harmonization>/<breast>/shift.json       of an external test: what tells cohorts apart, case by case, and
#   shift/<arm>/groups.tsv, drop.tsv, facts.tsv, separable.tsv, internal.tsv, shift.png
#   figures/<arm>/figure_5a.svg, .pdf, .png, .json  the paper's figures: 4, 5A, 5B, 6, E6A, E6B, E7, E8
#   estimate/estimate.tsv                           hours and disk, beforehand; made by the target estimate
#   power/power.tsv, power.json, power.png, power.svg   how many cases; made by the target power
#   masks/cases.tsv, masks.npz                      of a study of masks alone (docs/masks.md), and its
#   compare/readers/pooled.tsv, agreement.tsv, references.tsv, distances.tsv, sizes.tsv   without a network
#   verify/cases.tsv, summary.tsv                   against the phantoms' truth
#   view/<breast>/view.npz, thumbnail.webp          what its page shows of its images, without the network
#   report/cases/<breast>.html, <breast>.webp       a page a case, and the strip of images that judges its quality
#   keep/batch_<batch>.json                         which files went, where `keep` is not `all`
#   report/index.html, data.html, preprocessing.html, quality.html, training.html, comparison.html, cases.html,
#   report/provenance.html                          the report (docs/report.md); interim/ before the study is finished
#   report/flow.tsv, flow_exams.tsv, assets/*       where each breast and each exam ended; what the pages load
#   report/headline.tsv                             the numbers of its verdict and main tables (docs/releases.md)
#   audit/index.html, audit.json, green.json         the verdict; green.json only where it is green
#   crate/ro-crate-metadata.json                    this run described, with times; made by the target crate
#   kit/audit_kit.zip, root.json                    for outsiders, free of identity; made by the target audit_kit
#   share/report.zip, report/, share.json            the report without what is nobody else's; made by the target share
#   bundle/<arm>.zip, <arm>.zip.sha256             for a site that only wants the network; made by the target bundle
#   logs/, benchmarks/                              what varies from run to run
# Every case folder also holds <stage>.json, its record: ok, or excluded with the reason. Beside every file lies
# <file>.ledger.json: digests of the file, of what it was made from, and of the code.
#
# The rules of intake to slab, outline, predict, consensus, segment, view and page take the cases of some patients in one
# job. What Snakemake sees of them is the list results/<stage>/batch_<batch>.json; a case that stands is not made again.
import gc
import os
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.common import __version__ as snakemake_version
from snakemake.io import strip_wildcard_constraints
from snakemake.utils import min_version, update_config

min_version("9.14.1")

LIBRARY = Path(workflow.basedir, "workflow")
sys.path.insert(0, str(LIBRARY))
# glibc would hand every large array back to the system and fault the next one in anew: a third of a prediction's time.
os.environ.update(PYTHONPATH=str(LIBRARY), MALLOC_MMAP_MAX_="0", MALLOC_TRIM_THRESHOLD_=str(16 * 2**30))

from radparity.arms import advice, points, selected
from radparity.audit.entries import pins
from radparity.channels import DEFAULT_CHANNELS
from radparity.checkout import RUNS, checkout, record_run, refuse_edited
from radparity.code import digest as code_digest, environment
from radparity.config import ConfigError
from radparity.kinds import open_study
from radparity.nnunet.dataset import dataset_name, image_name, label_name
from radparity.queue import left_in_queue
from radparity.pilot import about, refuse_over_whole
from radparity.release.fixed import RELEASES, about_release, refuse_changed
from radparity.terminal import read_config

# Not the directive `configfile`: a study of one's own named on the command line would inherit the demo's arms.
source = str(next(iter(workflow.configfiles), "config.yaml"))
try:
    if not workflow.configfiles:
        given = dict(config)
        config.update(read_config(source))
        update_config(config, given)
    study = open_study(config, source)
    refuse_over_whole(study)
    raw = study.digests
    if workflow.is_main_process:
        refuse_changed(study)
    gc.freeze()  # the rows of the sheets stay to the end: they need not be looked through for garbage again and again
except ConfigError as error:
    raise WorkflowError(str(error))


onstart:
    state = checkout(Path(workflow.basedir), [study.config.plan, str(RELEASES)])
    if not workflow.local_exec:
        try:
            refuse_edited(state)
        except ConfigError as error:
            raise WorkflowError(str(error))
    if left := left_in_queue(Path.cwd()):
        raise WorkflowError(
            f"{len(left)} jobs of an earlier call are still in the queue and would be made twice. Wait until"
            f" they are done, or cancel them, and start again: scancel {' '.join(left)}"
        )
    record_run(RUNS, state, snakemake_version, sys.argv)


onerror:
    logs = [log] if isinstance(log, str) else log
    if any("AuditRed: " in Path(one).read_text(errors="replace") for one in logs):
        print("\nThe audit is red: results/audit/index.html says what is wrong and what to do.", file=sys.stderr)


wildcard_constraints:
    exam=r"[A-Za-z0-9-]+",
    breast=r"[A-Za-z0-9-]+",
    arm=r"\w+",
    fold=r"\d+",
    batch=r"\w+",
    harmonization=r"\w+",


rule all:
    default_target: True
    input:
        lambda wc: report_files(),
        "results/audit/green.json",
        lambda wc: kept_lists(),
        lambda wc: waiting_lists(),


include: "workflow/rules/recorded.smk"
include: "workflow/rules/batched.smk"
include: "workflow/rules/common.smk"
include: "workflow/rules/reported.smk"


RULES = {
    "exams": """on_request plan estimate download intake eligible convert kinetics register harmonize mask outline
    fold slab train nnunet nnunet_predict predict consensus segment seg select compare shift figures
    power verify view page keep assets report bundle audit kit share crate""".split(),
    "masks": ["plan", "assets", "masks", "audit", "crate"],
}
for each in RULES[study.kind]:

    include: f"workflow/rules/{each}.smk"
