"""The ledger of docs/claims.md: each claim and number of the posts, and what was measured of it.

claim.py           what a claim is; words and numbers that all of them use
pruned.py          what prune_ann.py found, as arrays
curves.py          what confidence_curves.py found, as arrays
training.py        first post: networks and costs
noise.py           how noise is made
costs.py           the cost, or the l2 beside it?
decoupled.py       sparse products, and convolutions as sparse matrices
dense.py           the dense network pruned
best.py            the table of best performance
layers.py          its layers one at a time
convolutional.py   the dense layers of the convolutional network
attackers.py       attackers who know the network, other kinds of noise, the border
ratio.py           second post: the numbers of the ratio of the two largest outputs
separation.py      what the ratio can tell
confident.py       what changes the picture, and attackers who aim at the ratio
images.py          which images are easily attacked
outputs.py         the range of the outputs, and what the ratio costs
later.py           the author's later figures
sentences.py       ten sentences for a newspaper
page.py            all of them as a page
"""
