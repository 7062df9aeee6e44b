//! A job was rebuilt with other columns: its table is made anew, but only its own, and only when the delivery says so.

use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, StringArray};
use logmill::deliver::sql::{DeliverError, Delivery, SummaryBlock};

use crate::fixture::{Place, batch, block, deliver, hits, hits_in};

on_both!(
    a_table_of_another_shape_is_made_anew_when_the_delivery_says_so,
    without_the_flag_or_without_all_rows_another_shape_is_refused,
    another_states_table_is_reshaped_by_adoption_only,
    a_table_that_no_batch_was_written_to_is_never_reshaped,
    an_error_in_the_rows_leaves_the_former_table,
    a_reshaped_table_takes_the_next_batch,
);

/// The same groups with other measures.
fn seconds(rows: &[(&str, f64)]) -> SummaryBlock {
    let names = StringArray::from_iter_values(rows.iter().map(|(name, _)| *name));
    let seconds = Float64Array::from_iter_values(rows.iter().map(|(_, seconds)| *seconds));
    let columns: Vec<(&str, ArrayRef)> =
        vec![("name", Arc::new(names)), ("seconds", Arc::new(seconds))];
    block(columns, rows.iter().map(|(name, _)| [&[1], name.as_bytes()].concat()).collect())
}

fn whole(number: u64) -> Delivery {
    Delivery { replace_all: true, reshape: true, ..batch(number) }
}

/// A table of hits, with batch 3.
fn begin(place: &Place) {
    let rows = hits(&[(Some("a"), 1), (Some("b"), 2)]);
    deliver(&mut *place.output(&rows.rows.schema(), 1), &batch(3), &[rows]).expect("batch 3");
}

fn seconds_in(place: &Place) -> Vec<Vec<Option<String>>> {
    place.query("SELECT * FROM {t} ORDER BY name")
}

fn row(name: &str, seconds: &str) -> Vec<Option<String>> {
    vec![Some(name.into()), Some(seconds.into())]
}

/// Nothing of the change is left but the two tables.
fn assert_no_leftovers(place: &Place) {
    let Place::Mysql { table, .. } = place else { return };
    let query = format!(
        "SELECT table_name FROM information_schema.tables \
         WHERE table_schema = DATABASE() AND table_name LIKE '{table}\\_%' ORDER BY 1"
    );
    assert_eq!(place.query(&query), [[Some(format!("{table}_batches"))]]);
}

fn a_table_of_another_shape_is_made_anew_when_the_delivery_says_so(place: &Place) {
    begin(place);
    let rows = [seconds(&[("a", 0.5), ("c", 1.5)])];
    let mut output = place.output(&rows[0].rows.schema(), 1);
    assert_eq!(deliver(&mut *output, &whole(4), &rows).expect("batch 4").rows, 2);
    assert_eq!(seconds_in(place), [row("a", "0.5"), row("c", "1.5")]);
    let known = output.position().expect("a position").expect("a batch");
    assert_eq!((known.state_id.as_str(), known.batch, known.token), ("ours", 4, batch(4).token));
    assert_no_leftovers(place);
}

fn a_reshaped_table_takes_the_next_batch(place: &Place) {
    begin(place);
    let rows = [seconds(&[("a", 0.5)])];
    let mut output = place.output(&rows[0].rows.schema(), 1);
    deliver(&mut *output, &whole(4), &rows).expect("batch 4");
    deliver(&mut *output, &batch(5), &[seconds(&[("a", 2.5), ("b", 3.5)])]).expect("batch 5");
    assert_eq!(seconds_in(place), [row("a", "2.5"), row("b", "3.5")]);
    // And back, by another output and the same batch.
    let rows = [hits(&[(Some("z"), 26)])];
    let mut output = place.output(&rows[0].rows.schema(), 1);
    deliver(&mut *output, &whole(5), &rows).expect("batch 5, reshaped");
    assert_eq!(hits_in(place), [(Some("z".into()), 26)]);
    assert_no_leftovers(place);
}

fn without_the_flag_or_without_all_rows_another_shape_is_refused(place: &Place) {
    begin(place);
    let rows = [seconds(&[("a", 0.5)])];
    let mut output = place.output(&rows[0].rows.schema(), 1);
    for delivery in [
        Delivery { reshape: false, ..whole(4) },
        Delivery { replace_all: false, ..whole(4) },
        Delivery { batch: 2, ..whole(4) },
        Delivery { fence: 1, ..whole(4) },
    ] {
        let error = deliver(&mut *output, &delivery, &rows).expect_err("another shape");
        assert!(matches!(error, DeliverError::Refused { .. }), "{error}");
    }
    assert_eq!(hits_in(place).len(), 2);
    assert_no_leftovers(place);
}

fn another_states_table_is_reshaped_by_adoption_only(place: &Place) {
    begin(place);
    let rows = [seconds(&[("a", 0.5)])];
    let mut output = place.output(&rows[0].rows.schema(), 1);
    let foreign = Delivery { state_id: "theirs".into(), ..whole(1) };
    let error = deliver(&mut *output, &foreign, &rows).expect_err("a foreign state");
    assert!(error.to_string().contains("--adopt"), "{error}");
    assert_eq!(hits_in(place).len(), 2);
    let adopting = Delivery { adopt: true, ..foreign };
    deliver(&mut *output, &adopting, &rows).expect("taken over");
    assert_eq!(seconds_in(place), [row("a", "0.5")]);
    let batches = place.query("SELECT state_id, batch FROM {t}_batches");
    assert_eq!(batches, [row("theirs", "1")], "the former owner's batches are forgotten");
    assert_no_leftovers(place);
}

fn a_table_that_no_batch_was_written_to_is_never_reshaped(place: &Place) {
    let rows = [seconds(&[("a", 0.5)])];
    let mut output = place.output(&rows[0].rows.schema(), 1);
    if let Place::Sqlite(folder) = place {
        std::fs::create_dir(folder.path().join("new")).expect("a folder");
    }
    place.query("CREATE TABLE {t} (name VARCHAR(20), hits INTEGER)");
    place.query("INSERT INTO {t} VALUES ('theirs', 1)");
    let adopting = Delivery { adopt: true, ..whole(4) };
    for delivery in [whole(4), adopting] {
        let error = deliver(&mut *output, &delivery, &rows).expect_err("another program's table");
        assert!(matches!(error, DeliverError::Refused { .. }), "{error}");
    }
    assert_eq!(hits_in(place), [(Some("theirs".into()), 1)]);
}

fn an_error_in_the_rows_leaves_the_former_table(place: &Place) {
    begin(place);
    let rows = seconds(&[("a", 0.5)]);
    let mut output = place.output(&rows.rows.schema(), 1);
    let broken = crate::fixture::deliver_results(&mut *output, &whole(4), || {
        Box::new([Ok(rows.clone()), Err("the store is gone".into())].into_iter())
    });
    assert!(matches!(broken, Err(DeliverError::Source(_))), "{broken:?}");
    assert_eq!(hits_in(place).len(), 2);
    deliver(&mut *output, &whole(4), &[rows]).expect("again");
    assert_eq!(seconds_in(place), [row("a", "0.5")]);
    assert_no_leftovers(place);
}
