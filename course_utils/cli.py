"""The command ``course``: each subcommand imports its module only when it runs."""

import argparse
import sys

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
    return course


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


if __name__ == "__main__":
    sys.exit(main())
