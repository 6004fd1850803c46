//! Prometheus' text format 0.0.4, made from the `OpenMetrics` that the library writes.

use std::fmt::Write;

/// Rewrites `OpenMetrics`. The older format names a family as its samples (`runs_total`, `build_info`), has
/// no type `info`, no units and no end mark.
pub(super) fn of(open_metrics: &str) -> String {
    let (mut text, mut help) = (String::with_capacity(open_metrics.len()), "");
    for line in open_metrics.lines() {
        let words: Vec<_> = line.splitn(4, ' ').collect();
        match words[..] {
            // The library writes the type of a family right after its help.
            ["#", "HELP", _, says] => help = says,
            ["#", "TYPE", name, kind] => {
                let (suffix, kind) = match kind {
                    "counter" => ("_total", kind),
                    "info" => ("_info", "gauge"),
                    _ => ("", kind),
                };
                let _ = writeln!(
                    text,
                    "# HELP {name}{suffix} {help}\n# TYPE {name}{suffix} {kind}"
                );
            }
            ["#", ..] => {}
            _ => {
                text += line;
                text += "\n";
            }
        }
    }
    text
}
