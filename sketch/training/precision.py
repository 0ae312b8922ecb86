"""Mixed precision: a training step computes in 16 bits what TensorFlow's rewriter finds safe there.

Variables, and so checkpoints, stay float32. Evaluation is float32 always.
"""

from sketch.backend import processor
from sketch.errors import InputError
from sketch.networks.registry import FLOAT32, MIXED_BFLOAT16, MIXED_FLOAT16


def of_this_machine(wanted):
    """Return the precision of a training on this machine: one of registry.PRECISIONS.

    Args:
        wanted: 'float32', or 'mixed': float16 on a GPU, bfloat16 on a processor with instructions
            for it.

    Raises:
        InputError: the machine has neither, and would train more slowly than in float32.
    """
    if wanted == FLOAT32:
        return FLOAT32
    from sketch.backend.setup import tf

    if tf.config.list_physical_devices('GPU'):
        return MIXED_FLOAT16
    if processor.has('avx512_bf16', 'amx_bf16'):
        return MIXED_BFLOAT16
    raise InputError(
        'mixed precision needs a GPU, or a processor with AVX512_BF16 or AMX under Linux; take '
        'float32'
    )


def session_config(precision, config=None):
    """Return a session's configuration with TensorFlow's rewriter switched on for a precision.

    `config` is the tf.compat.v1.ConfigProto otherwise; None for Estimator's own.
    """
    if precision == FLOAT32:
        return config
    from sketch.backend.setup import tf

    config = config or tf.compat.v1.ConfigProto(allow_soft_placement=True)
    rewriter = config.graph_options.rewrite_options
    if precision == MIXED_BFLOAT16:
        rewriter.auto_mixed_precision_onednn_bfloat16 = rewriter.ON
    else:
        rewriter.auto_mixed_precision = rewriter.ON
    return config
