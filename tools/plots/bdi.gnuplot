# Each device's dirty memory against its share of the limits, and what the throttle makes of it.
# Arguments: timeseries.csv, the picture, the names of the devices separated by blanks.
csv = ARG1
devices = ARG3
count = words(devices)
height = 850.0      # of a device's panels, in pixels
above = 20.0        # over the first of them
below = 50.0        # under the last one, for the axis of time
total = above + below + count * height
set terminal pngcairo size 1500,total font "sans,13" linewidth 1.4 noenhanced
set output ARG2
set datafile separator ","
set datafile columnheaders

seconds(dummy) = column("t_ms") / 1000
of(name) = name . "." . device
mib(name) = column(of(name)) / 256.0        # pages of 4 KiB
# The kernel has no limits before it first needs them: 0 in the file, no line in the picture.
limit(name) = column(of(name)) > 0 ? mib(name) : NaN
mibps(name) = column(of(name)) / 1024.0

# Okabe and Ito's palette: told apart also by the colour-blind.
orange = "#e69f00"; green = "#009e73"
blue = "#0072b2"; vermilion = "#d55e00"; purple = "#cc79a7"; grey = "#888888"

stats csv using (seconds(0)) name "T" nooutput
set xrange [0:T_max]
set yrange [0:*]
set grid back linecolor rgb "#dddddd" linetype 1 linewidth 0.6
set border 3 linecolor rgb "#444444"
set tics nomirror textcolor rgb "#222222"
set key at screen 0.755, graph 1 left top vertical Left reverse samplen 2.5 spacing 1.3
set lmargin at screen 0.075
set rmargin at screen 0.74

# Points of type -1 at 1 are invisible: they keep an axis one unit high where nothing happened.

# From `from` to `to` pixels below the top of the i-th device's panels.
place(i, from, to) = sprintf("set tmargin at screen %f; set bmargin at screen %f", \
                             1 - (above + (i - 1) * height + from) / total, \
                             1 - (above + (i - 1) * height + to) / total)
set multiplot

do for [i=1:count] {
  device = word(devices, i)
  set format x ""
  unset xlabel

  eval place(i, 25, 350)
  set title "Dirty memory of " . device . " against its limits" offset 0,-0.4
  set ylabel "MiB"
  plot csv using (seconds(0)):(mib("wb_reclaimable") + mib("wb_writeback")) \
           with filledcurves y1=0 linecolor rgb "#cfe5f5" title "wb_reclaimable + wb_writeback", \
       csv using (seconds(0)):(mib("wb_reclaimable") + mib("wb_writeback")) with lines \
           linecolor rgb blue linewidth 2 notitle, \
       csv using (seconds(0)):(mib("wb_writeback")) with lines linecolor rgb orange \
           title "wb_writeback", \
       csv using (seconds(0)):(limit("wb_thresh")) with lines linecolor rgb vermilion \
           linewidth 1.6 title "wb_thresh", \
       csv using (seconds(0)):(limit("wb_setpoint")) with lines linecolor rgb purple dashtype "-" \
           linewidth 1.8 title "wb_setpoint", \
       csv using (seconds(0)):(limit("wb_bg_thresh")) with lines linecolor rgb green \
           linewidth 1.6 title "wb_bg_thresh", \
       1 with points pointtype -1 notitle

  eval place(i, 395, 510)
  set title "Rates"
  set ylabel "MiB/s"
  plot csv using (seconds(0)):(mibps("dirty_ratelimit_kibps")) with lines linecolor rgb blue \
           linewidth 1.8 title "dirty_ratelimit", \
       csv using (seconds(0)):(mibps("balanced_dirty_ratelimit_kibps")) with lines \
           linecolor rgb orange title "balanced_dirty_ratelimit", \
       csv using (seconds(0)):(mibps("avg_write_bandwidth_kibps")) with lines \
           linecolor rgb vermilion dashtype "-" linewidth 1.6 title "avg_write_bandwidth", \
       1 with points pointtype -1 notitle

  eval place(i, 555, 640)
  set title "Position ratio (1 at the set-point) and share of what was lately written"
  set ylabel ""
  plot csv using (seconds(0)):(column(of("pos_ratio"))) with lines linecolor rgb purple \
           linewidth 1.8 title "pos_ratio", \
       csv using (seconds(0)):(column(of("completions_num")) / column(of("completions_den"))) \
           with lines linecolor rgb grey linewidth 1.6 title "share of completions", \
       1 with points pointtype -1 notitle

  set format x "%g"
  if (i == count) { set xlabel "virtual time (s)" offset 0,0.3 }
  eval place(i, 685, 790)
  set title "Inodes on the flusher's lists"
  plot csv using (seconds(0)):(column(of("b_dirty"))) with lines linecolor rgb blue \
           title "b_dirty", \
       csv using (seconds(0)):(column(of("b_io"))) with lines linecolor rgb vermilion \
           title "b_io", \
       csv using (seconds(0)):(column(of("b_more_io"))) with lines linecolor rgb green \
           title "b_more_io", \
       1 with points pointtype -1 notitle
}
unset multiplot
set output
