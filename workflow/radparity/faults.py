"""Every fault that data can have: its code, what it means, and what to do. `docs/faults.md` is made from this table.

A fault excludes a case, or flags it (`flag`: it stays in the study and the report says so).
"""

from __future__ import annotations

from typing import NamedTuple


class Fault(NamedTuple):
    """stage: where it is found. meaning and mend: a sentence each. flag: the case stays and is marked."""

    stage: str
    meaning: str
    mend: str
    flag: bool = False


FAULTS: dict[str, Fault] = {
    "cohort_not_named": Fault(
        "cohort", "the exam's cohort is neither in train_on nor in test_on", "Nothing, or add the cohort to one of them"
    ),
    "test_cohort_unlabelled": Fault(
        "cohort",
        "a breast of a cohort in test_on without a cancer that every reader outlined",
        "Nothing, or add the outlines",
    ),
    "scanner_not_trained_on": Fault(
        "predict", "few or no training exams are from this scanner", "Judge the answer with more care", flag=True
    ),
    "download_missing": Fault(
        "download",
        "the store does not hold what the sheet of series says",
        "Make that sheet from a newer index, or leave the exam out",
    ),
    "download_count": Fault(
        "download", "the store holds another number of objects than the sheet of series says", "The same"
    ),
    "download_size": Fault(
        "download", "the store's objects are larger or smaller than the sheet of series says", "The same"
    ),
    "download_checksum": Fault(
        "download",
        "an object came with other bytes than the store's checksum says, at every try",
        "Try again later: `radparity redo download`, with the exam",
    ),
    "download_series": Fault(
        "download", "the images at the address are of another series than the sheet says", "Correct the sheet of series"
    ),
    "file_list_broken": Fault(
        "intake", "lines of the exam's list of files name no file", "Bring the files back, or draft the list again"
    ),
    "no_dicom": Fault("intake", "the exam holds no DICOM image", "Correct the column `folder` of the exams sheet"),
    "no_nifti": Fault(
        "intake", "the exam names a table of times and holds no NIfTI file", "Correct `folder`, or leave `times` empty"
    ),
    "nifti_unreadable": Fault(
        "intake", "a file is no NIfTI image with one value a voxel, or is cut off", "Export it again"
    ),
    "nifti_places_disagree": Fault(
        "intake", "the two transforms of a NIfTI header put it at different places", "Export it again"
    ),
    "nifti_phases_unclear": Fault(
        "intake", "the names of NIfTI files do not tell which phase each is", "Name them in the table of times"
    ),
    "phase_file_missing": Fault(
        "intake", "a phase between others, or one that has a time, has no file", "Bring it back, or correct the table"
    ),
    "times_unusable": Fault(
        "intake", "the table of times is not there, or a row of it cannot be used", "Correct the row that is named"
    ),
    "times_missing": Fault("intake", "a NIfTI phase has no time", "Add its row to the table of times"),
    "times_not_rising": Fault("intake", "a NIfTI phase is not later than the one before it", "Correct the table"),
    "truncated_file": Fault("intake", "a file ends before its pixels do", "Copy the exam again from the archive"),
    "several_patients": Fault("intake", "one exam's images carry several patient ids", "Give each exam its own folder"),
    "patient_ids_joined": Fault(
        "intake", "several patient ids, by a decision one woman's", "Nothing: check the decision", flag=True
    ),
    "no_dynamic_series": Fault(
        "intake", "no series can be the contrast-enhanced one", "Name it in decisions.tsv with the role `dynamic`"
    ),
    "dynamic_ambiguous": Fault(
        "intake",
        "several series could be the dynamic one, or its pre-contrast phase, and no rule decides",
        "Name their numbers in decisions.tsv with the role `dynamic`, or `other`",
    ),
    "precontrast_missing": Fault(
        "intake",
        "every series of the dynamic acquisition says it is after contrast",
        "Fetch the pre-contrast series, or name the series in decisions.tsv with the role `dynamic`",
    ),
    "sections_missing": Fault(
        "intake", "the images cannot be split into whole phases", "Fetch the series again from the archive"
    ),
    "section_gap": Fault("intake", "sections are not evenly spaced", "Fetch the series again from the archive"),
    "too_few_phases": Fault("intake", "fewer than one phase before and two after contrast", "Exclude the exam"),
    "several_exams": Fault(
        "intake", "MR images of several days lie in one exam's folder", "Give each its own folder or list of files"
    ),
    "copies_differ": Fault(
        "intake", "two files claim to be the same image but differ", "Fetch the series again from the archive"
    ),
    "geometry_missing": Fault(
        "intake", "images lack position, orientation or pixel spacing", "Fetch the originals from the archive"
    ),
    "mixed_matrix": Fault(
        "intake", "the dynamic series mixes matrix sizes that no tag separates", "Fetch the series again"
    ),
    "mixed_spacing": Fault(
        "intake", "the dynamic series mixes pixel spacings that no tag separates", "Fetch the series again"
    ),
    "mixed_contrasts": Fault(
        "intake", "the dynamic series mixes echoes, or water with fat", "Leave the odd series out in decisions.tsv"
    ),
    "section_repeated": Fault(
        "intake", "different images show one section of one phase", "Fetch the series again from the archive"
    ),
    "sections_shifted": Fault("intake", "sections do not lie over one another", "Look at the exam; exclude it"),
    "phases_shifted": Fault(
        "intake", "the phases were planned at different places", "Leave the odd series out in decisions.tsv"
    ),
    "phase_interrupted": Fault(
        "intake", "the last phase lacks sections, and fewer than three are whole", "Fetch the exam again, or exclude it"
    ),
    "phase_order_unknown": Fault("intake", "nothing tells in which order the phases came", "Fetch the exam again"),
    "two_sides": Fault(
        "intake",
        "left and right breast have dynamic series of their own",
        "Write two rows of the exams sheet for the folder, with `left` and `right` in the column `side`",
    ),
    "side_missing": Fault("intake", "no dynamic series shows the breast asked for", "Correct the column `side`"),
    "file_twice": Fault("intake", "the same image lies in several files; one is used", "None", flag=True),
    "image_twice": Fault("intake", "the same image comes under several identifiers; one is used", "None", flag=True),
    "truncated_elsewhere": Fault(
        "intake", "files outside the dynamic series end before their pixels do", "None, or copy them again", flag=True
    ),
    "patient_id_spelling": Fault(
        "intake", "the patient id is written in several ways (case, blanks, zeros)", "Make sure it is one", flag=True
    ),
    "several_studies": Fault(
        "intake", "one exam is filed under several study identifiers", "Make sure it is one exam", flag=True
    ),
    "acquisition_left_out": Fault(
        "intake", "the dynamic series held images of another matrix or spacing; they are left out", "None", flag=True
    ),
    "phase_dropped": Fault(
        "intake", "the last phase lacks sections and is left out", "None, or fetch the exam again", flag=True
    ),
    "series_order": Fault(
        "intake", "acquisition times do not rise with the series numbers; the times are followed", "None", flag=True
    ),
    "first_time_estimated": Fault(
        "intake", "the phase before contrast is placed in time by its duration", "None", flag=True
    ),
    "times_disagree": Fault(
        "intake", "two sources of phase times disagree by over a fifth; the first is used", "Look at both", flag=True
    ),
    "laterality_disagrees": Fault(
        "intake", "tag or description name one side, the images lie on the other", "Look at the exam", flag=True
    ),
    "laterality_unknown": Fault(
        "intake", "no tag names the side and the images straddle the midline", "Look at the exam", flag=True
    ),
    "lossy_compression": Fault(
        "intake", "images were compressed with loss", "Ask the archive for the originals", flag=True
    ),
    "t2_unusable": Fault(
        "intake",
        "there is a T2-weighted series, but it lacks sections or files, or lies elsewhere; it is not used",
        "None where no arm takes T2; else fetch the series again",
        flag=True,
    ),
    "t2_not_converted": Fault(
        "convert",
        "the T2-weighted series gave no usable volume; it is not used",
        "None where no arm takes T2; else see the log",
        flag=True,
    ),
    "t2_incomplete": Fault(
        "harmonize",
        "the T2-weighted series leaves out a part of this breast, or holds no signal there; it is not used",
        "None where no arm takes T2; else look at the series",
        flag=True,
    ),
    "no_t2": Fault(
        "predict",
        "the arm takes T2, and this breast has none that can be used",
        "Fetch the series; or judge the case by an arm without T2",
    ),
    "phase_times_unknown": Fault(
        "harmonize",
        "no tag gives each phase a time of its own, or the times do not grow",
        "Ask for the originals, or set `times_unknown` under `harmonize` in the configuration",
    ),
    "not_eligible": Fault(
        "eligible", "a rule of the configuration is not met", "None; a decision `include` in decisions.tsv overrides it"
    ),
    "excluded_by_decision": Fault("eligible", "a person has excluded it in decisions.tsv", "None, or delete that row"),
    "on_hold": Fault(
        "eligible",
        "a person has put it on hold in decisions.tsv: nobody has made up their mind",
        "Decide: write `keep` or `exclude` in the place of `hold`",
    ),
    "no_case": Fault("eligible", "no row of the breasts sheet names the exam", "Add a row there, or leave it so"),
    "conversion_failed": Fault("convert", "dcm2niix did not give one volume of the expected shape", "See the log"),
    "geometry_disagrees": Fault(
        "convert", "the converted volume does not lie where the headers say", "See the log; report the series"
    ),
    "phase_not_finite": Fault(
        "convert", "voxels of a NIfTI phase hold no number (NaN, infinite)", "Export it again, without masking"
    ),
    "phase_empty": Fault("convert", "every voxel of a phase is the same", "Fetch the exam again from the archive"),
    "phases_identical": Fault(
        "convert", "two phases hold the same pixels", "Fetch the exam again from the archive: one was exported twice"
    ),
    "grids_differ": Fault("convert", "the phases lie on different grids", "Exclude the odd series in decisions.tsv"),
    "registration_worse": Fault(
        "register",
        "a phase is less like the first post-contrast one after registration",
        "Look at quality.png; try `engine` or `method: affine`",
        flag=True,
    ),
    "registration_folds": Fault(
        "register",
        "registration presses or stretches tissue beyond the configured limits, or folds it",
        "Look at quality.png; raise the smoothing under `register`",
        flag=True,
    ),
    "lesion_volume_changed": Fault(
        "register",
        "registration changes the volume of strongly enhancing tissue beyond the configured limit",
        "Look at quality.png; raise the smoothing under `register`",
        flag=True,
    ),
    "side_disagrees": Fault("harmonize", "the volume lies on the other side", "Correct the column `side`"),
    "side_open": Fault(
        "harmonize",
        "the breasts sheet names no side and the volume shows both breasts",
        "Fill the column `side` of the breasts sheet: the side of the cancer",
    ),
    "midline_unclear": Fault(
        "harmonize",
        "origin and image disagree on whether one breast or both are shown, or where the midline is",
        "Fetch the exam again, with its origin; exclude it where it has none",
    ),
    "too_few_sections": Fault("harmonize", "hardly any section belongs to this breast", "Correct the column `side`"),
    "no_signal": Fault("harmonize", "the images hold no signal", "Look at the exam; fetch it again"),
    "chest_wall_unseen": Fault(
        "mask", "the chest wall hardly shows; the mask's posterior border is a guess", "Look at the mask", flag=True
    ),
    "breast_mask_unusable": Fault(
        "mask",
        "a mask to train on cannot be used; the mask network does without",
        "Export it on the exam's grid",
        flag=True,
    ),
    "no_breast": Fault("mask", "hardly any tissue is found in the volume", "Look at the exam"),
    "outline_missing": Fault("outline", "an outline's file is not there", "Correct the readings sheet"),
    "outline_unreadable": Fault("outline", "an outline's file cannot be read", "Export it again"),
    "outline_values": Fault(
        "outline", "an outline holds other values than 0 and 1", "Export it as a binary mask, or name its `segment`"
    ),
    "outline_shape": Fault(
        "outline", "an outline has another shape than the exam, and is no part of it", "Draw it on this exam"
    ),
    "outline_geometry": Fault(
        "outline", "an outline lies elsewhere than the exam, or between its voxels", "Draw it on this exam"
    ),
    "outline_unplaced": Fault(
        "outline", "an outline has no patient coordinates", "Name the image it was drawn on in the column `image`"
    ),
    "outline_unsupported": Fault(
        "outline", "an outline is in a format that is not read", "Export NIfTI, NRRD, DICOM SEG or RTSTRUCT"
    ),
    "outline_picture": Fault(
        "outline",
        "a PNG is no mask of the image it was drawn on: a screenshot, another size, grey values",
        "Export the mask in the image's own pixels",
    ),
    "outline_contours": Fault(
        "outline", "contours enclose nothing, or overlap in part", "Draw closed contours, holes wholly inside"
    ),
    "outline_segment": Fault(
        "outline", "a file holds several segments, or not the one named", "Correct the column `segment`"
    ),
    "outline_tissue": Fault(
        "outline",
        "a segment is the breast, its tissue or a box, not a cancer",
        "Name the cancer's `segment`, or write the `rule` that makes its outline",
    ),
    "outline_folder": Fault(
        "outline", "a folder that stands for one DICOM file holds none or several", "Name the file itself"
    ),
    "rule_group": Fault(
        "outline",
        "a segmentation does not describe a functional tumour volume",
        "Name the site's segmentation of this exam, or leave `rule` empty",
    ),
    "rule_box": Fault(
        "outline",
        "a segmentation does not say which box the tumour volume is counted in, or it lies outside the exam",
        "Check that both are of one visit, or leave `rule` empty",
    ),
    "rule_thresholds": Fault(
        "outline", "a segmentation does not say which thresholds the tumour volume has", "Leave `rule` empty"
    ),
    "rule_phases": Fault(
        "outline",
        "the phases that the site measured are not told, or are none of the exam's",
        "Check that both are of one visit, and the roles of the exam's series",
    ),
    "rule_count": Fault(
        "outline", "the rule's tumour volume has another number of voxels than the site counted", "None", flag=True
    ),
    "outline_frame": Fault(
        "outline", "an outline has another frame of reference than the exam", "Draw it on this exam, not on a copy"
    ),
    "outline_other_exam": Fault(
        "outline", "an outline refers to images that this exam does not hold", "Correct the readings sheet"
    ),
    "outline_empty": Fault("outline", "nothing is outlined", "Export it again, or drop its row"),
    "outline_side": Fault("outline", "the outline lies in the other breast", "Correct the column `side`"),
    "outline_sections": Fault(
        "outline",
        "raters outlined different sections, or one a volume and another a section",
        "Outline one common section, or each a volume",
    ),
    "outline_flat": Fault(
        "outline",
        "a single section of an exam that was not acquired sagittally is outlined",
        "Outline the cancer on all its sections, or on a sagittal one",
    ),
    "suspect_geometry": Fault(
        "outline",
        "an outline's border would follow the uptake better mirrored, or some sections away",
        "Look at check.png: export the outline again, or accept it with the verdict `outline_ok` in decisions.tsv",
    ),
    "outline_accepted": Fault(
        "outline",
        "an outline is suspect_geometry or geometry_doubtful, and a decision accepts it",
        "None: check the decision",
        flag=True,
    ),
    "geometry_doubtful": Fault(
        "outline",
        "an outline's border would follow the uptake a little better some sections away",
        "Look at check.png: export the outline again, or accept it with the verdict `outline_ok` in decisions.tsv",
        flag=True,
    ),
    "outline_half_pixel": Fault(
        "outline",
        "an outline lay up to half a pixel off, by its tool's convention; it was put right",
        "None",
        flag=True,
    ),
    "outline_fractional": Fault(
        "outline", "an outline held shares of voxels; those of at least a half were taken", "None", flag=True
    ),
    "mask_missing": Fault("masks", "a mask's file is not there", "Correct the masks sheet"),
    "mask_unreadable": Fault("masks", "a mask's file cannot be read", "Export it again"),
    "mask_values": Fault("masks", "a mask holds other values than 0 and 1", "Export it as a binary mask"),
    "mask_shape": Fault("masks", "the masks of a case differ in shape", "Draw all on one grid"),
    "mask_geometry": Fault("masks", "the masks of a case differ in spacing or position", "Export all from one image"),
    "mask_section": Fault("masks", "a mask lacks the section that the sheet names", "Correct the column `section`"),
    "external_missing": Fault("predict", "an external arm has no file of this case", "Correct the arm's sheet"),
    "external_unreadable": Fault("predict", "an external arm's file cannot be read", "Export it again"),
    "external_geometry": Fault("predict", "an external map lies on another grid than the exam", "Export on the exam"),
    "external_values": Fault("predict", "an external map has values outside 0 to 1", "Export probabilities, or a mask"),
    "external_suspect": Fault(
        "predict",
        "an external mask's border would follow the uptake better mirrored, or some sections away",
        "Export it again, or accept it with the verdict `outline_ok` in decisions.tsv",
    ),
    "external_accepted": Fault(
        "predict",
        "an external mask is external_suspect, and a decision accepts it",
        "None: check the decision",
        flag=True,
    ),
    "external_seen": Fault(
        "predict", "the external arm was trained on this case or another of its patient", "Nothing: it cannot judge it"
    ),
    "identical_pixels": Fault(
        "fold", "two exams of one patient hold the same pixels", "Exclude the copy in decisions.tsv", flag=True
    ),
    "nothing_to_draw": Fault(
        "slab", "no training patch can be centred in the section: outline or breast mask is empty", "Look at the exam"
    ),
    "seg_source_missing": Fault(
        "seg", "an image of the phase has gone since intake", "Bring it back, or run `radparity sweep`"
    ),
    "seg_source_header": Fault(
        "seg", "an image lacks what a segmentation refers to: identifiers, frame of reference, place", "Fetch it again"
    ),
    "seg_source_geometry": Fault(
        "seg", "the images are no even stack, or do not lie on the mask's voxels", "Fetch the series again"
    ),
    "seg_no_dicom": Fault(
        "seg", "the exam came as NIfTI, and a segmentation object refers to DICOM images", "Use the mask in NIfTI"
    ),
    "seg_nothing_marked": Fault("seg", "the arm marks nothing, and DICOM has no segmentation of nothing", "Nothing"),
}
