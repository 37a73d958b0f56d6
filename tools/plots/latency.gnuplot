# Which share of a job's calls took at least a time, one curve for each kind of call.
# Arguments: data (a block for each curve: its title, then microseconds and share), the picture, the
# number of curves.
data = ARG1
set terminal pngcairo size 1300,800 font "sans,13" linewidth 1.6 noenhanced
set output ARG2

# Okabe and Ito's palette: told apart also by the colour-blind.
array colour[7] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#888888"]

set title "Latency: share of the calls that took at least so long"
set xlabel "latency"
set ylabel "share of calls"
set logscale xy
set grid back linecolor rgb "#dddddd" linetype 1 linewidth 0.6
set border 3 linecolor rgb "#444444"
set tics nomirror textcolor rgb "#222222"
set xtics ("1 us" 1, "10 us" 10, "100 us" 100, "1 ms" 1e3, "10 ms" 1e4, "100 ms" 1e5, "1 s" 1e6, \
           "10 s" 1e7, "100 s" 1e8)
set ytics ("all" 1, "10 %%" 0.1, "1 %%" 0.01, "0.1 %%" 0.001, "0.01 %%" 1e-4, "0.001 %%" 1e-5, \
           "0.0001 %%" 1e-6)
set yrange [*:1.2]
set key outside right top vertical Left reverse samplen 2.5 spacing 1.3
plot for [i=0:int(ARG3)-1] data index i using 1:2 with steps linecolor rgb colour[1 + i % 7] \
     linewidth 1.8 title columnheader(1)
set output
