"""CPU cost calibration from kernel-truth cases (see tools/calibrate-cpu)."""
