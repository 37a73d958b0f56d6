# Requests of the devices: where on the device each began, and how long it took, over time.
# Arguments: data (two blocks, reads and writes: seconds, GiB, milliseconds), the picture.
data = ARG1
set terminal pngcairo size 1500,1100 font "sans,13" noenhanced
set output ARG2
set grid back linecolor rgb "#dddddd" linetype 1 linewidth 0.6
set border 3 linecolor rgb "#444444"
set tics nomirror textcolor rgb "#222222"
set key outside right top vertical Left reverse samplen 2.5 spacing 1.3
set xrange [0:*]
set yrange [0:*]
# An invisible function that keeps an axis from being empty where all points are at 0.
nothing = '0.001 with points pointtype -1 notitle'
set multiplot layout 2,1 margins screen 0.08,0.86,0.08,0.95 spacing screen 0.09

set title "Place of each request, by its completion"
set ylabel "GiB from the start of the device"
set format x ""
plot data index 0 using 1:2 with points pointtype 7 pointsize 0.35 linecolor rgb "#0072b2" \
       title columnheader(1), \
     data index 1 using 1:2 with points pointtype 7 pointsize 0.35 linecolor rgb "#d55e00" \
       title columnheader(1), @nothing

set title "Time of each request, from its issue to its completion"
set ylabel "ms"
set format x "%g"
set xlabel "virtual time (s)"
plot data index 0 using 1:3 with points pointtype 7 pointsize 0.35 linecolor rgb "#0072b2" \
       title columnheader(1), \
     data index 1 using 1:3 with points pointtype 7 pointsize 0.35 linecolor rgb "#d55e00" \
       title columnheader(1), @nothing
unset multiplot
set output
