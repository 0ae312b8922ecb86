"""The figures of the two networks, from their graphs."""

from PIL import Image

from tools import draw_networks


def test_architectures(run_script, tmp_path):
    ended = run_script('tools.draw_networks', '--out', tmp_path)
    assert ended.returncode == 0, ended.stderr
    for number in (1, 2):
        with Image.open(tmp_path / f'figure_{number}.png') as image:
            assert image.width > 600
        assert (tmp_path / f'figure_{number}.svg').stat().st_size > 10_000
    found = draw_networks.layers('n2')
    assert [kind for kind, _, _ in found].count('AddV2') == 6
    assert found[-3:] == [('MaxPool', 5, 256), ('MatMul', 1, 1024), ('MatMul', 1, 100)]
