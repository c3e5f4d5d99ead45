"""What optimizers do to variables: an op a rule, each on references, on resources, and on single rows of them.

A rule is written once, over the values of its variables and its other inputs. The formulas are those of the papers that
the rules are named after, in the form that TensorFlow's op definitions say.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..op import Array, Kernel, Op, Site, register
from ..resources import Variable
from ..shapes import Shape
from .refs import RESOURCE_FORM

__all__: list[str] = []

Rule = Callable[..., Sequence[Array]]  # the values and the other inputs by name to the new values

_TYPES = "T: type in floatcomplex; "
_LOCK = "use_locking: bool=false"


def _rule(
    name: str, variables: str, inputs: str, doc: str, attrs: str = "", sparse: bool = True
) -> Callable[[Rule], Rule]:
    """Declare the ops of a rule.

    Args:
        name: the rule's, behind ``Apply``.
        variables: the names of the variables that it changes.
        inputs: the names of its other inputs, ``grad`` among them; behind that come the indices of the sparse form.
        doc: what it does.
        attrs: attributes other than use_locking.
        sparse: has it a form for rows?
    """
    changed, given = variables.split(), inputs.split()
    attrs = f"; {attrs}" if attrs else ""

    def declare(rule: Rule) -> Rule:
        forms = [("", given, "")]
        if sparse:
            at = max(given.index(one) for one in ("grad", "delta") if one in given) + 1
            rows = ["grad" if one == "delta" else one for one in given]
            forms.append(("Sparse", [*rows[:at], "indices", *rows[at:]], "Tindices: type in index; "))
        for form, names, index in forms:
            kinds = {"indices": "Tindices", "global_step": "int64"}
            rest = ", ".join(f"{one}: {kinds.get(one, 'T')}" for one in names)
            own = f"{form}Apply{name}"
            refs = ", ".join(f"{one}: Ref(T)" for one in changed)
            resources = ", ".join(f"{one}: resource" for one in changed)
            tail = f"{_TYPES}{index}{_LOCK}{attrs}"
            kernel = _kernel(rule, changed, names)
            one = register(Op(f"Resource{own}({resources}, {rest}) -> () | {tail} | stateful", kernel, doc))
            one.shape_rule = _nothing
            register(Op(f"{own}({refs}, {rest}) -> (out: Ref(T)) | {tail}", None, doc))
            RESOURCE_FORM[own] = f"Resource{own}"
        return rule

    return declare


def _nothing(_: Site) -> list[Shape]:
    return []


def _kernel(rule: Rule, changed: Sequence[str], names: Sequence[str]) -> Callable[[Site], Kernel]:
    count = len(changed)
    sparse = "indices" in names

    def kernel(s: Site) -> Kernel:
        flags = {
            name: s[name] for name in s.op.signature.attrs if name not in ("T", "Tindices", "use_locking")
        }

        def run(*arrays: Any) -> tuple[()]:
            variables: tuple[Variable, ...] = arrays[:count]
            given = dict(zip(names, arrays[count:], strict=True))
            gradient = "delta" if "delta" in given else "grad"
            values = [one.value for one in variables]
            shape = np.shape(values[0])
            for one, value in zip(variables, values, strict=True):
                if np.shape(value) != shape:
                    raise s.error(
                        f"variable '{one.name}' has shape {list(np.shape(value))}, '{variables[0].name}' {list(shape)}"
                    )
            if sparse:
                new: Sequence[Array] = _by_rows(s, rule, values, given, flags)
            else:
                if np.shape(given[gradient]) != shape:
                    raise s.error(
                        f"the variable has shape {list(shape)}, its gradient {list(np.shape(given[gradient]))}"
                    )
                new = rule(*values, **given, **flags)
            for one, value in zip(variables, new, strict=True):
                one.assign(np.asarray(value, one.dtype.np))
            return ()

        return run

    return kernel


def _by_rows(
    s: Site, rule: Rule, values: Sequence[Array], given: dict[str, Any], flags: dict[str, Any]
) -> Sequence[Array]:
    """The rule on the rows that ``indices`` names, one after the other where one is named twice."""
    given = dict(given)
    indices, gradient = given.pop("indices"), given.pop("grad")
    name = "delta" if s.op.name.endswith("GradientDescent") else "grad"
    rows = len(values[0])
    if indices.size and not (indices.min() >= 0 and indices.max() < rows):
        wrong = next(int(i) for i in indices if not 0 <= i < rows)
        raise s.error(f"Index {wrong} is not in [0, {rows})")
    if np.shape(gradient) != (*indices.shape, *np.shape(values[0])[1:]):
        raise s.error(
            f"a gradient of shape {list(np.shape(gradient))} does not fit {indices.size} rows of a variable of shape "
            f"{list(np.shape(values[0]))}"
        )
    new = [np.array(value) for value in values]
    once = len(np.unique(indices)) == len(indices)
    for part in [slice(None)] if once else [slice(i, i + 1) for i in range(len(indices))]:
        at = indices[part]
        changed = rule(*(value[at] for value in new), **{name: gradient[part]}, **given, **flags)
        for value, rest in zip(new, changed, strict=True):
            value[at] = rest
    return new


def _one(x: Any) -> Any:
    return np.asarray(1, x.dtype)


def _shrunk(x: Array, by: Array) -> Array:
    """`x` nearer to zero, and zero where it is nearer than that already."""
    return np.sign(x) * np.maximum(np.abs(x) - by, np.asarray(0, x.dtype))


@_rule("GradientDescent", "var", "alpha delta", "A step against the gradient.", sparse=False)
def gradient_descent(var: Array, *, alpha: Array, delta: Array) -> Sequence[Array]:
    return [var - alpha * delta]


@_rule("ProximalGradientDescent", "var", "alpha l1 l2 delta", "A step, then shrinking by l1 and l2.")
def proximal_gradient_descent(
    var: Array, *, alpha: Array, l1: Array, l2: Array, delta: Array
) -> Sequence[Array]:
    return [_proximal(var - alpha * delta, alpha, l1, l2)]


def _proximal(var: Array, rate: Array, l1: Array, l2: Array) -> Array:
    shrunk = _shrunk(var, rate * l1) if l1 > 0 else var
    return shrunk / (_one(var) + l2 * rate)


@_rule(
    "Momentum",
    "var accum",
    "lr grad momentum",
    "A step along an accumulated gradient.",
    "use_nesterov: bool=false",
)
def momentum_(
    var: Array, accum: Array, *, lr: Array, grad: Array, momentum: Array, use_nesterov: bool
) -> Sequence[Array]:
    accum = accum * momentum + grad
    return [var - (grad * lr + accum * momentum * lr if use_nesterov else accum * lr), accum]


def keras_momentum(
    var: Array, accum: Array, *, lr: Array, grad: Array, momentum: Array, use_nesterov: bool
) -> Sequence[Array]:
    accum = accum * momentum - grad * lr
    return [var + (accum * momentum - grad * lr if use_nesterov else accum), accum]


@_rule(
    "Adagrad",
    "var accum",
    "lr grad",
    "A step divided by the root of the summed squares.",
    "update_slots: bool=true",
)
def adagrad(var: Array, accum: Array, *, lr: Array, grad: Array, update_slots: bool) -> Sequence[Array]:
    accum = accum + grad * grad if update_slots else accum
    return [var - grad * lr / np.sqrt(accum), accum]


@_rule(
    "AdagradV2",
    "var accum",
    "lr epsilon grad",
    "Adagrad with an epsilon beside the root.",
    "update_slots: bool=true",
)
def adagrad_v2(
    var: Array, accum: Array, *, lr: Array, epsilon: Array, grad: Array, update_slots: bool
) -> Sequence[Array]:
    accum = accum + grad * grad if update_slots else accum
    return [var - grad * lr / (np.sqrt(accum) + epsilon), accum]


@_rule(
    "AdagradDA",
    "var gradient_accumulator gradient_squared_accumulator",
    "grad lr l1 l2 global_step",
    "Adagrad by dual averaging.",
)
def adagrad_da(
    var: Array,
    total: Array,
    squares: Array,
    *,
    grad: Array,
    lr: Array,
    l1: Array,
    l2: Array,
    global_step: Array,
) -> Sequence[Array]:
    step = global_step.astype(var.dtype)
    total, squares = total + grad, squares + grad * grad
    over = _shrunk(total, l1 * step) if l1 > 0 else total
    return [-lr * over / (l2 * step * lr + np.sqrt(squares)), total, squares]


@_rule("ProximalAdagrad", "var accum", "lr l1 l2 grad", "Adagrad, then shrinking by l1 and l2.")
def proximal_adagrad(
    var: Array, accum: Array, *, lr: Array, l1: Array, l2: Array, grad: Array
) -> Sequence[Array]:
    accum = accum + grad * grad
    rate = lr / np.sqrt(accum)
    return [_proximal(var - grad * rate, rate, l1, l2), accum]


@_rule(
    "Adadelta", "var accum accum_update", "lr rho epsilon grad", "A step scaled by the size of former steps."
)
def adadelta(
    var: Array, accum: Array, accum_update: Array, *, lr: Array, rho: Array, epsilon: Array, grad: Array
) -> Sequence[Array]:
    rest = _one(rho) - rho
    accum = accum * rho + grad * grad * rest
    update = np.sqrt(accum_update + epsilon) / np.sqrt(accum + epsilon) * grad
    return [var - update * lr, accum, accum_update * rho + update * update * rest]


@_rule(
    "Adam",
    "var m v",
    "beta1_power beta2_power lr beta1 beta2 epsilon grad",
    "A step by averages of the gradient and its square.",
    "use_nesterov: bool=false",
    sparse=False,
)
def adam(
    var: Array, m: Array, v: Array, *, beta1_power: Array, beta2_power: Array, lr: Array, beta1: Array, beta2: Array,
    epsilon: Array, grad: Array, use_nesterov: bool,
) -> Sequence[Array]:  # fmt: skip
    one = _one(lr)
    alpha = lr * np.sqrt(one - beta2_power) / (one - beta1_power)
    m = m + (grad - m) * (one - beta1)
    v = v + (grad * grad - v) * (one - beta2)
    top = grad * (one - beta1) + beta1 * m if use_nesterov else m
    return [var - top * alpha / (np.sqrt(v) + epsilon), m, v]


def amsgrad(
    var: Array, m: Array, v: Array, vhat: Array, *, beta1_power: Array, beta2_power: Array, lr: Array, beta1: Array,
    beta2: Array, epsilon: Array, grad: Array,
) -> Sequence[Array]:  # fmt: skip
    one = _one(lr)
    alpha = lr * np.sqrt(one - beta2_power) / (one - beta1_power)
    m = m + (grad - m) * (one - beta1)
    v = v + (grad * grad - v) * (one - beta2)
    vhat = np.maximum(vhat, v)
    return [var - m * alpha / (np.sqrt(vhat) + epsilon), m, v, vhat]


@_rule(
    "AdaMax",
    "var m v",
    "beta1_power lr beta1 beta2 epsilon grad",
    "A step by an average of the gradient and a decaying maximum.",
    sparse=False,
)
def adamax(
    var: Array, m: Array, v: Array, *, beta1_power: Array, lr: Array, beta1: Array, beta2: Array, epsilon: Array,
    grad: Array,
) -> Sequence[Array]:  # fmt: skip
    one = _one(lr)
    m = m + (grad - m) * (one - beta1)
    v = np.maximum(beta2 * v, np.abs(grad))
    return [var - lr / (one - beta1_power) * (m / (v + epsilon)), m, v]


@_rule("RMSProp", "var ms mom", "lr rho momentum epsilon grad", "A step divided by an average size.")
def rms_prop(
    var: Array, ms: Array, mom: Array, *, lr: Array, rho: Array, momentum: Array, epsilon: Array, grad: Array
) -> Sequence[Array]:
    ms = ms + (grad * grad - ms) * (_one(rho) - rho)
    mom = mom * momentum + grad * lr / np.sqrt(ms + epsilon)
    return [var - mom, ms, mom]


@_rule(
    "CenteredRMSProp",
    "var mg ms mom",
    "lr rho momentum epsilon grad",
    "A step divided by an average deviation.",
)
def centered_rms_prop(
    var: Array, mg: Array, ms: Array, mom: Array, *, lr: Array, rho: Array, momentum: Array, epsilon: Array,
    grad: Array,
) -> Sequence[Array]:  # fmt: skip
    rest = _one(rho) - rho
    ms = ms + (grad * grad - ms) * rest
    mg = mg + (grad - mg) * rest
    mom = mom * momentum + lr * grad / np.sqrt(ms - mg * mg + epsilon)
    return [var - mom, mg, ms, mom]


@_rule(
    "Ftrl",
    "var accum linear",
    "grad lr l1 l2 lr_power",
    "Follow the regularized leader.",
    "multiply_linear_by_lr: bool=false",
)
def ftrl(
    var: Array, accum: Array, linear: Array, *, grad: Array, lr: Array, l1: Array, l2: Array, lr_power: Array,
    multiply_linear_by_lr: bool,
) -> Sequence[Array]:  # fmt: skip
    return _ftrl(var, accum, linear, grad, grad, lr, l1, l2, lr_power, multiply_linear_by_lr)


@_rule(
    "FtrlV2",
    "var accum linear",
    "grad lr l1 l2 l2_shrinkage lr_power",
    "Follow the regularized leader, with a gradient that shrinks.",
    "multiply_linear_by_lr: bool=false",
)
def ftrl_v2(
    var: Array, accum: Array, linear: Array, *, grad: Array, lr: Array, l1: Array, l2: Array, l2_shrinkage: Array,
    lr_power: Array, multiply_linear_by_lr: bool,
) -> Sequence[Array]:  # fmt: skip
    shrinking = grad + 2 * l2_shrinkage * var
    return _ftrl(var, accum, linear, grad, shrinking, lr, l1, l2, lr_power, multiply_linear_by_lr)


def _ftrl(
    var: Array, accum: Array, linear: Array, grad: Array, shrinking: Array, lr: Array, l1: Array, l2: Array,
    lr_power: Array, by_rate: bool,
) -> Sequence[Array]:  # fmt: skip
    new = accum + grad * grad
    before, after = accum**-lr_power, new**-lr_power
    if by_rate:
        linear = linear + shrinking * lr - (after - before) * var
        edge, slope = l1 * lr, after + 2 * l2 * lr
    else:
        linear = linear + shrinking - (after - before) / lr * var
        edge, slope = l1, after / lr + 2 * l2
    value = (edge * np.sign(linear) - linear) / slope
    return [np.where(np.abs(linear) > edge, value, np.asarray(0, var.dtype)), new, linear]


@_rule(
    "AddSign",
    "var m",
    "lr alpha sign_decay beta grad",
    "A step larger where gradient and average agree.",
    sparse=False,
)
def add_sign(
    var: Array, m: Array, *, lr: Array, alpha: Array, sign_decay: Array, beta: Array, grad: Array
) -> Sequence[Array]:
    m = m * beta + grad * (_one(beta) - beta)
    return [var - lr * (alpha + sign_decay * np.sign(grad) * np.sign(m)) * grad, m]


@_rule(
    "PowerSign",
    "var m",
    "lr logbase sign_decay beta grad",
    "A step larger by a power where gradient and average agree.",
    sparse=False,
)
def power_sign(
    var: Array, m: Array, *, lr: Array, logbase: Array, sign_decay: Array, beta: Array, grad: Array
) -> Sequence[Array]:
    m = m * beta + grad * (_one(beta) - beta)
    return [var - lr * np.exp(logbase * sign_decay * np.sign(grad) * np.sign(m)) * grad, m]


# Those that only resources have.
for _declaration, _function, _changed, _doc in (
    (
        "ResourceApplyKerasMomentum(var: resource, accum: resource, lr: T, grad: T, momentum: T) -> () | "
        f"{_TYPES}{_LOCK}; use_nesterov: bool=false | stateful",
        keras_momentum,
        "var accum",
        "A step along an accumulated gradient that holds the rate.",
    ),
    (
        "ResourceSparseApplyKerasMomentum(var: resource, accum: resource, lr: T, grad: T, indices: Tindices, "
        f"momentum: T) -> () | {_TYPES}Tindices: type in index; {_LOCK}; use_nesterov: bool=false | stateful",
        keras_momentum,
        "var accum",
        "A step along an accumulated gradient that holds the rate.",
    ),
    (
        "ResourceApplyAdamWithAmsgrad(var: resource, m: resource, v: resource, vhat: resource, beta1_power: T, "
        f"beta2_power: T, lr: T, beta1: T, beta2: T, epsilon: T, grad: T) -> () | {_TYPES}{_LOCK} | stateful",
        amsgrad,
        "var m v vhat",
        "Adam that divides by the largest average so far.",
    ),
):  # fmt: skip
    _names = [
        part.split(":")[0].strip() for part in _declaration.partition("(")[2].partition(")")[0].split(",")
    ]
    _op = register(
        Op(_declaration, _kernel(_function, _changed.split(), _names[len(_changed.split()) :]), _doc)
    )
    _op.shape_rule = _nothing
