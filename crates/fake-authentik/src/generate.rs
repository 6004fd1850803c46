//! Generates a directory of any size; the same size always gives the same directory.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use uuid::Uuid;

use super::directory::FakeDirectory;
use super::model::{FakeGroup, FakeUser, UserKind, mix, uuid_from};

const FIRST_NAMES: [&str; 32] = [
    "Aiko", "Amara", "Anja", "Bruno", "Carla", "Chidi", "Dana", "Elif", "Emil", "Fatima", "Greta",
    "Hugo", "Ines", "Jonas", "Kamal", "Leila", "Marek", "Mei", "Nadia", "Noah", "Olga", "Pavel",
    "Priya", "Quentin", "Rosa", "Samir", "Svenja", "Tomas", "Uma", "Viktor", "Yara", "Zoë",
];
const LAST_NAMES: [&str; 32] = [
    "Abara", "Almeida", "Bauer", "Brandt", "Costa", "Dietrich", "Eriksen", "Fischer", "Fontaine",
    "García", "Haddad", "Ito", "Jansen", "Kaya", "Kowalski", "Larsen", "Lehmann", "Moreau",
    "Müller", "Nakamura", "Novak", "Okafor", "Patel", "Peters", "Quist", "Rossi", "Sato",
    "Schäfer", "Tanaka", "Ulrich", "Vogel", "Weiß",
];
const DEPARTMENTS: [&str; 12] = [
    "Engineering",
    "Finance",
    "Human Resources",
    "IT Operations",
    "Legal",
    "Logistics",
    "Marketing",
    "Product",
    "Purchasing",
    "Research",
    "Sales",
    "Security",
];
const TEAMS: [&str; 16] = [
    "Accounts",
    "Analytics",
    "Backend",
    "Billing",
    "Compliance",
    "Data",
    "Design",
    "Frontend",
    "Identity",
    "Mobile",
    "Network",
    "Payments",
    "Platform",
    "Quality",
    "Search",
    "Support",
];
const ODD_GROUPS: [&str; 6] = [
    "Tech Ops!",
    "TECH OPS!",
    "Größe & Café / R&D",
    "🚀 Launch Crew",
    "  padded  ",
    "2024",
];
const ODD_USERNAMES: [&str; 6] = [
    "Alice.Smith",
    "alice.smith",
    "Jöhn Döe",
    "🦊 fox",
    "corp/pat",
    "_svc__weird..name-",
];

/// 2026-01-05T08:00:00Z, the start of the directory's history.
const BEGINNING: i64 = 1_767_600_000;
/// Four weeks in seconds, the period in which users joined.
const HISTORY: u64 = 28 * 24 * 3600;

impl FakeDirectory {
    /// Generates users at example.com and about one group for 25 users.
    #[must_use]
    pub fn generate(users: usize) -> Self {
        let mut groups = generate_groups((users / 25).max(12));
        let mut generated = generate_users(users);
        for (at, user) in generated.iter_mut().enumerate().skip(2) {
            join(user, at, &mut groups);
        }
        if let Some(admin) = generated.first_mut() {
            enter(admin, &mut groups[0]);
        }
        let mut directory = Self::starting_at(moment(HISTORY));
        directory.append(generated, groups);
        directory
    }
}

/// Generates groups: administrators, departments, then teams below departments or other teams.
fn generate_groups(count: usize) -> Vec<FakeGroup> {
    let departments = (count / 12).clamp(5, DEPARTMENTS.len());
    let mut groups: Vec<FakeGroup> = (0..count)
        .map(|at| generate_group(at, departments))
        .collect();
    for at in departments + 1..count {
        let parents = parents_of(at, departments, &groups);
        let child = groups[at].pk;
        for parent in &parents {
            groups[*parent].children.push(child);
        }
        groups[at].parents = parents
            .into_iter()
            .map(|parent| groups[parent].pk)
            .collect();
    }
    groups
}

fn generate_group(at: usize, departments: usize) -> FakeGroup {
    let mut group = FakeGroup::new(uuid_from(1, at as u64), &group_name(at, departments));
    group.is_superuser = at == 0;
    group.attributes = match at {
        0 => json!({}),
        at if at <= departments => {
            json!({"backstage": {"type": "department"}, "description": format!("All of {}", group.name)})
        }
        at if at.is_multiple_of(3) => json!({"description": format!("The {} people", group.name)}),
        _ => json!({}),
    };
    group
}

fn group_name(at: usize, departments: usize) -> String {
    let Some(team) = at.checked_sub(departments + 1) else {
        return if at == 0 {
            "authentik Admins".into()
        } else {
            DEPARTMENTS[at - 1].into()
        };
    };
    if let Some(odd) = ODD_GROUPS.get(team) {
        return (*odd).to_owned();
    }
    let (name, round) = (
        TEAMS[team % TEAMS.len()],
        team / (TEAMS.len() * DEPARTMENTS.len()),
    );
    let area = DEPARTMENTS[team / TEAMS.len() % DEPARTMENTS.len()];
    if round == 0 {
        format!("{area} {name}")
    } else {
        format!("{area} {name} {}", round + 1)
    }
}

/// Chooses parents: a department, or an earlier team for every fifth group; every twentieth group
/// has two parents.
fn parents_of(at: usize, departments: usize, groups: &[FakeGroup]) -> Vec<usize> {
    let chance = mix(at as u64);
    let department = 1 + pick(chance, departments);
    let teams = at - departments - 1;
    let first = if at.is_multiple_of(5) && teams > 0 {
        departments + 1 + pick(chance >> 8, teams)
    } else {
        department
    };
    let second = 1 + pick(chance >> 16, departments);
    if at % 20 == 7 && second != first && second < groups.len() {
        vec![first, second]
    } else {
        vec![first]
    }
}

/// Generates users: the administrator, an outpost, then people and a few service accounts.
fn generate_users(count: usize) -> Vec<FakeUser> {
    let (mut pk, mut taken) = (1, HashSet::new());
    (0..count)
        .map(|at| {
            pk += 1 + u64::from(mix(at as u64).is_multiple_of(8)) * (1 + mix(pk) % 5);
            let mut user = match at {
                0 => named(pk, "akadmin", "authentik Default Admin"),
                1 => outpost(pk),
                _ => person(pk, at),
            };
            if !taken.insert(user.username.clone()) {
                user.username = format!("{}{at}", user.username);
                taken.insert(user.username.clone());
            }
            user
        })
        .collect()
}

fn named(pk: u64, username: &str, name: &str) -> FakeUser {
    let chance = mix(pk);
    let joined = moment(chance % HISTORY);
    let mut user = FakeUser::new(pk, username);
    user.name = name.into();
    user.is_superuser = username == "akadmin";
    user.uid = format!(
        "{:016x}{:016x}{:016x}{:016x}",
        mix(pk ^ 1),
        mix(pk ^ 2),
        mix(pk ^ 3),
        mix(pk ^ 4)
    );
    user.date_joined = joined;
    user.password_change_date = Some(joined);
    user.last_updated = moment(chance % HISTORY + mix(chance) % (HISTORY - chance % HISTORY));
    user.last_login = chance.is_multiple_of(3).then_some(user.last_updated);
    user
}

fn outpost(pk: u64) -> FakeUser {
    let username = format!(
        "ak-outpost-{:032x}",
        u128::from(mix(pk)) << 64 | u128::from(mix(pk + 1))
    );
    let mut user = named(pk, &username, "Outpost example Service-Account");
    user.kind = UserKind::InternalServiceAccount;
    user.path = "goauthentik.io/outposts".into();
    user.email.clear();
    user
}

fn person(pk: u64, at: usize) -> FakeUser {
    let chance = mix(pk.rotate_left(32));
    if chance.is_multiple_of(50) {
        return service_account(pk, at);
    }
    let (first, last) = (
        FIRST_NAMES[pick(chance >> 8, FIRST_NAMES.len())],
        LAST_NAMES[pick(chance >> 24, LAST_NAMES.len())],
    );
    let plain = format!("{first}.{last}").to_lowercase();
    let odd = at.checked_sub(3).and_then(|at| ODD_USERNAMES.get(at));
    let mut user = named(
        pk,
        odd.copied().unwrap_or(&plain),
        &format!("{first} {last}"),
    );
    user.is_active = !(chance >> 40).is_multiple_of(25);
    user.email = if (chance >> 45).is_multiple_of(40) {
        String::new()
    } else {
        address(&plain, at)
    };
    if (chance >> 50).is_multiple_of(100) {
        user.name.clear();
    }
    if (chance >> 55).is_multiple_of(12) {
        user.kind = UserKind::External;
    }
    if at.is_multiple_of(4) {
        user.attributes =
            json!({"title": "Engineer", "settings": {"locale": "de"}, "phone": ["+49 30 0000"]});
    }
    user
}

fn address(username: &str, at: usize) -> String {
    let ascii: String = username.chars().filter(char::is_ascii).collect();
    format!("{ascii}{at}@example.com")
}

fn service_account(pk: u64, at: usize) -> FakeUser {
    let name = format!("ci-bot-{at}");
    let mut user = named(pk, &name, &name);
    user.kind = UserKind::ServiceAccount;
    user.attributes = json!({"goauthentik.io/user/token-expires": true});
    user.email.clear();
    user
}

/// Adds a user to one to four groups.
fn join(user: &mut FakeUser, at: usize, groups: &mut [FakeGroup]) {
    let chance = mix(user.pk ^ 0xFEED);
    for turn in 0..=chance % 4 {
        let group = 1 + pick(mix(chance + turn), groups.len() - 1);
        enter(user, &mut groups[group]);
    }
    if at % 500 == 2 {
        user.is_superuser = true;
        enter(user, &mut groups[0]);
    }
}

fn enter(user: &mut FakeUser, group: &mut FakeGroup) {
    let pk: Uuid = group.pk;
    if !user.groups.contains(&pk) {
        user.groups.push(pk);
        group.users.push(user.pk);
    }
}

/// Maps a random number to an index below a non-zero bound.
fn pick(chance: u64, bound: usize) -> usize {
    usize::try_from(chance % 0xFFFF_FFFF).unwrap_or(0) % bound
}

fn moment(seconds: u64) -> Timestamp {
    let beginning = Timestamp::from_second(BEGINNING).unwrap_or_default();
    let micros = i64::try_from(mix(seconds) % 1_000_000).unwrap_or(0);
    let later = i64::try_from(seconds).unwrap_or(0) * 1_000_000 + micros;
    beginning
        .checked_add(SignedDuration::from_micros(later))
        .unwrap_or_default()
}
