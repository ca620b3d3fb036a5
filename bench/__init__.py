"""nnbind measured, beside its peers and against the machine's limit; from the project's root:

- ``python -m bench``: training steps, nnbind and each installed peer in one run
- ``python -m bench.inference``: predictions, from Python and from C++
- ``python -m bench.derivatives``: per-sample gradients, Jacobians, Hessian-vector products
- ``python -m bench.many``: many small networks at once
- ``python -m bench.extras``: what momentum, Adam, a penalty, clipping, dropout, validation and a
  metric cost
- ``python -m bench.threads``: two threads against one, over widths and batches
- ``python -m bench.footprint``: import time, wheel size, peak memory, a neighbour on one core
- ``python -m bench.quiet``: whether anything spins once a fit is over
- ``python -m bench.interrupt``: how long Ctrl-C takes to end a fit of the largest network
- ``nnbind_kernels``: the kernels beside Eigen's products; ``nnbind_steps``: training steps from
  C++, on one thread and on all; both built by CMake with ``-DNNBIND_BUILD_BENCH=ON``

Each module takes ``--help``. Most leave a file in ``bench/results``.
"""
