"""The ledger of docs/claims.md: each claim and number of the posts, and what was measured of it.

claim.py           what a claim is; words and numbers that all of them use
training.py        first post: networks and costs
noise.py           how noise is made
dense.py           the dense network pruned
layers.py          its layers one at a time
convolutional.py   the convolutional network pruned, decoupled or not
speed.py           sparse products
attackers.py       attackers who know the network, other kinds of noise
ratio.py           second post: the ratio of the two largest outputs
images.py          which images are easily attacked
outputs.py         the range of the outputs
sentences.py       ten sentences for a newspaper
page.py            all of them as a page
"""
