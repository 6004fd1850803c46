//! Slows who tries one wrong token after the other; a valid token never comes here.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use moka::future::Cache;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep};

use crate::http::error::ApiError;

/// How long failures count.
const WINDOW: Duration = Duration::from_mins(1);
/// So many failures in a window are answered at once: a person mistypes.
const FREE: u32 = 5;
/// The first delay, which doubles up to the longest.
const FIRST_DELAY: Duration = Duration::from_millis(100);
/// The longest delay.
const LONGEST_DELAY: Duration = Duration::from_secs(2);
/// How many failures may wait at once; each holds a connection.
const WAITING: usize = 64;
/// How many addresses are kept, about 2 MB.
const ADDRESSES: u64 = 10_000;

/// Recent failures by address.
#[derive(Debug)]
pub(super) struct Failures {
    recent: Cache<IpAddr, Arc<Mutex<Recent>>>,
    waiting: Semaphore,
}

/// The failures of one address in one window.
#[derive(Debug)]
struct Recent {
    since: Instant,
    count: u32,
}

impl Default for Failures {
    fn default() -> Self {
        let recent = Cache::builder()
            .max_capacity(ADDRESSES)
            .time_to_idle(WINDOW)
            .build();
        Self {
            recent,
            waiting: Semaphore::new(WAITING),
        }
    }
}

impl Failures {
    /// Counts a failure and waits before it is answered.
    ///
    /// # Errors
    /// When too many failures wait already.
    pub(super) async fn slow(&self, address: IpAddr) -> Result<(), ApiError> {
        let address = block(address);
        let recent = self
            .recent
            .get_with(address, async { Arc::default() })
            .await;
        let count = recent
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .count();
        if count == FREE + 1 {
            tracing::warn!(%address, "wrong tokens keep coming from this address; they are answered late now");
        }
        let Some(delay) = delay(count) else {
            return Ok(());
        };
        let _waiting = self
            .waiting
            .try_acquire()
            .map_err(|_| ApiError::TooManyFailures)?;
        sleep(delay).await;
        Ok(())
    }
}

impl Default for Recent {
    fn default() -> Self {
        Self {
            since: Instant::now(),
            count: 0,
        }
    }
}

impl Recent {
    /// One failure more; gives how many there are in this window.
    fn count(&mut self) -> u32 {
        if self.since.elapsed() >= WINDOW {
            *self = Self::default();
        }
        self.count = self.count.saturating_add(1);
        self.count
    }
}

/// How long the failure with a number waits.
fn delay(count: u32) -> Option<Duration> {
    let doublings = count.checked_sub(FREE + 1)?;
    Some(
        FIRST_DELAY
            .saturating_mul(2_u32.saturating_pow(doublings))
            .min(LONGEST_DELAY),
    )
}

/// What counts as one address: of IPv6 the network of 64 bits, in which one machine has them all.
fn block(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into()
        }
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;

    use std::net::Ipv4Addr;

    use super::*;

    const ATTACKER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

    async fn time_of(failures: &Failures, address: &str) -> u128 {
        let begun = Instant::now();
        failures.slow(address.parse().unwrap()).await.unwrap();
        begun.elapsed().as_millis()
    }

    #[tokio::test(start_paused = true)]
    async fn failures_of_one_address_wait_ever_longer_until_a_window_is_over() {
        let failures = Failures::default();
        for expected in [0, 0, 0, 0, 0, 100, 200, 400, 800, 1600, 2000, 2000] {
            // The paused clock sleeps in whole milliseconds and may round up.
            let time = time_of(&failures, "192.0.2.1").await;
            assert!(
                (expected..=expected + 1).contains(&time),
                "{time} {expected}"
            );
        }
        assert_eq!(
            time_of(&failures, "192.0.2.2").await,
            0,
            "others do not wait"
        );
        tokio::time::advance(WINDOW).await;
        assert_eq!(time_of(&failures, "192.0.2.1").await, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_network_of_ipv6_is_one_address_and_ipv4_in_ipv6_is_ipv4() {
        let failures = Failures::default();
        for host in 0..FREE {
            assert_eq!(time_of(&failures, &format!("2001:db8::{host}:1")).await, 0);
            assert_eq!(
                time_of(&failures, &format!("::ffff:192.0.2.{host}")).await,
                0
            );
        }
        assert_ne!(time_of(&failures, "2001:db8::f").await, 0);
        assert_eq!(time_of(&failures, "2001:db8:0:1::1").await, 0);
        assert_eq!(time_of(&failures, "192.0.2.0").await, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_failures_wait_than_may() {
        let failures = Failures::default();
        let many = (0..FREE as usize + WAITING + 3).map(|_| failures.slow(ATTACKER));
        let refused = join_all(many)
            .await
            .into_iter()
            .filter(Result::is_err)
            .count();
        assert_eq!(refused, 3);
        assert!(
            failures.slow(ATTACKER).await.is_ok(),
            "the others have ended"
        );
    }

    #[tokio::test]
    async fn no_more_addresses_are_kept_than_may() {
        let failures = Failures::default();
        for address in 0..12_000 {
            failures
                .slow(IpAddr::from(Ipv4Addr::from_bits(address)))
                .await
                .unwrap();
        }
        failures.recent.run_pending_tasks().await;
        assert!(
            failures.recent.entry_count() <= ADDRESSES,
            "{}",
            failures.recent.entry_count()
        );
    }
}
