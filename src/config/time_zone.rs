//! The local time zone, in which cron expressions are read.

use jiff::tz::{TimeZone, TimeZoneDatabase};

use super::error::ConfigError;

/// The zone that the variable `TZ` names, else the system's, else UTC.
///
/// # Errors
/// When `TZ` names a zone that neither the system nor this program knows.
pub fn time_zone() -> Result<TimeZone, ConfigError> {
    if let Ok(zone) = TimeZone::try_system() {
        return Ok(zone);
    }
    let Some(name) = std::env::var_os("TZ") else {
        return Ok(TimeZone::system());
    };
    let name = name.to_string_lossy();
    // The system's database may lack what is built in.
    let built_in = TimeZoneDatabase::bundled().get(name.trim_start_matches(':'));
    built_in.map_err(|_| ConfigError::TimeZone {
        name: name.into_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_zones_are_built_in() {
        let zones = TimeZoneDatabase::bundled();
        for name in ["Europe/Berlin", "America/Argentina/Ushuaia", "Asia/Tokyo"] {
            assert!(zones.get(name).is_ok(), "{name}");
        }
    }
}
