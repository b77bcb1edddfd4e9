// SPDX-License-Identifier: MIT
//
// spawn.go - goroutines that end at once, so many alive at a time: what bench/spawn.c does, by Go.
//
//	spawn TASKS BATCH
//
// The first batch, which makes the stacks, is not measured.
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"
)

func cpu() float64 {
	var r syscall.Rusage
	syscall.Getrusage(0, &r)
	return float64(r.Utime.Nano()+r.Stime.Nano()) / 1e9
}

func batch(n int) {
	var wg sync.WaitGroup
	wg.Add(n)
	for i := 0; i < n; i++ {
		go wg.Done()
	}
	wg.Wait()
}

func main() {
	runtime.GOMAXPROCS(1)
	tasks, _ := strconv.Atoi(os.Args[1])
	size, _ := strconv.Atoi(os.Args[2])
	batch(size)
	start, used := time.Now(), cpu()
	for done := 0; done < tasks; done += size {
		batch(size)
	}
	var r syscall.Rusage
	syscall.Getrusage(0, &r)
	fmt.Printf("{\"ops\":%d,\"secs\":%.6f,\"cpu_s\":%.6f,\"rss_kb\":%d}\n", tasks, time.Since(start).Seconds(), cpu()-used, r.Maxrss)
}
