//! Writes log lines on a separate thread, so that an output that fails or blocks only loses lines.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

/// The maximum number of buffered bytes. Further lines are lost.
const CAPACITY: usize = 4 << 20;

/// The buffered lines. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct Lines(Arc<Queue>);

#[derive(Debug, Default)]
struct Queue {
    /// Locked for the copy of a line, never during a write.
    state: Mutex<BufferState>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct BufferState {
    waiting: Vec<u8>,
    is_writing: bool,
    /// The number of lines that were lost since the last successful write.
    lost: u64,
}

impl BufferState {
    fn is_idle(&self) -> bool {
        self.waiting.is_empty() && !self.is_writing
    }
}

impl Lines {
    /// Starts the thread that writes to an output for the rest of the process.
    ///
    /// # Errors
    /// If the thread cannot be started.
    pub(super) fn spawn(output: impl Write + Send + 'static) -> io::Result<Self> {
        let lines = Self::default();
        let writer = lines.clone();
        thread::Builder::new()
            .name("log".into())
            .spawn(move || writer.write_to(output))?;
        Ok(lines)
    }

    /// Waits until every line is written, up to a time limit.
    pub(super) fn flush(&self, limit: Duration) {
        let is_busy = |state: &mut BufferState| !state.is_idle();
        let waited = self
            .0
            .changed
            .wait_timeout_while(self.lock(), limit, is_busy);
        drop(waited);
    }

    /// Adds a line, unless the buffer is full.
    fn push(&self, line: &[u8]) {
        let mut state = self.lock();
        if state.waiting.len() + line.len() > CAPACITY {
            state.lost += 1;
            return;
        }
        state.waiting.extend_from_slice(line);
        drop(state);
        self.0.changed.notify_all();
    }

    /// Writes lines for ever.
    fn write_to(&self, mut output: impl Write) {
        loop {
            let mut failures = 0;
            for line in self.take().split_inclusive(|byte| *byte == b'\n') {
                failures += u64::from(output.write_all(line).is_err());
            }
            let lost = self.settle(failures);
            if lost > 0 {
                tracing::warn!(
                    lost,
                    "log lines were lost, because the output failed or blocked"
                );
            }
        }
    }

    /// Waits for lines and returns them.
    fn take(&self) -> Vec<u8> {
        let is_empty = |state: &mut BufferState| state.waiting.is_empty();
        let waited = self.0.changed.wait_while(self.lock(), is_empty);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        state.is_writing = true;
        std::mem::take(&mut state.waiting)
    }

    /// Stores the outcome of a write. After a success it returns the number of lost lines.
    fn settle(&self, failures: u64) -> u64 {
        let mut state = self.lock();
        state.is_writing = false;
        state.lost += failures;
        let lost = if failures == 0 {
            std::mem::take(&mut state.lost)
        } else {
            0
        };
        drop(state);
        self.0.changed.notify_all();
        lost
    }

    /// Locks the state. A panic of another holder cannot leave it inconsistent.
    fn lock(&self) -> MutexGuard<'_, BufferState> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for Lines {
    /// Adds one line, or drops it; returns its full length in both cases.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Lines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    /// An output that waits for a permission before each line, and fails if the permission says so.
    struct Slow {
        permits: Receiver<io::Result<()>>,
        written: Sender<Vec<u8>>,
    }

    impl Write for Slow {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            self.permits.recv().unwrap_or(Ok(()))?;
            self.written.send(line.to_vec()).unwrap();
            Ok(line.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn slow() -> (Lines, Sender<io::Result<()>>, Receiver<Vec<u8>>) {
        let (permit, permits) = channel();
        let (written, lines) = channel();
        (
            Lines::spawn(Slow { permits, written }).unwrap(),
            permit,
            lines,
        )
    }

    #[test]
    fn an_output_that_blocks_delays_no_task_and_loses_only_what_exceeds_the_capacity() {
        let (lines, permit, written) = slow();
        let line = [vec![b'x'; 1023], b"\n".to_vec()].concat();
        let count = 2 * CAPACITY / line.len();
        for _ in 0..count {
            lines.push(&line);
        }
        lines.flush(Duration::from_millis(1));
        assert!(lines.lock().waiting.len() <= CAPACITY);
        drop(permit);
        let kept = written.iter().take(CAPACITY / line.len()).count();
        assert_eq!(kept, CAPACITY / line.len());
        lines.flush(Duration::from_mins(1));
        assert!(lines.lock().is_idle());
    }

    #[test]
    fn a_line_that_fails_is_lost_and_the_next_one_is_written() {
        let (lines, permit, written) = slow();
        permit.send(Err(io::ErrorKind::StorageFull.into())).unwrap();
        permit.send(Ok(())).unwrap();
        lines.push(b"one\n");
        lines.push(b"two\n");
        assert_eq!(written.recv().unwrap(), b"two\n");
    }
}
