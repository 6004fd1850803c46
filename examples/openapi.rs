//! Prints the OpenAPI description, as it is committed in `openapi/openapi.json`.

use authentik_entity_provider::http::endpoints::openapi;

fn main() {
    print!("{}", openapi::text());
}
