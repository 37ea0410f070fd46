"""What each parameter of a model is, and the optimiser that its recipe asks for."""

from dataclasses import asdict

from torch.nn import Parameter

from alexnet_study.models import AlexNet
from alexnet_study.study.configs import RecipeConfig
from alexnet_study.training.muon import Muon
from alexnet_study.training.optimizer import AdamW, MomentumSGD, Optimizer


def kind_of(name: str) -> str:
    """Return the kind of the parameter of that name, a field of `DecayFactors`."""
    if name.startswith("norms."):
        return "norms"
    if name.endswith(".bias"):
        return "biases"
    return "dense" if name.startswith("classifier.") else "convolutions"


def optimizer_for(model: AlexNet, recipe: RecipeConfig) -> Optimizer:
    """Return the recipe's optimiser of the model's trainable parameters.

    Muon's matrices are the weights of all layers but the last.
    """
    named = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
    factors: dict[str, float] = asdict(recipe.weight_decay_factors)
    decays = [recipe.weight_decay * factors[kind_of(name)] for name in named]
    parameters: list[Parameter] = list(named.values())
    if recipe.optimizer == "sgd":
        return MomentumSGD(parameters, recipe, decays)
    if recipe.optimizer == "adamw":
        return AdamW(parameters, recipe, decays)
    last = [name for name in named if kind_of(name) == "dense"][-1]
    matrices = [kind_of(name) in ("convolutions", "dense") and name != last for name in named]
    return Muon(parameters, recipe, decays, matrices=matrices)
