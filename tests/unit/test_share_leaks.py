"""Whatever is planted in a shared copy is found, by its kind and place, and never repeated in what is said of it."""

import base64
import gzip
import io
import json
import socket
import struct
import zipfile
import zlib
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from radparity.deidentify.identifiers import Identifier, Source
from radparity.deidentify.matcher import Matcher
from radparity.share.copy import LeakError, digests
from radparity.share.leaks import Search, here
from radparity.share.names import Names

ROOT = Path(__file__).parents[2]
UID = "1.2.840.113619.2.5.1762874864.1932.1015597298.738"
SOURCE = Source(
    "E0012",
    {
        Identifier("PatientName", "name", "QUIGLEY^HORTENSIA^M"),
        Identifier("PatientID", "id", "0073519264"),
        Identifier("PatientBirthDate", "date", "19471105"),
        Identifier("StudyInstanceUID", "uid", UID),
    },
    headers=1,
)
CLEAN = """<!DOCTYPE html><html><body><main><p>Over about 65 test cases the mean is −0.026
(2022;4(1):e200231, page 2033-2044, doi:10.1148/ryai.200231,
dcm2niix 1.0.20260724, 12:30 h, 19 × 59 × 59). Radiology 2022. CC BY 4.0. a/b &lt; c/d.</p>
<a href="data.html#flow">flow</a><script src="../assets/case.js"></script></main></body></html>"""


def search(allowed=()):
    matcher = Matcher([SOURCE], {"E0012": {"E0012"}, "E0012L": {"E0012"}})
    machine = here(people=["Brunhilde"], folders=[Path("/study/of/somebody")])
    return Search(matcher, Names(["E0012", "E0012L"]), machine, allowed)


def png(**chunks):
    stream, info = io.BytesIO(), PngInfo()
    for name, text in chunks.items():
        info.add_text(name, text)
    Image.new("L", (30, 30)).save(stream, "png", pnginfo=info)
    return stream.getvalue()


def webp(**options):
    stream = io.BytesIO()
    Image.new("RGB", (20, 20)).save(stream, "webp", **options)
    return stream.getvalue()


def jpeg(**options):
    stream = io.BytesIO()
    Image.new("RGB", (20, 20)).save(stream, "jpeg", **options)
    return stream.getvalue()


def with_time(data):
    chunk = b"tIME" + struct.pack(">HBBBBB", 2024, 3, 4, 10, 11, 12)
    return data[:-12] + struct.pack(">I", 7) + chunk + struct.pack(">I", zlib.crc32(chunk)) + data[-12:]


def embedded(data, kind="image/png"):
    return f'<img src="data:{kind};base64,{base64.b64encode(data).decode()}">'


def zipped(name, data):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(name, data)
    return stream.getvalue()


def test_a_clean_copy_is_clean():
    noise = bytes(range(256)) * 40  # pixels of a volume
    files = {
        "index.html": (CLEAN + embedded(png()) + embedded(gzip.compress(noise, mtime=0), "text/plain")).encode(),
        "cases/case-001.webp": webp(),
        "x.jpg": jpeg(),
    }
    assert search().leaks(files) == []


PLANTED = {
    "a patient's name in a decision's reason": ("<td>as Hortensia Quigley said</td>", "PatientName of the source"),
    "a record number": ("<p>no. 0073519264</p>", "PatientID of the source"),
    "a date of birth": ("<p>born 5.11.1947</p>", "date"),
    "a UID of the source": (f"<p>{UID}.2.1</p>", "UID"),
    "a path in a sentence": ("<p>see /home/somebody/study for all</p>", "path"),
    "a path of a Windows machine": (r"<p>see C:\studies\breast</p>", "path"),
    "a folder of the study": ("<p>in /study/of/somebody/else</p>", "path"),
    "a file of the results": ("<p>results/compare/unet/main.tsv</p>", "path"),
    "a home folder": ("<p>~/studies</p>", "path"),
    "a link to a file": ('<a href="file:///x/y">x</a>', "path"),
    "a date in a caption": ("<figcaption>drawn on 2024-03-04</figcaption>", "date"),
    "a date in words": ("<p>4 March 2024</p>", "date"),
    "a time": ("<p>at 10:11:12</p>", "time of day"),
    "an address": ("<p>ask a.b@hospital.example.org</p>", "e-mail address"),
    "a person": ("<p>decided by Brunhilde</p>", "person"),
    "a pseudonym in a figure's JSON": ('<script type="application/json">[{"case":"E0012L"}]</script>', "pseudonym"),
    "a pseudonym in an attribute": ('<img alt="map-E0012">', "pseudonym"),
    "a text in a picture": (embedded(png(Comment="x")), "text beside the pixels of a picture"),
    "a time in a picture": (embedded(with_time(png())), "text beside the pixels of a picture"),
    "what follows a picture": (embedded(png() + b"Hortensia"), "text beside the pixels of a picture"),
    "a name escaped": ("<p>Hortensi&#97; Quigley</p>", "PatientName of the source"),
    "packed text": (embedded(gzip.compress(b"Hortensia Quigley " * 9, mtime=0), "x/y"), "PatientName of the source"),
    "a packed file's name": (
        embedded(gzip.compress(b"a" * 2000, mtime=5) * 9, "x/y"),
        "file name or time in a gzip header",
    ),
    "a zip": (embedded(zipped("a.txt", b"Hortensia Quigley" * 9), "x/y"), "PatientName of the source"),
}


@pytest.mark.parametrize("what", PLANTED)
def test_what_is_planted_is_found_and_not_repeated(what):
    planted, kind = PLANTED[what]
    page = CLEAN.replace("</main>", f"{planted}</main>")
    found = search().leaks({"clean.html": CLEAN.encode(), "data.html": page.encode()})
    assert kind in {leak.kind for leak in found}
    assert {leak.file for leak in found} == {"data.html"}
    said = str(LeakError(found))
    assert "data.html" in said and kind in said
    assert not any(
        word in said.lower() for word in ("hortensia", "quigley", "somebody", "brunhilde", "0073519264", "e0012")
    )


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("cases/E0012L.html", CLEAN.encode(), "pseudonym"),
        ("cases/a.webp", webp(exif=b"Exif\0\0II*\0\x08\0\0\0\0\0"), "text beside the pixels of a picture"),
        ("a.webp", webp(xmp=b"<x>Hortensia</x>"), "text beside the pixels of a picture"),
        ("a.jpg", jpeg(comment=b"Hortensia"), "text beside the pixels of a picture"),
        ("assets/cases.js", b'window.CASES = {"rows":[["E0012L"]]};', "pseudonym"),
        ("assets/own.js", b"// made on 2024-03-04\n", "date"),
        ("a.zip", zipped("2024-03-04.txt", b""), "date"),
    ],
)
def test_leaks_in_other_files(name, data, kind):
    assert kind in {leak.kind for leak in search().leaks({name: data})}


def test_the_machine_and_its_user_are_found(monkeypatch):
    monkeypatch.setattr(socket, "gethostname", lambda: "segfault17.hospital.example")
    monkeypatch.setenv("LOGNAME", "zbigniewq")
    said = Search(None, Names([]), here()).leaks({"a.html": b"<p>by zbigniewq</p>\n<p>on SEGFAULT17</p>"})
    assert [(leak.kind, leak.place) for leak in said] == [("user name", "line 1"), ("host name", "line 2")]


def test_published_scripts_pass_as_they_are_and_not_otherwise():
    known = sorted((ROOT / "resources/browser").glob("vega*.js"))
    files = {f"assets/{path.name}": path.read_bytes() for path in known}
    assert files and search(digests(known)).leaks(files) == []
    changed = {name: data + b"\n// 2024-03-04 E0012\n" for name, data in files.items()}
    kinds = {(leak.file, leak.kind) for leak in search(digests(known)).leaks(changed)}
    assert kinds >= {(name, kind) for name in files for kind in ("date", "pseudonym")}


def test_a_long_list_of_leaks_is_cut():
    found = search().leaks({f"{n}.html": b"/home/a/b" for n in range(50)})
    assert "50 leaks" in str(LeakError(found)) and "and 30 more" in str(LeakError(found))
    assert json.dumps([leak.place for leak in found[:1]]) == '["line 1"]'
