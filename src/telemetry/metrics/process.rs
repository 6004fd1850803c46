//! Metrics of the process, with the names that all Prometheus clients use. Only on Linux.

use prometheus_client::registry::Registry;

/// Registers the metrics of the process; those that cannot be read are absent.
#[cfg(not(target_os = "linux"))]
pub(super) fn register(_: &mut Registry) {}

/// Registers the metrics of the process; those that cannot be read are absent.
#[cfg(target_os = "linux")]
pub(super) fn register(registry: &mut Registry) {
    if let Ok(process) = procfs::process::Process::myself() {
        linux::register(registry, &process);
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use procfs::process::{LimitValue, Process};
    use prometheus_client::metrics::counter::ConstCounter;
    use prometheus_client::metrics::gauge::ConstGauge;
    use prometheus_client::registry::{Registry, Unit};

    /// Registers what `/proc` says about a process.
    #[expect(
        clippy::cast_precision_loss,
        reason = "times and sizes of a process are below 2^53"
    )]
    pub(super) fn register(registry: &mut Registry, process: &Process) {
        if let Ok(stat) = process.stat() {
            let ticks = procfs::ticks_per_second() as f64;
            registry.register_with_unit(
                "process_cpu",
                "User and system CPU time",
                Unit::Seconds,
                ConstCounter::new((stat.utime + stat.stime) as f64 / ticks),
            );
            for (name, help, bytes) in [
                (
                    "process_resident_memory",
                    "Resident memory",
                    stat.rss * procfs::page_size(),
                ),
                ("process_virtual_memory", "Virtual memory", stat.vsize),
            ] {
                registry.register_with_unit(name, help, Unit::Bytes, ConstGauge::new(bytes));
            }
            if let Ok(boot) = procfs::boot_time_secs() {
                registry.register_with_unit(
                    "process_start_time",
                    "When the process started",
                    Unit::Seconds,
                    ConstGauge::new(boot as f64 + stat.starttime as f64 / ticks),
                );
            }
        }
        if let Ok(open) = process.fd_count() {
            registry.register(
                "process_open_fds",
                "Open file descriptors",
                ConstGauge::new(open as u64),
            );
        }
        if let Ok(limits) = process.limits()
            && let LimitValue::Value(most) = limits.max_open_files.soft_limit
        {
            registry.register(
                "process_max_fds",
                "Maximum number of open file descriptors",
                ConstGauge::new(most),
            );
        }
    }
}
