// Mixture2D: the book's one EM loop, for points in the plane. No drawing here (3-element.js draws).
// A covariance [[a, b], [b, c]] is kept as [a, b, c]; theta is { weights, means, covariances }.
const Mixture2D = (() => {
  const COVARIANCES = ["identity", "tied_spherical", "spherical", "tied_diag", "diag", "tied", "full"];
  const SHARED = new Set(["identity", "tied_spherical", "tied_diag", "tied"]);
  const SMALLEST = 1e-12;              // a variance below this share of the data's has collapsed
  const sum = values => values.reduce((a, b) => a + b, 0);
  const add = (a, b) => a.map((value, j) => value + b[j]);
  const largest = values => values.indexOf(Math.max(...values));            // the lowest index at ties

  // The start: equal weights, these means, and covariance variance * I for every component.
  const start = (means, variance) => ({
    weights: means.map(() => 1 / means.length),
    means: means.map(mean => [...mean]),
    covariances: means.map(() => [variance, 0, variance]),
  });

  // L of Sigma = L L^T, as [l11, l21, l22]
  function factor([a, b, c]) {
    const l = Math.sqrt(a), m = b / l;
    return [l, m, Math.sqrt(c - m * m)];
  }

  // log pi_k + log N(x | mu_k, Sigma_k) for each k, by the whitened deviation u = L^-1 (x - mu)
  function logJoint(theta, x, factors = theta.covariances.map(factor)) {
    return theta.means.map((mean, k) => {
      const [l, m, r] = factors[k], u = (x[0] - mean[0]) / l, v = (x[1] - mean[1] - m * u) / r;
      return Math.log(theta.weights[k]) - Math.log(2 * Math.PI * l * r) - (u * u + v * v) / 2;
    });
  }

  // The same as a function of the point, for many points.
  const density = theta => {
    const factors = theta.covariances.map(factor);
    return x => logJoint(theta, x, factors);
  };

  // Responsibilities and the log-density of the point, by log-sum-exp
  function softmax(logs) {
    const top = Math.max(...logs), terms = logs.map(log => Math.exp(log - top)), total = sum(terms);
    return [terms.map(term => term / total), top + Math.log(total)];
  }

  // The E-step: what each point gives to each component, and the objectives of these parameters.
  function eStep(setting, theta, points) {
    const factors = theta.covariances.map(factor);
    const found = { responsibilities: [], labels: [], logLikelihood: 0, classification: 0, inertia: 0 };
    for (const x of points) {
      const logs = logJoint(theta, x, factors), [soft, logDensity] = softmax(logs);
      const distances = theta.means.map(mean => (x[0] - mean[0]) ** 2 + (x[1] - mean[1]) ** 2);
      // With equal weights and one shared sphere the largest log-joint is that of the nearest centre,
      // and distances tie exactly where rounded logarithms might not.
      const label = sameSphere(setting, theta) ? distances.indexOf(Math.min(...distances)) : largest(logs);
      found.responsibilities.push(setting.assignment === "hard" ? soft.map((_, k) => +(k === label)) : soft);
      found.labels.push(label);
      found.logLikelihood += logDensity;
      found.classification += logs[label];
      found.inertia += distances[label];
    }
    found.objective = setting.assignment === "hard" ? found.classification : found.logLikelihood;
    return found;
  }

  function sameSphere(setting, theta) {
    return setting.weights === "equal" && ["identity", "tied_spherical"].includes(setting.covariance)
      && theta.weights.every(weight => weight > 0);
  }

  // The scatter brought to the constraint and divided by the weight of the points.
  function constrained(covariance, [a, b, c], count) {
    if (covariance.endsWith("spherical")) return [(a + c) / (2 * count), 0, (a + c) / (2 * count)];
    return covariance.endsWith("diag") ? [a / count, 0, c / count] : [a / count, b / count, c / count];
  }

  // The M-step. A component without points keeps its mean and covariance, and has weight 0 if weights are free.
  function mStep(setting, theta, points, responsibilities) {
    const K = theta.means.length, counts = theta.means.map((_, k) => sum(responsibilities.map(r => r[k])));
    const held = counts.map(count => count > 1e-290 * points.length);
    const means = theta.means.map((mean, k) => held[k]
      ? [0, 1].map(j => sum(points.map((x, i) => responsibilities[i][k] * x[j])) / counts[k]) : mean);
    const weights = counts.map((count, k) => setting.weights === "equal" ? 1 / K : held[k] ? count / points.length : 0);
    if (setting.covariance === "identity") {
      return { weights, means, covariances: means.map(() => [setting.variance, 0, setting.variance]) };
    }
    const scatters = means.map((mean, k) => points.reduce((total, x, i) => {
      const r = responsibilities[i][k], u = x[0] - mean[0], v = x[1] - mean[1];
      return held[k] ? add(total, [r * u * u, r * u * v, r * v * v]) : total;
    }, [0, 0, 0]));
    if (SHARED.has(setting.covariance)) {
      const shared = constrained(setting.covariance, scatters.reduce(add), points.length);
      return { weights, means, covariances: means.map(() => shared) };
    }
    const covariances = scatters.map((scatter, k) => held[k]
      ? constrained(setting.covariance, scatter, counts[k]) : theta.covariances[k]);
    return { weights, means, covariances };
  }

  // The variance of the points in the direction in which they vary most, up to a factor of 2.
  function spread(points) {
    return Math.max(...[0, 1].map(j => {
      const mean = sum(points.map(x => x[j])) / points.length;
      return sum(points.map(x => (x[j] - mean) ** 2)) / points.length;
    }));
  }

  const singular = (covariances, floor) => covariances.findIndex(([a, b, c]) =>
    !(a > floor && c > floor && (a * c - b * b) / Math.max(a, c) > floor));

  // A program: its setting, and one record per iteration. `state` says why it has ended, if it has.
  class Program {
    constructor(setting, means, points) {
      this.setting = { ...setting };
      this.points = points;
      this.floor = SMALLEST * spread(points);
      this.state = "running";
      this.history = [];
      this.record(start(means, setting.variance));
    }

    get now() {
      return this.history[this.history.length - 1];
    }

    record(theta) {
      this.history.push({ theta, ...eStep(this.setting, theta, this.points) });
    }

    // One iteration. A hard program has ended when no label changes, a soft one when the
    // objective gains no more than 1e-12 a point.
    step() {
      if (this.state !== "running") return;
      const before = this.now, theta = mStep(this.setting, before.theta, this.points, before.responsibilities);
      this.collapsed = singular(theta.covariances, this.floor);
      if (this.collapsed >= 0) {
        this.state = "collapsed";
        return;
      }
      this.record(theta);
      const hard = this.setting.assignment === "hard";
      const same = hard ? this.now.labels.every((label, i) => label === before.labels[i])
        : this.now.objective - before.objective <= 1e-12 * this.points.length;
      if (same) this.state = "converged";
    }
  }

  return { COVARIANCES, SHARED, Program, density, softmax };
})();
