"""What the scripts in experiments/ share.  Nothing here has a command line.

cache.py       what is kept in runs/, under names that stand for all it depends on
tasks.py       the rows of a study, computed one by one, in processes or on a cluster
script.py      options, run, table, draw: what every script about a post does
nets.py        the posts' networks, trained once
banks.py       their noise, made once
prepared.py    a network, its noise, scores and noisy images: what most rows begin with
pruning.py     scores, settings and masks of the posts
cut.py         a network cut below a dense layer: what lies below is computed once
sparsity_curves.py  where a loss begins; what dense layers of a convolutional network can lose
controls.py    ways of taking inputs or weights away, to compare pruning with
layers.py      layers in front of a network
attackers.py   attackers who know the network as it is
confident.py   attackers who want to be believed
adversarial.py a small network trained on attacked images
attacked.py    images of which half have noise; groups of them and thresholds
forms.py       the networks of the second post: whole, pruned, pruned less
gallery.py     the digits of lowest and highest ratio, and what noise does to them
scoring.py     how well scores of the outputs answer two questions
timing.py      how long a call takes
tables.py      numbers and tables as text
published.py   the posts' numbers
page.py        the page that reproduce.py ends with; sentences.py: what its tables say
play.py        the page to play with, of the files in web/
claims/        the ledger: each claim of the posts, and the rule that decides on it
figures/       figures that know the study; those of nnlite.plots know only numbers
"""

import sys


def in_one_line(kind, error, traceback):
    """Show an exception; Ctrl-C, also in the seconds that imports take, as one line."""
    if issubclass(kind, KeyboardInterrupt):
        print("\nStopped.", file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, traceback)


sys.excepthook = in_one_line
