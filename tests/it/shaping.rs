//! Shaped entities: each recipe of `docs/shaping.md` is run as the page has it.

use std::path::PathBuf;

use fake_authentik::{FakeDirectory, FakeUser, UserKind};
use serde_json::{Value, json};

use crate::support::command::Upstream;
use crate::support::directory::{directory, group_pk};
use crate::support::process::{Process, get, post};

const PAGE: &str = include_str!("../../docs/shaping.md");

/// The YAML of a recipe.
fn recipe(heading: &str) -> &'static str {
    let (_, rest) = PAGE
        .split_once(&format!("\n### {heading}\n"))
        .unwrap_or_else(|| panic!("no recipe {heading}"));
    let (_, block) = rest.split_once("```yaml\n").expect("a block of YAML");
    block.split("\n```").next().unwrap()
}

/// `team-platform` is below `company`; `Tech Ops!` has attributes; `empty-admins` has no member.
fn company() -> FakeDirectory {
    let users = [(1, "ada"), (2, "bob"), (3, "svc-robot"), (4, "eve")];
    let groups: [(u128, &str, &[u64]); 4] = [
        (1, "company", &[4]),
        (2, "team-platform", &[1, 3]),
        (3, "Tech Ops!", &[2]),
        (4, "empty-admins", &[]),
    ];
    let mut company = directory(&users, &groups);
    assert!(company.set_parents(group_pk(2), &[group_pk(1)]));
    let ada = |user: &mut FakeUser| {
        user.path = "users/staff/berlin".into();
        user.attributes = json!({
            "title": "Engineer", "login": "Ada  L.", "employeeType": "staff", "phone": ["+49 1", "+49 2"],
            "department": "R&D (EMEA)", "picture": "https://example.com/ada.png", "displayName": {"$text": "x"},
        });
    };
    assert!(company.edit_user(1, ada));
    assert!(company.set_kind(4, UserKind::External));
    assert!(company.edit_user(4, |user| user.email.clear()));
    company.group_mut(group_pk(3)).unwrap().attributes =
        json!({"notes": "Operations", "email": "ops@example.com", "backstage": {"type": "squad"}});
    company
}

/// Writes a configuration into a file of its own.
fn file(name: &str, yaml: &str) -> PathBuf {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("shaping-{name}.yaml"));
    std::fs::write(&file, yaml).unwrap();
    file
}

/// The entities that a recipe makes of the company, with the findings that it prints.
struct Shaped {
    entities: Vec<Value>,
    findings: String,
}

impl Shaped {
    async fn by(heading: &str) -> Self {
        let upstream = Upstream::spawn(company()).await;
        let file = file(&heading.replace(' ', "-"), recipe(heading));
        let arguments = [
            "export",
            "--format",
            "json",
            "--config",
            file.to_str().unwrap(),
        ];
        let ended = upstream.run(&arguments).await;
        assert_eq!(ended.status.code(), Some(0), "{}", ended.error);
        Self {
            entities: serde_json::from_str(&ended.out).unwrap(),
            findings: ended.error,
        }
    }

    fn names(&self, kind: &str) -> Vec<&str> {
        let of_kind = self.entities.iter().filter(|entity| entity["kind"] == kind);
        of_kind
            .map(|entity| entity["metadata"]["name"].as_str().unwrap())
            .collect()
    }

    fn entity(&self, name: &str) -> &Value {
        let mut entities = self.entities.iter();
        entities
            .find(|entity| entity["metadata"]["name"] == name)
            .unwrap_or_else(|| panic!("no {name}"))
    }
}

#[tokio::test]
async fn findings_about_emails_are_switched_off() {
    let shaped = Shaped::by("Show the names of groups").await;
    assert!(
        shaped.findings.contains("email-missing 1"),
        "{}",
        shaped.findings
    );
    let shaped = Shaped::by("Without findings about emails").await;
    assert!(!shaped.findings.contains("email-"), "{}", shaped.findings);
}

#[tokio::test]
async fn groups_show_their_names() {
    let shaped = Shaped::by("Show the names of groups").await;
    assert_eq!(
        shaped.entity("tech-ops-")["spec"]["profile"],
        json!({"displayName": "Tech Ops!"})
    );
}

#[tokio::test]
async fn names_come_from_other_fields_with_a_prefix() {
    let shaped = Shaped::by("Make names by a rule of your own").await;
    assert_eq!(shaped.names("User"), ["ada-l", "eve", "user-2", "user-3"]);
    assert_eq!(
        shaped.names("Group"),
        [
            "authentik-company",
            "authentik-empty-admins",
            "authentik-team-platform",
            "authentik-tech-ops"
        ]
    );
    let member_of = &shaped.entity("ada-l")["spec"]["memberOf"];
    assert_eq!(*member_of, json!(["authentik-team-platform"]));
}

#[tokio::test]
async fn an_explanation_names_the_field_of_a_name() {
    let upstream = Upstream::spawn(company()).await;
    let heading = "Make names by a rule of your own";
    let file = file("explained-name", recipe(heading));
    let config = file.to_str().unwrap();
    let ended = upstream
        .run(&["explain", "user", "ada", "--config", config])
        .await;
    let expected = r#""Ada L." from `attributes.login` is sanitized to "ada-l""#;
    assert!(ended.out.contains(expected), "{}", ended.out);
}

#[tokio::test]
async fn a_name_needs_a_field_and_a_prefix_of_valid_characters() {
    let upstream = Upstream::spawn(company()).await;
    let yaml = "entityProvider: {users: {map: {name: []}}, groups: {namePrefix: Acme}}";
    let file = file("invalid-name", yaml);
    let ended = upstream
        .run(&["export", "--config", file.to_str().unwrap()])
        .await;
    assert_eq!(ended.status.code(), Some(1), "{}", ended.error);
    for part in [
        "users.map.name: expected at least one field",
        "groups.namePrefix: expected up to 20 of the characters `a-z 0-9 - _ .`",
    ] {
        assert!(ended.error.contains(part), "{part} in {}", ended.error);
    }
}

#[tokio::test]
async fn attributes_fill_fields_as_plain_text() {
    let shaped = Shaped::by("Show description, picture and contact from attributes").await;
    let ada = shaped.entity("ada");
    let profile = &ada["spec"]["profile"];
    assert_eq!(
        profile["displayName"], "ada",
        "an object is no display name"
    );
    assert_eq!(profile["picture"], "https://example.com/ada.png");
    assert_eq!(ada["metadata"]["description"], "Engineer");
    assert_eq!(
        ada["metadata"]["annotations"]["example.com/phone"],
        "+49 1, +49 2"
    );
    assert_eq!(
        ada["metadata"]["labels"],
        json!({"department": "R-D--EMEA"})
    );
    let bob = shaped.entity("bob");
    assert!(bob["metadata"].get("description").is_none(), "{bob}");
    assert_eq!(
        bob["metadata"]["annotations"]["authentik.goauthentik.io/uid"],
        format!("{:064x}", 2)
    );
    let group = shaped.entity("tech-ops-");
    assert_eq!(group["metadata"]["description"], "Operations");
    assert_eq!(group["spec"]["type"], "squad");
    assert_eq!(
        group["spec"]["profile"],
        json!({"email": "ops@example.com"})
    );
    assert_eq!(shaped.entity("company")["spec"]["type"], "team");
    for code in ["value-omitted 1", "value-repaired 1"] {
        assert!(shaped.findings.contains(code), "{}", shaped.findings);
    }
}

#[tokio::test]
async fn fixed_fields_are_on_every_entity() {
    let shaped = Shaped::by("Set fixed fields").await;
    let annotations = &shaped.entity("bob")["metadata"]["annotations"];
    assert_eq!(annotations["example.com/source"], "authentik");
    let group = shaped.entity("company");
    assert_eq!(group["spec"]["type"], "department");
    assert_eq!(
        group["metadata"]["labels"],
        json!({"example.com/tier": "internal"})
    );
}

#[tokio::test]
async fn certain_groups_and_their_people_are_shown() {
    let shaped = Shaped::by("Show certain groups and their people").await;
    assert_eq!(shaped.names("Group"), ["team-platform"]);
    assert_eq!(shaped.names("User"), ["ada", "svc-robot"]);
    assert!(
        shaped.entity("team-platform")["spec"]
            .get("parent")
            .is_none()
    );
    assert!(
        shaped.findings.contains("filter-unmatched"),
        "no group is named `platform`"
    );
}

#[tokio::test]
async fn certain_users_are_left_out() {
    let shaped = Shaped::by("Leave out certain users").await;
    assert_eq!(shaped.names("User"), ["ada"]);
    assert_eq!(
        shaped.entity("team-platform")["spec"]["members"],
        json!(["ada"])
    );
}

#[tokio::test]
async fn certain_groups_are_left_out() {
    let shaped = Shaped::by("Leave out certain groups").await;
    assert_eq!(
        shaped.names("Group"),
        ["company", "team-platform", "tech-ops-"]
    );
}

#[tokio::test]
async fn members_belong_to_every_group_above() {
    let shaped = Shaped::by("Nested membership").await;
    assert_eq!(
        shaped.entity("ada")["spec"]["memberOf"],
        json!(["company", "team-platform"])
    );
    assert_eq!(
        shaped.entity("company")["spec"]["members"],
        json!(["ada", "eve", "svc-robot"])
    );
    assert_eq!(shaped.entity("eve")["spec"]["memberOf"], json!(["company"]));
}

#[tokio::test]
async fn pictures_and_the_namespace_are_set() {
    let shaped = Shaped::by("Without pictures").await;
    assert!(
        shaped.entity("ada")["spec"]["profile"]
            .get("picture")
            .is_none()
    );
    let shaped = Shaped::by("Two directories in one Backstage").await;
    let mut entities = shaped.entities.iter();
    assert!(entities.all(|entity| entity["metadata"]["namespace"] == "acme"));
}

/// A service for many users of one group, whose configuration can be changed.
struct Serving {
    serve: Process,
    url: String,
    file: PathBuf,
    upstream: Upstream,
    state: tempfile::TempDir,
}

impl Serving {
    /// Starts the service with keys of `entityProvider` and syncs once.
    async fn with(name: &str, own: &str) -> Self {
        let users: Vec<_> = (1..=12).map(|pk| (pk, format!("user-{pk}"))).collect();
        let users: Vec<_> = users
            .iter()
            .map(|(pk, name)| (*pk, name.as_str()))
            .collect();
        let all: Vec<u64> = (1..=12).collect();
        let upstream = Upstream::spawn(directory(&users, &[(1, "platform", &all)])).await;
        let file = file(name, &content(own));
        let state = tempfile::tempdir().unwrap();
        let (serve, url) = start(&upstream, &file, &state).await;
        let run = post(&format!("{url}/sync?wait=1m")).await;
        assert_eq!(run["state"], "succeeded", "{run}");
        Self {
            serve,
            url,
            file,
            upstream,
            state,
        }
    }

    async fn count(&self, kind: &str) -> usize {
        let entities = get(&format!("{}/entities?format=json&kind={kind}", self.url)).await;
        let entities: Vec<Value> = serde_json::from_str(&entities.text().await.unwrap()).unwrap();
        entities.len()
    }

    async fn sync(&self) -> Value {
        post(&format!("{}/sync?wait=1m", self.url)).await
    }
}

fn content(own: &str) -> String {
    format!(
        "catalog: {{providers: {{authentik: {{schedule: {{frequency: {{trigger: manual}}}}}}}}}}\n\
         entityProvider:\n  listen: 127.0.0.1:0\n  {own}\n"
    )
}

async fn start(
    upstream: &Upstream,
    file: &std::path::Path,
    state: &tempfile::TempDir,
) -> (Process, String) {
    let mut variables = upstream.variables();
    variables.push(("ENTITY_PROVIDER_STATE_DIR", state.path().to_str().unwrap()));
    let mut serve = Process::spawn(&["serve", "--config", file.to_str().unwrap()], &variables);
    let url = serve.serving().await;
    (serve, url)
}

#[tokio::test]
async fn a_renamed_group_of_a_filter_removes_no_user() {
    let serving = Serving::with("renamed", "users: {filter: {groups: [platform]}}").await;
    assert_eq!(serving.count("user").await, 12);
    let renamed = |directory: &mut FakeDirectory| {
        assert!(directory.rename_group(group_pk(1), "Plattform"));
    };
    serving.upstream.fake.edit(renamed);
    let run = serving.sync().await;
    assert_eq!(run["state"], "held", "{run}");
    assert_eq!(serving.count("user").await, 12);
}

#[tokio::test]
async fn a_mistyped_namespace_is_held_after_a_restart_until_it_is_accepted() {
    let mut serving = Serving::with("restart", "namespace: acme").await;
    serving.serve.logged("sync succeeded").await;
    serving.serve.signal(rustix::process::Signal::TERM);
    assert_eq!(serving.serve.end().await.status.code(), Some(0));
    std::fs::write(&serving.file, content("namespace: acne")).unwrap();
    let (mut serve, url) = start(&serving.upstream, &serving.file, &serving.state).await;
    serve.logged("restart was held").await;
    assert_eq!(get(&format!("{url}/entities")).await.status(), 503);
    let run = post(&format!("{url}/sync?wait=1m")).await;
    assert_eq!(run["error"]["code"], "entity-shrink", "{run}");
    let message = run["error"]["message"].as_str().unwrap();
    assert!(
        message.contains("12 of 12 users, such as user:acme/user-1"),
        "{message}"
    );
    let run = post(&format!("{url}/sync?wait=1m&accept=shrink")).await;
    assert_eq!(run["state"], "succeeded", "{run}");
    assert_eq!(
        get(&format!("{url}/entities/by-name/user/acne/user-1"))
            .await
            .status(),
        200
    );
}

#[tokio::test]
async fn a_new_attribute_starts_a_full_sync_and_the_old_entities_stay_until_then() {
    let mut serving = Serving::with("attribute", "").await;
    serving.serve.logged("sync succeeded").await;
    let titled = |user: &mut FakeUser| user.attributes = json!({"title": "Engineer"});
    serving
        .upstream
        .fake
        .edit(|directory| assert!(directory.edit_user(1, titled)));
    let mapped = "users: {map: {description: attributes.title}}";
    std::fs::write(&serving.file, content(mapped)).unwrap();
    let logged = serving.serve.logged("sync succeeded").await;
    assert_eq!(logged["reason"], "new-fields", "{logged}");
    let entity = get(&format!(
        "{}/entities/by-name/user/default/user-1",
        serving.url
    ))
    .await;
    let entity: Value = serde_json::from_str(&entity.text().await.unwrap()).unwrap();
    assert_eq!(entity["metadata"]["description"], "Engineer");
}
