"""What `verbose=True` tells of a fit: a bar while a start takes long, a line when it has ended."""

from time import monotonic

BAR_AFTER = 1.0  # seconds until a bar shows


def bar(items=None, **options):
    """tqdm over some items, or, where it is not installed, what was given."""
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return items
    return tqdm(items, leave=False, **options)


class Progress:
    """The callback of one start: shows its iterations, and calls the caller's own callback (or None)."""

    def __init__(self, start, n_init, total_weight, callback):
        self.name, self.total_weight, self.callback = f"start {start} of {n_init}", total_weight, callback
        self.began, self.bar = monotonic(), bar(desc=self.name, unit=" iterations", delay=BAR_AFTER)

    def __call__(self, record):
        if self.bar is not None:
            self.bar.set_postfix_str(f"objective {record.objective / self.total_weight:.6g} a point", refresh=False)
            self.bar.update(int(record.iteration > 0))
        return None if self.callback is None else self.callback(record)

    def ended(self, run):
        """Say where the start led: to a `Run`, or to None if a covariance became singular."""
        if self.bar is not None:
            self.bar.close()
        took = f"{monotonic() - self.began:.2g} s"
        if run is None:
            print(f"{self.name}: a covariance became singular, {took}")
            return
        last = run.history[-1]
        state = "converged" if run.converged else "ended by the callback" if run.stopped else "not converged"
        print(
            f"{self.name}: {last.iteration} iterations, {state}, objective {last.objective:.6g} "
            f"({last.objective / self.total_weight:.6g} a point), {took}"
        )
