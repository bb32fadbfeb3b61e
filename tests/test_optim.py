"""SGD and Adam: known steps, l2, dtypes, their state, what they leave alone, errors."""

import math

import numpy as np
import pytest

from nnlite import SGD, Adam, Parameter

OPTIMISERS = pytest.mark.parametrize("optimiser", [SGD, Adam])


@pytest.fixture
def parameter(rng):
    p = Parameter(rng.normal(size=(3, 2)).astype(np.float32))
    p.grad = rng.normal(size=(3, 2)).astype(np.float32)
    return p


def steps(optimiser_of, value, grads):
    """The values that one weight takes."""
    p = Parameter(np.array([value]))
    optimiser, values = optimiser_of([p]), []
    for grad in grads:
        p.grad = np.array([grad])
        optimiser.step()
        values.append(p.value.item())
    return values


def test_sgd_of_two_known_steps():
    """1 - 0.1 * 2 = 0.8, then 0.8 - 0.1 * (-1 + 0) = 0.9."""
    assert np.allclose(steps(lambda p: SGD(p, lr=0.1), 1.0, [2.0, -1.0]), [0.8, 0.9], rtol=1e-15)


def test_sgd_of_two_known_steps_with_l2():
    """1 - 0.1 * (2 + 0.5 * 1) = 0.75, then 0.75 - 0.1 * (-1 + 0.5 * 0.75) = 0.8125."""
    values = steps(lambda p: SGD(p, lr=0.1, l2=0.5), 1.0, [2.0, -1.0])
    assert np.allclose(values, [0.75, 0.8125], rtol=1e-15)


def test_sgd_of_three_known_steps_with_momentum():
    """v is 2, then 0.5 * 2 - 1 = 0, then 0.5 * 0 + 1 = 1."""
    values = steps(lambda p: SGD(p, lr=0.1, momentum=0.5), 1.0, [2.0, -1.0, 1.0])
    assert np.allclose(values, [0.8, 0.8, 0.7], rtol=1e-15)


def test_l2_goes_through_the_momentum():
    """v is 2 + 0.5 * 1 = 2.5, then 0.5 * 2.5 + (0 + 0.5 * 0.75) = 1.625."""
    values = steps(lambda p: SGD(p, lr=0.1, l2=0.5, momentum=0.5), 1.0, [2.0, 0.0])
    assert np.allclose(values, [0.75, 0.5875], rtol=1e-15)


def test_a_velocity_that_shrinks_for_ever_becomes_zero(parameter):
    """In denormal numbers, many processors are several times slower."""
    sgd = SGD([parameter], lr=0.1, momentum=0.5)
    sgd.step()
    parameter.grad = np.zeros((3, 2), np.float32)
    for _ in range(70):
        sgd.step()
    assert not np.any(sgd.v[0])


@OPTIMISERS
def test_a_gradient_in_float64_leaves_weights_in_float32(optimiser, parameter):
    parameter.grad = np.ones((3, 2))
    optimiser([parameter], lr=0.1).step()
    assert parameter.value.dtype == np.float32


def test_pruned_weights_stay_zero_whatever_their_velocity(parameter):
    sgd = SGD([parameter], lr=0.1, momentum=0.9)
    sgd.step()
    parameter.mask = np.array([[True, False]] * 3)
    for _ in range(3):
        sgd.step()
        assert np.array_equal(parameter.value != 0, parameter.mask)


@pytest.mark.parametrize(
    "options, expected",
    [
        # Worked out with 30 decimals.  The first: 1 - 0.1 * 0.5 / (0.5 + 0.1) = 0.91666...
        (
            {"lr": 0.1, "betas": (0.5, 0.75), "eps": 0.1},
            [0.916666666666666667, 0.916666666666666667, 0.846689986451573640],
        ),
        # With l2 the first gradient is 0.5 + 0.2 * 1: 1 - 0.1 * 0.7 / (0.7 + 0.1) = 0.9125
        (
            {"lr": 0.1, "betas": (0.5, 0.75), "eps": 0.1, "l2": 0.2},
            [0.9125, 0.878934353669803265, 0.799516813100994852],
        ),
        ({}, [0.999000000019999999600, 0.998733662987078462, 0.998075551396770896]),
    ],
    ids=["large eps", "l2", "defaults"],
)
def test_adam_of_three_known_steps(options, expected):
    values = steps(lambda p: Adam(p, **options), 1.0, [0.5, -0.25, 1.0])
    assert np.allclose(values, expected, rtol=1e-15, atol=0)


def test_adam_follows_the_paper_for_many_steps(rng):
    """Kingma & Ba 2015, algorithm 1, one number at a time."""
    grads = rng.normal(size=50).tolist()
    w, m, v, expected = 0.3, 0.0, 0.0, []
    for t, grad in enumerate(grads, start=1):
        g = grad + 0.01 * w
        m = 0.9 * m + (1 - 0.9) * g
        v = 0.999 * v + (1 - 0.999) * g**2
        w -= 1e-2 * (m / (1 - 0.9**t)) / (math.sqrt(v / (1 - 0.999**t)) + 1e-3)
        expected.append(w)
    values = steps(lambda p: Adam(p, lr=1e-2, eps=1e-3, l2=0.01), 0.3, grads)
    assert np.allclose(values, expected, rtol=1e-12)


@OPTIMISERS
def test_l2_is_a_gradient_and_acts_on_every_parameter(optimiser, rng):
    """l2 * sum(w^2) / 2 in the loss: the same as adding l2 * w to the gradient by hand."""
    by_option = [Parameter(rng.normal(size=shape)) for shape in [(3, 2), (2,)]]
    by_hand = [Parameter(p.value) for p in by_option]
    a, b = optimiser(by_option, lr=0.1, l2=0.3), optimiser(by_hand, lr=0.1)
    for _ in range(3):
        for p, q in zip(by_option, by_hand):
            p.grad = rng.normal(size=p.value.shape)
            q.grad = p.grad + 0.3 * q.value
        a.step()
        b.step()
    for p, q in zip(by_option, by_hand):
        assert np.allclose(p.value, q.value, rtol=1e-14)


@OPTIMISERS
def test_learning_rate_may_change_between_steps(optimiser, parameter):
    """The first step of Adam without eps has the length lr, whatever the gradient."""
    before, grad = parameter.value.astype(float), parameter.grad.astype(float)
    change = np.sign(grad) if optimiser is Adam else grad
    o = optimiser([parameter], lr=0.1)
    o.lr = 0.5
    o.step()
    assert np.allclose(parameter.value, before - 0.5 * change, rtol=1e-5)
    value, o.lr = parameter.value, 0
    o.step()
    assert np.array_equal(parameter.value, value)


@OPTIMISERS
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_no_option_promotes_the_weights(optimiser, dtype, rng):
    p = Parameter(rng.normal(size=3).astype(dtype))
    o = optimiser([p], lr=np.float64(0.1), l2=np.float64(0.1))
    for _ in range(2):
        p.grad = rng.normal(size=3).astype(dtype)
        o.lr = np.float64(0.05)
        o.step()
        assert p.value.dtype == dtype


@OPTIMISERS
def test_a_step_starts_from_the_value_the_parameter_has_now(optimiser, parameter):
    """A caller may assign a new array, as pruning and loading do."""
    o = optimiser([parameter], lr=0.1)
    o.step()
    start = parameter.value = np.full((3, 2), 100, np.float32)
    o.step()
    assert np.all(np.abs(parameter.value - start) < 1)


@OPTIMISERS
def test_arrays_given_or_returned_are_never_written_into(optimiser, parameter):
    o = optimiser([parameter], lr=0.1, l2=0.1)
    for _ in range(3):
        parameter.value.setflags(write=False)
        parameter.grad.setflags(write=False)
        value, copy = parameter.value, parameter.value.copy()
        o.step()
        assert np.array_equal(value, copy) and not np.array_equal(parameter.value, copy)


@OPTIMISERS
def test_a_missing_gradient_is_named_and_nothing_moves(optimiser, parameter):
    other = Parameter(np.ones(2, np.float32))
    o, before = optimiser([parameter, other], lr=0.1), parameter.value
    with pytest.raises(ValueError, match=r"Parameter\(2,\).* has no gradient"):
        o.step()
    assert np.array_equal(parameter.value, before)


@OPTIMISERS
def test_no_parameters_are_refused(optimiser):
    with pytest.raises(ValueError, match="0 parameters given"):
        optimiser([], lr=0.1)


@OPTIMISERS
def test_a_parameter_given_twice_is_refused(optimiser, parameter):
    with pytest.raises(ValueError, match=r"2 parameters given.*each once"):
        optimiser([parameter, parameter], lr=0.1)


@pytest.mark.parametrize(
    "optimiser, options, message",
    [
        (SGD, {"lr": -0.1}, r"lr is -0\.1"),
        (Adam, {"lr": -0.1}, r"lr is -0\.1"),
        (Adam, {"lr": float("nan")}, "lr is nan"),
        (Adam, {"lr": "fast"}, "lr is 'fast'"),
        (SGD, {"lr": 0.1, "l2": -1}, "l2 is -1"),
        (SGD, {"lr": 0.1, "momentum": 1.0}, r"momentum is 1\.0.*\[0, 1\)"),
        (Adam, {"l2": -1}, "l2 is -1"),
        (Adam, {"eps": -1e-8}, "eps is -1e-08"),
        (Adam, {"betas": (0.9, 1.0)}, r"beta is 1\.0.*\[0, 1\)"),
        (Adam, {"betas": (0.9,)}, r"betas .*\(0\.9,\)"),
    ],
)
def test_bad_options_are_named(optimiser, options, message, parameter):
    with pytest.raises(ValueError, match=message):
        optimiser([parameter], **options)


# State


def run(optimiser, n_steps):
    """The gradients are the weights, with the sign of the step: it decides the path."""
    for step in range(n_steps):
        for p in optimiser.params:
            p.grad = p.value * (-1) ** step
        optimiser.step()
    return [p.value for p in optimiser.params]


@pytest.fixture
def parameters(rng):
    return [Parameter(rng.normal(size=shape).astype(np.float32)) for shape in [(3, 2), (4,)]]


@OPTIMISERS
def test_with_its_state_another_goes_on_bit_for_bit(optimiser, parameters):
    o = optimiser(parameters, lr=0.1, l2=1e-3)
    if optimiser is SGD:
        o.momentum = 0.9
    run(o, 4)
    state, values = o.state(), [p.value for p in parameters]
    expected = run(o, 4)
    for _ in range(2):  # a state is not used up, nor changed by the steps
        for p, value in zip(parameters, values):
            p.value = value
        other = optimiser(parameters, lr=0.9)
        other.load_state(state)
        assert all(np.array_equal(a, b) for a, b in zip(run(other, 4), expected))


def test_a_state_is_plain_numbers_and_arrays(parameters):
    adam = Adam(parameters, lr=np.float32(0.5), betas=(0.5, 0.75))
    adam.lr = np.float64(0.25)
    state = adam.state()
    assert list(state) == ["lr", "l2", "betas", "eps", "t", "m", "v"]
    assert type(state["lr"]) is float and state["lr"] == 0.25 and state["betas"] == (0.5, 0.75)
    assert [m.shape for m in state["m"]] == [v.shape for v in state["v"]] == [(3, 2), (4,)]
    sgd = SGD(parameters, lr=1, l2=0.5).state()
    assert list(sgd) == ["lr", "l2", "momentum", "v"] and sgd["lr"] == 1.0 and sgd["momentum"] == 0
    assert [v.shape for v in sgd["v"]] == [(3, 2), (4,)]


@pytest.mark.parametrize(
    "optimiser, changes, message",
    [
        (SGD, {"lr": "fast"}, "lr is 'fast'"),
        (SGD, {"l2": -1}, "l2 is -1"),
        (SGD, {"momentum": 1}, r"momentum is 1; .*\[0, 1\)"),
        (SGD, {"v": [np.zeros((3, 2), "f")]}, "v must be a list of 2 arrays"),
        (SGD, {"t": 3}, "the state has lr, .*, t; this optimiser's is lr, l2, momentum, v"),
        (Adam, {"lr": "fast"}, "lr is 'fast'"),
        (Adam, {"lr": float("nan")}, "lr is nan"),
        (Adam, {"betas": (0.9, 1.0)}, r"beta is 1\.0"),
        (Adam, {"betas": 0.9}, r"betas are 0\.9"),
        (Adam, {"eps": None}, "eps is None"),
        (Adam, {"t": 2.5}, r"t is 2\.5"),
        (Adam, {"t": -1}, "t is -1"),
        (Adam, {"m": None}, "m must be a list of 2 arrays"),
        (Adam, {"v": [np.zeros((3, 2), "f")]}, "v must be a list of 2 arrays"),
        (Adam, {"v": [np.zeros((2, 3), "f"), np.zeros(4, "f")]}, r"v has .* shape \(2, 3\)"),
        (Adam, {"m": [np.zeros((3, 2), "f"), np.zeros(4)]}, r"m has .* float64"),
        (Adam, {"speed": 1}, "the state has lr, .*, speed; this optimiser's is lr, "),
    ],
)
def test_a_state_that_does_not_fit_is_refused_and_nothing_changes(
    optimiser, changes, message, parameters
):
    o = optimiser(parameters, lr=0.1)
    run(o, 2)
    before = o.state()
    other = {key: value * 2 for key, value in before.items() if isinstance(value, (int, float))}
    with pytest.raises(ValueError, match=message):
        o.load_state(before | other | changes)
    assert repr(o.state()) == repr(before)


def test_a_state_without_a_key_is_refused(parameters):
    adam = Adam(parameters)
    with pytest.raises(ValueError, match=r"has lr, .*, v; this optimiser's is lr, l2, betas"):
        adam.load_state(SGD(parameters, lr=0.1).state())
