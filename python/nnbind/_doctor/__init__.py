"""The training doctor behind ``nn.diagnose``.

``data`` holds the rows looked at, ``layers`` reads the graph, ``probe`` and ``curvature`` measure;
``parameters``, ``inputs``, ``units``, ``targets``, ``outputs``, ``signals`` and ``steps`` each make
findings of it.
"""
