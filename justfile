# Shortcuts; each of them is one command that works without `just` too.

# List the recipes
default:
    @just --list

# Everything that CI does
check:
    .ci/run

# All tests
test:
    cargo test --locked

# The service in front of a real Backstage; needs npm and PostgreSQL
backstage *arguments:
    tests/backstage/run {{ arguments }}

# The service in front of a look-alike Authentik
demo *arguments:
    cargo run --release --locked -- demo {{ arguments }}

# Write the files that are made from the code: reference page, JSON Schema, OpenAPI description
generate:
    cargo xtask generate

# The figures of docs/performance.md
bench:
    cargo bench --locked --bench full_sync
    cargo bench --locked --bench delta_sync

# Advisories, licences, bans and sources of the dependencies; needs cargo-deny
deny:
    cargo deny --locked check

# Give any bytes to what reads from outside, some seconds for each target
fuzz *seconds:
    fuzz/run {{ seconds }}
