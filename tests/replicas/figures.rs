//! Figures of several replicas, printed as rows: `PROFILE=release USERS=50000 tests/replicas/run figures --
//! --ignored --nocapture`.

use std::time::Duration;

use fake_authentik::FakeDirectory;
use rustix::process::Signal;
use tokio::time::{Instant, sleep};

use crate::support::replica::{Replica, Site};

/// The number of replicas, unless `REPLICAS` is set.
const REPLICAS: usize = 5;
/// Number of users of the generated directory, unless `USERS` is set.
const USERS: usize = 1000;
/// The interval of the schedule for the count of syncs.
const INTERVAL_SECONDS: u64 = 5;

/// Prints a row of the table.
fn row(what: &str, figure: impl std::fmt::Display) {
    println!("{what:<58}{figure}");
}

/// Waits until all replicas serve the tag of one of them, and returns the seconds.
async fn served_by_all(replicas: &[Replica], of: usize) -> f64 {
    let began = Instant::now();
    let tag = replicas[of].tag().await;
    for replica in replicas {
        replica.serves(&tag).await;
    }
    began.elapsed().as_secs_f64()
}

/// The write-ahead log that the database has written, in bytes.
fn written(site: &Site) -> i64 {
    let position = "select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint";
    site.postgres.sql(position).parse().unwrap()
}

/// Returns a number from a variable.
fn number(variable: &str, default: usize) -> usize {
    std::env::var(variable).map_or(default, |number| number.parse().unwrap())
}

/// Counts the runs that Authentik sees while all replicas have a schedule.
async fn count_syncs(number_of_replicas: usize) {
    let site = Site::start(FakeDirectory::generate(100)).await;
    let interval = format!("{{seconds: {INTERVAL_SECONDS}}}");
    let schedule = [
        ("ENTITY_PROVIDER_SCHEDULE_FREQUENCY", interval.as_str()),
        ("ENTITY_PROVIDER_SCHEDULE_INITIAL_DELAY", "{seconds: 0}"),
    ];
    let mut replicas = Vec::new();
    for _ in 0..number_of_replicas {
        replicas.push(site.replica_with(&schedule).await);
    }
    replicas[0].leads().await;
    let versions = || {
        let requests = site.fake.requests();
        let is_first = |path: &str| path.contains("/admin/version");
        requests
            .iter()
            .filter(|request| is_first(&request.path))
            .count()
    };
    let before = versions();
    sleep(Duration::from_secs(6 * INTERVAL_SECONDS)).await;
    row(
        &format!(
            "syncs in {} s, every {INTERVAL_SECONDS} s",
            6 * INTERVAL_SECONDS
        ),
        versions() - before,
    );
}

#[tokio::test]
#[ignore = "a benchmark"]
async fn figures() {
    let (number_of_replicas, users) = (number("REPLICAS", REPLICAS), number("USERS", USERS));
    row("replicas", number_of_replicas);
    count_syncs(number_of_replicas).await;
    let site = Site::start(FakeDirectory::generate(users)).await;
    let mut replicas = vec![site.leader().await];
    for _ in 1..number_of_replicas {
        replicas.push(site.replica().await);
    }
    row("users", users);
    let before = written(&site);
    replicas[0].sync("&full=true").await;
    let seconds = served_by_all(&replicas, 0).await;
    row(
        "first snapshot: seconds until all serve it",
        format!("{seconds:.2}"),
    );
    row(
        "first snapshot: MB in the write-ahead log",
        megabytes(written(&site) - before),
    );
    site.fake.edit(|directory| {
        let pk = directory.users()[0].pk;
        directory.edit_user(pk, |user| user.name = "Changed".into());
    });
    let before = written(&site);
    let run = replicas[0].sync("").await;
    let seconds = served_by_all(&replicas, 0).await;
    row(
        "one changed user: mode of the run",
        run["mode"].as_str().unwrap(),
    );
    row(
        "one changed user: seconds until all serve it",
        format!("{seconds:.2}"),
    );
    row(
        "one changed user: MB in the write-ahead log",
        megabytes(written(&site) - before),
    );
    let before = written(&site);
    replicas[0].sync("").await;
    served_by_all(&replicas, 0).await;
    row(
        "no change: MB in the write-ahead log",
        megabytes(written(&site) - before),
    );
    let memory = |replica: &Replica| {
        let status = std::fs::read_to_string(format!("/proc/{}/status", replica.process.id()));
        let status = status.unwrap();
        ["VmRSS", "VmHWM"].map(|key| {
            let line = status
                .lines()
                .find_map(|line| line.strip_prefix(key))
                .unwrap();
            let kilobytes: f64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
            format!("{:.0}", kilobytes * 1024.0 / 1e6)
        })
    };
    for (name, replica) in [("leader", &replicas[0]), ("follower", &replicas[1])] {
        let [resident, peak] = memory(replica);
        row(
            &format!("{name}: MB of memory, and at most"),
            format!("{resident}, {peak}"),
        );
    }
    let leader = replicas.remove(0);
    let killed = Instant::now();
    leader.process.signal(Signal::KILL);
    loop {
        let mut leads = false;
        for replica in &replicas {
            leads |= replica.replicas().await["isLeader"] == true;
        }
        if leads {
            break;
        }
        sleep(Duration::from_millis(20)).await;
    }
    row(
        "seconds from kill -9 to the next leader",
        format!("{:.1}", killed.elapsed().as_secs_f64()),
    );
}

fn megabytes(bytes: i64) -> String {
    format!("{:.2}", bytes as f64 / 1e6)
}
