// The map of special cases (chapter 5): what the literature calls each of the 28 settings.
// One row per covariance; the columns are hard + equal weights, hard + free, soft + equal, soft + free.
// The columns stand in the order of the chapter's table.
const MethodMap = (() => {
  const COLUMNS = [["hard", "equal"], ["hard", "free"], ["soft", "equal"], ["soft", "free"]];
  const NAMES = {
    identity: ["k-means", "entropy-constrained quantisation", "soft k-means", "soft k-means, free weights"],
    tied_spherical: ["k-means", "classification EM, [λI]", "EII, equal weights", "EII"],
    spherical: ["Banfield and Raftery’s criterion", "classification EM, [λₖI]", "VII, equal weights", "VII"],
    tied_diag: ["classification EM, [λB], equal weights", "classification EM, [λB]", "EEI, equal weights", "EEI"],
    diag: ["classification EM, [λₖBₖ], equal weights", "classification EM, [λₖBₖ]", "VVI, equal weights", "VVI"],
    tied: ["Friedman and Rubin’s det W", "Symons’ criterion, shared covariance", "EEE, equal weights", "EEE"],
    full: ["Scott and Symons’ criterion", "Symons’ criterion, own covariances", "VVV, equal weights", "the Gaussian mixture (VVV)"],
  };
  const name = ({ covariance, weights, assignment }) =>
    NAMES[covariance][COLUMNS.findIndex(([a, w]) => a === assignment && w === weights)];
  return { COLUMNS, NAMES, name };
})();
