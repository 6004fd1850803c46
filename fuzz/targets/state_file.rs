//! A state file of any content is decoded or rejected.
#![no_main]

use authentik_entity_provider::base_url::BaseUrl;
use authentik_entity_provider::digest::sha256_hex;
use authentik_entity_provider::snapshot::persistence::decode;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let base_url = BaseUrl::parse("https://authentik.example.com").expect("an URL");
    let _ = decode(input, &base_url);
    // A valid checksum, so that the fuzzer reaches the code behind it.
    let first = format!("authentik-entity-provider snapshot 1 {} {}\n", input.len(), sha256_hex(input, 64));
    let _ = decode(&[first.as_bytes(), input].concat(), &base_url);
});
