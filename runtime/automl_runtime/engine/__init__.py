"""Search under a budget: models, validation, ensembles, evaluation.

OpenMP threads that wait sleep instead of spinning, unless the environment says otherwise: on a machine with other
work, spinning made LightGBM 16 to 37 times slower. It has to be said before the first such library is loaded.
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "passive")
