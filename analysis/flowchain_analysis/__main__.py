# SPDX-License-Identifier: GPL-2.0-only
"""Reports and figures of a campaign's database."""

import argparse
import os
import pathlib
import shlex
import sys
import tempfile

# What the modules come from, where one is missing.
PACKAGES = "python3-pandas python3-numpy python3-scipy python3-matplotlib"


def write_text(path, text):
    """Replace the file at once: a reader never sees half of it."""
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=f".{path.name}.", delete=False,
                                     encoding="utf-8") as file:
        try:
            file.write(text)
            file.close()
            umask = os.umask(0)
            os.umask(umask)
            os.chmod(file.name, 0o666 & ~umask)
            os.replace(file.name, path)
        except BaseException:
            os.unlink(file.name)
            raise


def arguments():
    """The command line."""
    parser = argparse.ArgumentParser(prog="python3 -m flowchain_analysis", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    report = commands.add_parser("report", help="one HTML file that needs nothing else")
    report.add_argument("-o", "--output", metavar="FILE", help="default: beside CAMPAIGN, .html")
    figures = commands.add_parser("figures", help="figures for a paper")
    figures.add_argument("-o", "--output", metavar="DIR",
                         help="default: beside CAMPAIGN, its name and -figures")
    figures.add_argument("--format", default="pdf,svg", metavar="NAMES",
                         help="pdf,svg (default), png")
    data = commands.add_parser("data", help="print a figure's numbers as CSV")
    for command in (report, figures, data):
        command.add_argument("campaign", metavar="CAMPAIGN", help="database that a sweep wrote")
    data.add_argument("figure", metavar="FIGURE", nargs="?", help="without it: the names of all")
    return parser.parse_args()


def main():
    """@returns the exit code: 2 if the input cannot be used"""
    chosen = arguments()
    try:
        from . import Campaign, CampaignError  # pylint: disable=import-outside-toplevel
    except ImportError as error:
        print(f"flowchain: {error}. Install what is missing: apt-get install {PACKAGES}",
              file=sys.stderr)
        return 2
    try:
        with Campaign(chosen.campaign) as campaign:
            return COMMANDS[chosen.command](campaign, chosen)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (CampaignError, OSError) as error:
        print(f"flowchain: {error}", file=sys.stderr)
        return 2


def _report(campaign, chosen):
    from . import report  # pylint: disable=import-outside-toplevel

    output = pathlib.Path(chosen.output or campaign.path.with_suffix(".html"))
    command = f"flowchain report {shlex.quote(chosen.campaign)} -o {shlex.quote(str(output))}"
    write_text(output, report.build(campaign, command))
    print(f"wrote {output}")
    return 0


def _figures(campaign, chosen):
    from . import paper  # pylint: disable=import-outside-toplevel

    formats = [name.strip() for name in chosen.format.split(",")]
    wrong = [name for name in formats if name not in paper.FORMATS]
    if wrong:
        print(f"flowchain: no format '{wrong[0]}'; there are {', '.join(paper.FORMATS)}",
              file=sys.stderr)
        return 2
    folder = campaign.path.with_name(campaign.path.stem + "-figures")
    for path in paper.write(campaign, pathlib.Path(chosen.output or folder), formats):
        print(f"wrote {path}")
    return 0


def _data(campaign, chosen):
    from . import tables  # pylint: disable=import-outside-toplevel

    if chosen.figure is None:
        print("\n".join(tables.names(campaign)))
    else:
        tables.table(campaign, chosen.figure).to_csv(sys.stdout, index=False)
    sys.stdout.flush()
    return 0


COMMANDS = {"report": _report, "figures": _figures, "data": _data}

if __name__ == "__main__":
    sys.exit(main())
