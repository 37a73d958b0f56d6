# Dirty memory with its limits, rates, pauses and load of the devices, over time.
# Arguments: timeseries.csv, the picture, the names of the devices separated by blanks.
csv = ARG1
devices = ARG3
set terminal pngcairo size 1500,1500 font "sans,13" linewidth 1.4 noenhanced
set output ARG2
set datafile separator ","
set datafile columnheaders

seconds(dummy) = column("t_ms") / 1000
mib(name) = column(name) / 256.0        # pages of 4 KiB
# The kernel has no limits before it first needs them: 0 in the file, no line in the picture.
limit(name) = column(name) > 0 ? mib(name) : NaN
mibps(name) = column(name) / 1024.0

# Okabe and Ito's palette: told apart also by the colour-blind.
orange = "#e69f00"; green = "#009e73"
blue = "#0072b2"; vermilion = "#d55e00"; purple = "#cc79a7"; grey = "#888888"
array colour[4] = [blue, vermilion, green, purple]

stats csv using (seconds(0)) name "T" nooutput
set xrange [0:T_max]
set yrange [0:*]
set grid back linecolor rgb "#dddddd" linetype 1 linewidth 0.6
set border 3 linecolor rgb "#444444"
set tics nomirror textcolor rgb "#222222"
set key at screen 0.755, graph 1 left top vertical Left reverse samplen 2.5 spacing 1.3
set lmargin at screen 0.075
set rmargin at screen 0.74

# An invisible function that keeps an axis at least one unit high, where nothing happened.
nothing = '1 with points pointtype -1 notitle'

# Panels from top to bottom share the axis of time; only the last one is labelled.
panel(top, bottom) = sprintf("set tmargin at screen %f; set bmargin at screen %f", top, bottom)
set multiplot

eval panel(0.965, 0.680)
set title "Dirty memory: nr_dirty + nr_writeback against the kernel's limits" offset 0,-0.4
set format x ""
set ylabel "MiB"
plot csv using (seconds(0)):(mib("nr_dirty") + mib("nr_writeback")) with filledcurves y1=0 \
         linecolor rgb "#cfe5f5" title "nr_dirty + nr_writeback", \
     csv using (seconds(0)):(mib("nr_dirty") + mib("nr_writeback")) with lines \
         linecolor rgb blue linewidth 2 notitle, \
     csv using (seconds(0)):(mib("nr_writeback")) with lines linecolor rgb orange \
         title "nr_writeback", \
     csv using (seconds(0)):(limit("dirty_thresh")) with lines linecolor rgb vermilion \
         linewidth 1.6 title "dirty_thresh", \
     csv using (seconds(0)):(limit("setpoint")) with lines linecolor rgb purple dashtype "-" \
         linewidth 1.8 title "setpoint", \
     csv using (seconds(0)):((limit("dirty_thresh") + limit("background_thresh")) / 2) with lines \
         linecolor rgb grey dashtype "-" linewidth 1.8 title "freerun", \
     csv using (seconds(0)):(limit("background_thresh")) with lines linecolor rgb green \
         linewidth 1.6 title "background_thresh", @nothing

eval panel(0.637, 0.515)
set title "Rates"
set ylabel "MiB/s"
plot for [i=1:words(devices)] csv using (seconds(0)):\
         (mibps("dirty_ratelimit_kibps." . word(devices, i))) with lines \
         linecolor rgb colour[1 + (i - 1) % 4] linewidth 1.6 \
         title "dirty_ratelimit " . word(devices, i), \
     for [i=1:words(devices)] csv using (seconds(0)):\
         (mibps("avg_write_bandwidth_kibps." . word(devices, i))) with lines \
         linecolor rgb colour[1 + (i - 1) % 4] dashtype "-" linewidth 1.6 \
         title "avg_write_bandwidth " . word(devices, i), @nothing

eval panel(0.472, 0.375)
set title "Throttling: pauses of balance_dirty_pages, summed per sample"
set ylabel "ms"
plot csv using (seconds(0)):(column("pause_ms")) with impulses linecolor rgb vermilion \
         title "pause_ms", @nothing

eval panel(0.332, 0.230)
set title "Requests in the device"
set ylabel "requests"
plot for [i=1:words(devices)] csv using (seconds(0)):\
         (column("queue_depth." . word(devices, i))) with lines \
         linecolor rgb colour[1 + (i - 1) % 4] title "queue_depth " . word(devices, i), @nothing

eval panel(0.187, 0.055)
set title "Share of the time with a request in the device"
set yrange [0:105]
set ytics 0,25,100
set ylabel "%"
set format x "%g"
set xlabel "virtual time (s)" offset 0,0.3
plot for [i=1:words(devices)] csv using (seconds(0)):\
         (column("util_percent." . word(devices, i))) with lines \
         linecolor rgb colour[1 + (i - 1) % 4] title "%util " . word(devices, i)
unset multiplot
set output
