//! The time zone of cron expressions.

use jiff::tz::{TimeZone, TimeZoneDatabase};

use super::error::ConfigError;

/// Returns the time zone of the variable `TZ`, otherwise the system's, otherwise UTC.
///
/// # Errors
/// If the zone of `TZ` is unknown to both the system and this program.
pub fn time_zone() -> Result<TimeZone, ConfigError> {
    if let Ok(zone) = TimeZone::try_system() {
        return Ok(zone);
    }
    let Some(name) = std::env::var_os("TZ") else {
        return Ok(TimeZone::system());
    };
    let name = name.to_string_lossy();
    // The built-in database may have zones that the system's database lacks.
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
