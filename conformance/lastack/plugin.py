"""The pytest plugin: the ``lab`` fixture, a run of every scenario per stack, outcomes, known issues, failure screens.

Loaded with ``-p lastack.plugin`` or by ``pytest_plugins`` in a conftest. It translates between pytest and the
laboratory and holds no knowledge of TCP.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Generator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from lastack import REPOSITORY, catalogue
from lastack.errors import LastackError, Unsupported, UsageError
from lastack.known import KnownIssue
from lastack.lab import Lab
from lastack.outcome import Result
from lastack.results import summary_table, unsupported_reasons, write_json
from lastack.screen import render
from lastack.session import SUT_FIXTURE, Run, in_family, requirements_of, spec_of, test_id
from lastack.sut.carrier import Carrier
from lastack.verdict import ScreenRepr, failure_of, outcome_of

EXIT_ENVIRONMENT = 6
_RUN = pytest.StashKey["Run"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of a run. pytest's own ``--strict`` is taken as ``--strict-should`` too."""
    group = parser.getgroup("lastack", "stacks under test")
    group.addoption(
        "--sut",
        action="append",
        metavar="SUT",
        help="core (default), lwip, linux, smoltcp, so:PATH or cmd:COMMAND; repeatable",
    )
    group.addoption(
        "--known",
        action="append",
        metavar="FILE",
        help="known-issues file; 'none' leaves out the shipped ones; repeatable",
    )
    group.addoption(
        "--req",
        action="append",
        metavar="ID",
        help="only scenarios of this requirement or family (MUST-59, E-3.10.7.4)",
    )
    group.addoption(
        "--select", action="append", metavar="TEXT", help="only scenarios with this in their id, or of this requirement"
    )
    group.addoption("--results", metavar="FILE.json", help="write all outcomes to this file")
    group.addoption("--report", metavar="DIR", help="write a pcapng file for each failing scenario into this folder")
    group.addoption(
        "--strict-should", action="store_true", help="failures of advice (SHOULD) and soft points are failures"
    )
    group.addoption(
        "--max-wait",
        type=float,
        default=3.0,
        metavar="SECONDS",
        help="longest real wait on a stack without virtual time",
    )
    group.addoption("--wire", action="store_true", help="show the stack's own sequence numbers in failures")
    group.addoption("--list-scenarios", choices=("text", "json"), help="print the selected scenarios and run none")


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Reads known issues and the catalogue; a fault in them is a usage error."""
    config.addinivalue_line("markers", "requirement(*ids): rows of the requirement catalogue that the scenario shows")
    config.addinivalue_line("markers", "lab(**options): options of the laboratory, see lastack.options.LabOptions")
    try:
        run = config.stash[_RUN] = Run(config)
    except (LastackError, catalogue.CatalogueError) as error:
        raise pytest.UsageError(str(error)) from error
    listing = config.getoption("--list-scenarios") is not None
    if listing:
        # Only the list goes to standard output.
        config.pluginmanager.unregister(name="terminalreporter")
    config.pluginmanager.register(CollectionFaults(run, listing))
    config.pluginmanager.register(Collector(run))


def pytest_unconfigure(config: pytest.Config) -> None:
    """Ends all stacks."""
    run = config.stash.get(_RUN, None)
    for carrier in run.carriers.values() if run else ():
        carrier.close()


# ------------------------------------------------------------------------------------------------------------
# collection


@pytest.hookimpl(tryfirst=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One run per stack."""
    if SUT_FIXTURE in metafunc.fixturenames:
        run = metafunc.config.stash[_RUN]
        metafunc.parametrize(SUT_FIXTURE, run.specs, ids=run.labels, indirect=True, scope="session")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Checks requirement ids and known-issue entries, then applies ``--req`` and ``--select``."""
    run = config.stash[_RUN]
    for item in items:
        for id_ in requirements_of(item):
            if run.rows and id_ not in run.rows:
                raise pytest.UsageError(f"{item.nodeid}: the catalogue has no requirement {id_!r}")
            item.user_properties.append(("requirement", id_))
    _check_entries(run, config, items)
    families: list[str] = config.getoption("--req") or []
    texts: list[str] = config.getoption("--select") or []
    if not families and not texts:
        return

    def wanted(item: pytest.Item) -> bool:
        ids = requirements_of(item)
        by_family = not families or any(in_family(id_, family) for id_ in ids for family in families)
        by_text = not texts or any(text in test_id(item) or any(in_family(id_, text) for id_ in ids) for text in texts)
        return by_family and by_text

    kept = [item for item in items if wanted(item)]
    if items and not kept:
        run.nothing_selected = " ".join([*texts, *families])
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = kept


def _check_entries(run: Run, config: pytest.Config, items: list[pytest.Item]) -> None:
    """An entry whose file was collected whole, and that names none of its tests, is stale."""
    if any("::" in str(argument) for argument in config.args):
        return
    tests = {test_id(item) for item in items}
    files = {test.partition("::")[0] for test in tests}
    for issues in run.known.values():
        there = {file: (config.rootpath / file).is_file() for file in map(_file_of, issues.entries.values())}
        if not any(there.values()):
            continue  # the scenarios that the list is about stand elsewhere: these are somebody's own
        for entry in issues.entries.values():
            file = _file_of(entry)
            gone = not there[file]
            if gone or (file in files and entry.test not in tests):
                run.stale.append(f"{issues.path}: {entry.test}: there is no such scenario")


def _file_of(entry: KnownIssue) -> str:
    return entry.test.partition("::")[0]


class Collector:
    """Gathers what the scenarios found, from this process or (``--jobs``) from the processes of pytest-xdist."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Called for every report, here and in the process that distributes."""
        result = getattr(report, "lastack_result", None)
        if result is not None:
            self._run.results.append(Result(**result))

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """A process of pytest-xdist has ended: each has collected all scenarios and so has found the same stale
        entries.
        """
        for text in getattr(node, "workeroutput", {}).get("lastack_stale", []):
            if text not in self._run.stale:
                self._run.stale.append(text)


def _distributes(config: pytest.Config) -> bool:
    """Whether this process only hands the scenarios out (pytest-xdist)."""
    return config.pluginmanager.hasplugin("dsession")


class CollectionFaults:
    """Scenario files that cannot be read: a failure, not an interruption; ``lastack list`` has no reporter that would
    tell them.
    """

    def __init__(self, run: Run, tell: bool) -> None:
        self._run = run
        self._tell = tell

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Called for every file."""
        if report.failed:
            self._run.unusable = 1
            if self._tell:
                sys.stderr.write(f"{report.longrepr}\n")


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Proves every stack before the first scenario: when one is not fit for use, nothing is run."""
    run = session.config.stash[_RUN]
    if listing := session.config.getoption("--list-scenarios"):
        _print_scenarios(run, session.items, listing == "json")
        return True
    if session.testsfailed or session.config.option.collectonly:
        return None
    specs = (
        run.specs
        if _distributes(session.config)
        else [spec for item in session.items if (spec := spec_of(item)) is not None]
    )
    for spec in dict.fromkeys(specs):
        try:
            run.carrier(spec)
        except LastackError as error:
            run.unusable = 4 if isinstance(error, UsageError) else EXIT_ENVIRONMENT
            sys.stdout.flush()
            sys.stderr.write(f"lastack: {spec}: {error}\n")
    return True if run.unusable else None


def _print_scenarios(run: Run, items: list[pytest.Item], as_json: bool) -> None:
    rows: list[dict[str, Any]] = []
    for item in items:
        text = (getattr(getattr(item, "obj", None), "__doc__", "") or "").strip().partition("\n")[0]
        if test_id(item) not in (row["test"] for row in rows[-50:]):
            rows.append({"test": test_id(item), "requirements": requirements_of(item), "text": text})
    if as_json:
        print(json.dumps({"schema": 1, "scenarios": rows}, indent=1))
        return
    for row in rows:
        print(f"{row['test']}  {' '.join(row['requirements'])}" + (f"\n    {row['text']}" if row["text"] else ""))
    print(f"{len(rows)} scenarios")


# ---------------------------------------------------------------------------------------------------------- the
# fixtures


@pytest.fixture(scope="session")
def lastack_sut(request: pytest.FixtureRequest) -> Carrier:
    """The stack under test of this run."""
    return request.config.stash[_RUN].carrier(request.param)


@pytest.fixture
def lab(request: pytest.FixtureRequest, lastack_sut: Carrier) -> Lab:
    """A laboratory with a fresh stack; its options come from ``@pytest.mark.lab(...)``."""
    chosen: dict[str, object] = {}
    for mark in reversed(list(request.node.iter_markers("lab"))):
        chosen.update(mark.kwargs)
    try:
        return Lab(lastack_sut, chosen, request.config.stash[_RUN].settings)
    except Unsupported as error:
        pytest.skip(f"UNSUPPORTED: {error}")


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Runs a scenario and, when it passed, asks whether anything happened that nobody expected."""
    laboratory = pyfuncitem.funcargs.get("lab")
    if not isinstance(laboratory, Lab):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    try:
        pyfuncitem.obj(**arguments)
        laboratory.finish()
    except Unsupported as error:
        pytest.skip(f"UNSUPPORTED: {error}")
    return True


# --------------------------------------------------------------------------------------------------------------
# outcomes


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, None]:
    """Gives every scenario its outcome, and a failure its screen."""
    result = yield
    report: pytest.TestReport = result.get_result()
    spec = spec_of(item)
    if spec is None or (call.when != "call" and report.passed) or call.when == "teardown":
        return
    run = item.config.stash[_RUN]
    laboratory = getattr(item, "funcargs", {}).get("lab")
    if not isinstance(laboratory, Lab):
        laboratory = None
    error = call.excinfo.value if call.excinfo else None
    failure = failure_of(run, item, spec, laboratory, call) if report.failed and error is not None else None
    if failure is not None and (isinstance(failure.error, (AssertionError, LastackError)) or laboratory is None):
        report.longrepr = ScreenRepr(render(failure, run.glyphs, run.config.getoption("verbose") > 0))  # type: ignore[assignment]
    elif failure is not None:
        # Something unexpected in the scenario's own code: pytest's traceback is the right thing, and the ladder beside
        # it.
        report.sections.append(("TCP ladder", "\n".join(line.text for line in render(failure, run.glyphs, True))))
    outcome, message = outcome_of(run, report, spec, test_id(item), laboratory, error)
    report.lastack = outcome  # type: ignore[attr-defined]
    report.lastack_result = asdict(  # type: ignore[attr-defined]
        Result(
            test=test_id(item),
            sut=spec,
            outcome=outcome,
            requirements=requirements_of(item),
            seconds=round(call.duration, 6),
            message=message,
            soft=list(laboratory.soft_failures) if laboratory else [],
            non_strict=list(laboratory.non_strict) if laboratory else [],
        )
    )


@pytest.hookimpl(tryfirst=True)
def pytest_report_teststatus(
    report: pytest.TestReport,
) -> tuple[str, str, str | tuple[str, dict[str, bool]]] | None:
    """Own letters for the outcomes that pytest does not have."""
    outcome = getattr(report, "lastack", None)
    if outcome == "unsupported":
        return "unsupported", "u", ("UNSUPPORTED", {"yellow": True})
    if outcome == "known":
        return "known", "x", ("KNOWN", {"yellow": True})
    if outcome == "non-strict":
        return "non-strict", "n", ("NON-STRICT", {"yellow": True})
    if outcome == "late":
        return "late", "l", ("LATE", {"yellow": True})
    if outcome == "stale":
        return "failed", "S", "STALE"
    return None


# --------------------------------------------------------------------------------------------------------------- the
# end


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Stale known-issue entries fail the run; results are written."""
    run = session.config.stash.get(_RUN, None)
    if run is None or session.config.option.collectonly:
        return
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["lastack_stale"] = run.stale
        return
    if run.unusable:
        session.exitstatus = run.unusable
        return
    if run.stale and exitstatus in (0, 5):
        session.exitstatus = 1
    if target := session.config.getoption("--results"):
        write_json(
            Path(target),
            run.results,
            {spec: carrier.hello for spec, carrier in run.carriers.items()},
            run.stale,
            run.started,
        )


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """The table of outcomes per stack."""
    run = terminalreporter.config.stash.get(_RUN, None)
    if run is not None and run.nothing_selected:
        terminalreporter.write_line(
            f"nothing selected: no scenario's id holds, and no requirement begins with, {run.nothing_selected!r}; "
            "'lastack list' shows them",
            red=True,
        )
    if run is None or not run.results:
        return
    for line in summary_table(run.results, run.rows, {spec: carrier.hello for spec, carrier in run.carriers.items()}):
        terminalreporter.write_line(line)
    for line in unsupported_reasons(run.results, all_stacks=terminalreporter.config.option.verbose > 0):
        terminalreporter.write_line(line)
    for issues in run.known.values():
        terminalreporter.write_line(f"known issues of {issues.sut}: {_relative(issues.path)}")
    for text in run.stale:
        terminalreporter.write_line(f"STALE {text}", red=True)
    for result in run.results:
        if result.outcome == "late":
            terminalreporter.write_line(f"LATE {result.test} [{result.sut}]: {result.message.splitlines()[0]}")


def _relative(path: Path) -> Path:
    return path.relative_to(REPOSITORY) if path.is_relative_to(REPOSITORY) else path


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Which stacks are tested."""
    return [f"stacks: {', '.join(config.stash[_RUN].specs)}"]
