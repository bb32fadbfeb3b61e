"""Which rows of the ledger answer which claim and number of the posts."""

# What the posts claim, in short, and the rows that answer it.
COVERED = {
    "robustness to most vectors rises before clean accuracy drops, for absolute and for activated "
    "pruning; flat or falling for some": [
        "magnitude-helps-most-vectors",
        "magnitude-fails-for-some",
        "magnitude-rises-and-falls",
        "activation-helps-all-vectors",
        "activation-rises-and-falls",
    ],
    "clean accuracy drops earlier for activated than for absolute pruning": [
        "activation-drops-sooner"
    ],
    "small step-like gains appear at low activated pruning ratios, traced to the first layer": [
        "steps",
        "steps-from-first-layer",
        "weights-for-noise-only",
    ],
    "the first layer matters most for robustness and for clean accuracy; layers 2 and 3 can each "
    "be pruned by more than 0.95 alone without losing accuracy": [
        "first-layer-for-robustness",
        "first-layer-for-accuracy",
        "layers-without-loss",
        "layers-depend-on-each-other",
    ],
    "absolute pruning helps more in layer 2 than 3, activated pruning more in layer 3 than 2": [
        "magnitude-in-layer-2",
        "activation-in-layer-3",
    ],
    "noise could not be trained against linear outputs with the quadratic cost; it could with "
    "softmax and cross-entropy put on the trained model; noise from a softmax-cross-entropy model "
    "of the same shape transfers, less strongly": [
        "quadratic-makes-no-noise",
        "softmax-makes-noise",
        "noise-transfers-less",
        "lq-noise-less-effective",
    ],
    "pruning needs no retraining": ["no-retraining"],
    "linear-quadratic models are slightly more accurate than softmax-cross-entropy ones": [
        "lq-more-accurate"
    ],
    "without L2 the weights of linear-quadratic models often blow up or go to zero": [
        "weights-without-l2"
    ],
    "a ReLU on the output layer trained with the quadratic cost performs similarly": [
        "relu-outputs"
    ],
    "most weights removed by one score are removed by the other too": ["removed-by-both"],
    "the first dense layer can be pruned by 0.98 without losing accuracy": ["first-layer-98"],
    "pruning different layers helps against different vectors: accuracy under class 1 noise falls "
    "when dense layer 1 is pruned by activation and rises when layer 2 is": [
        "class-1-opposite",
        "different-vectors",
    ],
    "activated pruning gains more than absolute pruning; absolute pruning of layer 2 gains nothing "
    "for these vectors": ["activation-more-effective", "magnitude-in-first", "magnitude-in-second"],
    "gains are smaller than for the ANN but the baselines under noise start higher": [
        "smaller-gains",
        "higher-baselines",
    ],
    "pruning decoupled convolutions: small increases in robustness, clean accuracy drops at about "
    "the same point as in the ANN": ["decoupled-gains", "decoupled-drop"],
    "ratios of clean and corrupted images separate for linear-quadratic models, overlap much more "
    "for softmax-cross-entropy models": ["ratios-separate", "softmax-overlaps-more"],
    "pruning makes corrupted images easier to reject for the ANN, hardly so for the CNN": [
        "pruning-helps-dense",
        "pruning-hardly-helps-cnn",
    ],
    "low-ratio images are easier to attack than high-ratio ones": [
        "low-ratio-easier",
        "lowest-all-corrupted",
        "highest-robust",
        "strong-noise-fools",
        "strong-noise-one-case",
    ],
    "no clean image has a largest output outside 0.5 to 1.1; pruning brings the two distributions "
    "of the largest output together": ["clean-in-range", "pruning-brings-together"],
    "softmax-cross-entropy logits spread over about -4 to 4": ["softmax-range"],
    "images of the training set behave very similarly": ["training-images-similar"],
    "for most low-ratio images two outputs are similar, for a few more than two": [
        "two-outputs-similar"
    ],
    "training time and pruning rate change the picture with small differences in accuracy": [
        "training-time-matters",
        "pruning-rate-matters",
    ],
    "weaker noise: accuracy is better, a few corrupted images with high ratio remain": [
        "weaker-noise"
    ],
    "the analysis adds very little cost": ["little-cost"],
    # and those that no page had a verdict on
    "10,000 iterations perform similarly": ["ten-thousand-steps"],
    "no extra training time": ["no-extra-time"],
    "speed in proportion to entries": ["speed-in-proportion", "speed-advantage"],
    "one ratio for all dense layers of the CNN works less well": ["one-ratio-for-all"],
    "ReLU outputs give undefined ratios": ["relu-ratios", "ratio-is-defined"],
    "robust to other kinds of noise": ["other-kinds-of-noise", "single-images-pruned"],
    "some ratios under weak noise are low": ["weak-noise-low-ratios"],
}

# Their numbers, by what they are of.
NUMBERS = {
    "ann test_accuracy": ["ann-accuracy"],
    "ann best_at_98": ["sparsities-at-98"],
    "ann best_performance_table": [
        *("table-unpruned", "table-magnitude", "table-activation", "table-combined"),
        *("whole-table", "gain-by-magnitude", "gain-by-activation", "gain-by-both"),
    ],
    "ann dropout": ["dropout"],
    "cnn test_accuracy": ["cnn-accuracy"],
    "cnn first_fc_pruned_without_loss": ["first-layer-98"],
    "cnn unpruned_accuracy_under_noise": ["cnn-unpruned"],
    "cnn decoupled_nonzeros": ["non-zeros"],
    "cnn decoupled_seconds_per_1000_images": ["too-slow"],
    "output_analysis ann": ["ann-half-noisy", "ann-thresholds", "ann-corrupted-kept"],
    "output_analysis ann_pruned": [
        *("pruned-accuracy", "pruned-half-noisy", "pruned-thresholds", "pruned-corrupted-kept"),
    ],
    "output_analysis cnn": ["cnn-half-noisy", "cnn-corrupted-kept"],
    "output_analysis cnn_pruned": ["cnn-pruned-corrupted-kept"],
    "output_analysis max_output": ["clean-in-range", "corrupted-outside"],
    "output_analysis susceptibility": [
        *("lowest-all-corrupted", "highest-robust", "weak-noise-low-ratios"),
    ],
    "later ann": ["later-ann-sce", "later-ann-lq", "later-ann-lq-pruned"],
    "later cnn": ["later-cnn-sce", "later-cnn-lq"],
}
