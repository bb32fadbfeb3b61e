"""Draw the page and the figures of a run of reproduce.py again, from its results.json.

python experiments/report.py results/strokes-quick
"""

import argparse
from pathlib import Path

from lab import page

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("folder", type=Path, help="that reproduce.py wrote to")
page.write(parser.parse_args().folder)
