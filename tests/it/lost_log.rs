//! A log that cannot be written loses its lines, and has no other effect.

use std::fs::File;
use std::io::pipe;
use std::os::fd::OwnedFd;

use rustix::process::Signal;
use tokio::net::unix::pipe::Sender;

use crate::support::process::{Line, Process, get, post};

const DEMO: [&str; 5] = ["demo", "--listen", "127.0.0.1:0", "--users", "30"];

/// The base URL in a line of `demo`'s introduction.
fn base_url(line: &Line) -> Option<String> {
    let (Line::Out(text) | Line::Error(text)) = line;
    let url = text.trim().split(' ').next()?;
    url.strip_suffix("/health").map(str::to_owned)
}

/// Asserts that a demo answers, syncs and ends as with a working log.
async fn assert_serves_and_ends(mut demo: Process) {
    let service = demo.until(base_url).await;
    let live = get(&format!("{service}/health/live")).await;
    assert_eq!(live.status(), 200);
    for _ in 0..2 {
        let run = post(&format!("{service}/sync?wait=1m")).await;
        assert_eq!(run["state"], "succeeded", "{run}");
    }
    let entities = get(&format!("{service}/entities")).await;
    assert_eq!(entities.status(), 200);
    demo.signal(Signal::TERM);
    assert_eq!(demo.end().await.status.code(), Some(0));
}

#[tokio::test]
async fn a_pipe_without_a_reader_loses_only_log_lines() {
    let (reader, writer) = pipe().unwrap();
    drop(reader);
    let unreadable_filter = [("RUST_LOG", "debug,=")];
    assert_serves_and_ends(Process::spawn_logging_to(writer, &DEMO, &unreadable_filter)).await;
}

#[tokio::test]
async fn a_full_pipe_loses_only_log_lines() {
    let (_unread, writer) = pipe().unwrap();
    let sender = Sender::from_owned_fd(OwnedFd::from(writer)).unwrap();
    sender.writable().await.unwrap();
    while sender.try_write(&[b'x'; 4096]).is_ok() {}
    let full = sender.into_blocking_fd().unwrap();
    assert_serves_and_ends(Process::spawn_logging_to(full, &DEMO, &[])).await;
}

#[tokio::test]
async fn a_full_device_loses_only_log_lines() {
    let full = File::options().write(true).open("/dev/full").unwrap();
    assert_serves_and_ends(Process::spawn_logging_to(full, &DEMO, &[])).await;
}

#[tokio::test]
async fn a_full_disk_loses_only_log_lines() {
    let directory = tempfile::tempdir().unwrap();
    let mut demo = Process::spawn_logging_to_a_full_disk(directory.path(), &DEMO);
    let service = demo.until(base_url).await;
    assert_eq!(
        post(&format!("{service}/sync?wait=1m")).await["state"],
        "succeeded"
    );
    let log = format!("/proc/{}/root{}/log", demo.id(), directory.path().display());
    assert_eq!(std::fs::metadata(log).unwrap().len(), 0, "the disk is full");
    demo.signal(Signal::TERM);
    assert_eq!(demo.end().await.status.code(), Some(0));
}

#[tokio::test]
async fn an_interrupt_ends_a_demo_whose_output_has_no_reader() {
    for _ in 0..3 {
        let mut demo = Process::spawn_with_one_output(&DEMO);
        demo.until(base_url).await;
        demo.stop_reading().await;
        demo.signal(Signal::INT);
        assert_eq!(demo.end().await.status.code(), Some(0));
    }
}

#[tokio::test]
async fn an_error_at_the_start_keeps_its_exit_code() {
    let (reader, writer) = pipe().unwrap();
    drop(reader);
    let serve = Process::spawn_logging_to(writer, &["serve"], &[]);
    assert_eq!(serve.end().await.status.code(), Some(1));
}
