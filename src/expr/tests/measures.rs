//! Measures: which aggregates they ask for, and how they are put together.

use super::Fields;
use crate::data::DataType;
use crate::expr::{AggregateFn, Measure, compile_measure};

fn measure(text: &str) -> Measure {
    compile_measure(text, &mut Fields).expect(text)
}

#[test]
fn each_aggregate_is_found_with_its_type() {
    use AggregateFn as F;
    for (text, function, ty) in [
        ("count(*)", F::CountAll, DataType::Int),
        ("count(path)", F::Count, DataType::Int),
        ("COUNT(DISTINCT path)", F::CountDistinct, DataType::Int),
        ("sum(request_time)", F::Sum, DataType::Decimal(3)),
        ("min(at)", F::Min, DataType::Timestamp),
        ("avg(status)", F::Avg, DataType::Float),
        ("bool_or(status > 499)", F::BoolOr, DataType::Bool),
        ("first(path)", F::First, DataType::Text),
        ("last(path)", F::Last, DataType::Text),
        ("any(remote_addr)", F::Any, DataType::Ip),
        ("approx_distinct(remote_addr)", F::ApproxDistinct, DataType::Int),
        ("approx_quantile(request_time, 0.99)", F::ApproxQuantile(0.99), DataType::Float),
        ("stddev(ratio)", F::Stddev, DataType::Float),
    ] {
        let measure = measure(text);
        assert_eq!(measure.aggregates.len(), 1, "{text}");
        assert_eq!((measure.aggregates[0].function, measure.value.ty()), (function, ty), "{text}");
    }
}

#[test]
fn each_call_of_a_measure_has_a_slot_and_equal_ones_have_one_identity() {
    let text = "sum(status) / count(*) + coalesce(sum( status ), 0) + count(*) FILTER (WHERE status > 499)";
    let measure = measure(text);
    assert_eq!(measure.value.slots(), [0, 1, 2, 3]);
    assert!(measure.aggregates[3].filter.is_some());
    let identities = measure.aggregates.iter().map(|call| call.identity(&|slot| slot.to_string()));
    let identities: Vec<_> = identities.collect();
    assert_eq!(identities[0], identities[2]);
    assert_ne!(identities[1], identities[3]);
}

#[test]
fn a_measure_says_what_it_can_not_be() {
    for (text, place, words) in [
        ("count(*) + status", "status", "must stand inside of an aggregate"),
        ("sum(count(*))", "count", "not allowed here"),
        ("count(*) FILTER (WHERE sum(status) > 1)", "sum", "not allowed here"),
        ("sum(path)", "path", "a number"),
        ("bool_and(status)", "status", "a bool"),
        ("sum(DISTINCT status)", "sum", "only count"),
        ("approx_quantile(status, 1.5)", "1.5", "from 0 to 1"),
        ("approx_quantile(status, ratio)", "ratio", "from 0 to 1"),
        ("top_k(path, 3)", "top_k", "not built yet"),
        ("cuont(*)", "cuont", "no aggregate"),
        ("medin(status)", "medin", "unknown function"),
        ("1 + 1", "1 + 1", "needs an aggregate"),
        ("count()", "count", "argument"),
        ("sum(*)", "sum", "only count"),
        ("count(*) FILTER (WHERE status)", "status", "expected a bool"),
        ("sum(statsu)", "statsu", "did you mean status?"),
    ] {
        let error = compile_measure(text, &mut Fields).expect_err(text);
        let said = format!("{} {}", error.message, error.help.as_deref().unwrap_or_default());
        assert!(said.contains(words), "{text}: {error:?}");
        assert_eq!(&text[error.span.clone()], place, "{text}: {error:?}");
    }
}
