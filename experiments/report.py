"""Draw the pages and the figures of a run of reproduce.py again, from what it wrote.

python experiments/report.py results/strokes-quick
python experiments/report.py results/mnist-quick --play docs/play.html
"""

import argparse
from pathlib import Path

from lab import page, play

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("folder", type=Path, help="that reproduce.py wrote to")
parser.add_argument("--play", type=Path, metavar="FILE", help="play.html, elsewhere than there")
args = parser.parse_args()
if not (args.folder / "results.json").exists():
    parser.error(f"there is no {args.folder / 'results.json'}; run reproduce.py first")
page.write(args.folder)
play.write(args.folder, args.play)
