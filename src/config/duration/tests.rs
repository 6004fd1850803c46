use proptest::prelude::*;
use serde_json::json;

use super::*;

const DAY_SECONDS: u64 = 24 * 60 * 60;

fn milliseconds(value: &Value) -> u128 {
    from_value(value)
        .unwrap_or_else(|error| panic!("{value}: {error}"))
        .as_millis()
}

fn message(value: &Value) -> String {
    from_value(value).unwrap_err().to_string()
}

#[test]
fn every_unit_of_the_object_form_counts() {
    for (value, expected) in [
        (json!({"years": 1}), 365 * DAY_SECONDS),
        (json!({"months": 1}), 30 * DAY_SECONDS),
        (json!({"weeks": 1}), 7 * DAY_SECONDS),
        (json!({"days": 1}), DAY_SECONDS),
        (json!({"hours": 1}), 60 * 60),
        (json!({"minutes": 30}), 30 * 60),
        (json!({"seconds": 15}), 15),
        (json!({"milliseconds": 2000}), 2),
        (json!({"hours": 1, "minutes": 30, "seconds": 5}), 5405),
        (json!({"minutes": 1.5}), 90),
        (json!({"minutes": "1.5"}), 90),
        (json!({"hours": 1, "minutes": -30}), 1800),
        (json!({"seconds": 0}), 0),
    ] {
        assert_eq!(milliseconds(&value), u128::from(expected) * 1000, "{value}");
    }
    assert_eq!(milliseconds(&json!({"milliseconds": 25})), 25);
}

#[test]
fn iso_texts_are_read_as_backstage_reads_them() {
    for (text, expected) in [
        ("PT30M", 1_800_000),
        ("P1D", 86_400_000),
        ("P1Y", 365 * 86_400_000),
        ("P1M", 30 * 86_400_000),
        ("P1W2D", 9 * 86_400_000),
        ("P2DT6H", 54 * 3_600_000),
        ("PT0.5S", 500),
        ("PT0,5S", 500),
        ("PT1.5H", 5_400_000),
        ("PT1H-30M", 1_800_000),
        ("P1DT", 86_400_000),
        (" PT1M ", 60_000),
        ("PT0S", 0),
    ] {
        assert_eq!(milliseconds(&json!(text)), expected, "{text}");
    }
}

#[test]
fn ms_texts_are_one_number_and_one_unit() {
    for (text, expected) in [
        ("30m", 1_800_000),
        ("2 seconds", 2_000),
        ("1.5h", 5_400_000),
        (".5h", 1_800_000),
        ("1y", 31_557_600_000),
        ("6 hrs", 21_600_000),
        ("7min", 420_000),
        ("25 ms", 25),
        ("1 Day", 86_400_000),
        ("2 weeks", 1_209_600_000),
        ("1   sec", 1_000),
        ("10 msecs", 10),
        (" 3m ", 180_000),
        ("0s", 0),
    ] {
        assert_eq!(milliseconds(&json!(text)), expected, "{text}");
    }
}

#[test]
fn a_plain_number_is_refused() {
    for value in [
        json!(30),
        json!("30"),
        json!("1.5"),
        json!(" 30 "),
        json!("-5"),
    ] {
        let plain = value
            .as_str()
            .map_or_else(|| value.to_string(), |text| text.trim().to_owned());
        let expected = format!(
            "`{plain}` is a plain number; try adding a unit, as in `30m` or `{{minutes: 30}}`"
        );
        assert_eq!(message(&value), expected);
    }
}

#[test]
fn other_texts_are_refused_with_the_forms() {
    for text in [
        "",
        "soon",
        "1h 30m",
        "1h30m",
        "30 fortnights",
        "1.h",
        "1..5h",
        "--5m",
        "5-m",
        "m",
        "P",
        "PT",
        "P1H",
        "PT1D",
        "P1",
        "PT1M1H",
        "PT1M2M",
        "P1.D",
        "P.5D",
        "PTS",
        "P1,5D",
        "PT1.2.3S",
        "pt30m",
        "1\tm",
        "P1DT1HT1M",
        "1e3s",
        "P1d",
        "1µs",
        "PT٣M",
        "٣m",
        "NaNs",
        "inf",
        "nan",
    ] {
        assert_eq!(
            message(&json!(text)),
            DurationError::Text(text.into()).to_string(),
            "{text}"
        );
    }
    assert_eq!(
        message(&json!("soon")),
        "`soon` is not a duration; expected a number and a unit such as `30m` or `2 seconds`, \
         an ISO 8601 duration such as `PT30M`, or a mapping such as `{minutes: 30}`"
    );
    assert!(from_value(&json!(format!("{}m", "1".repeat(100)))).is_err());
}

#[test]
fn other_values_are_refused_by_name() {
    let units = "`years`, `months`, `weeks`, `days`, `hours`, `minutes`, `seconds`, `milliseconds`";
    for (value, expected) in [
        (
            json!({}),
            format!("an empty mapping is not a duration; expected one or more of {units}"),
        ),
        (
            json!({"minute": 1}),
            format!("unknown unit `minute`; expected one or more of {units}"),
        ),
        (
            json!({"minutes": 1, "foo": 1}),
            format!("unknown unit `foo`; expected one or more of {units}"),
        ),
        (
            json!({"minutes": "x"}),
            "`minutes` must be a number, found `x`".into(),
        ),
        (
            json!({"minutes": "inf"}),
            "`minutes` must be a number, found `inf`".into(),
        ),
        (
            json!({"minutes": [1]}),
            "`minutes` must be a number, found a list".into(),
        ),
        (
            json!([]),
            "expected a duration such as `30m`, `PT30M` or `{minutes: 30}`, found a list".into(),
        ),
        (
            json!(true),
            "expected a duration such as `30m`, `PT30M` or `{minutes: 30}`, found `true`".into(),
        ),
        (
            json!({"cron": "* * * * *"}),
            "`cron` works for `frequency` only; expected a duration such as `{minutes: 3}`".into(),
        ),
        (
            json!({"trigger": "manual"}),
            "`trigger` works for `frequency` only; expected a duration such as `{minutes: 3}`"
                .into(),
        ),
    ] {
        assert_eq!(message(&value), expected, "{value}");
    }
}

#[test]
fn negative_and_endless_durations_are_refused() {
    for value in [
        json!("-5m"),
        json!("PT-5M"),
        json!({"minutes": -5}),
        json!({"minutes": 1, "seconds": -61}),
    ] {
        assert_eq!(from_value(&value), Err(DurationError::Negative), "{value}");
    }
    for value in [
        json!("1003y"),
        json!("P2000Y"),
        json!({"milliseconds": 1e300}),
    ] {
        assert_eq!(from_value(&value), Err(DurationError::TooLong), "{value}");
    }
}

proptest! {
    #[test]
    fn the_three_forms_agree(amount in 0_u32..100_000) {
        for (unit, iso, short) in [
            ("weeks", format!("P{amount}W"), "w"),
            ("days", format!("P{amount}D"), "d"),
            ("hours", format!("PT{amount}H"), "h"),
            ("minutes", format!("PT{amount}M"), "m"),
            ("seconds", format!("PT{amount}S"), "s"),
        ] {
            let object = from_value(&json!({unit: amount}));
            prop_assert_eq!(&from_value(&json!(iso)), &object);
            prop_assert_eq!(&from_value(&json!(format!("{amount}{short}"))), &object);
        }
    }

    #[test]
    fn no_text_panics(text in "\\PC*") {
        let _ = from_value(&json!(text));
        let _ = from_value(&json!(format!("P{text}")));
    }
}
