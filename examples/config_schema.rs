//! Prints `docs/app-config.schema.json`.

fn main() {
    println!("{:#}", authentik_entity_provider::config::json_schema());
}
