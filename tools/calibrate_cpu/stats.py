"""Small deterministic statistics: order statistics, trimmed means, least squares."""


def quantile(sorted_values, q):
    return sorted_values[min(len(sorted_values) - 1, int(q * len(sorted_values)))]


def median(values):
    return quantile(sorted(values), 0.5)


def trimmed_mean(values, cut=0.05):
    """Mean without the highest and lowest `cut` of the values."""
    ordered = sorted(values)
    drop = int(len(ordered) * cut)
    kept = ordered[drop:len(ordered) - drop] or ordered
    return sum(kept) / len(kept)


def spread(values):
    ordered = sorted(values)
    return {"n": len(ordered), "median": round(quantile(ordered, 0.5)),
            "p10": round(quantile(ordered, 0.1)), "p90": round(quantile(ordered, 0.9)),
            "mean": round(trimmed_mean(ordered))}


def least_squares(rows, targets):
    """Coefficients that minimise the squared error of rows . c = targets (normal equations)."""
    n = len(rows[0])
    system = [[sum(r[i] * r[j] for r in rows) for j in range(n)]
              + [sum(r[i] * t for r, t in zip(rows, targets))] for i in range(n)]
    for i in range(n):
        pivot = max(range(i, n), key=lambda r: abs(system[r][i]))
        system[i], system[pivot] = system[pivot], system[i]
        for r in range(n):
            if r != i:
                factor = system[r][i] / system[i][i]
                system[r] = [a - factor * b for a, b in zip(system[r], system[i])]
    return [system[i][n] / system[i][i] for i in range(n)]


def robust_least_squares(rows, targets, keep=0.8):
    """Least squares, then once more without the worst (1 - keep) of the residuals."""
    for _ in range(2):
        coefficients = least_squares(rows, targets)
        errors = [abs(t - sum(a * b for a, b in zip(r, coefficients))) for r,
                  t in zip(rows, targets)]
        limit = sorted(errors)[int(len(errors) * keep)]
        chosen = [(r, t) for r, t, e in zip(rows, targets, errors) if e <= limit]
        rows, targets = [c[0] for c in chosen], [c[1] for c in chosen]
    coefficients = least_squares(rows, targets)
    residuals = [t - sum(a * b for a, b in zip(r, coefficients)) for r, t in zip(rows, targets)]
    return coefficients, residuals
