"""Enhancement maps and functional tumour volume of one exam, against the site's own."""

from pathlib import Path

import numpy as np

from radparity import kinetics
from radparity.batch_job import case_job
from radparity.convert import convert_folder
from radparity.image import load, save
from radparity.outline.dicom_file import one_file, read_dicom
from radparity.outline.site_volume import read_site_volume
from radparity.outline.tumour_volume import choose_phases, functional_tumour_volume
from radparity.record import read


def work(run):
    phases, affine = load(run.input.phases)
    maps = {name: Path(snakemake.config["raw"], path) for name, path in run.params["maps"].items()}
    own = {
        "enhancement_map": kinetics.percent_enhancement(phases[..., 0], phases[..., 1]),
        "washout_map": kinetics.enhancement_ratio(phases[..., 0], phases[..., 1], phases[..., 2]),
    }
    layers = list(own.values())
    facts = {"times_s": read(run.input.record)["times_s"]}
    tumour = np.zeros(phases.shape[:3], dtype=bool)
    if "tumour_volume" in maps:
        path = maps["tumour_volume"]
        site = read_site_volume(read_dicom(one_file(path), path.name, pixels=False), path.name)
        chosen, apart = choose_phases(facts["times_s"], site)
        tumour, _ = functional_tumour_volume(phases, affine, site, chosen)
        facts["tumour_volume"] = kinetics.agree_volume(tumour, site, affine, apart)
    for name, compare in (("enhancement_map", kinetics.agree_enhancement), ("washout_map", kinetics.agree_ratio)):
        if name in maps:
            theirs = convert_folder(maps[name], phases.shape[:3])
            facts[name] = compare(own[name], theirs, tumour)
            layers.append(theirs)
    save(run.output["maps"], np.stack([*layers, tumour], axis=-1).astype(np.float32), affine)
    return facts


case_job(snakemake, "kinetics", work)
