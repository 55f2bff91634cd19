"""Reading files: encodings, compression, missing preambles, and what ends too early."""

import shutil

import numpy as np
import pydicom
import pytest
from dicoms import pixels, write_exam, write_image, write_multiframe
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEGLSLossless,
    RLELossless,
)
from test_intake import intake, times

from radparity.intake.headers import read_headers
from radparity.record import DataFault

NATIVE = [ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian]
PACKED = [RLELossless, JPEGLSLossless]


def recode(path, syntax):
    """Write a file again in another transfer syntax."""
    data = pydicom.dcmread(path)
    if syntax in PACKED:
        data.compress(syntax, generate_instance_uid=False)
    else:
        array = data.pixel_array.astype(">u2" if syntax == ExplicitVRBigEndian else "<u2")
        data.PixelData = array.tobytes()
        data.file_meta.TransferSyntaxUID = syntax
    pydicom.dcmwrite(
        path, data, implicit_vr=syntax == ImplicitVRLittleEndian, little_endian=syntax != ExplicitVRBigEndian
    )


@pytest.mark.parametrize("syntax", NATIVE + PACKED, ids=lambda s: s.keyword)
def test_every_transfer_syntax_is_read_and_named(tmp_path, syntax):
    files = write_exam(tmp_path / "e", phases=3, sections=8)
    plain = intake(tmp_path / "e")
    for path in sum(files, []):
        recode(path, syntax)
    found = intake(tmp_path / "e")
    assert found["transfer_syntax"] == [syntax.name] and found["compressed"] == (syntax in PACKED)
    assert {k: v for k, v in found.items() if k not in ("transfer_syntax", "compressed")} == {
        k: v for k, v in plain.items() if k not in ("transfer_syntax", "compressed")
    }


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from([None, "frames", *NATIVE, *PACKED]), st.floats(0, 1))
def test_a_file_is_truncated_wherever_it_is_cut(tmp_path, kind, share):
    """Anywhere behind the meta elements, which name an MR image; and a whole file is never called truncated."""
    path = tmp_path / "one"
    if kind == "frames":
        write_multiframe(path, phases=2, sections=3)
    else:
        write_image(path, np.random.default_rng(0).integers(0, 4000, (20, 24)), position=(1, 2, 3))
        if kind is not None:
            recode(path, kind)
    assert not any(header.truncated for header in read_headers({"one": path})[0])
    whole = path.read_bytes()
    path.write_bytes(whole[: int(400 + share * (len(whole) - 402))])
    found = read_headers({"one": path})[0]
    assert found and all(header.truncated for header in found)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.booleans(), st.lists(st.tuples(st.floats(0, 1), st.sampled_from([0, 32, 85, 255])), min_size=1, max_size=6))
def test_corrupt_bytes_in_a_header_never_stop_the_reading(tmp_path, multiframe, damage):
    path = tmp_path / "one"
    if multiframe:
        write_multiframe(path, phases=2, sections=2)
    else:
        write_image(path, np.zeros((20, 24)), position=(1, 2, 3))
    content = bytearray(path.read_bytes())
    end = content.index(b"\xe0\x7f\x10\x00")
    for place, value in damage:
        content[132 + int(place * (end - 132))] = value
    path.write_bytes(content)
    try:
        read_headers({"one": path})
    except DataFault as fault:
        assert fault.code == "no_dicom"


def test_a_multi_frame_file_cut_at_each_byte_of_its_header(tmp_path):
    """pydicom decodes a sequence when it is first used: a cut inside one must not surface there."""
    path = tmp_path / "one"
    write_multiframe(path, phases=2, sections=2)
    whole = path.read_bytes()
    for length in range(400, whole.index(b"\xe0\x7f\x10\x00")):
        path.write_bytes(whole[:length])
        found = read_headers({"one": path})[0]
        assert found and all(header.truncated for header in found), length


@pytest.mark.parametrize("syntax", [None, ImplicitVRLittleEndian, ExplicitVRBigEndian], ids=str)
@pytest.mark.parametrize("meta", [True, False])
def test_files_without_a_preamble(tmp_path, syntax, meta):
    """As old archives wrote them, with or without the meta elements."""
    for path in sum(write_exam(tmp_path / "e", phases=3, sections=8), []):
        if syntax:
            recode(path, syntax)
        content = path.read_bytes()[132:]
        length = int.from_bytes(content[8:12], "little") + 12
        path.write_bytes(content if meta else content[length:])
    found = intake(tmp_path / "e")
    assert times(found) == [0, 90, 180] and found["other_files"] == 0
    assert found["transfer_syntax"] != ["not named"] or not meta


def test_what_is_no_dicom_is_counted_not_read(tmp_path):
    files = write_exam(tmp_path / "e", phases=3, sections=8)
    for name, content in (
        ("notes.txt", b"8 images of the left breast, see the report of the second reader " * 9),
        ("zeros", bytes(2000)),
        ("almost", b"\x08\x00" + b"\xff" * 500),
        ("short", b"\x08\x00\x05"),
        ("picture.png", b"\x89PNG\r\n\x1a\n" + bytes(300)),
        ("dicm only", bytes(128) + b"DICM"),
        ("noise", np.random.default_rng(1).bytes(5000)),
    ):
        (tmp_path / "e" / name).write_bytes(content)
    found = intake(tmp_path / "e")
    assert found["other_files"] == 7 and found["phase_count"] == 3 and len(files) == 3


def test_a_folder_of_the_patient_and_one_file_a_name(tmp_path):
    """The record uses the given names, whatever the files are called."""
    files = write_exam(tmp_path / "DOE^JANE", phases=3, sections=8)
    from radparity.intake.exam import intake_exam

    shutil.move(files[0][0], tmp_path / "odd name")
    named = {f"line-{n:05d}": path for n, path in enumerate([tmp_path / "odd name", *sum(files, [])[1:]], start=1)}
    found = intake_exam(named)
    assert sorted(name for phase in found["phases"] for name in phase["files"]) == sorted(named)
    assert "DOE" not in str(found) and pixels(0, 0).shape == tuple(found["matrix"])
