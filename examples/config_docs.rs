//! Prints `docs/configuration.md`.

fn main() {
    print!("{}", authentik_entity_provider::config::reference_page());
}
