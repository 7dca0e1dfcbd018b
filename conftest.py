"""The notebooks are run again as Jupyter runs them."""

import os

from nbval.kernel import RunningKernel

os.environ.setdefault("OMP_NUM_THREADS", "1")  # two workers share the machine ...
os.environ.setdefault("MIXLIB_NUM_THREADS", "2")  # ... but blocks are to be handed out to threads
os.environ.pop("MPLBACKEND", None)  # "agg" there would drop the notebooks' figures


def execute_as_jupyter(self, cell_input, allow_stdin=None):
    """With a history, as in Jupyter: without one a closing semicolon would not silence a cell."""
    return self.kc.execute(cell_input, allow_stdin=allow_stdin, store_history=True, stop_on_error=False)


RunningKernel.execute_cell_input = execute_as_jupyter
