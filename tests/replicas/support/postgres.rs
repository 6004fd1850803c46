//! A private PostgreSQL cluster on a Unix socket.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rcgen::CertifiedKey;
use tempfile::TempDir;

/// Settings that make a cluster of a test fast.
const SETTINGS: &str = "-c fsync=off -c max_connections=60";

/// A running PostgreSQL; it stops on drop.
pub struct Postgres {
    folder: TempDir,
    /// The port of the socket, which is also that of TCP.
    port: u16,
}

impl Postgres {
    /// Creates and starts a cluster with the superuser `service` and the database `postgres`.
    pub fn start() -> Self {
        // The path of a socket has 107 bytes at most, so TMPDIR is not used.
        let folder = tempfile::Builder::new()
            .prefix("replicas-postgres.")
            .tempdir_in("/tmp")
            .unwrap();
        if is_root() {
            succeed(Command::new("chown").arg("nobody").arg(folder.path()));
        }
        // Free at this moment; only a cluster with TLS listens on TCP.
        let port = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = port.local_addr().unwrap().port();
        let cluster = Self { folder, port };
        cluster.run(
            "initdb",
            &[
                "--auth=trust",
                "--username=service",
                "--encoding=UTF8",
                "--locale=C",
                "--no-sync",
            ],
        );
        // Without TCP unless a test needs it.
        let settings = cluster.path().join("data/postgresql.auto.conf");
        fs::write(settings, "listen_addresses = ''\n").unwrap();
        cluster.resume();
        cluster
    }

    /// Returns the port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Restarts the cluster with TLS on TCP, and returns the file of the certificate's authority.
    pub fn restart_with_tls(&self) -> PathBuf {
        let CertifiedKey { cert, signing_key } =
            rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let [certificate, key] =
            ["server.crt", "server.key"].map(|name| self.path().join("data").join(name));
        fs::write(&certificate, cert.pem()).unwrap();
        fs::write(&key, signing_key.serialize_pem()).unwrap();
        if is_root() {
            succeed(
                Command::new("chown")
                    .arg("nobody")
                    .args([&certificate, &key]),
            );
        }
        succeed(Command::new("chmod").arg("600").arg(&key));
        let ca = self.path().join("ca.crt");
        fs::write(&ca, cert.pem()).unwrap();
        self.sql("alter system set ssl = on");
        self.sql("alter system set listen_addresses = 'localhost'");
        self.stop();
        self.resume();
        ca
    }

    /// Returns the URL of the database for a role.
    pub fn url_of(&self, role: &str) -> String {
        let host = self.path().to_str().unwrap().replace('/', "%2F");
        format!("postgres://{role}@{host}:{}/postgres", self.port)
    }

    /// Returns the URL of the database.
    pub fn url(&self) -> String {
        self.url_of("service")
    }

    /// Starts the cluster again.
    pub fn resume(&self) {
        let options = self.options();
        let log = self.path().join("log");
        self.run(
            "pg_ctl",
            &["-w", "-l", log.to_str().unwrap(), "-o", &options, "start"],
        );
    }

    /// Restarts the cluster with a tablespace `small` on a file system of this size, and returns true. Without
    /// the right to mount one, it changes nothing and returns false.
    pub fn restart_with_small_disk(&self, size: &str) -> bool {
        let small = self.path().join("small");
        fs::create_dir(&small).unwrap();
        let may_mount = Command::new("unshare").args(["-m", "true"]).output();
        if !is_root() || !may_mount.is_ok_and(|tried| tried.status.success()) {
            return false;
        }
        self.stop();
        let mounted = "mount -t tmpfs -o size=$1 tmpfs \"$2\" && chown nobody \"$2\" && shift 2 && exec \"$@\"";
        let (log, data) = (self.path().join("log"), self.path().join("data"));
        succeed(
            Command::new("unshare")
                .args([
                    "-m",
                    "--propagation",
                    "private",
                    "sh",
                    "-c",
                    mounted,
                    "sh",
                    size,
                ])
                .arg(&small)
                .args(["runuser", "-u", "nobody", "--"])
                .arg(program("pg_ctl"))
                .args(["-w", "-o", &self.options(), "start", "-l"])
                .arg(log)
                .arg("-D")
                .arg(data)
                .current_dir(self.path()),
        );
        self.sql(&format!(
            "create tablespace small location '{}'",
            small.display()
        ));
        true
    }

    /// Returns the options of the server.
    fn options(&self) -> String {
        let socket = self.path().display();
        format!(
            "{SETTINGS} -c unix_socket_directories='{socket}' -c port={}",
            self.port
        )
    }

    /// Stops the cluster at once, like a crash.
    pub fn stop(&self) {
        self.run("pg_ctl", &["-w", "-m", "immediate", "stop"]);
    }

    /// Executes SQL and returns the output without decoration.
    pub fn sql(&self, statement: &str) -> String {
        let output = succeed(
            Command::new(program("psql"))
                .args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"])
                .args(["-U", "service", "-d", "postgres", "-c", statement])
                .args(["-p", &self.port.to_string()])
                .arg("-h")
                .arg(self.path()),
        );
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// The folder of the cluster and its socket.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Runs a program of PostgreSQL on the cluster, which refuses to run as root.
    fn run(&self, name: &str, arguments: &[&str]) {
        let mut command = if is_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", "nobody", "--"]).arg(program(name));
            command
        } else {
            Command::new(program(name))
        };
        let data = self.path().join("data");
        succeed(
            command
                .args(arguments)
                .arg("-D")
                .arg(data)
                .current_dir(self.path()),
        );
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let data = self.path().join("data");
        let mut command = if is_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", "nobody", "--"]).arg(program("pg_ctl"));
            command
        } else {
            Command::new(program("pg_ctl"))
        };
        let _ = command
            .args(["-m", "immediate", "stop", "-D"])
            .arg(data)
            .current_dir("/")
            .output();
    }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Returns the path of a program, which `runuser` does not look for in this PATH.
fn program(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
        .unwrap_or_else(|| panic!("{name} is not in the PATH; run tests/replicas/run"))
}

/// Runs a command and asserts its success.
fn succeed(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}
