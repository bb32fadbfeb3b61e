"""A model of nnlite as a PyTorch module, for libraries that differentiate with PyTorch.

Its images stay (N, H, W, C).  Its weights are not PyTorch's: only inputs have gradients.
"""

import torch


class Outputs(torch.autograd.Function):
    """What a model computes for images, and its gradient."""

    @staticmethod
    def forward(ctx, x, model):
        ctx.save_for_backward(x)
        ctx.model = model
        return torch.from_numpy(model.forward(x.numpy()))

    @staticmethod
    def backward(ctx, dy):
        (x,) = ctx.saved_tensors
        ctx.model.forward(x.numpy())  # once more: others may have come between
        return torch.from_numpy(ctx.model.backward_input(dy.numpy())), None


class TorchModule(torch.nn.Module):
    """A trained model, in evaluation."""

    def __init__(self, model):
        super().__init__()
        self.model = model
        self.eval()

    def forward(self, x):
        return Outputs.apply(x, self.model)
