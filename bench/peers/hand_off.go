// SPDX-License-Identifier: MIT
//
// hand_off.go - what bench/hand_off.c does, by Go: two goroutines on one processor that wake one another in turn.
//
//	hand_off queue|event|lock|select N      through channels; the lock is a channel of one
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

func cpu() (float64, int64) {
	var r syscall.Rusage
	syscall.Getrusage(0, &r)
	return float64(r.Utime.Nano()+r.Stime.Nano()) / 1e9, r.Maxrss
}

func queue(own, others chan int, n int) {
	for i := 0; i < n; i++ {
		others <- <-own
	}
}

func event(own, others chan struct{}, n int) {
	for i := 0; i < n; i++ {
		<-own
		others <- struct{}{}
	}
}

func choose(own, others, never chan int, n int) {
	for i := 0; i < n; i++ {
		select {
		case <-never:
		case item := <-own:
			others <- item
		}
	}
}

func lock(token chan struct{}, n int) {
	for i := 0; i < n; i++ {
		<-token
		token <- struct{}{}
		runtime.Gosched() // it is not fair: without this one goroutine has it all the time
	}
}

func main() {
	runtime.GOMAXPROCS(1)
	total, _ := strconv.Atoi(os.Args[2])
	n := total / 2
	a, b, never := make(chan int, 2), make(chan int, 2), make(chan int)
	e, f := make(chan struct{}, 1), make(chan struct{}, 1)
	var one, two func()
	switch os.Args[1] {
	case "queue":
		a <- 0
		one, two = func() { queue(a, b, n) }, func() { queue(b, a, n) }
	case "event":
		e <- struct{}{}
		one, two = func() { event(e, f, n) }, func() { event(f, e, n) }
	case "select":
		a <- 0
		one, two = func() { choose(a, b, never, n) }, func() { choose(b, a, never, n) }
	default:
		e <- struct{}{}
		one, two = func() { lock(e, n) }, func() { lock(e, n) }
	}
	var wg sync.WaitGroup
	wg.Add(2)
	start := time.Now()
	before, _ := cpu()
	go func() { one(); wg.Done() }()
	go func() { two(); wg.Done() }()
	wg.Wait()
	after, rss := cpu()
	fmt.Printf("{\"ops\":%d,\"secs\":%f,\"cpu_s\":%f,\"rss_kb\":%d}\n", total, time.Since(start).Seconds(), after-before, rss)
}
