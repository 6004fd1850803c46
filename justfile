# Shortcuts; each of them is one command that works without `just` too.

# List the recipes
default:
    @just --list

# Format, lints and unit tests: under a minute in a warm tree
quick:
    cargo fmt --check
    cargo clippy --locked --workspace --all-targets -- -D warnings
    cargo clippy --locked --test backstage --test page --test replicas -- -D warnings
    cargo test --locked --workspace --lib --bins

# All tests but the suites below
test:
    cargo test --locked --workspace

# The service in front of a real Backstage; needs npm and PostgreSQL
backstage *arguments:
    tests/backstage/run {{ arguments }}

# The same with the newest packages of Backstage, and the versions that differ
backstage-latest *arguments:
    tests/backstage/latest {{ arguments }}

# The page for people in a headless Chromium
page *arguments:
    tests/page/run {{ arguments }}

# Several replicas on a real PostgreSQL, with faults
replicas *arguments:
    tests/replicas/run {{ arguments }}

# The Helm chart, manifests, compose file and systemd unit
deploy:
    tests/deploy/run

# The files of the image, without a container engine; needs root on Debian
image:
    .ci/image/run

# Everything that must pass before a change lands
check:
    .ci/run

# What takes too long for every change: more random scripts, longer fuzzing, figures of large directories
extended seeds="2000" seconds="300" users="10000":
    PROOF_SEEDS={{ seeds }} cargo test --locked --test it -- sync_drift::proof
    fuzz/run {{ seconds }}
    cargo bench --locked --bench full_sync
    cargo bench --locked --bench delta_sync
    cargo bench --locked --bench shape
    PROFILE=release USERS=50000 tests/replicas/run figures -- --ignored --nocapture
    USERS={{ users }} SUITE_SECONDS=3600 tests/backstage/run figures -- --ignored --nocapture --test-threads=1

# The service in front of a fake Authentik
demo *arguments:
    cargo run --release --locked -- demo {{ arguments }}

# Write the files that are made from the code: reference page, JSON Schema, OpenAPI description
generate:
    cargo xtask generate

# The service beside the npm module and nginx, in one table
compare:
    benches/compare/run

# The figures of docs/performance.md
bench:
    cargo bench --locked --bench full_sync
    cargo bench --locked --bench delta_sync
    cargo bench --locked --bench shape

# Advisories, licences, bans and sources of the dependencies; needs cargo-deny
deny:
    cargo deny --locked check

# Give arbitrary bytes to everything that reads from outside, some seconds for each target
fuzz *seconds:
    fuzz/run {{ seconds }}

# Build the manual as a site in target/book
docs:
    command -v mdbook > /dev/null || cargo install --locked mdbook
    mdbook build
