"""Users' own files: each format read back as it was written, told from its look, and refused in one line if broken."""

import gzip
import io
import pickle
import re
import struct

import numpy as np
import pytest

from eventsim.errors import ConfigError
from runs.inputs import Options, read_own
from tests.runs.own_files import (
    CIFAR_PIXELS,
    MNIST_PIXELS,
    NUMBERS,
    PICTURES,
    SOUND,
    TEXT,
    VECTORS,
    bomb,
    cifar,
    idx,
    image_folder,
    npy,
    npz,
    picture,
    vectors_as_text,
)


def written(folder, name, content):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


EXPECTED = {
    "cifar10": CIFAR_PIXELS.reshape(7, -1) / 255,
    "cifar100": CIFAR_PIXELS.reshape(7, -1) / 255,
    "idx": MNIST_PIXELS.reshape(9, -1) / 255,
    "array": NUMBERS.reshape(11, -1),
}


@pytest.mark.parametrize("name", [name for name in SOUND if name != "text.txt"])
@pytest.mark.parametrize("detected", [True, False])
def test_a_file_is_read_back_as_it_was_written(tmp_path, name, detected):
    form, content = SOUND[name]
    data = read_own(written(tmp_path, name, content), "detect" if detected else form)
    np.testing.assert_array_equal(data.samples, EXPECTED[form])
    assert data.there_are == len(EXPECTED[form]) and np.prod(data.shape) == data.samples.shape[1]


def test_a_folder_of_cifar_is_all_its_training_files(tmp_path):
    for number in range(1, 6):
        written(tmp_path, f"data_batch_{number}.bin", cifar([number]))
    written(tmp_path, "test_batch.bin", cifar([0]))
    data = read_own(tmp_path)
    assert data.name == "CIFAR-10" and data.samples.shape == (35, 3072)
    few = read_own(tmp_path, most=12, seed=3)
    assert few.samples.shape == (12, 3072) and few.there_are == 35
    assert {row.tobytes() for row in few.samples} <= {row.tobytes() for row in data.samples}
    assert not np.array_equal(few.samples, read_own(tmp_path, most=12, seed=4).samples)


@pytest.mark.parametrize("name", ["train-images-idx3-ubyte", "train-images.idx3-ubyte.gz"])
def test_a_folder_of_mnist_is_its_training_images(tmp_path, name):
    written(tmp_path, "train-labels-idx1-ubyte", idx(np.arange(9, dtype=np.uint8)))
    written(tmp_path, name, gzip.compress(idx()) if name.endswith("gz") else idx())
    assert read_own(tmp_path).samples.shape == (9, 20)


@pytest.mark.parametrize(
    "code, kind", [(0x09, "i1"), (0x0B, ">i2"), (0x0C, ">i4"), (0x0D, ">f4"), (0x0E, ">f8")]
)  # fmt: skip
def test_every_type_of_idx_keeps_its_values(tmp_path, code, kind):
    values = np.array([[1, -2], [3, 100]]).astype(kind)
    np.testing.assert_array_equal(read_own(written(tmp_path, "x", idx(values, code))).samples, [[1, -2], [3, 100]])


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("kind", ["?", "u1", "<i8", ">f4", "f2"])
def test_arrays_of_every_number_and_order_keep_their_values(tmp_path, order, kind):
    values = np.asarray(np.arange(12).reshape(4, 3) % 2, dtype=kind, order=order)
    samples = read_own(written(tmp_path, "x.npy", npy(values))).samples
    np.testing.assert_array_equal(samples, np.arange(12).reshape(4, 3) % 2)


def test_of_several_arrays_one_is_named(tmp_path):
    path = written(tmp_path, "x.npz", npz(train=NUMBERS, test=NUMBERS[:2]))
    assert read_own(path, options=Options(array="test")).samples.shape == (2, 6)
    with pytest.raises(ConfigError, match=r"x\.npz: name one of its arrays: test, train"):
        read_own(path)
    with pytest.raises(ConfigError, match=r"x\.npz: has no array 'val'; it has: test, train"):
        read_own(path, options=Options(array="val"))


def test_a_folder_of_images_is_scaled_and_cut_square(tmp_path):
    data = read_own(image_folder(tmp_path), options=Options(side=12))
    # 20 x 12 pixels at the side they have: the middle 12 rows as they are. Files are in the order of their classes.
    np.testing.assert_array_equal(data.samples, PICTURES[[0, 2, 1, 3], 4:16].reshape(4, -1) / 255)
    half = read_own(tmp_path, options=Options(side=6)).samples.reshape(4, 6, 6, 3)
    means = PICTURES[0, 4:16].reshape(6, 2, 6, 2, 3).mean(axis=(1, 3)) / 255
    assert np.abs(half[0] - means).max() < 1.1 / 255


@pytest.mark.parametrize("form, ending", [("JPEG", "JPEG"), ("BMP", "bmp"), ("PPM", "ppm")])
def test_images_of_other_formats_are_read(tmp_path, form, ending):
    samples = read_own(image_folder(tmp_path, form, ending), options=Options(side=12)).samples
    assert samples.shape == (4, 432)
    if form != "JPEG":
        np.testing.assert_array_equal(samples[0], PICTURES[0, 4:16].ravel() / 255)


def test_words_of_a_text_have_the_vectors_of_a_named_file(tmp_path):
    path = written(tmp_path, "a.txt", TEXT)
    lines = written(tmp_path, "v.vec", vectors_as_text())
    counted = written(tmp_path, "w.vec", f"{len(VECTORS)} 2\n{vectors_as_text()}")
    arrays = written(tmp_path, "v.npz", npz(tokens=np.array(list(VECTORS)), vectors=np.array(list(VECTORS.values()))))
    for file in (lines, counted, arrays):
        data = read_own(path, options=Options(embeddings=str(file)))
        # "the cat sat the dog didn't": four of six words have a vector.
        np.testing.assert_array_equal(data.samples[:4], [VECTORS[word] for word in ("the", "cat", "the", "dog")])
        assert data.samples.shape == (120, 2) and data.there_are == 180 and len(set(data.groups)) == 40


def test_words_without_a_named_file_have_their_pointwise_mutual_information(tmp_path):
    # a and b are always neighbours, never c and d with them: within 4 words of 400 at the one place where both meet.
    data = read_own(written(tmp_path, "a.txt", "a b " * 100 + "c d " * 100), most=10_000)
    first, last = data.samples[0], data.samples[-1]
    assert data.samples.shape == (400, 4)
    # P(a, b) over P(a) P(b): half of what is near a is a or b, and a quarter of all words is either.
    assert first[:2] == pytest.approx(np.log([2, 2]), abs=0.03) and first[2:] == pytest.approx([0, 0])
    assert last[2:] == pytest.approx(np.log([2, 2]), abs=0.03) and last[:2] == pytest.approx([0, 0])


# -- broken files

NPY = npy()
HUGE = NPY.replace(b"(11, 3, 2)", b"(1100000000, 3, 2)").replace(b" " * 8 + b"\n", b"\n")
BROKEN = {
    "cifar10: a byte short": ("b.bin", "cifar10", cifar([1])[:-1], "no multiple of a record's 3,073"),
    "cifar10: empty": ("b.bin", "cifar10", b"", "0 bytes"),
    "cifar10: label 10": ("b.bin", "cifar10", cifar([10]), "a label is 10; CIFAR-10 has classes 0 to 9"),
    "cifar100: fine label 100": ("b.bin", "cifar100", cifar([1, 100]), "classes 0 to 99"),
    "cifar100: coarse label 20": ("b.bin", "cifar100", cifar([20, 1]), "classes 0 to 19"),
    "idx: another beginning": ("x", "idx", b"\x00\x01" + idx()[2:], "begins with 00 01 08 03"),
    "idx: another type": ("x", "idx", b"\x00\x00\x0a" + idx()[3:], "begins with 00 00 0a 03"),
    "idx: empty": ("x", "idx", b"", "begins with nothing"),
    "idx: header cut": ("x", "idx", idx()[:9], "damaged"),
    "idx: labels": ("x", "idx", idx(np.arange(9, dtype=np.uint8)), r"has axes \(9,\)"),
    "idx: no sample": ("x", "idx", idx(MNIST_PIXELS[:0]), r"has axes \(0, 5, 4\)"),
    "idx: a byte short": ("x", "idx", idx()[:-1], "195 bytes long; its axes .* say 196"),
    "idx: a byte more": ("x", "idx", idx() + b"x", "197 bytes long"),
    "idx: 2^96 bytes": ("x", "idx", struct.pack(">HBB3I", 0, 8, 3, *[2**32 - 1] * 3), "bytes long; its axes"),
    "idx.gz: 2^96 bytes": (
        "x.gz", "idx", gzip.compress(struct.pack(">HBB3I", 0, 8, 3, *[2**32 - 1] * 3)), "can expand to"
    ),
    "idx.gz: a byte short": ("x.gz", "idx", gzip.compress(idx()[:-1]), "ends within sample 8"),
    "idx.gz: a byte more": ("x.gz", "idx", gzip.compress(idx() + b"x"), "not 196 bytes long when expanded"),
    "idx.gz: cut": ("x.gz", "idx", gzip.compress(idx())[:60], "damaged|cannot be read"),
    "npy: objects": ("x.npy", "array", pickle.dumps({}), "not an array of numpy's format"),
    "npy: version 9": ("x.npy", "array", NPY[:6] + b"\x09" + NPY[7:], "format 1.0 or 2.0"),
    "npy: cut": ("x.npy", "array", NPY[:-1], r"its array takes .* shape \(11, 3, 2\) of float64 says"),
    "npy: header cut": ("x.npy", "array", NPY[:30], "damaged|header"),
    "npy: long header": ("x.npy", "array", NPY[:6] + b"\x02\x00" + b"\xff" * 4, "4,294,967,295 bytes long"),
    "npy: 50 GB": ("x.npy", "array", HUGE, r"shape \(1100000000, 3, 2\) of float64 says 52,800,000,128"),
    "npy: code in the header": (
        "x.npy", "array", NPY.replace(b"(11, 3, 2)", b"exit('!'),"), "damaged"
    ),
    "npy: negative shape": ("x.npy", "array", NPY.replace(b"(11, 3, 2)", b"(11,-3,-2)"), "none of them 0"),
    "npy: one axis": ("x.npy", "array", npy(np.arange(9.0)), "2 axes or more"),
    "npy: text": ("x.npy", "array", npy(np.array([["a", "b"]])), "of type <U1; numbers are needed"),
    "npy: complex": ("x.npy", "array", npy(np.eye(3) * 1j), "of type complex128"),
    "npy: not finite": ("x.npy", "array", npy(np.full((3, 3), np.nan)), "not finite"),
    "npz: nothing": ("x.npz", "array", npz(), "name one of its arrays: none"),
    "npz: cut": ("x.npz", "array", npz(x=NUMBERS)[:-30], "not an array of numpy's format"),
    "npz: checksum": (
        "x.npz", "array", (lambda b: b[:80] + bytes([b[80] ^ 255]) + b[81:])(npz(x=NUMBERS)), "damaged|its array|header"
    ),
    "text: not UTF-8": ("x.txt", "text", b"abc \xff def", "not UTF-8 text \\(byte 4\\)"),
    "text: no word twice": ("x.txt", "text", "one two three", "0 of its 3 words have a vector in its text"),
}  # fmt: skip


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_file_is_refused_in_one_line_that_names_it(tmp_path, what):
    name, form, content, message = BROKEN[what]
    path = written(tmp_path, name, content)
    with pytest.raises(ConfigError, match=rf"^{re.escape(str(path))}: [^\n]*({message})[^\n]*$"):
        read_own(path, form)


def test_pickled_objects_are_not_unpickled(tmp_path):
    stream = io.BytesIO()
    np.save(stream, np.array([[{}], [{}]], dtype=object), allow_pickle=True)
    path = written(tmp_path, "x.npy", stream.getvalue())
    with pytest.raises(ConfigError, match="of type object; numbers are needed \\(objects are not unpickled\\)"):
        read_own(path)


@pytest.mark.parametrize(
    "content, message",
    [
        (picture("PNG")[:-200], "damaged|cannot be read"),
        (b"not an image", "cannot be read"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "cannot be read"),
        (picture("GIF"), "cannot be read"),
        (picture("PPM").replace(b"12 20", b"120000 200000"), "too many pixels"),
        (picture("PPM").replace(b"12 20", b"9000 9000"), "9000 x 9000 pixels; 67,108,864 are allowed"),
        (picture("PPM").replace(b"12 20", b"300000 1"), "300000 x 1 pixels are too narrow"),
    ],
)
def test_a_broken_image_in_a_folder_is_refused_by_name(tmp_path, content, message):
    path = written(image_folder(tmp_path), "class0/9.png", content)
    with pytest.raises(ConfigError, match=rf"^{re.escape(str(path))}: [^\n]*({message})"):
        read_own(tmp_path)


@pytest.mark.parametrize(
    "lines, message",
    [
        ("the 1 2\ncat 1\n", "line 2: 1 numbers after the word; line 1 has 2"),
        ("the 1 2\ncat 1 x\n", "line 2: could not convert string to float: 'x'"),
        ("the 1 2\ncat 1 inf\n", "not finite"),
        ("dragon 1 2\n", "0 of its 180 words have a vector"),
        ("the " + "1 " * 200_000, "a line is longer than 262,144 bytes"),
    ],
)
def test_broken_word_vectors_are_refused(tmp_path, lines, message):
    text, vectors = written(tmp_path, "a.txt", TEXT), written(tmp_path, "v.vec", lines)
    with pytest.raises(ConfigError, match=message):
        read_own(text, options=Options(embeddings=str(vectors)))


def test_word_vectors_in_arrays_need_a_token_for_each_row(tmp_path):
    text = written(tmp_path, "a.txt", TEXT)
    for arrays in ({"vectors": np.eye(2)}, {"tokens": np.array(["the"]), "vectors": np.eye(2)}):
        path = written(tmp_path, "v.npz", npz(**arrays))
        with pytest.raises(ConfigError, match=r"has no array 'tokens'|one token a row"):
            read_own(text, options=Options(embeddings=str(path)))


@pytest.mark.parametrize(
    "axes, message",
    [((2, 1 << 29), "2 samples of 536,870,912 values take more than 4 GiB; draw at most 1"),
     ((2, 3), "is not 18 bytes long when expanded"),
     ((1 << 31, 1), "holds 2,147,483,660 bytes, more than .* compressed bytes can expand to")],
)  # fmt: skip
def test_a_bomb_is_refused_before_it_expands(tmp_path, axes, message):
    path = written(tmp_path, "x.gz", bomb(*axes))
    assert path.stat().st_size < 2 << 20
    with pytest.raises(ConfigError, match=message):
        read_own(path, most=2)


@pytest.mark.parametrize("name", ["nothing", "nothing/at/all.npy"])
def test_a_path_to_nothing_is_told(tmp_path, name):
    with pytest.raises(ConfigError, match="there is no such file or folder"):
        read_own(tmp_path / name)


def test_what_looks_like_nothing_known_is_told(tmp_path):
    path = written(tmp_path, "a.dat", b"who knows")
    for place in (path, tmp_path):
        with pytest.raises(ConfigError, match="looks like none of array, idx, cifar10, cifar100, images, text"):
            read_own(place)
    with pytest.raises(ConfigError, match="format 'mat' is unknown; choose one of detect, array"):
        read_own(path, "mat")


def test_the_python_version_of_cifar_is_refused_with_the_remedy(tmp_path):
    written(tmp_path, "data_batch_1", pickle.dumps({}))
    with pytest.raises(ConfigError, match="this is the Python version; take the binary one"):
        read_own(tmp_path, "cifar10")
