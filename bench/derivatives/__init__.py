"""Per-sample gradients, Jacobians and Hessian-vector products, beside PyTorch's torch.func."""
