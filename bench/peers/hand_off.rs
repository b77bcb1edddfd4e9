// SPDX-License-Identifier: MIT
//
// hand_off.rs - what bench/hand_off.c does, by tokio: two tasks of one thread that wake one another in turn.
//
//     hand_off queue|event|lock|select N      an mpsc channel; Notify; Mutex; select! of a Notify and a channel
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::mpsc::{channel, Receiver, Sender};
use tokio::sync::{Mutex, Notify};

fn usage() -> libc::rusage {
    let mut r = unsafe { std::mem::zeroed() };
    unsafe { libc::getrusage(libc::RUSAGE_SELF, &mut r) };
    r
}

fn cpu_s(r: &libc::rusage) -> f64 {
    let seconds = |t: &libc::timeval| t.tv_sec as f64 + t.tv_usec as f64 / 1e6;
    seconds(&r.ru_utime) + seconds(&r.ru_stime)
}

async fn queue(mut own: Receiver<u64>, others: Sender<u64>, n: u64) {
    for _ in 0..n {
        let item = own.recv().await.unwrap();
        if others.send(item).await.is_err() {
            break; // the other has had its last
        }
    }
}

async fn event(own: Arc<Notify>, others: Arc<Notify>, n: u64) {
    for _ in 0..n {
        own.notified().await;
        others.notify_one();
    }
}

async fn lock(token: Arc<Mutex<()>>, n: u64) {
    for i in 0..n {
        let _held = token.lock().await;
        if i == 0 {
            tokio::task::yield_now().await;
        }
    }
}

async fn choose(mut own: Receiver<u64>, others: Sender<u64>, never: Arc<Notify>, n: u64) {
    for _ in 0..n {
        tokio::select! {
            biased;
            _ = never.notified() => {}
            item = own.recv() => {
                if others.send(item.unwrap()).await.is_err() {
                    break;
                }
            }
        }
    }
}

async fn play(mode: &str, n: u64) {
    let ((send_a, a), (send_b, b)) = (channel(2), channel(2));
    let (one, two) = match mode {
        "queue" => {
            send_a.send(0).await.unwrap();
            (tokio::spawn(queue(a, send_b, n)), tokio::spawn(queue(b, send_a, n)))
        }
        "select" => {
            let never = Arc::new(Notify::new());
            send_a.send(0).await.unwrap();
            (tokio::spawn(choose(a, send_b, never.clone(), n)), tokio::spawn(choose(b, send_a, never, n)))
        }
        "event" => {
            let (e, f) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
            e.notify_one();
            (tokio::spawn(event(e.clone(), f.clone(), n)), tokio::spawn(event(f, e, n)))
        }
        _ => {
            let token = Arc::new(Mutex::new(()));
            (tokio::spawn(lock(token.clone(), n)), tokio::spawn(lock(token, n)))
        }
    };
    one.await.unwrap();
    two.await.unwrap();
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let total: u64 = args[2].parse().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (began, before) = (Instant::now(), usage());
    runtime.block_on(play(&args[1], total / 2));
    let after = usage();
    println!(
        "{{\"ops\":{},\"secs\":{:.6},\"cpu_s\":{:.6},\"rss_kb\":{}}}",
        total, began.elapsed().as_secs_f64(), cpu_s(&after) - cpu_s(&before), after.ru_maxrss
    );
}
