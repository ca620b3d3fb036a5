"""What users and other projects get: the module chosen at import, the CMake package, the sdist."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

import nnbind as nn
from cpp_build import CONSUMER, ROOT, build, cmake_directory, configure, program, run, site_packages
from helpers import run_python
from nnbind._load import LEVELS, choose, cpu_levels, levels_of

# ---- The instruction set chosen at import -------------------------------------------------------

V2 = ["cx16", "lahf_lm", "popcnt", "pni", "sse4_1", "sse4_2", "ssse3"]
V3 = ["abm", "avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "movbe", "xsave"]
V4 = ["avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"]


@pytest.mark.parametrize(
    ("flags", "best"),
    [([], "base"), (V2, "v2"), (V2 + V3, "v3"), (V2 + V3 + V4, "v4"), (V2 + V4, "v2")],
)
def test_a_cpu_runs_the_levels_whose_flags_it_has(flags: list[str], best: str) -> None:
    assert levels_of(flags)[-1] == best


@pytest.mark.parametrize(
    ("built", "cpu", "wanted", "chosen"),
    [
        (["v2", "v3", "v4"], ["base", "v2", "v3"], "", "v3"),
        (["v2", "v3", "v4"], ["base", "v2", "v3"], "v2", "v2"),
        (["v3"], ["base", "v2", "v3", "v4"], "", "v3"),
        (["base"], None, "", "base"),
        (["v2", "v3", "v4"], None, "", "v2"),
        (["v2", "v3", "v4"], None, "v4", "v4"),
    ],
)
def test_the_best_level_built_and_run_is_chosen(
    built: list[str], cpu: list[str] | None, wanted: str, chosen: str
) -> None:
    assert choose(built, cpu, wanted) == chosen


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("v9", "NNBIND_ISA=v9 is not an instruction set; expected one of: v2, v3"),
        ("base", "NNBIND_ISA=base is not built; expected one of: v2, v3"),
        ("v4", "NNBIND_ISA=v4 does not run on this CPU; expected one of: v2, v3"),
    ],
)
def test_a_wish_that_cannot_be_met_names_the_choice(wanted: str, message: str) -> None:
    with pytest.raises(ImportError, match=message):
        choose(["v2", "v3", "v4"], ["base", "v2", "v3"], wanted)


def test_a_cpu_that_runs_no_module_is_an_error() -> None:
    with pytest.raises(ImportError, match="this CPU runs none of the modules built: v4"):
        choose(["v4"], ["base", "v2"])


def import_with(isa: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "import nnbind; print(nnbind.show_config()['isa'])"],
        env={**os.environ, "NNBIND_ISA": isa},
        capture_output=True,
        text=True,
        check=False,
    )


def built_levels() -> list[str]:
    return [
        level
        for level in LEVELS
        if any(list(Path(root).glob(f"_core_{level}.*")) for root in nn.__path__)
    ]


@pytest.mark.parametrize("isa", LEVELS)
def test_nnbind_isa_forces_the_instruction_set(isa: str) -> None:
    usable = [level for level in built_levels() if level in (cpu_levels() or LEVELS)]
    done = import_with(isa)
    if isa in usable:
        assert done.returncode == 0, done.stderr
        assert done.stdout.split()[-1] == isa
    else:
        assert done.returncode != 0
        assert f"NNBIND_ISA={isa}" in done.stderr
        assert f"expected one of: {', '.join(usable)}" in done.stderr


def test_the_module_and_its_classes_do_not_name_the_instruction_set() -> None:
    from nnbind import _core

    assert _core.__name__ == "nnbind._core"
    classes = [value for value in vars(_core).values() if isinstance(value, type)]
    assert classes
    assert {value.__module__ for value in classes} == {"nnbind._core"}


# ---- The C++ library in other projects ----------------------------------------------------------


def use_found(directory: Path, where: str) -> None:
    """Configures, builds and runs a project that finds nnbind by the option `where`."""
    options = ("-DCMAKE_BUILD_TYPE=Debug", f"-DFIND_NNBIND={nn.__version__}", where)
    configure(CONSUMER, directory, *options)
    build(directory)
    run(directory / "consumer", cwd=directory)


def test_find_package_finds_an_installed_library(tmp_path: Path) -> None:
    prefix, package = tmp_path / "prefix", Path(cmake_directory()).parents[2]
    for name in ("include", "lib"):  # all that `cmake --install` has put there
        shutil.copytree(package / name, prefix / name)
    use_found(tmp_path / "build", f"-DCMAKE_PREFIX_PATH={prefix}")


def test_find_package_finds_the_library_of_the_python_package(tmp_path: Path) -> None:
    use_found(tmp_path, f"-Dnnbind_DIR={cmake_directory()}")


def test_add_subdirectory_brings_the_library_and_nothing_else_by_default(tmp_path: Path) -> None:
    configure(CONSUMER, tmp_path, site_packages())
    targets = run(program("ninja"), "-C", tmp_path, "-t", "targets", "all")
    assert "libnnbind" in targets
    assert not [name for name in ("nnbind_tests", "example_", "nnbind_bindings") if name in targets]
    (compiled,) = re.findall(r"^(CMakeFiles/consumer\S*\.o): ", targets, re.MULTILINE)
    build(tmp_path, compiled)  # with the headers and flags of nnbind::nnbind


def test_the_public_headers_do_not_name_eigen() -> None:
    headers = list((ROOT / "cpp" / "include").rglob("*.hpp"))
    assert headers
    assert [header for header in headers if "Eigen/" in header.read_text()] == []


def test_a_program_that_links_the_library_keeps_its_own_flags_and_its_own_eigen() -> None:
    package = Path(cmake_directory())
    targets = (package / "nnbindTargets.cmake").read_text()
    assert "nnbind::nnbind" in targets
    assert re.findall("INTERFACE_COMPILE_(?:OPTIONS|DEFINITIONS).*", targets) == []
    assert b"5Eigen" not in (package.parents[1] / "libnnbind.a").read_bytes()  # as in _ZN5Eigen...


def test_importing_nnbind_imports_nothing_but_numpy_and_the_standard_library() -> None:
    code = """
        import sys, numpy
        before = {name.partition(".")[0] for name in sys.modules}
        import nnbind
        after = {name.partition(".")[0] for name in sys.modules}
        print(*sorted(after - before - sys.stdlib_module_names))
    """
    assert run_python(code).split() == ["nnbind"]


def test_importing_nnbind_leaves_out_what_few_programs_need() -> None:
    code = """
        import sys, numpy
        rare = {"dataclasses", "html", "numpy.typing", "pathlib", "shutil", "subprocess"}
        for name in rare:  # other packages may have Python import some when it starts
            sys.modules.pop(name, None)
        import nnbind
        rare |= {"nnbind._training", "nnbind.diagnosis", "nnbind.resuming", "nnbind.trace"}
        print(*sorted(rare & set(sys.modules)))
    """
    assert run_python(code).split() == []


def test_public_names_are_listed_before_they_are_imported() -> None:
    code = """
        import nnbind
        print("fit_many" in vars(nnbind), set(nnbind.__all__) <= set(dir(nnbind)))
        print(all(hasattr(nnbind, name) for name in nnbind.__all__), "fit_many" in vars(nnbind))
    """
    assert run_python(code).split() == ["False", "True", "True", "True"]
    with pytest.raises(AttributeError, match="'nnbind' has no attribute 'fit_more'"):
        _ = getattr(nn, "fit_more")  # noqa: B009 (mypy knows that there is none)


# ---- The command line and the sdist -------------------------------------------------------------


def test_the_command_line_prints_version_and_configuration() -> None:
    assert run(sys.executable, "-m", "nnbind", "--version").strip() == nn.__version__
    assert nn.__version__ in run(sys.executable, "-m", "nnbind")


def test_the_sdist_holds_the_sources_and_no_junk(tmp_path: Path) -> None:
    code = f"from scikit_build_core.build import build_sdist; build_sdist({str(tmp_path)!r})"
    run(sys.executable, "-c", code, cwd=ROOT)
    with tarfile.open(tmp_path / f"nnbind-{nn.__version__}.tar.gz") as archive:
        files = [Path(*Path(name).parts[1:]) for name in archive.getnames()]
    needed = {"CMakeLists.txt", "LICENSE", "README.md", "cpp", "pyproject.toml", "python", "tests"}
    allowed = needed | {"CHANGELOG.md", "PKG-INFO", "bench", "examples"}
    assert needed <= {path.parts[0] for path in files} <= allowed
    assert Path("python/nnbind/py.typed") in files
    sources = {
        ".cmake",
        ".cpp",
        ".cu",
        ".hpp",
        ".in",
        ".ipynb",
        ".md",
        ".py",
        ".pyi",
        ".toml",
        ".txt",
    }
    data = {".csv", ".json", ".npy", ".npz", ".safetensors"}
    without_suffix = {"LICENSE", "PKG-INFO", "py.typed"}
    pictures = [path for path in files if path.suffix == ".png"]
    assert {path.parent for path in pictures} <= {Path("bench/results")}
    seeds = Path("cpp/fuzz/corpus")
    odd = [
        path
        for path in files
        if path.suffix not in sources | data | {".png"} and seeds not in path.parents
    ]
    assert {path.name for path in odd} <= without_suffix
