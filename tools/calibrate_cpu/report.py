"""The files the calibration writes: JSON per kernel, machine configuration, Markdown."""

import json

from .meanings import MEANINGS


def write_json(path, document):
    with open(path, "w") as f:
        json.dump(document, f, indent=2)
        f.write("\n")


def costs_document(kernel, components, checks):
    return {"about": f"CPU costs of the truth rig, kernel {kernel}, ns on a 1 GIPS in-order CPU",
            "components": {name: {"ns": c["ns"], "n": c["n"], "median": c["median"],
                                  "p10": c["p10"],
                                  "p90": c["p90"], "how": c["how"], "meaning": MEANINGS[name]}
                           for name, c in components.items()},
            "checks": checks}


def machine_document(kernel, components):
    return {"about": f"The truth rig under kernel {kernel}: one CPU, one nanosecond an "
                     f"instruction, no caches, "
                     "HZ=250. trace_event is charged once per enabled trace event; no other cost "
                     "contains it. context_switch is 0 because the wake-up components contain "
                     "it.",
            "source": f"tools/calibrate-cpu; results/kernel-truth/cpu-costs-{kernel}.json",
            "costs": {"context_switch": "0ns",
                      **{name: f"{c['ns']}ns" for name, c in components.items()}}}


def _table(rows, header):
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(str(x) for x in row) + " |" for row in rows]
    return "\n".join(lines)


def _check_rows(kernel, rows):
    return [(kernel, r["case"], r["stage"], f"{r['predicted_ns']:,}", f"{r['measured_ns']:,}",
             f"{r['error_percent']:+.2f}", r["n"]) for r in rows]


def markdown(documents, intro):
    kernels = list(documents)
    first = documents[kernels[0]]["components"]
    values = []
    for name in first:
        row = [name, MEANINGS[name]]
        for kernel in kernels:
            c = documents[kernel]["components"][name]
            row.append(f"**{c['ns']}** ({c['p10']}..{c['p90']}, n {c['n']})")
        values.append(row)
    parts = [intro, "## Components\n\nns: value (p10..p90 of the single observations, number of "
                    "them).\n",
             _table(values, ["component", "meaning"] + kernels),
             "\n## How each was identified\n",
             _table([[name, first[name]["how"]] for name in first],
                    ["component", f"from ({kernels[0]})"])]
    only = [[n, documents[k]["components"][n]["how"]] for k in kernels[1:] for n in first
            if documents[k]["components"][n]["how"].split(" (")[0]
            != first[n]["how"].split(" (")[0]]
    if only:
        parts += [f"\nWhere {', '.join(kernels[1:])} had to be found otherwise:\n",
                  _table(only, ["component", "from"])]
    header = ["kernel", "case", "stage", "predicted ns", "measured ns", "error %", "n"]
    for kind, title in (("calibration", "Residuals on the calibration cases"),
                        ("prediction", "Predictions of cases that were not used")):
        rows = [r for k in kernels for r in _check_rows(k, documents[k]["checks"][kind])]
        parts += [f"\n## {title}\n", _table(rows, header)]
    return "\n".join(parts) + "\n"
