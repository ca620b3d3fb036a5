"""Activations and losses of one's own, written in Python."""

import gc
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import nnbind as nn
import reference as ref
from helpers import assert_close, fit, run_python, same_bits

TANH = nn.CustomActivation(np.tanh, lambda t: 1 - np.tanh(t) ** 2, name="my_tanh")
SQUARE = nn.CustomLoss(
    lambda y, f: ((y - f) ** 2).sum(axis=1), lambda y, f: 2 * (f - y), name="my_square"
)


def data(rng: np.random.Generator, n: int = 23) -> tuple[Any, Any]:
    return rng.normal(size=(n, 4)), rng.normal(size=(n, 2))


def net_with(activation: Any, dtype: Any = np.float64, **options: Any) -> nn.Network:
    return nn.mlp(4, [6, 5], 2, activation=activation, seed=1, dtype=dtype, **options)


@pytest.mark.parametrize("name", ref.ELEMENTWISE)
def test_custom_activations_are_as_good_as_the_builtin_ones(
    name: str, dtype: Any, rng: np.random.Generator
) -> None:
    function, derivative = ref.ELEMENTWISE[name]
    custom = nn.CustomActivation(function, derivative, name="custom")
    x, y = data(rng)
    nets = [net_with(custom, dtype), net_with(name, dtype)]
    nets[0].theta = nets[1].theta
    tolerance = 1e-12 if dtype is np.float64 else 2e-5
    assert_close(nets[0].predict(x), nets[1].predict(x), tolerance)
    one, other = (net.loss_and_gradient(x, y, "mse") for net in nets)
    assert_close(one[0], other[0], tolerance)
    assert_close(one[1], other[1], tolerance)


def test_custom_losses_are_as_good_as_the_builtin_ones(
    dtype: Any, rng: np.random.Generator
) -> None:
    x, y = data(rng)
    weight = rng.uniform(size=23)
    for reduction in ("mean", "sum"):
        custom = nn.CustomLoss(SQUARE.value, SQUARE.derivative, reduction=reduction)
        histories, nets = [], [net_with("tanh", dtype), net_with("tanh", dtype)]
        for net, loss in zip(nets, (custom, nn.SquaredError(reduction=reduction)), strict=True):
            histories.append(
                fit(net, x, y, loss=loss, epochs=3, batch_size=5, sample_weight=weight,
                    validation_fraction=0.3, optimizer=nn.SGD(0.01))
            )  # fmt: skip
        tolerance = 1e-12 if dtype is np.float64 else 1e-4
        assert_close(nets[0].theta, nets[1].theta, tolerance)
        assert_close(histories[0].loss, histories[1].loss, tolerance)
        assert_close(histories[0].val_loss, histories[1].val_loss, tolerance)


def test_a_custom_activation_of_a_layer_is_a_node_of_its_own(rng: np.random.Generator) -> None:
    net = nn.Sequential(
        nn.Input(4), nn.Dense(3, TANH, dropout=0.2, name="h"), nn.Dense(2), dtype=np.float64
    )
    assert [node.kind for node in net.nodes] == ["input", "dense", "my_tanh", "dropout", "dense"]
    assert [node.name for node in net.nodes] == [None, None, None, "h", None]
    x, y = data(rng)
    for training in (False, True):
        assert nn.check_gradients(net, x, y, SQUARE, training=training).ok
    chain = nn.Sequential(nn.Input(4), nn.Dense(3), TANH, nn.Dense(2), dtype=np.float64)
    assert_close(chain.predict(x), net.predict(x))


def test_the_name_of_a_layer_is_that_of_its_output(rng: np.random.Generator) -> None:
    x, y = data(rng)
    nets = [
        nn.Sequential(nn.Input(4), nn.Dense(2, g, name="out"), dtype=np.float64)
        for g in (TANH, "tanh")
    ]
    nets[1].theta = nets[0].theta
    for net in nets:
        assert net.output_names == ["out"]
        assert_close(net.activations(x)["out"], net.predict(x))
        fit(net, x, {"out": y}, loss={"out": "mse"}, epochs=1)
    assert_close(nets[0].theta, nets[1].theta)
    layer = nets[0].layers[0]
    assert (layer.name, layer.activation.name) == ("dense", "identity")


def test_layers_of_one_name_are_refused_even_with_the_same_activation() -> None:
    x = nn.Input(4)
    layer = nn.Dense(3, TANH, name="h")
    twice = nn.Network(x, layer(x) + layer(x * 2))
    assert {"h", "h_1"} <= set(twice.activations(np.ones((1, 4))))
    with pytest.raises(ValueError, match='two nodes are named "h"'):
        nn.Network(x, layer(x) + nn.Dense(3, TANH, name="h")(x))


@pytest.mark.parametrize("kind", [nn.CustomActivation, nn.CustomLoss])
def test_help_says_that_python_is_slower(kind: type) -> None:
    assert "Slower" in str(kind.__doc__)


def test_plot_network_draws_a_custom_activation_as_that_of_its_layer() -> None:
    plt = pytest.importorskip("matplotlib.pyplot")
    net = nn.Sequential(nn.Input(4), nn.Dense(3, TANH, dropout=0.5), nn.Dense(2), nn.tanh, TANH)
    texts = [text.get_text() for text in nn.plot_network(net).texts]
    assert texts[-3:] == ["input", "dense\nmy_tanh", "dense_1\ntanh, my_tanh"]
    plt.close("all")


def test_custom_functions_work_on_parameters_too(rng: np.random.Generator) -> None:
    x = nn.Input(4)
    net = nn.Network(x, x @ TANH(nn.Parameter((4, 2), "normal")), dtype=np.float64)
    assert nn.check_gradients(net, *data(rng), SQUARE).ok


def test_a_wrong_derivative_fails_the_check(rng: np.random.Generator) -> None:
    x, y = data(rng)
    wrong = nn.CustomActivation(np.tanh, lambda t: 1.001 - np.tanh(t) ** 2)
    assert not nn.check_gradients(net_with(wrong), x, y, "mse").ok
    wrong_loss = nn.CustomLoss(SQUARE.value, lambda y, f: 2.001 * (f - y))
    assert not nn.check_gradients(net_with("tanh"), x, y, wrong_loss).ok
    assert nn.check_gradients(net_with(TANH), x, y, SQUARE).ok


def test_custom_parts_may_be_mixed_with_others_in_several_outputs(rng: np.random.Generator) -> None:
    x = nn.Input(4)
    h = nn.Dense(5, "tanh")(x)
    net = nn.Network(x, {"a": nn.Dense(2, TANH)(h), "b": nn.Dense(2)(h)}, dtype=np.float64)
    inputs, y = data(rng)
    loss: dict[str, str | nn.Loss] = {"a": SQUARE, "b": "mse"}
    weights = {"a": 0.5}
    assert nn.check_gradients(net, inputs, {"a": y, "b": y}, loss, loss_weights=weights).ok


@pytest.mark.usefixtures("restore_threads")
def test_custom_parts_keep_to_one_thread_and_to_the_same_bits(rng: np.random.Generator) -> None:
    x, y = rng.normal(size=(600, 40)), rng.normal(size=(600, 30))

    def trained(threads: int) -> Any:
        nn.set_num_threads(threads)
        net = nn.Sequential(nn.Input(40), nn.Dense(64, TANH), nn.Dense(30), dtype=np.float64)
        fit(net, x, y, loss=SQUARE, epochs=2, batch_size=200)
        return np.append(net.theta, net.predict(x))

    assert same_bits(trained(1), trained(3))


def test_any_number_of_threads_may_predict_at_once(rng: np.random.Generator) -> None:
    net, x = net_with(TANH), rng.normal(size=(300, 4))
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: net.predict(x), range(40)))
    assert all(same_bits(result, results[0]) for result in results)


def test_functions_see_the_network_as_each_step_leaves_it(rng: np.random.Generator) -> None:
    net = nn.mlp(20, [512], 2)
    other = net.copy()
    x, y = rng.normal(size=(64, 20)), rng.normal(size=(64, 2))
    seen = []

    def value(y: Any, f: Any) -> Any:
        seen.append(net.theta.copy())
        return ((f - y) ** 2).sum(axis=1)

    loss = nn.CustomLoss(value, lambda y, f: 2 * (f - y))
    net.fit(x, y, loss=loss, optimizer=nn.SGD(0.01), epochs=1, batch_size=16, shuffle=False,
            progress=False)  # fmt: skip
    optimizer = nn.SGD(0.01)
    for k, theta in enumerate(seen):
        assert same_bits(theta, other.theta)
        batch = slice(16 * k, 16 * k + 16)
        other.train_step(x[batch], y[batch], loss="squared_error", optimizer=optimizer)


def test_copies_share_the_functions(rng: np.random.Generator) -> None:
    net, (x, _) = net_with(TANH), data(rng)
    for twin in (net.copy(), net.astype(np.float32).astype(np.float64)):
        assert_close(twin.predict(x), net.predict(x), 1e-6)


def test_functions_get_arrays_of_the_dtype_and_numbers_as_python_knows_them(dtype: Any) -> None:
    seen: list[Any] = []

    def function(t: Any) -> Any:
        seen.append((t.dtype, t.shape, t.flags.c_contiguous, np.float32(1e-45) * np.float32(1) > 0))
        return t

    net = nn.Sequential(
        nn.Input(3), nn.Dense(2, nn.CustomActivation(function, np.ones_like)), dtype=dtype
    )
    net.train_step(np.ones((5, 3)), np.ones((5, 2)), loss="mse", optimizer=nn.SGD(0.1))
    net.predict(np.ones((100, 3)))
    assert seen == [(dtype, (rows, 2), True, True) for rows in (5, 96, 4)]


def test_functions_live_as_long_as_they_are_needed() -> None:
    class Function:
        def __call__(self, t: Any) -> Any:
            return t

    function = Function()
    alive = weakref.ref(function)
    net = nn.Sequential(nn.Input(2), nn.CustomActivation(function, np.ones_like))
    del function
    gc.collect()
    assert net.predict(np.ones((1, 2), np.float32)).shape == (1, 2)
    del net
    gc.collect()
    assert alive() is None


class Model:
    """A network whose functions are its owner's own."""

    def __init__(self) -> None:
        activation = nn.CustomActivation(self.function, self.derivative)
        self.net = nn.Sequential(nn.Input(4), nn.Dense(3, activation), activation, nn.Dense(2))
        self.twins = [self.net.copy(), self.net.astype(np.float64)]
        self.loss = nn.CustomLoss(self.value, self.slope)

    def function(self, t: Any) -> Any:
        return np.tanh(t)

    def derivative(self, t: Any) -> Any:
        return 1 - np.tanh(t) ** 2

    def value(self, y: Any, f: Any) -> Any:
        return ((y - f) ** 2).sum(axis=1)

    def slope(self, y: Any, f: Any) -> Any:
        return 2 * (f - y)


def test_an_owner_of_its_networks_functions_is_freed(rng: np.random.Generator) -> None:
    x, y = data(rng)
    model = Model()
    gc.collect()
    fit(model.net, x, y, loss=model.loss, epochs=1)
    fit(model.twins[0], x, y, loss=nn.CustomLoss(model.value, model.slope), epochs=1)
    for net in (model.net, *model.twins):
        assert np.isfinite(net.predict(x)).all()
    alive = weakref.ref(model)
    del model, net
    gc.collect()
    assert alive() is None


def test_a_loss_that_is_gone_is_told(rng: np.random.Generator) -> None:
    x, y = data(rng)
    model = Model()
    losses = [nn.CustomLoss(model.value, model.slope)]
    with pytest.raises(RuntimeError, match=r"\[custom\] the result of value is lost"):
        fit(model.net, x, y, loss=losses, epochs=3, callbacks=[lambda *_: losses.clear()])


def test_the_interpreter_ends_with_a_custom_network_alive() -> None:
    printed = run_python("""
        import numpy as np, nnbind as nn
        net = nn.Sequential(nn.Input(2), nn.CustomActivation(np.tanh, np.ones_like))
        print(net.predict(np.zeros((1, 2)))[0, 0])
    """)
    assert printed.split() == ["0.0"]


def test_functions_may_work_in_place(dtype: Any, rng: np.random.Generator) -> None:
    def value(y: Any, f: Any) -> Any:
        f -= y
        y[:] = 7
        np.square(f, out=f)
        return f.sum(axis=1)

    def derivative(y: Any, f: Any) -> Any:
        f -= y
        f *= 2
        return f

    def tanh(t: Any) -> Any:
        return np.tanh(t, out=t)

    def slope(t: Any) -> Any:
        np.tanh(t, out=t)
        np.square(t, out=t)
        return np.subtract(1, t, out=t)

    x, y = data(rng)
    nets = [net_with(nn.CustomActivation(tanh, slope), dtype), net_with(TANH, dtype)]
    losses = [nn.CustomLoss(value, derivative), SQUARE]
    steps = [net.loss_and_gradient(x, y, loss) for net, loss in zip(nets, losses, strict=True)]
    assert_close(steps[0][0], steps[1][0])
    assert_close(steps[0][1], steps[1][1], 1e-6 if dtype is np.float32 else 1e-12)


def test_a_nan_that_a_function_made_of_its_argument_in_place_is_told(
    rng: np.random.Generator,
) -> None:
    def root(t: Any) -> Any:
        with np.errstate(invalid="ignore"):
            return np.sqrt(t, out=t)

    net = net_with(nn.CustomActivation(root, np.ones_like, name="root"))
    with pytest.raises(ValueError, match=r"\[root\] the result of function has a NaN in row 0"):
        net.predict(np.ones((3, 4)) * [[1], [-1], [2]])
