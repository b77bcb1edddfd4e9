// SPDX-License-Identifier: MIT

// pool MODE [N] [WORKERS]: goroutines that take jobs from a channel and put results into another: the modes of
// ../pool.c that there can be in one process.  No job can be lost here, and none can be survived: there are no processes,
// a job that crashes ends the program, and nothing is copied from one to the other but 64 bytes.
//
//	batch one idle open cpu
package main

import (
	"fmt"
	"os"
	"sort"
	"strconv"
	"syscall"
	"time"
)

const underWay = 256 // as many as a channel holds

type payload [64]byte

type pool struct {
	jobs, results chan payload
}

func open(workers int, do func(payload) payload) pool {
	p := pool{make(chan payload, underWay), make(chan payload, underWay)}
	for i := 0; i < workers; i++ {
		go func() {
			for job := range p.jobs {
				p.results <- do(job)
			}
		}()
	}
	return p
}

func (p pool) call() {
	p.jobs <- payload{}
	<-p.results
}

func echo(job payload) payload { return job }

func burn(job payload) payload {
	for end := time.Now().Add(200 * time.Millisecond); time.Now().Before(end); {
	}
	return job
}

func (p pool) batch(n int) time.Duration {
	begin := time.Now()
	go func() {
		for i := 0; i < n; i++ {
			p.jobs <- payload{}
		}
	}()
	for i := 0; i < n; i++ {
		<-p.results
	}
	return time.Since(begin)
}

// each of n times, without what `before` takes
func each(n int, before func(), do func()) []float64 {
	times := make([]float64, n)
	for i := range times {
		before()
		begin := time.Now()
		do()
		times[i] = time.Since(begin).Seconds() * 1e6
	}
	sort.Float64s(times)
	return times
}

func seconds(t syscall.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }

func report(ops int, secs float64, more string) {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	fmt.Printf("{\"ops\":%d,\"secs\":%.6f,\"cpu_s\":%.3f,\"rss_kb\":%d%s}\n", ops, secs, seconds(u.Utime)+seconds(u.Stime),
		u.Maxrss, more)
}

func reportTimes(times []float64, secs float64) {
	n := len(times)
	report(n, secs, fmt.Sprintf(",\"p50_us\":%.2f,\"p99_us\":%.2f", times[n/2], times[n*99/100]))
}

func argument(i, otherwise int) int {
	if i >= len(os.Args) {
		return otherwise
	}
	n, err := strconv.Atoi(os.Args[i])
	if err != nil || n < 1 {
		fmt.Fprintf(os.Stderr, "pool: argument %d must be a number above 0\n", i)
		os.Exit(2)
	}
	return n
}

func main() {
	mode := ""
	if len(os.Args) > 1 {
		mode = os.Args[1]
	}
	n, workers := argument(2, 1000), argument(3, 2)
	nothing := func() {}
	begin := time.Now()
	switch mode {
	case "batch":
		report(n, open(workers, echo).batch(n).Seconds(), "")
	case "one":
		times := each(n, nothing, open(workers, echo).call)
		reportTimes(times, time.Since(begin).Seconds())
	case "idle":
		times := each(n, func() { time.Sleep(5 * time.Millisecond) }, open(workers, echo).call)
		reportTimes(times, time.Since(begin).Seconds())
	case "open":
		times := each(n, nothing, func() { open(workers, echo).call() })
		reportTimes(times, time.Since(begin).Seconds())
	case "cpu":
		secs := open(workers, burn).batch(4).Seconds()
		report(4, secs, fmt.Sprintf(",\"ratio\":%.3f", secs/(0.2*4/float64(workers))))
	default:
		fmt.Fprintln(os.Stderr, "usage: pool batch|one|idle|open|cpu [N] [WORKERS]")
		os.Exit(2)
	}
}
