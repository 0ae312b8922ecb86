"""The rules of the house (CONTRIBUTING.md), read off the code itself."""

import ast
import re
import subprocess
import sys
from pathlib import Path

from conftest import ROOT

import sketch
from sketch.networks.registry import NETWORKS

SCRIPTS = {'create_dataset', 'train', 'load', 'mAP', 'plots', 'search', 'draw'}
MODELS = {*NETWORKS, *(f'{net}_features' for net in NETWORKS)}
FOLDERS = ('sketch', 'tools', 'benchmarks')
FILES = [*ROOT.glob('*.py'), *(path for name in FOLDERS for path in (ROOT / name).rglob('*.py'))]
# They may be longer or take more: lists of flags, and the paper's own entry.
LONG, WIDE = {'parse_arguments'}, {'construct_from_scratch'}
WITHOUT_TENSORFLOW = [
    *SCRIPTS,
    *('sketch.runs.settings', 'sketch.runs.names', 'sketch.runs.folders'),
    *('sketch.data.dataset', 'sketch.data.query_image', 'sketch.data.samplers', 'sketch.data.ink'),
    *('sketch.networks.registry', 'sketch.page.queries'),
    *('sketch.reporting.results', 'sketch.reporting.report', 'sketch.metrics.compactness'),
    *('sketch.training.workers', 'tools.synthetic', 'tools.precise_bn'),
    *('tools.fill_tables.__main__', 'benchmarks.__main__'),
]

# The rooms of sketch/, each above those that it may import. A module beside them counts as a room.
LAYERS = (
    ('errors',),
    ('atomic', 'locks', 'metrics', 'backend'),
    ('tables', 'plotting', 'networks'),
    ('runs',),
    ('data', 'command_line'),
    ('training', 'evaluation', 'reporting', 'page'),
)


def name_of(path):
    parts = path.relative_to(ROOT).with_suffix('').parts
    return '.'.join(parts[:-1] if parts[-1] == '__init__' else parts)


MODULES = {name_of(path): ast.parse(path.read_text(encoding='utf-8')) for path in FILES}


def imports(tree):
    """Return the project's modules that a module imports, anywhere in it."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            below = {f'{node.module}.{alias.name}' for alias in node.names}
            found |= {name if name in MODULES else node.module for name in below}
    return found & set(MODULES)


IMPORTS = {name: imports(tree) for name, tree in MODULES.items()}


def importers(names):
    """Return the modules of the project that import one of some modules."""
    return {name for name, imported in IMPORTS.items() if imported & set(names)}


def in_folder(folder):
    return {name for name in MODULES if name.startswith(f'{folder}.')}


def room_of(name):
    return name.split('.')[1]


def test_the_rules_see_the_code():
    assert {*SCRIPTS, *MODELS} <= set(MODULES)
    assert 'sketch.runs.settings' in IMPORTS['train']
    assert 'sketch.networks.layers' in IMPORTS['n1']


def test_no_script_is_imported():
    assert importers(SCRIPTS) <= in_folder('benchmarks')
    package = in_folder('tools.fill_tables')
    assert importers(in_folder('tools') - package) <= in_folder('benchmarks')
    assert importers(package) <= package
    # Tools and the library know no benchmark.
    assert importers(in_folder('benchmarks')) <= in_folder('benchmarks')


def test_the_networks_are_known_by_their_record_only():
    assert importers(MODELS) <= MODELS  # sketch.runs.settings finds them by name
    names = {*NETWORKS, *(network.title for network in NETWORKS.values())}
    for name in SCRIPTS | in_folder('sketch') - {'sketch.networks.registry'}:
        values = {getattr(node, 'value', None) for node in ast.walk(MODULES[name])}
        assert not names & values, name


def test_no_import_runs_upward():
    places = {room: place for place, rooms in enumerate(LAYERS) for room in rooms}
    assert {room_of(name) for name in in_folder('sketch')} == set(places)
    for name in in_folder('sketch'):
        for imported in IMPORTS[name] & in_folder('sketch'):
            own, other = room_of(name), room_of(imported)
            assert own == other or places[other] < places[own], f'{name} imports {imported}'


def test_metrics_are_numbers_from_arrays():
    code = f'import sys, {", ".join(sorted(in_folder("sketch.metrics")))}; print(*sys.modules)'
    shown = subprocess.run([sys.executable, '-c', code], cwd=ROOT, capture_output=True, text=True)
    loaded = {name.split('.')[0] for name in shown.stdout.split()}
    assert 'numpy' in loaded
    assert not loaded & {'tensorflow', 'matplotlib', 'PIL', 'argparse'}, shown.stderr
    for name in in_folder('sketch.metrics'):
        assert IMPORTS[name] <= {'sketch.errors', *in_folder('sketch.metrics')}, name
        called = [node.func for node in ast.walk(MODULES[name]) if isinstance(node, ast.Call)]
        assert 'print' not in {getattr(function, 'id', '') for function in called}, name


def test_only_commands_parse_a_command_line():
    commands = SCRIPTS | in_folder('tools') | in_folder('benchmarks')
    assert importers({'sketch.command_line'}) <= commands
    assert not importers(in_folder('sketch.runs')) & in_folder('sketch.networks')


def test_the_library_names_no_flag():
    def strings(name):
        for node in ast.walk(MODULES[name]):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node

    commands = {*SCRIPTS, *in_folder('tools'), 'sketch.command_line'}
    texts = {node.value for name in commands for node in strings(name)}
    flags = {text for text in texts if re.fullmatch('--[a-z][a-z-]*', text)}
    assert {'--epochs', '--data', '--out'} <= flags
    for name in in_folder('sketch') - {'sketch.command_line'}:
        # Docstrings may show commands.
        told = {id(node.value) for node in ast.walk(MODULES[name]) if isinstance(node, ast.Expr)}
        for node in strings(name):
            named = flags & set(re.findall('--[a-z][a-z-]*', node.value))
            assert id(node) in told or not named, f'{name}, line {node.lineno}: {named}'


def test_the_shared_way_is_taken():
    for path in FILES:
        code = path.read_text(encoding='utf-8')
        assert 'type=Path' not in code, f'{path}: command_line.path knows ~'
        assert 'os.cpu_count' not in code or path.name == 'processor.py', path


def test_no_imports_in_a_circle():
    reached = {name: set(imported) for name, imported in IMPORTS.items()}
    for _ in MODULES:
        for found in reached.values():
            found |= {further for other in found for further in reached[other]}
    assert [name for name, found in reached.items() if name in found] == []


def test_no_tensorflow_without_need():
    code = f"""
import importlib, sys
for name in {sorted(WITHOUT_TENSORFLOW)}:
    importlib.import_module(name)
    assert 'tensorflow' not in sys.modules, name
"""
    shown = subprocess.run([sys.executable, '-c', code], cwd=ROOT, capture_output=True, text=True)
    assert shown.returncode == 0, shown.stderr


def users_of(*packages):
    """Return the modules that import one of some packages from outside, anywhere in them."""

    def names(node):
        if isinstance(node, ast.Import):
            return [alias.name for alias in node.names]
        return [node.module or ''] if isinstance(node, ast.ImportFrom) else []

    return {
        name
        for name, tree in MODULES.items()
        for node in ast.walk(tree)
        if {imported.split('.')[0] for imported in names(node)} & set(packages)
    }


def test_packages_are_imported_in_one_place():
    assert users_of('flask', 'waitress', 'werkzeug') == {'sketch.page.server', 'sketch.page.app'}
    assert importers(in_folder('sketch.page')) <= {'draw', *in_folder('sketch.page')}
    glue = {f'sketch.backend.{name}' for name in ('setup', 'estimator', 'state')}
    assert users_of('tensorflow', 'tensorflow_estimator') <= glue
    assert importers({'sketch.backend.estimator'}) == {'sketch.backend.setup'}
    assert users_of('matplotlib') == {'sketch.plotting'}


def test_functions_and_files_are_short():
    for path in [*FILES, *Path(ROOT / 'tests').glob('*.py')]:
        assert len(path.read_text(encoding='utf-8').splitlines()) <= 350, path
    for name, tree in MODULES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                place = f'{name}.{node.name}'
                lines = node.end_lineno - node.lineno + 1
                every = node.args
                taken = [*every.posonlyargs, *every.args, *every.kwonlyargs]
                taken = [argument.arg for argument in taken if argument.arg != 'self']
                assert lines <= 60 or node.name in LONG | WIDE, f'{place}: {lines} lines'
                assert len(taken) <= 7 or node.name in WIDE, f'{place}: {len(taken)} parameters'


def test_the_map_shows_every_module():
    shown = {line.split()[0].rstrip('/') for line in sketch.__doc__.splitlines() if line.strip()}
    modules = {name.rsplit('.')[-1] for name in in_folder('sketch')}
    assert modules <= shown


def test_native_windows_is_refused_in_one_line():
    # The standard library comes first: with this platform it would look for Windows' own modules.
    code = "import shutil, sys; sys.platform = 'win32'; import sketch.atomic"
    ended = subprocess.run([sys.executable, '-c', code], cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 2
    assert ended.stderr == 'error: native Windows is not supported; use WSL2 (README.md, Install)\n'
