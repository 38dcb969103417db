"""The command ``course``: each subcommand imports its module only when it runs."""

import argparse
import sys
from pathlib import Path

from course_utils import __version__


def main(argv: list[str] | None = None) -> int:
    """Run one subcommand and return its exit status; 130 after Ctrl-C."""
    arguments = parser().parse_args(argv)
    try:
        return arguments.run(arguments)
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return 130
    except ModuleNotFoundError as error:
        if not error.name or error.name.startswith("course_utils"):
            raise
        return complain(
            arguments.command,
            f"the package {error.name!r} is missing; in the course's folder run "
            f'pip install -e ".[{arguments.extra}]" -c constraints.txt',
        )


def complain(command: str, sentence: str) -> int:
    print(f"course {command}: {sentence}", file=sys.stderr)
    return 1


def parser() -> argparse.ArgumentParser:
    course = argparse.ArgumentParser(
        prog="course",
        description="The workbook's command: open it, check answers, build its notebooks.",
        epilog="course COMMAND --help says more about one command.",
    )
    course.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = course.add_subparsers(dest="command", metavar="COMMAND", required=True)

    lab = add_command(
        commands,
        "lab",
        run_lab,
        "lab",
        "open the workbook in JupyterLab",
        "Copies the notebooks that my_work/ lacks, without ever overwriting one, and opens "
        "JupyterLab there.",
    )
    lab.add_argument(
        "--fresh",
        metavar="NN",
        help="start notebook NN anew: the old copy is kept under a dated name",
    )
    lab.add_argument(
        "--no-browser",
        dest="browser",
        action="store_false",
        help="start JupyterLab and print its address, open no browser",
    )
    lab.add_argument("--port", type=port, help="the port to listen on (default: 8888 or the next)")

    check = add_command(
        commands,
        "check",
        run_check,
        "lab",
        "check the exercises of a notebook, as a grader does",
        "Runs a notebook in a clean kernel and checks its exercises, as a grader does.",
    )
    what = check.add_mutually_exclusive_group(required=True)
    what.add_argument("notebook", nargs="?", help="such as my_work/00_sampling.ipynb")
    what.add_argument("--list", action="store_true", help="list the exercises instead")

    add_command(
        commands,
        "doctor",
        run_doctor,
        "lab",
        "say what works on this machine",
        "Says what works on this machine, a line each, and what to do about what does not. "
        "Exit status 1 if something that the course needs fails.",
    )

    build = add_command(
        commands,
        "build",
        run_build,
        "author",
        "make the notebooks from their sources",
        "Makes solutions/NN_topic.ipynb (executed) and notebooks/NN_topic.ipynb (for students) "
        "from solutions/NN_topic.py.",
    )
    build.add_argument("names", nargs="*", metavar="NN", help="such as 00; without any, all")
    build.add_argument(
        "--check",
        action="store_true",
        help="execute and write nothing: fail where a notebook is out of step with its source",
    )

    rebuild = add_command(
        commands,
        "rebuild",
        run_rebuild,
        "author",
        "build what is stale since the bundled models changed",
        "Finds by hash which notebooks ran on other weights than the bundled, and builds them.",
    )
    rebuild.add_argument("--what", action="store_true", help="list what is stale, build nothing")

    add_command(
        commands,
        "snapshot",
        run_snapshot,
        "author",
        "renew the workbook's text that notebook 09 searches",
        "Writes course_utils/retrieval/workbook.jsonl from solutions/: a line for each section. "
        "Then build notebook 09 anew.",
    )
    add_grading(commands)
    return course


def add_grading(commands) -> None:
    """The commands for instructors."""
    release = add_command(
        commands,
        "release",
        run_release,
        "grading",
        "write the student notebooks to hand out",
        "Writes the student notebooks into a folder.",
    )
    release.add_argument("names", nargs="+", metavar="NN", help="such as 02")
    release.add_argument("--out", type=Path, required=True, metavar="DIR")
    release.add_argument(
        "--no-points", dest="points", action="store_false", help="leave the points out of the text"
    )

    grade = add_command(
        commands,
        "grade",
        run_grade,
        "grading",
        "grade a folder of submissions in a sandbox",
        "Grades submissions as Canvas, Moodle, Gradescope, nbgrader or plain folders deliver them. "
        "Goes on where it stopped; a submission that did not change keeps its result.",
    )
    what = grade.add_mutually_exclusive_group(required=True)
    what.add_argument("submissions", nargs="?", type=Path, help="a folder or a zip")
    what.add_argument("--replay", type=Path, metavar="JSON", help="grade a result once more")
    grade.add_argument("--out", type=Path, default=Path("results"), metavar="DIR")
    grade.add_argument("--assignment", action="append", default=[], metavar="NN")
    grade.add_argument("--afresh", action="store_true", help="grade all anew, with new seeds")
    where = grade.add_mutually_exclusive_group()
    where.add_argument("--workers", type=count, default=1, metavar="N", help="on this machine")
    where.add_argument("--scheduler", metavar="ADDRESS", help="a Dask scheduler, as tls://…:8786")
    add_engine(grade)

    regrade = add_command(
        commands,
        "regrade",
        run_regrade,
        "grading",
        "grade all results once more and list the marks that change",
        "Grades all results once more, with the same seeds, after a case was corrected.",
    )
    regrade.add_argument("results", type=Path)
    regrade.add_argument("--assignment", action="append", default=[], metavar="NN")
    add_engine(regrade)

    export = add_command(
        commands,
        "export",
        run_export,
        "grading",
        "write the marks for a learning platform",
        "Writes the marks as Gradescope, Canvas, Moodle or nbgrader take them, or as plain CSV.",
    )
    export.add_argument("results", type=Path)
    platforms = ("gradescope", "canvas", "moodle", "moodle-gradebook", "csv", "nbgrader")
    export.add_argument("--to", choices=platforms, required=True)
    export.add_argument("--out", type=Path, metavar="FILE", help="without it, standard output")
    export.add_argument("--roster", type=Path, metavar="CSV", help="names, addresses, ids")
    export.add_argument("--rules", type=Path, metavar="TOML", help="due dates and weights")
    export.add_argument("--template", type=Path, metavar="CSV", help="Canvas' own export")

    report = add_command(
        commands,
        "report",
        run_report,
        "grading",
        "write HTML: an overview, and feedback for each student",
        "Writes report.html, feedback for each student, and a table of submissions that are alike.",
    )
    report.add_argument("results", type=Path)
    report.add_argument("--out", type=Path, metavar="DIR", help="default: RESULTS/report")


def add_engine(command: argparse.ArgumentParser) -> None:
    command.add_argument("--bank", type=Path, metavar="DIR", help="your own exercises and cases")
    command.add_argument(
        "--unsafe", action="store_true", help="no sandbox: only for submissions that you trust"
    )


def add_command(commands, name: str, run, extra: str, summary: str, description: str):
    """Add a subcommand that needs the packages of ``[extra]``; its parser is returned."""
    command = commands.add_parser(name, help=summary, description=description)
    command.set_defaults(run=run, extra=extra)
    return command


def port(text: str) -> int:
    number = int(text) if text.isdecimal() else 0
    if not 1 <= number <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port; give a number from 1 to 65535")
    return number


def count(text: str) -> int:
    number = int(text) if text.isdecimal() else 0
    if not 1 <= number <= 1000:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 to 1000")
    return number


def run_lab(arguments: argparse.Namespace) -> int:
    from course_utils import lab

    try:
        lab.open_lab(arguments.fresh, arguments.port, arguments.browser)
    except (lab.LabError, OSError) as error:
        return complain("lab", str(error))
    return 0


def run_check(arguments: argparse.Namespace) -> int:
    from course_utils.checks import shell

    return shell.list_exercises() if arguments.list else shell.check_notebook(arguments.notebook)


def run_doctor(arguments: argparse.Namespace) -> int:
    from course_utils import doctor

    return doctor.report()


def run_build(arguments: argparse.Namespace) -> int:
    from course_utils import authoring

    return authoring.build(arguments.names, check_only=arguments.check)


def run_rebuild(arguments: argparse.Namespace) -> int:
    from course_utils import authoring

    return authoring.rebuild(what=arguments.what)


def run_snapshot(arguments: argparse.Namespace) -> int:
    from course_utils import authoring

    return authoring.snapshot()


def run_release(arguments: argparse.Namespace) -> int:
    return grading("release", "make_release", arguments.names, arguments.out, arguments.points)


def run_grade(arguments: argparse.Namespace) -> int:
    given = arguments
    if given.scheduler:
        given.extra = "cluster"
    if given.replay:
        return grading("grade", "replay", given.replay, given.bank, given.unsafe)
    return grading(
        "grade",
        "grade",
        given.submissions,
        given.out,
        given.assignment,
        given.workers,
        given.bank,
        given.afresh,
        given.unsafe,
        given.scheduler,
    )


def run_regrade(arguments: argparse.Namespace) -> int:
    given = arguments
    return grading("regrade", "regrade", given.results, given.assignment, given.bank, given.unsafe)


def run_export(arguments: argparse.Namespace) -> int:
    given = arguments
    return grading(
        "export",
        "export",
        given.results,
        given.to,
        given.out,
        given.roster,
        given.rules,
        given.template,
    )


def run_report(arguments: argparse.Namespace) -> int:
    return grading("report", "make_report", arguments.results, arguments.out)


def grading(command: str, function: str, *given) -> int:
    """Run a function of ``grading.commands``; a mistake of the user's is told in a sentence."""
    from course_utils.grading import commands

    try:
        return getattr(commands, function)(*given)
    except commands.MISTAKES as error:
        return complain(command, str(error))


if __name__ == "__main__":
    sys.exit(main())
