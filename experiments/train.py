"""One of the posts' networks: dense or convolutional, linear-quadratic or softmax-cross-entropy.

    python experiments/train.py --model ann-lq --data mnist --preset standard --seed 0

ann   784-1500-1000-800-10          lq    quadratic cost of the raw outputs
cnn   7x7x12, 5x5x15, 3x3x25,       sce   softmax and cross-entropy
      3x3x20, 1500, 500, 10

standard comes within 0.2 points of the posts' accuracy in two minutes (ann) or twelve (cnn) on two
cores; paper takes the posts' 100,000 steps; quick is for trying things out on drawn digits.

A trained network is kept in runs/ under a name that stands for everything that made it, and is
loaded the next time.  A run that was stopped, however it was, goes on where it last saved.
"""

import argparse
import sys

from lab import nets, script

import nnlite


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--model", choices=nets.MODELS, default="ann-lq", help="which network, ann-lq by default"
    )
    script.add_options(parser)
    parser.add_argument(
        "--preset",
        choices=["quick", "standard", "paper"],
        default="quick",
        help=f"{script.PRESET_HELP}; paper: with the posts' 100,000 steps",
    )
    parser.add_argument("--seed", type=int, default=0, help="of weights and batches")
    args = parser.parse_args()
    with script.ending_well(parser):
        data = nnlite.data.load(script.data_source(args.data))
        network = trained_or_told(args, data)
        print(network.model)
        print(
            f"{network.test_accuracy:.2%} of the test images right, "
            f"{network.validation_accuracy:.2%} of the validation images; "
            f"{network.seconds:.0f} s of training"
        )


def trained_or_told(args, data):
    """The nets.Trained; Ctrl-C and SIGTERM end the script with a line that names the checkpoint."""
    what = args.model, nets.preset(args.model, args.preset), data, args.seed, args.runs
    try:
        return nets.trained(*what)
    except KeyboardInterrupt:
        checkpoint = nets.path_of(*what).with_suffix(".checkpoint.npz")
        how = f"goes on from {checkpoint}" if checkpoint.exists() else "starts again"
        sys.exit(f"\nStopped.  The same command {how}")


if __name__ == "__main__":
    main()
