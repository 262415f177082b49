import numpy as np
import pytest
import soundfile

from sedlab.data.device_responses import read_device_responses
from sedlab.errors import SedlabError


def test_all_sound_files_below_the_folder_in_the_order_of_their_paths(tmp_path):
    for name, value in (("b/z.wav", 0.25), ("a/y.flac", 0.5), ("c.wav", 0.75)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        soundfile.write(tmp_path / name, np.full(10, value), 16_000)
    (tmp_path / "notes.txt").write_text("not a sound")
    (tmp_path / "._c.wav").write_bytes(b"written by a Mac's archiver")
    responses = read_device_responses(tmp_path)
    assert [round(float(response[0]), 2) for response in responses] == [0.5, 0.25, 0.75]


def test_responses_are_mono_at_16_khz_and_keep_their_level(tmp_path):
    soundfile.write(tmp_path / "stereo.wav", np.tile([[0.1, 0.3]], (441, 1)), 44_100, subtype="FLOAT")
    (response,) = read_device_responses(tmp_path)
    assert response.shape == (160,)
    assert response.dtype == np.float32
    np.testing.assert_allclose(response[60:100], 0.2, atol=1e-3)


@pytest.mark.parametrize("missing", [True, False])
def test_no_responses_names_the_folder_and_the_remedy(tmp_path, missing):
    folder = tmp_path / "device_responses"
    if not missing:
        folder.mkdir()
    with pytest.raises(SedlabError, match=r"device_responses: .*`sedlab data desed download --only devices`.*p to 0"):
        read_device_responses(folder)


def test_a_damaged_response_is_named(tmp_path):
    (tmp_path / "broken.wav").write_bytes(b"RIFF0000WAVE")
    with pytest.raises(SedlabError, match=r"broken\.wav"):
        read_device_responses(tmp_path)
