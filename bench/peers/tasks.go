// SPDX-License-Identifier: MIT
//
// tasks.go - goroutines: what bench/spawn.c and bench/live.c do, by Go.
//
//	tasks spawn TASKS ALIVE     they end at once; the first batch, which makes the stacks, is not measured
//	tasks wake TASKS            all wait for one channel, which is closed
//	tasks cancel TASKS          each waits for a context of its own, which is cancelled
package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"
)

func usage() (cpu float64, rss int64) {
	var r syscall.Rusage
	syscall.Getrusage(0, &r)
	return float64(r.Utime.Nano()+r.Stime.Nano()) / 1e9, r.Maxrss
}

func spawn(n int) {
	var wg sync.WaitGroup
	wg.Add(n)
	for i := 0; i < n; i++ {
		go wg.Done()
	}
	wg.Wait()
}

func wake(n int) {
	var parked, ended sync.WaitGroup
	gate := make(chan struct{})
	parked.Add(n)
	ended.Add(n)
	for i := 0; i < n; i++ {
		go func() { parked.Done(); <-gate; ended.Done() }()
	}
	parked.Wait()
	close(gate)
	ended.Wait()
}

func cancel(n int) {
	var parked, ended sync.WaitGroup
	cancels := make([]context.CancelFunc, n)
	parked.Add(n)
	ended.Add(n)
	for i := 0; i < n; i++ {
		ctx, stop := context.WithCancel(context.Background())
		cancels[i] = stop
		go func() { parked.Done(); <-ctx.Done(); ended.Done() }()
	}
	parked.Wait()
	for _, stop := range cancels {
		stop()
	}
	ended.Wait()
}

func measure(work func()) (wall, cpu float64) {
	start := time.Now()
	before, _ := usage()
	work()
	after, _ := usage()
	return time.Since(start).Seconds(), after - before
}

func main() {
	runtime.GOMAXPROCS(1)
	n, _ := strconv.Atoi(os.Args[2])
	var first, again func()
	switch os.Args[1] {
	case "spawn":
		alive, _ := strconv.Atoi(os.Args[3])
		spawn(alive)
		first = func() {
			for done := 0; done < n; done += alive {
				spawn(alive)
			}
		}
	case "wake":
		first = func() { wake(n) }
		again = first
	case "cancel":
		first = func() { cancel(n) }
		again = first
	}
	wall, cpu := measure(first)
	more := ""
	if again != nil {
		_, twice := measure(again)
		more = fmt.Sprintf(",\"again_ns\":%.1f", twice*1e9/float64(n))
	}
	_, rss := usage()
	fmt.Printf("{\"ops\":%d,\"secs\":%.6f,\"cpu_s\":%.6f,\"rss_kb\":%d%s}\n", n, wall, cpu, rss, more)
}
