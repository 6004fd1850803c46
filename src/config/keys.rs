//! Every key of the configuration, once: checks, variables, reference page and schema come from here.

mod similar;

pub(super) use similar::{listed, nearest};

use crate::catalog::location::MAX_PREFIX_LENGTH;

/// Backstage's own block.
pub(super) const AUTHENTIK: &str = "catalog.providers.authentik";
/// The block of this service.
pub(super) const SERVICE: &str = "entityProvider";
/// Both blocks, in the order in which they are read.
pub(super) const BLOCKS: [&str; 2] = [AUTHENTIK, SERVICE];

/// One key, as operators see it.
#[derive(Debug)]
pub(super) struct Key {
    /// The whole path, such as `entityProvider.listen`.
    pub(super) path: &'static str,
    /// The variable that wins over every file.
    pub(super) variable: &'static str,
    /// What it takes.
    pub(super) kind: Kind,
    /// What counts without it.
    pub(super) fallback: Fallback,
    /// What it decides, in one sentence of Markdown.
    pub(super) meaning: &'static str,
}

/// What a key takes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// An `http` or `https` URL.
    Url,
    /// A text that is never shown; its variable has a second form that names a file.
    Secret,
    /// A list of texts that are never shown; its variable has a second form that names a file.
    Secrets,
    /// A list of strings.
    Texts,
    /// What names begin with, at most this long.
    Prefix(usize),
    /// `true` or `false`.
    Switch,
    /// A whole number within these bounds.
    Integer(u32, u32),
    /// One of these words.
    Choice(&'static [&'static str]),
    /// The path of a file.
    File,
    /// An address and a port.
    Address,
    /// A directory, or `false` for none.
    Folder,
    /// A length of time.
    Duration,
    /// A length of time, a cron expression or a manual trigger.
    Frequency,
}

/// What counts where a key is not set.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fallback {
    /// Nothing: the key must be set.
    Required,
    /// The feature is off.
    Absent,
    /// This value, as YAML.
    Value(&'static str),
}

/// All keys, in the order of the reference page.
pub(super) const KEYS: &[Key] = &[
    Key {
        path: "catalog.providers.authentik.baseUrl",
        variable: "AUTHENTIK_BASE_URL",
        kind: Kind::Url,
        fallback: Fallback::Required,
        meaning: "Where Authentik lives, without `/api/v3`.",
    },
    Key {
        path: "catalog.providers.authentik.token",
        variable: "AUTHENTIK_TOKEN",
        kind: Kind::Secret,
        fallback: Fallback::Required,
        meaning: "The API token of an account that may view all users and groups.",
    },
    Key {
        path: "catalog.providers.authentik.excludeGroups",
        variable: "ENTITY_PROVIDER_EXCLUDE_GROUPS",
        kind: Kind::Texts,
        fallback: Fallback::Value("[]"),
        meaning: "Sanitized names of groups that leave no trace in the catalog: `Authentik Admins` is `authentik-admins`.",
    },
    Key {
        path: "catalog.providers.authentik.includeServiceAccounts",
        variable: "ENTITY_PROVIDER_INCLUDE_SERVICE_ACCOUNTS",
        kind: Kind::Switch,
        fallback: Fallback::Value("false"),
        meaning: "Whether service accounts become users.",
    },
    Key {
        path: "catalog.providers.authentik.schedule.frequency",
        variable: "ENTITY_PROVIDER_SCHEDULE_FREQUENCY",
        kind: Kind::Frequency,
        fallback: Fallback::Value("{minutes: 30}"),
        meaning: "How often a sync starts.",
    },
    Key {
        path: "catalog.providers.authentik.schedule.timeout",
        variable: "ENTITY_PROVIDER_SCHEDULE_TIMEOUT",
        kind: Kind::Duration,
        fallback: Fallback::Value("{minutes: 3}"),
        meaning: "How long a sync that reads what changed may take; longer than zero. See `fullSync.timeout` for the others.",
    },
    Key {
        path: "catalog.providers.authentik.schedule.initialDelay",
        variable: "ENTITY_PROVIDER_SCHEDULE_INITIAL_DELAY",
        kind: Kind::Duration,
        fallback: Fallback::Value("{seconds: 15}"),
        meaning: "How long the first sync waits after the start.",
    },
    Key {
        path: "catalog.providers.authentik.schedule.scope",
        variable: "ENTITY_PROVIDER_SCHEDULE_SCOPE",
        kind: Kind::Choice(&["global", "local"]),
        fallback: Fallback::Value("global"),
        meaning: "As Backstage has it; `global` and `local` mean the same while one process runs, and this version knows no others.",
    },
    Key {
        path: "entityProvider.listen",
        variable: "ENTITY_PROVIDER_LISTEN",
        kind: Kind::Address,
        fallback: Fallback::Value("127.0.0.1:8080"),
        meaning: "Where the service listens: an IP address (or `localhost`) and a port.",
    },
    Key {
        path: "entityProvider.publicUrl",
        variable: "ENTITY_PROVIDER_PUBLIC_URL",
        kind: Kind::Url,
        fallback: Fallback::Absent,
        meaning: "The URL under which Backstage reaches the service; the targets of `/locations` begin with it.",
    },
    Key {
        path: "entityProvider.trustedProxies",
        variable: "ENTITY_PROVIDER_TRUSTED_PROXIES",
        kind: Kind::Texts,
        fallback: Fallback::Value("[]"),
        meaning: "IP networks of the proxies whose `X-Forwarded-For`, `-Host`, `-Prefix` and `-Proto` count.",
    },
    Key {
        path: "entityProvider.locationPrefix",
        variable: "ENTITY_PROVIDER_LOCATION_PREFIX",
        kind: Kind::Prefix(MAX_PREFIX_LENGTH),
        fallback: Fallback::Value("authentik"),
        meaning: "What the names of the locations in `/locations` begin with.",
    },
    Key {
        path: "entityProvider.auth.readTokens",
        variable: "ENTITY_PROVIDER_AUTH_READ_TOKENS",
        kind: Kind::Secrets,
        fallback: Fallback::Value("[]"),
        meaning: "Tokens that read entities and runs, of at least 16 characters; each counts, so that they can be changed one after the other.",
    },
    Key {
        path: "entityProvider.auth.syncTokens",
        variable: "ENTITY_PROVIDER_AUTH_SYNC_TOKENS",
        kind: Kind::Secrets,
        fallback: Fallback::Value("[]"),
        meaning: "Tokens that ask for runs with `POST /sync` and follow them, and read nobody's data.",
    },
    Key {
        path: "entityProvider.auth.allowAnonymous",
        variable: "ENTITY_PROVIDER_AUTH_ALLOW_ANONYMOUS",
        kind: Kind::Switch,
        fallback: Fallback::Value("false"),
        meaning: "Whether what has no tokens is open to everybody who reaches the service.",
    },
    Key {
        path: "entityProvider.auth.docs",
        variable: "ENTITY_PROVIDER_AUTH_DOCS",
        kind: Kind::Choice(&["token", "open", "off"]),
        fallback: Fallback::Value("token"),
        meaning: "Who reads `/docs` and `/openapi.json`: whoever may read entities (`token`), everybody or nobody.",
    },
    Key {
        path: "entityProvider.names",
        variable: "ENTITY_PROVIDER_NAMES",
        kind: Kind::Choice(&["seed", "backstage"]),
        fallback: Fallback::Value("seed"),
        meaning: "How names are made: exactly as the npm module made them (`seed`), \
                  or with every name repaired that Backstage would refuse (`backstage`).",
    },
    Key {
        path: "entityProvider.concurrency",
        variable: "ENTITY_PROVIDER_CONCURRENCY",
        kind: Kind::Integer(1, 32),
        fallback: Fallback::Value("4"),
        meaning: "How many requests to Authentik are in flight at once.",
    },
    Key {
        path: "entityProvider.pageSize",
        variable: "ENTITY_PROVIDER_PAGE_SIZE",
        kind: Kind::Integer(1, 100),
        fallback: Fallback::Value("100"),
        meaning: "How many rows one request to Authentik asks for.",
    },
    Key {
        path: "entityProvider.requestTimeout",
        variable: "ENTITY_PROVIDER_REQUEST_TIMEOUT",
        kind: Kind::Duration,
        fallback: Fallback::Value("{seconds: 30}"),
        meaning: "How long one request to Authentik may take; longer than zero.",
    },
    Key {
        path: "entityProvider.caFile",
        variable: "ENTITY_PROVIDER_CA_FILE",
        kind: Kind::File,
        fallback: Fallback::Absent,
        meaning: "A PEM file with certificates to trust for Authentik beside the system's; read at the start and with each changed configuration or SIGHUP.",
    },
    Key {
        path: "entityProvider.fullSync.frequency",
        variable: "ENTITY_PROVIDER_FULL_SYNC_FREQUENCY",
        kind: Kind::Frequency,
        fallback: Fallback::Value("{hours: 24}"),
        meaning: "How often a sync reads everything and not only what changed; it is the first one that is due after that time.",
    },
    Key {
        path: "entityProvider.fullSync.timeout",
        variable: "ENTITY_PROVIDER_FULL_SYNC_TIMEOUT",
        kind: Kind::Duration,
        fallback: Fallback::Value("{hours: 1}"),
        meaning: "How long a sync that reads everything may take, unless `schedule.timeout` is longer; longer than zero.",
    },
    Key {
        path: "entityProvider.deltaOverlap",
        variable: "ENTITY_PROVIDER_DELTA_OVERLAP",
        kind: Kind::Duration,
        fallback: Fallback::Value("{minutes: 10}"),
        meaning: "How far before the last change that was seen changes are asked for: longer than Authentik's longest transaction and twice the difference of its servers' clocks.",
    },
    Key {
        path: "entityProvider.shrinkGuard.enabled",
        variable: "ENTITY_PROVIDER_SHRINK_GUARD_ENABLED",
        kind: Kind::Switch,
        fallback: Fallback::Value("true"),
        meaning: "Whether a run that removes suspiciously much is held until somebody accepts it.",
    },
    Key {
        path: "entityProvider.shrinkGuard.percent",
        variable: "ENTITY_PROVIDER_SHRINK_GUARD_PERCENT",
        kind: Kind::Integer(1, 100),
        fallback: Fallback::Value("20"),
        meaning: "A run is held that removes more than this share of users, groups or memberships, and at least `absolute` of them.",
    },
    Key {
        path: "entityProvider.shrinkGuard.absolute",
        variable: "ENTITY_PROVIDER_SHRINK_GUARD_ABSOLUTE",
        kind: Kind::Integer(1, 1_000_000),
        fallback: Fallback::Value("5"),
        meaning: "Fewer users, groups or memberships than this may always be removed, but never all users or all groups.",
    },
    Key {
        path: "entityProvider.drainDelay",
        variable: "ENTITY_PROVIDER_DRAIN_DELAY",
        kind: Kind::Duration,
        fallback: Fallback::Value("{seconds: 0}"),
        meaning: "How long the service still answers at shutdown after it calls itself not ready.",
    },
    Key {
        path: "entityProvider.drainTimeout",
        variable: "ENTITY_PROVIDER_DRAIN_TIMEOUT",
        kind: Kind::Duration,
        fallback: Fallback::Value("{seconds: 10}"),
        meaning: "How long requests in flight may take at shutdown.",
    },
    Key {
        path: "entityProvider.backstage.baseUrl",
        variable: "ENTITY_PROVIDER_BACKSTAGE_BASE_URL",
        kind: Kind::Url,
        fallback: Fallback::Absent,
        meaning: "The Backstage backend that is told which locations changed, so that it reads them at once.",
    },
    Key {
        path: "entityProvider.backstage.token",
        variable: "ENTITY_PROVIDER_BACKSTAGE_TOKEN",
        kind: Kind::Secret,
        fallback: Fallback::Absent,
        meaning: "A static token of Backstage's `backend.auth.externalAccess`.",
    },
    Key {
        path: "entityProvider.backstage.locations",
        variable: "ENTITY_PROVIDER_BACKSTAGE_LOCATIONS",
        kind: Kind::Texts,
        fallback: Fallback::Absent,
        meaning: "The targets that read this service, exactly as Backstage's `catalog.locations` spells them.",
    },
    Key {
        path: "entityProvider.stateDir",
        variable: "ENTITY_PROVIDER_STATE_DIR",
        kind: Kind::Folder,
        fallback: Fallback::Absent,
        meaning: "Where the last snapshot is kept for the next start; without the key in `$STATE_DIRECTORY`, \
                  else in `authentik-entity-provider` below `$XDG_STATE_HOME`, else below `~/.local/state`.",
    },
    Key {
        path: "entityProvider.maxAge",
        variable: "ENTITY_PROVIDER_MAX_AGE",
        kind: Kind::Duration,
        fallback: Fallback::Absent,
        meaning: "How old the snapshot may be before the service calls itself not ready; longer than zero.",
    },
];

impl Key {
    /// The variable that names a file with the value, for secrets.
    pub(super) fn file_variable(&self) -> Option<String> {
        matches!(self.kind, Kind::Secret | Kind::Secrets).then(|| format!("{}_FILE", self.variable))
    }

    /// The path below a block or section, if the key stands there.
    pub(super) fn below(&self, parent: &str) -> Option<&'static str> {
        self.path.strip_prefix(parent)?.strip_prefix('.')
    }
}

/// The key of a path.
pub(super) fn key(path: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.path == path)
}

/// The names that may stand in a block or section; none if the path is neither.
pub(super) fn children(parent: &str) -> Vec<&'static str> {
    let mut names: Vec<_> = KEYS.iter().filter_map(|key| key.below(parent)?.split('.').next()).collect();
    names.dedup();
    names
}

#[cfg(test)]
mod tests;
