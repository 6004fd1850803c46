//! The integration tests, as one binary.

#![expect(
    clippy::unwrap_used,
    reason = "a panic is how a test fails, in its helpers too"
)]
#![expect(
    unreachable_pub,
    reason = "nothing is reached from outside a test binary"
)]

mod architecture;
mod auth;
mod broken_rows;
mod check;
mod commands;
mod delta;
mod delta_runs;
mod diff;
mod docs;
mod entities;
mod explain;
mod export;
mod fake;
mod groups;
mod guard;
mod health;
mod hierarchy;
mod hostile_clients;
mod inert;
mod links;
mod lost_log;
mod metrics;
mod names;
mod openapi;
mod page;
mod problems;
mod proxies;
mod push;
mod readers;
mod readme;
mod recordings;
mod reliability;
mod reload;
mod restart;
mod run_log;
mod schedule;
mod search;
mod shaping;
mod shards;
mod shutdown;
mod support;
mod sync_drift;
mod sync_endpoint;
mod sync_failures;
mod sync_hidden;
mod sync_requests;
mod sync_retries;
mod tls;
mod tls_listener;
mod traces;
mod transform_properties;
mod upstream;
mod users;
mod webhooks;
