"""Operations that a step on CUDA must not use, with where each list comes from."""

# Each waits for the device, or copies from the host, which a capture forbids: "CUDA semantics", CUDA graphs, section
# "Constraints" (docs.pytorch.org/docs/2.14/notes/cuda.html): no synchronisation of host and device, no shapes that
# depend on data, no tensors made on the host (lift_fresh is what torch.tensor does with a literal).
ILLEGAL_IN_A_CAPTURE = {
    "_local_scalar_dense",
    "_unique2",
    "allclose",
    "bincount",
    "equal",
    "is_nonzero",
    "item",
    "lift_fresh",
    "lift_fresh_copy",
    "masked_select",
    "nonzero",
    "pin_memory",
    "repeat_interleave",
    "unique_consecutive",
    "unique_dim",
}

# Each raises under deterministic mode on CUDA: torch.use_deterministic_algorithms (docs.pytorch.org, 2.14), and every
# call of at::Context::alertNotDeterministic in PyTorch 2.14.1's libtorch_cuda.so. nll_loss and max_pool2d, forward and
# backward, don't; nll_loss2d and max_pool3d do.
ALERTS_ON_CUDA = {
    "_adaptive_avg_pool2d_backward",
    "_adaptive_avg_pool3d_backward",
    "_ctc_loss_backward",
    "_embedding_bag_dense_backward",
    "_upsample_bicubic2d_aa_backward",
    "_upsample_bilinear2d_aa_backward",
    "adaptive_max_pool2d_backward",
    "adaptive_max_pool3d_backward",
    "avg_pool3d_backward",
    "fractional_max_pool2d_backward",
    "fractional_max_pool3d_backward",
    "grid_sampler_2d_backward",
    "grid_sampler_3d_backward",
    "histc",
    "index_reduce",
    "index_reduce_",
    "max_pool3d_with_indices_backward",
    "max_unpool2d",
    "max_unpool3d",
    "median",
    "nll_loss2d_forward",
    "put_",
    "reflection_pad1d_backward",
    "reflection_pad2d_backward",
    "reflection_pad3d_backward",
    "replication_pad1d_backward",
    "replication_pad2d_backward",
    "replication_pad3d_backward",
    "scatter_reduce",
    "scatter_reduce_",
    "upsample_bicubic2d_backward",
    "upsample_bilinear2d_backward",
    "upsample_linear1d_backward",
    "upsample_trilinear3d_backward",
}


def names_of(operators: set[str]) -> set[str]:
    """Return the names of operators as `aten.add.Tensor`, without namespace and overload."""
    return {operator.split(".")[1] for operator in operators}
